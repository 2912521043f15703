/** Consecutive texts that go to a child together: `texts[from]` up to, not including, `texts[to]`. */
export interface Slice {
  readonly from: number;
  readonly to: number;
}

const MAX_TEXTS = 16;
const MAX_CHARACTERS = 16 * 1024;

/**
 * Cuts texts into slices of at most 16 texts and, unless one text alone is longer, 16 Ki characters: small enough
 * that children share the work evenly, and that an abort or a look at the memory is never far away. For a device that
 * takes many at a time, `times` as much.
 */
export function planSlices(texts: readonly string[], times = 1): Slice[] {
  const slices: Slice[] = [];
  let from = 0;
  let characters = 0;
  for (const [index, text] of texts.entries()) {
    const full = index - from >= MAX_TEXTS * times || characters + text.length > MAX_CHARACTERS * times;
    if (index > from && full) {
      slices.push({ from, to: index });
      from = index;
      characters = 0;
    }
    characters += text.length;
  }
  if (from < texts.length) slices.push({ from, to: texts.length });
  return slices;
}

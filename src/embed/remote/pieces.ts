import { tokenPrefix, UNITS_PER_TOKEN } from '../../chunk/token-estimate.ts';

/** A text, or a part of one, that is embedded by itself. */
export interface Piece {
  /** Which of the texts. */
  readonly text: number;
  readonly content: string;
  /** Of the text, 0 to 1. */
  readonly share: number;
}

/** What a model puts around a text. */
const SPECIAL_TOKENS = 2;
/** A cut may be moved back by so much of a piece to fall between two lines or words. */
const SLACK = 4;
/** Shorter ones are not split: their length is not why they are refused. */
const SMALLEST_PIECE = 64;

/** Half of a UTF-16 pair, which no server takes. */
const LONE_SURROGATE = /\p{Surrogate}/gu;

/**
 * One piece for each text, or more for those that the model would cut off: by the estimate, as a server's tokenizer is
 * not here. Where the estimate is a little low, the server cuts the last words off.
 */
export function planPieces(texts: readonly string[], maxTokens: number | null): Piece[] {
  return texts.flatMap((text, at) => {
    const content = text.replace(LONE_SURROGATE, '\ufffd');
    const whole: Piece = { text: at, content, share: 1 };
    // A token has at least one character.
    if (maxTokens === null || content.length + SPECIAL_TOKENS <= maxTokens) return [whole];
    const tokens = tokenPrefix(content).at(-1)! / UNITS_PER_TOKEN;
    const room = Math.max(1, maxTokens - SPECIAL_TOKENS);
    return split(whole, Math.ceil(tokens / room));
  });
}

/** Two halves of a piece; null where it is too small for that. */
export function halve(piece: Piece): Piece[] | null {
  const halves = piece.content.length < 2 * SMALLEST_PIECE ? [] : split(piece, 2);
  const shorter = halves.every(({ content }) => content.length < piece.content.length);
  return halves.length > 0 && shorter ? halves : null;
}

/** Cuts a piece into parts of about the same number of tokens, between lines or words where it can. */
function split(piece: Piece, parts: number): Piece[] {
  const { content, text, share } = piece;
  if (parts <= 1) return [piece];
  const prefix = tokenPrefix(content);
  const total = prefix.at(-1)!;
  const pieces: Piece[] = [];
  let from = 0;
  let at = 0;
  for (let part = 1; part <= parts; part++) {
    while (at < content.length && prefix[at]! < (part * total) / parts) at++;
    const to = part === parts ? content.length : boundary(content, from, at);
    const slice = content.slice(from, to);
    if (slice.trim() !== '') {
      pieces.push({ text, content: slice, share: share * ((to - from) / content.length) });
    }
    from = to;
  }
  return pieces;
}

/** Where to cut, at `at` or a little before. */
function boundary(content: string, from: number, at: number): number {
  const earliest = at - Math.floor((at - from) / SLACK);
  for (const separator of ['\n', ' ']) {
    const found = content.lastIndexOf(separator, at - 1) + 1;
    if (found > earliest) return found;
  }
  const unit = content.charCodeAt(at - 1);
  return unit >= 0xd800 && unit <= 0xdbff && at - 1 > from ? at - 1 : at;
}

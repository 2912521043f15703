import { basename, extname } from 'node:path';
import { WINDOW_BYTES } from '../../src/chunk/chunk-source.ts';
import { seeded } from './chunking.ts';
import { hostileInputs } from './hostile-inputs.ts';
import { mutations } from './mutations.ts';
import { Draw } from './random.ts';

/** A real file to start from. */
export interface CorpusFile {
  readonly path: string;
  readonly language: string;
  readonly read: () => Buffer;
}

/** One input, and how it is shown to the chunker. */
export interface FuzzCase {
  readonly bytes: Buffer;
  /** A name, for the language. */
  readonly path: string;
  readonly windowBytes: number;
  readonly maxTokens: number;
  /** Seed and largest part of the second showing, in buffers of random size. */
  readonly cuts: { readonly seed: number; readonly largest: number };
  /** What was done to which file. */
  readonly recipe: readonly string[];
}

export const USUAL_TOKENS = 224;
const LARGEST = 3_000_000;
const ENCODINGS = ['UTF-16LE', 'UTF-16BE', 'UTF-16 without a mark', 'Latin-1'];

/** Makes the inputs of a run: each follows from the seed, its number and the corpus. */
export class FuzzCases {
  readonly #seed: number;
  readonly #files: ReadonlyMap<string, readonly CorpusFile[]>;
  readonly #languages: readonly string[];

  /** The order of `corpus` counts. */
  constructor(seed: number, corpus: readonly CorpusFile[]) {
    this.#seed = seed;
    const files = new Map<string, CorpusFile[]>();
    for (const file of corpus) files.set(file.language, [...(files.get(file.language) ?? []), file]);
    this.#files = files;
    this.#languages = [...this.#files.keys()].sort();
  }

  get(index: number): FuzzCase {
    const draw = new Draw(seeded(this.#seed ^ Math.imul(index + 1, 0x9e3779b1)));
    const { bytes, path, recipe } = draw.chance(0.1) ? this.#hostile(draw) : this.#mutated(draw);
    return {
      bytes,
      path,
      recipe,
      windowBytes: draw.chance(0.5) ? WINDOW_BYTES : draw.magnitude(4096, WINDOW_BYTES),
      maxTokens: draw.chance(0.1) ? draw.magnitude(32, 1000) : USUAL_TOKENS,
      cuts: {
        seed: draw.below(2 ** 31),
        largest: Math.max(2, draw.magnitude(1, 65_536), Math.ceil(bytes.length / 5000)),
      },
    };
  }

  /** A generated input, alone or somewhere in a real file. */
  #hostile(draw: Draw) {
    const hostile = draw.pick(hostileInputs);
    // One in six as large as it gets.
    const n = draw.chance(1 / 6) ? hostile.sizes[1] : draw.magnitude(10, hostile.sizes[1]);
    let bytes = Buffer.from(hostile.make(n)).subarray(0, LARGEST);
    const recipe = [`${hostile.name} x ${n}`];
    const around = draw.chance(0.3) ? this.#files.get(draw.pick(this.#languages)) : undefined;
    if (around !== undefined) {
      const file = draw.pick(around);
      const at = draw.range(file.read().length)[0];
      bytes = Buffer.concat([file.read().subarray(0, at), bytes, file.read().subarray(at)]).subarray(
        0,
        LARGEST,
      );
      recipe.push(`in ${file.path} at ${at}`);
    }
    const path = draw.chance(0.05) ? this.#otherName(draw) : hostile.path;
    return { bytes, path, recipe };
  }

  #mutated(draw: Draw) {
    const language = draw.pick(this.#languages);
    const files = this.#files.get(language)!;
    const file = draw.pick(files);
    const recipe = [file.path];
    let bytes = this.#sized(draw, file.read(), files, recipe);
    const names = Object.keys(mutations).filter((name) => !ENCODINGS.includes(name));
    for (let left = draw.pick([0, 1, 1, 1, 2, 2, 3, 4]); left > 0; left--) {
      const name = draw.pick(names);
      const other = (same: boolean) =>
        draw.pick(same ? files : this.#files.get(draw.pick(this.#languages))!).read();
      bytes = Buffer.from(mutations[name]!(bytes, draw, other).subarray(0, LARGEST));
      recipe.push(name);
    }
    if (draw.chance(0.08)) {
      const name = draw.pick(ENCODINGS);
      bytes = mutations[name]!(bytes, draw, () => bytes);
      recipe.push(name);
    }
    const path = draw.chance(0.1) ? this.#otherName(draw) : `a${extname(file.path) || basename(file.path)}`;
    return { bytes, path: path.startsWith('a.') ? path : basename(file.path), recipe };
  }

  /** Most inputs are small, so that there are many; some are large. */
  #sized(draw: Draw, whole: Buffer, files: readonly CorpusFile[], recipe: string[]): Buffer {
    let bytes = whole;
    if (draw.chance(0.05)) {
      const target = draw.magnitude(100_000, 2_500_000);
      const parts: Buffer[] = [];
      for (let size = 0, i = 0; size < target && i < 2000; i++) {
        const part = draw.pick(files).read();
        parts.push(part);
        size += part.length;
      }
      bytes = Buffer.concat(parts);
      recipe.push(`${parts.length} files`);
    }
    const largest = draw.chance(0.1) ? LARGEST : draw.chance(0.5) ? 8_000 : 60_000;
    if (bytes.length <= largest) return bytes;
    const start = draw.below(bytes.length - largest + 1);
    recipe.push(`from ${start}`);
    return bytes.subarray(start, start + largest);
  }

  /** The name of a file in another language. */
  #otherName(draw: Draw): string {
    return basename(draw.pick(this.#files.get(draw.pick(this.#languages))!).path);
  }
}

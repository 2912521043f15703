import { readFile } from 'node:fs/promises';
import { Tokenizer } from '@huggingface/tokenizers';
import { ModelInvalidError } from './errors.ts';
import type { ModelFiles } from './model-files.ts';

/** Characters that are tokenized at once: bounds what the tokenizer allocates for a very long text. */
const WINDOW = 16 * 1024;

/** Turns a text into sequences of token ids that fit the model. */
export class TextTokenizer {
  readonly #tokenizer: Tokenizer;
  readonly #prefix: readonly number[];
  readonly #suffix: readonly number[];
  readonly #room: number;

  private constructor(tokenizer: Tokenizer, maxTokens: number) {
    this.#tokenizer = tokenizer;
    const bare = this.#tokenizer.encode('a', { add_special_tokens: false }).ids;
    const full = this.#tokenizer.encode('a').ids;
    const at = full.indexOf(bare[0]!);
    this.#prefix = full.slice(0, at);
    this.#suffix = full.slice(at + bare.length);
    this.#room = maxTokens - this.#prefix.length - this.#suffix.length;
    if (bare.length === 0 || at < 0 || this.#room < 1) throw new Error('it encodes no text');
  }

  /** @throws ModelInvalidError when tokenizer.json is not a tokenizer */
  static async load(files: ModelFiles): Promise<TextTokenizer> {
    try {
      const tokenizer = await readObject(files.tokenizerPath);
      const config = files.tokenizerConfigPath ? await readObject(files.tokenizerConfigPath) : {};
      return new TextTokenizer(new Tokenizer(tokenizer, config), files.maxTokens);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause);
      throw new ModelInvalidError(
        `${files.tokenizerPath} does not work as a tokenizer (${reason}). Get the model again.`,
        { cause },
      );
    }
  }

  /** The highest id that this tokenizer can give. */
  highestId(): number {
    let highest = 0;
    for (const id of this.#tokenizer.get_vocab().values()) highest = Math.max(highest, id);
    return highest;
  }

  /** `ids` between the special tokens of the model. */
  wrap(ids: readonly number[]): number[] {
    return [...this.#prefix, ...ids, ...this.#suffix];
  }

  /**
   * One sequence where the text fits, else as many of about equal length as it takes; each with its special tokens.
   * Nothing is cut off. A text without tokens gives one sequence of special tokens.
   */
  encode(text: string): number[][] {
    const ids: number[] = [];
    for (const window of windows(text)) {
      for (const id of this.#tokenizer.encode(window, { add_special_tokens: false }).ids) ids.push(id);
    }
    const count = Math.max(1, Math.ceil(ids.length / this.#room));
    const sequences: number[][] = [];
    for (let piece = 0; piece < count; piece++) {
      const from = Math.floor((piece * ids.length) / count);
      const to = Math.floor(((piece + 1) * ids.length) / count);
      sequences.push(this.wrap(ids.slice(from, to)));
    }
    return sequences;
  }
}

/** Splits where the tokenizer would split anyway, at white space; in the middle of a run only if there is none. */
function* windows(text: string): Generator<string> {
  let from = 0;
  while (text.length - from > WINDOW) {
    let to = from + WINDOW;
    while (to > from && !/\s/.test(text[to]!)) to--;
    if (to === from) {
      to = from + WINDOW;
      if (isHighSurrogate(text.charCodeAt(to - 1))) to--;
    }
    yield text.slice(from, to);
    from = to;
  }
  yield text.slice(from);
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

async function readObject(path: string): Promise<object> {
  const value: unknown = JSON.parse(await readFile(path, 'utf8'));
  if (typeof value !== 'object' || value === null) throw new Error('it does not hold a JSON object');
  return value;
}

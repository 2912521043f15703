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
   * @param prompt stands before the text, in each sequence
   */
  encode(text: string, prompt = ''): number[][] {
    const ids: number[] = [];
    for (const window of windows(prompt + text)) {
      for (const id of this.#bare(window)) ids.push(id);
    }
    if (ids.length <= this.#room) return [this.wrap(ids)];
    const head = this.#headOf(ids, prompt);
    const room = this.#room - head.length;
    const body = ids.length - head.length;
    const count = Math.ceil(body / room);
    const sequences: number[][] = [];
    for (let piece = 0; piece < count; piece++) {
      const from = head.length + Math.floor((piece * body) / count);
      const to = head.length + Math.floor(((piece + 1) * body) / count);
      sequences.push(this.wrap([...head, ...ids.slice(from, to)]));
    }
    return sequences;
  }

  /** The tokens of the prompt at the beginning of `ids`; none where they are not to be told from those of the text. */
  #headOf(ids: readonly number[], prompt: string): readonly number[] {
    if (prompt === '') return [];
    // A blank at its end may belong to the first token of the text.
    const head = this.#bare(prompt.trimEnd());
    const fits = head.length * 2 <= this.#room && head.every((id, at) => ids[at] === id);
    return fits ? head : [];
  }

  #bare(text: string): number[] {
    return this.#tokenizer.encode(text, { add_special_tokens: false }).ids;
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

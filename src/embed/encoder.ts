import { messageOf } from './errors.ts';
import type { ModelFiles } from './model-files.ts';
import { TextTokenizer } from './text-tokenizer.ts';

/** What a text becomes: sequences of token ids, or why it cannot. */
export type Encoded = number[][] | { readonly error: string };

/** Turns texts into token ids. Whoever makes it disposes it. */
export interface Encoder extends AsyncDisposable {
  /** @param prompt stands before each text. Rejects where the encoder is broken. */
  encode(texts: readonly string[], prompt: string): Promise<Encoded[]>;
}

export function encodeAll(tokenizer: TextTokenizer, texts: readonly string[], prompt: string): Encoded[] {
  return texts.map((text) => {
    try {
      return tokenizer.encode(text, prompt);
    } catch (error) {
      return { error: messageOf(error) };
    }
  });
}

/** On the thread that asks: on a CPU a text takes fifty times as long to run as to encode. */
export function inlineEncoder(tokenizer: TextTokenizer): Encoder {
  return {
    encode: async (texts, prompt) => encodeAll(tokenizer, texts, prompt),
    [Symbol.asyncDispose]: async () => {},
  };
}

export interface EncodeRequest {
  readonly texts: readonly string[];
  readonly prompt: string;
}

/** For the thread's own end of a {@link ThreadEncoder}. */
export async function loadTokenizer(files: ModelFiles): Promise<(request: EncodeRequest) => Encoded[]> {
  const tokenizer = await TextTokenizer.load(files);
  return ({ texts, prompt }) => encodeAll(tokenizer, texts, prompt);
}

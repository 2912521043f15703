import type { IncomingHttpHeaders } from 'node:http';
import { MalformedAnswerError } from './errors.ts';
import type { RemoteKind } from './target.ts';

/** How to ask one server for vectors, once it is known what it is and which model is meant. */
export interface Dialect {
  readonly kind: RemoteKind;
  readonly model: string;
  /** What the model is called on the hub, as far as it is known. */
  readonly hubName: string;
  /** The longest text that the model reads, in tokens; null where the server does not tell. */
  readonly maxTokens: number | null;
  /** Texts in one request at most; null where the server does not tell. */
  readonly maxTexts: number | null;
  /** Of the endpoint, below the origin. */
  readonly path: string;
  /** The same with less asked for, for servers that refuse this one. */
  readonly plainer?: Dialect;
  body(texts: readonly string[]): unknown;
  /** One row a text, in the order of the texts. @throws MalformedAnswerError */
  read(answer: unknown, count: number, headers: IncomingHttpHeaders): Rows;
}

export interface Rows {
  /** Whatever stands for each vector: numbers, or little-endian floats in base64. */
  readonly rows: readonly unknown[];
  /** 0 where the server does not tell. */
  readonly tokens: number;
}

/** @throws MalformedAnswerError unless the field is a list */
export function listField(answer: unknown, name: string): unknown[] {
  const value = field(answer, name);
  if (Array.isArray(value)) return value;
  throw new MalformedAnswerError(`it has no list "${name}"`);
}

/** Undefined where there is none. */
export function field(answer: unknown, name: string): unknown {
  return typeof answer === 'object' && answer !== null
    ? (answer as Record<string, unknown>)[name]
    : undefined;
}

/** @throws MalformedAnswerError unless there is one row a text */
export function assertCount(rows: readonly unknown[], count: number): void {
  if (rows.length !== count) throw new MalformedAnswerError(`${rows.length} vectors for ${count} texts`);
}

/** Null unless it is a whole number above 0. */
export function positive(value: unknown): number | null {
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : null;
}

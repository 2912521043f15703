import type { FailedText } from '../protocol.ts';
import type { EmbedResult } from '../text-embedder.ts';
import type { Asker, RemoteEvent } from './asker.ts';
import type { Dialect } from './dialect.ts';
import { RefusedError, RemoteError } from './errors.ts';
import { halve, type Piece, planPieces } from './pieces.ts';
import type { Signals } from './transport.ts';
import { addUnitVector } from './vectors.ts';

/** What goes into one request; it shrinks when the server says so. */
export interface BatchLimits {
  texts: number;
  readonly characters: number;
}

/** A server that is ready, and what is known of it. Shared by all runs. */
export interface Served {
  readonly asker: Asker;
  readonly dialect: Dialect;
  readonly dimensions: number;
  readonly limits: BatchLimits;
  readonly connections: number;
  readonly emit: (event: RemoteEvent) => void;
  /** Texts that failed since one did not. */
  failuresInARow: number;
}

/** JSON with indentation has not more for each number. */
const BYTES_PER_NUMBER = 40;
const ENVELOPE_BYTES = 64 * 1024;
/** After so many texts that failed, with none between them that did not, it is not the texts. */
const HOPELESS = 32;
/** Parts of what was refused as a whole, after all tries, are not sent as often. */
const TRIES_OF_A_PART = 2;
/** What servers say about a text that is longer than the model reads. */
const TOO_LONG =
  /context (?:length|size|window)|too long|tokens? limit|(?:maximum|max|less than|exceeds?)\b.*\btokens?|input is too large|input length/i;
/** What servers say about too many texts. */
const TOO_MANY =
  /batch size \d+ >|array too long|too many (?:inputs|texts|items)|max(?:imum)? batch|per (?:request|submitted batch)/i;

/** How large an answer to so many texts may be, in bytes. */
export function answerBytes(texts: number, dimensions: number): number {
  return ENVELOPE_BYTES + texts * dimensions * BYTES_PER_NUMBER;
}

/** The requests for one list of texts. */
export class BatchRun {
  readonly #prompt: string;
  readonly #served: Served;
  readonly #signals: Signals;
  readonly #vectors: Float32Array;
  readonly #pieces: Uint32Array;
  readonly #failed = new Map<number, string>();
  readonly #waiting: Piece[];
  #next = 0;
  #tokens = 0;

  /** @param prompt stands before every text */
  constructor(texts: readonly string[], prompt: string, served: Served, signals: Signals) {
    this.#prompt = prompt;
    this.#served = served;
    this.#signals = signals;
    this.#vectors = new Float32Array(texts.length * served.dimensions);
    this.#pieces = new Uint32Array(texts.length);
    this.#waiting = planPieces(texts, served.dialect.maxTokens);
  }

  /** @throws what {@link Asker.ask} throws, refusals aside, which are the texts' own failures */
  async result(): Promise<EmbedResult> {
    const workers = Array.from({ length: this.#served.connections }, async () => {
      for (let batch = this.#nextBatch(); batch.length > 0; batch = this.#nextBatch()) {
        await this.#embed(batch, undefined);
      }
    });
    await Promise.all(workers);
    return this.#finish();
  }

  #nextBatch(): Piece[] {
    const { texts, characters } = this.#served.limits;
    const from = this.#next;
    let sum = 0;
    while (this.#next < this.#waiting.length && this.#next - from < texts) {
      sum += this.#waiting[this.#next]!.content.length;
      if (sum > characters && this.#next > from) break;
      this.#next++;
    }
    return this.#waiting.slice(from, this.#next);
  }

  async #embed(pieces: readonly Piece[], tries: number | undefined): Promise<void> {
    try {
      await this.#request(pieces, tries);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      for (const part of this.#smaller(pieces, error)) await this.#embed(part, TRIES_OF_A_PART);
    }
  }

  async #request(pieces: readonly Piece[], tries: number | undefined): Promise<void> {
    const { asker, dialect, dimensions } = this.#served;
    const { rows, tokens } = await asker.ask(
      {
        method: 'POST',
        path: dialect.path,
        body: dialect.body(pieces.map(({ content }) => this.#prompt + content)),
        maxAnswerBytes: answerBytes(pieces.length, dimensions),
      },
      (answer, headers) => dialect.read(answer, pieces.length, headers),
      this.#signals,
      { tries },
    );
    this.#tokens += tokens;
    for (const [at, piece] of pieces.entries()) this.#add(piece, rows[at]);
  }

  /** What to send instead of pieces that were refused; a piece by itself that cannot be halved has failed. */
  #smaller(pieces: readonly Piece[], { reason, status }: RefusedError): (readonly Piece[])[] {
    if (pieces.length > 1) {
      const middle = Math.ceil(pieces.length / 2);
      if (TOO_MANY.test(reason) || (status === 413 && !TOO_LONG.test(reason))) this.#reduce(middle);
      return [pieces.slice(0, middle), pieces.slice(middle)];
    }
    const piece = pieces[0]!;
    const halves = status === 413 || TOO_LONG.test(reason) ? halve(piece) : null;
    if (halves === null) this.#fail(piece, reason === '' ? `the server refuses it (${status})` : reason);
    return (halves ?? []).map((half) => [half]);
  }

  #reduce(texts: number): void {
    const { limits, emit } = this.#served;
    if (texts >= limits.texts) return;
    limits.texts = texts;
    emit({ type: 'batch-reduced', texts });
  }

  #add(piece: Piece, row: unknown): void {
    const { dimensions } = this.#served;
    const from = piece.text * dimensions;
    const reason = addUnitVector(row, piece.share, this.#vectors.subarray(from, from + dimensions));
    if (reason !== null) {
      this.#fail(piece, reason);
      return;
    }
    this.#pieces[piece.text]! += 1;
    this.#served.failuresInARow = 0;
  }

  #fail(piece: Piece, reason: string): void {
    this.#failed.set(piece.text, reason);
    if (++this.#served.failuresInARow < HOPELESS) return;
    const { target } = this.#served.asker;
    throw new RemoteError(
      `${target.origin}: ${HOPELESS} texts in a row cannot be embedded: ${reason}.`,
      null,
    );
  }

  #finish(): EmbedResult {
    const { dimensions } = this.#served;
    for (const [text, count] of this.#pieces.entries()) {
      const from = text * dimensions;
      const vector = this.#vectors.subarray(from, from + dimensions);
      if (count > 0 && !this.#failed.has(text) && !normalize(vector)) {
        this.#failed.set(text, 'its parts have no common direction');
      }
      if (!this.#failed.has(text)) continue;
      vector.fill(Number.NaN);
      this.#pieces[text] = 0;
    }
    const failed: FailedText[] = [...this.#failed].map(([index, reason]) => ({ index, reason }));
    failed.sort((a, b) => a.index - b.index);
    return { vectors: this.#vectors, failed, tokens: this.#tokens, pieces: this.#pieces };
  }
}

/** False where the parts of a text have cancelled each other out. */
function normalize(vector: Float32Array): boolean {
  const length = Math.hypot(...vector);
  if (!(length > 1e-6)) return false;
  for (let i = 0; i < vector.length; i++) vector[i]! /= length;
  return true;
}

import type { ArrowBatch } from './batch.ts';
import { loadArrow } from './lance.ts';
import { PageBuffer } from './page-buffer.ts';

/**
 * Rows as an Arrow IPC file, which is how they get to Lance. Lance's own `Table.add` makes two such files of a batch, which
 * are garbage until it is collected; the memory of this one goes back to the system when it is disposed, which is for
 * whoever made it.
 */
export class EncodedBatch implements Disposable {
  readonly #buffer: PageBuffer;

  private constructor(buffer: PageBuffer) {
    this.#buffer = buffer;
  }

  /** Reads the batch until it resolves, and no longer. */
  static async of({ batches }: ArrowBatch): Promise<EncodedBatch> {
    const { RecordBatchFileWriter } = loadArrow();
    const writer = new RecordBatchFileWriter();
    for (const batch of batches) writer.write(batch);
    writer.finish();
    const parts: Uint8Array[] = [];
    // Views over the columns.
    for await (const part of writer) parts.push(part);
    const size = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const buffer = new PageBuffer(size);
    buffer.resize(size);
    let at = 0;
    for (const part of parts) {
      buffer.bytes.set(part, at);
      at += part.byteLength;
    }
    return new EncodedBatch(buffer);
  }

  get bytes(): Buffer {
    return this.#buffer.bytes;
  }

  [Symbol.dispose](): void {
    this.#buffer.resize(0);
  }
}

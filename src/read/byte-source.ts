import { close, fstatSync, open, read, type Stats } from 'node:fs';
import { promisify } from 'node:util';

/** Pull-based bytes: the reader owns the buffer, so that nothing between the file and the window allocates. */
export interface ByteSource extends AsyncDisposable {
  /** Fills `into` from its start with at least one byte and returns how many; 0 means the end. */
  read(into: Uint8Array): Promise<number>;
}

const openFile = promisify(open);
const readFile = promisify(read);
const closeFile = promisify(close);

/** A file that is open, and what it was when it was opened. */
export interface FileSource extends ByteSource {
  readonly info: Stats;
}

/** Reads a file from its start. The caller disposes it. Throws what `fs.open` throws. */
export async function fileSource(path: string | Buffer): Promise<FileSource> {
  // A FileHandle takes half as much time again, which shows where there are many small files.
  let file: number | null = await openFile(path, 'r');
  // Of an open file this waits for nothing.
  const info = fstatSync(file);
  let ended = false;
  return {
    info,
    async read(into) {
      if (ended) return 0;
      const { bytesRead } = await readFile(file!, into, 0, into.byteLength, null);
      // A regular file is read in full but at its end; a pipe gives what it has.
      ended = bytesRead === 0 || (bytesRead < into.byteLength && info.isFile());
      return bytesRead;
    },
    async [Symbol.asyncDispose]() {
      const closing = file;
      file = null;
      if (closing !== null) await closeFile(closing);
    },
  };
}

/** Adapts any stream of buffers. Holds one of the stream's own buffers at a time. */
export function iterableSource(stream: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): ByteSource {
  const iterator =
    Symbol.asyncIterator in stream ? stream[Symbol.asyncIterator]() : stream[Symbol.iterator]();
  let rest: Uint8Array = new Uint8Array(0);
  let ended = false;
  return {
    async read(into) {
      while (rest.byteLength === 0) {
        if (ended) return 0;
        const { done, value } = await iterator.next();
        if (done) {
          ended = true;
          return 0;
        }
        rest = value;
      }
      const n = Math.min(rest.byteLength, into.byteLength);
      into.set(rest.subarray(0, n));
      rest = rest.subarray(n);
      return n;
    },
    async [Symbol.asyncDispose]() {
      rest = new Uint8Array(0);
      if (!ended) await iterator.return?.();
      ended = true;
    },
  };
}

import { type FileHandle, open } from 'node:fs/promises';

/** Pull-based bytes: the reader owns the buffer, so that nothing between the file and the window allocates. */
export interface ByteSource extends AsyncDisposable {
  /** Fills `into` from its start with at least one byte and returns how many; 0 means the end. */
  read(into: Uint8Array): Promise<number>;
}

/** Reads a regular file from its start. The caller disposes it. Throws what `fs.open` throws. */
export async function fileSource(
  path: string | Buffer,
): Promise<ByteSource & { readonly handle: FileHandle }> {
  const handle = await open(path, 'r');
  return {
    handle,
    async read(into) {
      return (await handle.read(into, 0, into.byteLength, null)).bytesRead;
    },
    async [Symbol.asyncDispose]() {
      await handle.close();
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

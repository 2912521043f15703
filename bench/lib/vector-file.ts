import { readFileSync } from 'node:fs';

/** The bundled model's. */
export const DIMENSIONS = 384;

/** The rows of a file of 32-bit floats. */
export function readVectors(path: string): Float32Array[] {
  const { buffer, byteOffset, byteLength } = readFileSync(path);
  const all = new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
  return Array.from({ length: all.length / DIMENSIONS }, (_, i) =>
    all.subarray(i * DIMENSIONS, (i + 1) * DIMENSIONS),
  );
}

/** The floats of a row, as an answer has it: numbers, or base64 of little-endian floats; null where it is neither. */
function values(row: unknown): ArrayLike<unknown> | null {
  if (Array.isArray(row)) return row;
  if (typeof row !== 'string') return null;
  const bytes = Buffer.from(row, 'base64');
  if (bytes.length % 4 !== 0) return null;
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
}

/** How many dimensions a row has; 0 where it is no vector. */
export function dimensionsOf(row: unknown): number {
  return values(row)?.length ?? 0;
}

/**
 * Adds `share` times the unit vector of a row to `sum`. Gives null, or why the row cannot be used; then `sum` is as it
 * was. A server's own normalization is not relied on: not all do it, and some forget it after cutting dimensions off.
 */
export function addUnitVector(row: unknown, share: number, sum: Float32Array): string | null {
  const numbers = values(row);
  if (numbers === null) return 'the server gave something that is not a vector';
  if (numbers.length !== sum.length) {
    return `the server gave a vector of ${numbers.length} dimensions instead of ${sum.length}`;
  }
  let squares = 0;
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i];
    // JSON has no NaN: some servers write null for it.
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      return 'the server gave a vector that is not finite';
    }
    squares += value * value;
  }
  if (!(squares > 0) || !Number.isFinite(squares)) return 'the server gave a vector without a direction';
  const scale = share / Math.sqrt(squares);
  for (let i = 0; i < numbers.length; i++) sum[i]! += (numbers[i] as number) * scale;
  return null;
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/**
 * The 16-bit float (IEEE 754 binary16) nearest to a value, as its bits; of two that are equally near the even one, as a
 * processor rounds. What is too large becomes infinite.
 */
export function toHalf(value: number): number {
  float[0] = value;
  const single = bits[0]!;
  const sign = (single >>> 16) & 0x8000;
  const exponent = (single >>> 23) & 0xff;
  const fraction = single & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00 | (fraction === 0 ? 0 : 0x200);
  // 112 is the difference of the two biases.
  if (exponent <= 112) {
    // Below the smallest normal number a half counts units of 2^-24.
    if (exponent < 102) return sign;
    return sign | roundedShift(fraction | 0x800000, 126 - exponent);
  }
  // A fraction that is rounded up to the next power of two carries into the exponent, as it should.
  const half = ((exponent - 112) << 10) + roundedShift(fraction, 13);
  return sign | Math.min(half, 0x7c00);
}

/** `value` without its `shift` lowest bits, rounded to the nearest, ties to the even one. */
function roundedShift(value: number, shift: number): number {
  const kept = value >>> shift;
  const rest = value & ((1 << shift) - 1);
  const tie = 1 << (shift - 1);
  return rest > tie || (rest === tie && (kept & 1) === 1) ? kept + 1 : kept;
}

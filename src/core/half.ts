/**
 * Half-precision numbers (IEEE 754-2008 binary16) on the host: their bits, and numbers rounded to them. They have 11 significant bits, exponents from
 * -14 to 15, and subnormal numbers below 2^-14.
 */

/** The largest finite half. */
export const MAX_HALF = 65504;

/** The nearest half of a number, ties to the one whose last bit is 0; infinite from 65520. */
export function roundToHalf(x: number): number {
  const size = Math.abs(x);
  if (!(size < MAX_HALF + 16)) return Number.isNaN(x) ? NaN : x < 0 ? -Infinity : Infinity;
  // Numbers of a binade are multiples of a unit: adding 2^52 units leaves no bit below it, and rounds as the processor does.
  const unit = size < 2 ** -14 ? 2 ** -24 : 2 ** (Math.floor(Math.log2(size)) - 10);
  const magic = unit * 2 ** 52;
  const rounded = size + magic - magic;
  return x < 0 || Object.is(x, -0) ? -rounded : rounded;
}

const FLOAT = new Float32Array(1);
const BITS = new Uint32Array(FLOAT.buffer);

/** The 16 bits of the nearest half. */
export function halfBits(x: number): number {
  if (Number.isNaN(x)) return 0x7e00;
  FLOAT[0] = roundToHalf(x);
  const [bits = 0] = BITS;
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fffffff;
  if (size >= 0x7f800000) return sign | 0x7c00;
  // Subnormal halves are multiples of 2^-24.
  if (size < 0x38800000) return sign | (Math.abs(FLOAT[0]) * 2 ** 24);
  return sign | ((size - (112 << 23)) >>> 13);
}

/** The number whose bits these are. */
export function halfFromBits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

/** Write the bits of numbers, each rounded. */
export function packHalves(values: ArrayLike<number>, to: Uint16Array): void {
  for (let i = 0; i < values.length; i++) to[i] = halfBits(values[i] ?? 0);
}

let table: Float32Array | undefined;

/** The numbers of bits. */
export function unpackHalves(bits: Uint16Array): Float32Array<ArrayBuffer> {
  table ??= Float32Array.from({ length: 65536 }, (_, i) => halfFromBits(i));
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = table[bits[i] ?? 0] ?? 0;
  return values;
}

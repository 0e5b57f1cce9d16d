/** Comparing results with what they should be, and the error that says where they differ. */
import { showShape } from '../core/aval.js';
import { isFloat, type DType } from '../core/dtype.js';
import { CotangentError } from '../core/errors.js';
import { unravel, type HostArray } from './host.js';

/** A law or a derivative check that does not hold. */
export class CheckError extends CotangentError {
  override name = 'CheckError';
}

/** |got - expected| may be at most atol + rtol·|expected|. */
export interface Tolerance {
  readonly atol: number;
  readonly rtol: number;
}

export const EXACT: Tolerance = { atol: 0, rtol: 0 };

/** The distance from 1 to the next number of a float dtype: 2⁻²³ and 2⁻⁵². */
export const epsilonOf = (dtype: DType): number =>
  dtype === 'float16' ? 2 ** -10 : dtype === 'float32' ? 2 ** -23 : Number.EPSILON;

/** Whether a float has less precision than float64. */
export const isNarrow = (dtype: DType): boolean => dtype === 'float16' || dtype === 'float32';

export type Precision = 'float16' | 'float32' | 'float64';

/** The float of least precision among some dtypes. */
export const coarsest = (dtypes: readonly DType[]): Precision =>
  dtypes.includes('float16') ? 'float16' : dtypes.includes('float32') ? 'float32' : 'float64';

/** `units` roundings of a float dtype, absolute near zero and relative elsewhere; integers must agree. */
export const roundings = (dtype: DType, units: number): Tolerance =>
  isFloat(dtype) ? { atol: units * epsilonOf(dtype), rtol: units * epsilonOf(dtype) } : EXACT;

export interface Mismatch {
  readonly index: readonly number[];
  readonly expected: number;
  readonly got: number;
  readonly allowed: number;
}

/** The element that exceeds the tolerance most, if one does. NaN equals NaN; infinities must agree. */
export function worstMismatch(got: HostArray, expected: HostArray, { atol, rtol }: Tolerance): Mismatch | undefined {
  let worst: Mismatch | undefined;
  let worstExcess = 0;
  for (let i = 0; i < expected.data.length; i++) {
    const e = expected.data[i] ?? NaN;
    const g = got.data[i] ?? NaN;
    if (e === g || (Number.isNaN(e) && Number.isNaN(g))) continue;
    const allowed = atol + rtol * Math.abs(e);
    const error = Math.abs(g - e);
    // NaN on one side, or an infinity on one side, is beyond any tolerance.
    const excess = Number.isFinite(error) ? error - allowed : Infinity;
    if (excess > worstExcess) {
      worstExcess = excess;
      worst = { index: unravel(i, expected.aval.shape), expected: e, got: g, allowed };
    }
  }
  return worst;
}

/** `at [0, 2] expected 1.5, got 1.25 (tolerance 1e-6)`. */
export const describeMismatch = ({ index, expected, got, allowed }: Mismatch): string =>
  `at index ${showShape(index)} expected ${String(expected)}, got ${String(got)} (difference ${String(Math.abs(got - expected))}, tolerance ${String(allowed)})`;

/** Throw {@link CheckError} unless types and elements agree. */
export function assertSame(what: string, got: HostArray, expected: HostArray, tolerance: Tolerance): void {
  if (!got.aval.equals(expected.aval)) {
    throw new CheckError(`${what}: expected an array of type ${expected.aval.toString()}, got ${got.aval.toString()}`);
  }
  if (got.data.length !== expected.data.length) {
    throw new CheckError(`${what}: ${got.aval.toString()} has ${String(got.data.length)} elements`);
  }
  const mismatch = worstMismatch(got, expected, tolerance);
  if (mismatch !== undefined) throw new CheckError(`${what}: ${describeMismatch(mismatch)}`);
}

/** {@link assertSame} of lists. */
export function assertAllSame(
  what: string,
  got: readonly HostArray[],
  expected: readonly HostArray[],
  tolerance: (dtype: DType) => Tolerance,
): void {
  if (got.length !== expected.length) {
    throw new CheckError(`${what}: expected ${String(expected.length)} results, got ${String(got.length)}`);
  }
  expected.forEach((e, i) => {
    const g = got[i];
    if (g !== undefined)
      assertSame(expected.length === 1 ? what : `${what}, result ${String(i)}`, g, e, tolerance(e.aval.dtype));
  });
}

/** Σ aᵢ·bᵢ over the float elements of two lists of arrays, and Σ |aᵢ·bᵢ|, which its rounding error scales with. */
export function innerProduct(a: readonly HostArray[], b: readonly HostArray[]): { sum: number; magnitude: number } {
  let sum = 0;
  let magnitude = 0;
  a.forEach((x, k) => {
    const y = b[k];
    if (y === undefined || !isFloat(x.aval.dtype) || !isFloat(y.aval.dtype)) return;
    x.data.forEach((v, i) => {
      const product = v * (y.data[i] ?? NaN);
      sum += product;
      magnitude += Math.abs(product);
    });
  });
  return { sum, magnitude };
}

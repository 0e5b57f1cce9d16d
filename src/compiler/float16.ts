/**
 * float16 in the loop IR: a format of memory. An operation on halves is done in float32 and its result rounded to a half, as NumPy does, so
 * that fusing changes no bit. Expressions of type float16 are loads, constants and conversions only; accumulators and everything
 * that a lowering sees or makes is float32.
 */
import { roundToHalf } from '../core/half.js';
import { constant, convert, type Expr } from '../core/scalar.js';
import type { DType } from '../core/dtype.js';

/** A value as lowerings see it: of a half, the same number in float32. */
export function widen(e: Expr): Expr {
  if (e.type !== 'float16') return e;
  return e.op === 'const' ? constant('float32', roundToHalf(Number(e.value))) : convert('float32', e);
}

/** A value of a lowering as one of `dtype`: where that is float16, rounded. */
export function narrow(dtype: DType, e: Expr): Expr {
  if (dtype !== 'float16' || e.type === 'float16') return e;
  if (e.op === 'const') return constant('float16', roundToHalf(Number(e.value)));
  return e.op === 'convert' && e.x.type === 'float16' ? e.x : convert('float16', e);
}

/**
 * Maxima and minima of float32 vectors in integer arithmetic. f32x4.max, which must give NaN for NaN and +0 for two zeros,
 * is eight instructions one after the other in V8. As integers floats are ordered by their sign, then by their size, which
 * only goes the wrong way for negative ones; NaNs are beyond the infinities. So three integer extrema, one instruction
 * each, tell everything:
 *
 *     S = max of the signed integers:   the greatest of the floats without a sign, if there is any
 *     U = max of the unsigned integers: the greatest in size of the floats with a sign, if there is any
 *     M = min of the unsigned integers: the least in size of the floats without a sign, else of all
 *
 * The maximum is S where there is a float without a sign (S >= 0), else M; the minimum is U where there is one with a sign
 * (U < 0 as a signed integer), else M; and NaN where S is beyond infinity or U beyond minus infinity.
 */
import type { Accumulator } from '../../compiler/loop-ir.js';
import type { FunctionBuilder } from './assembler.js';
import type { Lanes } from './vector-ops.js';
import { reduceLanes, vectorConst } from './vector-ops.js';

const INFINITE = 0x7f800000;
const MINUS_INFINITE = 0xff800000 | 0;

/** Locals of S, U and M. */
export interface Extrema {
  readonly s: number;
  readonly u: number;
  readonly m: number;
}

/** Which extremum an accumulator is that is better computed so where it runs in lanes. */
export function extremumOf({ dtype, update }: Accumulator, lanes: Lanes): 'max' | 'min' | undefined {
  if (dtype !== 'float32' || lanes !== 4 || !('combine' in update)) return undefined;
  return update.combine === 'max' || update.combine === 'min' ? update.combine : undefined;
}

/** Start from nothing, of which the maximum is -Infinity and the minimum Infinity. */
export function openExtrema(f: FunctionBuilder, { s, u, m }: Extrema, combine: 'max' | 'min'): void {
  const start = (local: number, value: number): void => {
    vectorConst(f, 'int32', 4, () => value);
    f.set(local);
  };
  start(s, -(2 ** 31));
  start(u, 0);
  start(m, combine === 'max' ? MINUS_INFINITE : INFINITE);
}

/** Take in the vector in local `x`. */
export function updateExtrema(f: FunctionBuilder, { s, u, m }: Extrema, x: number): void {
  f.get(s).get(x).op('i32x4.max_s').set(s);
  f.get(u).get(x).op('i32x4.max_u').set(u);
  f.get(m).get(x).op('i32x4.min_u').set(m);
}

/** Push the maximum or minimum of all lanes. */
export function closeExtrema(f: FunctionBuilder, { s, u, m }: Extrema, combine: 'max' | 'min'): void {
  const [greatest, unsigned, least] = [f.local('i32'), f.local('i32'), f.local('i32')];
  f.get(s);
  reduceLanes(f, 'max', 'int32', 4);
  f.set(greatest).get(u);
  reduceLanes(f, 'max', 'uint32', 4);
  f.set(unsigned).get(m);
  reduceLanes(f, 'min', 'uint32', 4);
  f.set(least);
  f.f32(NaN);
  if (combine === 'max') f.get(greatest).get(least).get(greatest).i32(0).op('i32.ge_s');
  else f.get(unsigned).get(least).get(unsigned).i32(0).op('i32.lt_s');
  f.op('select').op('f32.reinterpret_i32');
  f.get(greatest).i32(INFINITE).op('i32.gt_s').get(unsigned).i32(MINUS_INFINITE).op('i32.gt_u').op('i32.or');
  f.op('select');
  for (const local of [greatest, unsigned, least]) f.release('i32', local);
}

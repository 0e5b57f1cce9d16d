/** Associative, commutative operations that accumulators and combining stores use, with their identities. */
import type { DType } from './dtype.js';

export type CombineOp = 'add' | 'mul' | 'min' | 'max' | 'and' | 'or' | 'xor';

/** The identity element of `op` on `dtype`: `combine(identity, x) = x`. */
export function identityOf(op: CombineOp, dtype: DType): number {
  switch (op) {
    case 'add':
    case 'or':
    case 'xor':
      return 0;
    case 'mul':
      return 1;
    case 'and':
      return dtype === 'bool' ? 1 : dtype === 'uint32' ? 0xffffffff : -1;
    case 'min':
      return dtype === 'bool' ? 1 : dtype === 'int32' ? 0x7fffffff : dtype === 'uint32' ? 0xffffffff : Infinity;
    case 'max':
      return dtype === 'bool' || dtype === 'uint32' ? 0 : dtype === 'int32' ? -0x80000000 : -Infinity;
  }
}

/** What a partial result starts from: for sums -0, since -0 + -0 is -0 and 0 + -0 is not. */
export const partialIdentity = (op: CombineOp, dtype: DType): number =>
  op === 'add' && (dtype === 'float32' || dtype === 'float64') ? -0 : identityOf(op, dtype);

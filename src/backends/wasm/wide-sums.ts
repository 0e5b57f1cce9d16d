/**
 * float32 sums in blocks: an accumulator takes at most {@link BLOCK} terms one after the other, then it is added
 * to a float64 total and starts again. The error of a sum of positive numbers is so at most about BLOCK / 2 roundings
 * of float32, however long it is and whatever the numbers are (a plain sum of a million equal numbers, whose roundings
 * all go the same way, is 1e-4 off), at a few instructions per block.
 */
import type { Accumulator, Stage } from '../../compiler/loop-ir.js';
import type { FunctionBuilder } from './assembler.js';
import type { ExprEmitter } from './expr-emitter.js';
import { product } from './util.js';
import type { Lanes } from './vector-ops.js';

/** Terms of an accumulator between two additions to its total, about. */
const BLOCK = 16;

/** The total of an accumulator: a scalar, or, where the outer loop runs in lanes, the vectors of each copy. */
type Total = { readonly scalar: number } | { readonly vectors: readonly (readonly number[])[] };

const HIGH_HALF = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
const LOW_HALVES = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];

/** The accumulators of a stage that are summed in blocks. Their locals belong to the scope that is open now. */
export class WideSums {
  private readonly totals = new Map<number, Total>();
  /** The stage loop that runs in blocks, and its iterations in one; -1 without sums. */
  readonly depth: number;
  readonly every: number;

  constructor(
    private readonly e: ExprEmitter,
    stage: Stage,
  ) {
    // The innermost loop, or one around it where that is very short.
    let depth = stage.loops.length - 1;
    let inner = 1;
    for (; depth > 0 && inner * (stage.loops[depth]?.extent ?? 1) < BLOCK / 2; depth--)
      inner *= stage.loops[depth]?.extent ?? 1;
    this.every = Math.floor(BLOCK / inner);
    this.depth = -1;
    // An ordered stage may store every partial result; a short loop has no need of blocks.
    if (stage.ordered || product(stage.loops.map((l) => l.extent)) <= BLOCK) return;
    for (const acc of stage.accumulators) {
      if (!isSum(acc)) continue;
      const value = e.accumulators.get(acc.id);
      if (value === undefined) continue;
      this.totals.set(acc.id, 'scalar' in value ? this.openScalar() : this.openVectors(value.vectors.length));
    }
    if (this.totals.size === 0) return;
    this.depth = depth;
    this.flush(); // what they start from
  }

  private openScalar(): Total {
    const scalar = this.e.ownedLocal('f64');
    this.e.f.f64(-0).set(scalar);
    return { scalar };
  }

  private openVectors(copies: number): Total {
    const { e } = this;
    const halves = e.vector?.lanes === 4 ? 2 : 1;
    const vectors = Array.from({ length: copies }, () => Array.from({ length: halves }, () => e.ownedLocal('v128')));
    for (const half of vectors.flat()) minusZeros(e.f, 'f64').set(half);
    return { vectors };
  }

  /** Add what the accumulators hold to the totals and let them start again. */
  flush(): void {
    const { e } = this;
    const { f } = e;
    for (const [id, total] of this.totals) {
      const value = e.accumulators.get(id);
      if (value === undefined) continue;
      if ('scalar' in value && 'scalar' in total) {
        f.get(total.scalar).get(value.scalar).op('f64.promote_f32').op('f64.add').set(total.scalar);
        f.f32(-0).set(value.scalar);
      } else if ('vectors' in value && 'scalar' in total) {
        f.get(total.scalar);
        sumOf(f, value.vectors);
        addLanes(f, e.vector?.lanes ?? 4);
        f.op('f64.add').set(total.scalar);
        for (const local of value.vectors) minusZeros(f, 'f32').set(local);
      } else if ('vectors' in value && 'vectors' in total) {
        value.vectors.forEach((local, copy) => {
          total.vectors[copy]?.forEach((half, i) => {
            f.get(half).get(local);
            if (i === 1) f.get(local).shuffle(HIGH_HALF);
            f.op('f64x2.promote_low_f32x4').op('f64x2.add').set(half);
          });
          minusZeros(f, 'f32').set(local);
        });
      }
    }
  }

  /** Round the totals and leave them in the accumulators. */
  close(): void {
    const { e } = this;
    const { f } = e;
    this.flush();
    for (const [id, total] of this.totals) {
      const value = e.accumulators.get(id);
      if (value === undefined) continue;
      if ('scalar' in value && 'scalar' in total) f.get(total.scalar).op('f32.demote_f64').set(value.scalar);
      else if ('vectors' in value && 'vectors' in total) {
        value.vectors.forEach((local, copy) => {
          total.vectors[copy]?.forEach((half, i) => {
            f.get(half).op('f32x4.demote_f64x2_zero');
            if (i === 1) f.shuffle(LOW_HALVES);
          });
          f.set(local);
        });
      }
    }
  }

  has(acc: Accumulator): boolean {
    return this.totals.has(acc.id);
  }
}

const isSum = (acc: Accumulator): boolean =>
  acc.dtype === 'float32' && 'combine' in acc.update && acc.update.combine === 'add';

/** Push a vector of -0, to which nothing but another -0 adds as -0. */
function minusZeros(f: FunctionBuilder, type: 'f32' | 'f64'): FunctionBuilder {
  const bytes = new Uint8Array(16);
  for (let i = type === 'f32' ? 3 : 7; i < 16; i += type === 'f32' ? 4 : 8) bytes[i] = 0x80;
  return f.v128(bytes);
}

/** Push the sum of vectors, pairwise. */
function sumOf(f: FunctionBuilder, vectors: readonly number[]): void {
  const [only] = vectors;
  if (vectors.length === 1 && only !== undefined) {
    f.get(only);
    return;
  }
  const middle = vectors.length >> 1;
  sumOf(f, vectors.slice(0, middle));
  sumOf(f, vectors.slice(middle));
  f.op('f32x4.add');
}

/** Replace the vector on the stack by the float64 sum of its lanes. */
function addLanes(f: FunctionBuilder, lanes: Lanes): void {
  const v = f.local('v128');
  if (lanes === 2) f.op('f64x2.promote_low_f32x4');
  else {
    f.tee(v).op('f64x2.promote_low_f32x4').get(v).get(v).shuffle(HIGH_HALF).op('f64x2.promote_low_f32x4');
    f.op('f64x2.add');
  }
  f.tee(v).lane('f64x2.extract_lane', 0).get(v).lane('f64x2.extract_lane', 1).op('f64.add');
  f.release('v128', v);
}

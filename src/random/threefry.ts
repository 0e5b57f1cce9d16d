/**
 * Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011):
 * a keyed bijection of 64-bit counters, from which all random numbers here are made, as in JAX.
 */
import { nth } from '../core/axes.js';
import { DTypeError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { definePrimitive, notLinear, Zero, type Primitive } from '../core/primitive.js';
import { ShapedArray } from '../core/aval.js';
import * as s from '../core/scalar.js';
import { userLine } from '../core/source.js';
import { bind } from '../core/trace.js';
import { take2 } from '../core/tuple.js';
import { alignBatch, elementwiseShape } from '../lax/nary.js';

/** Rotations of the two alternating groups of four rounds (paper, table 2, N = 2, W = 32). */
const ROTATIONS = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;
/** Key-schedule parity for 32-bit words, from Skein 1.3 (C240 truncated). */
const PARITY = 0x1bd11bda;
/** Groups of four rounds; the key is injected after each. */
const GROUPS = 5;

const word = (value: number): s.Expr => s.constant('uint32', value);

const rotateLeft = (x: s.Expr, by: number): s.Expr =>
  s.binary('or', s.binary('shl', x, word(by)), s.binary('shrLogical', x, word(32 - by)));

function block(k0: s.Expr, k1: s.Expr, c0: s.Expr, c1: s.Expr): readonly [s.Expr, s.Expr] {
  const schedule = [k0, k1, s.binary('xor', s.binary('xor', k0, k1), word(PARITY))];
  let x = s.binary('add', c0, k0);
  let y = s.binary('add', c1, k1);
  for (let group = 0; group < GROUPS; group++) {
    for (const rotation of nth(ROTATIONS, group % 2)) {
      x = s.binary('add', x, y);
      y = s.binary('xor', x, rotateLeft(y, rotation));
    }
    x = s.binary('add', x, nth(schedule, (group + 1) % 3));
    y = s.binary('add', y, s.binary('add', nth(schedule, (group + 2) % 3), word(group + 1)));
  }
  return [x, y];
}

type None = Record<string, never>;

const threefry2x32P: Primitive<None> = definePrimitive<None>({
  name: 'threefry2x32',
  abstract: (operands) => {
    if (operands.length !== 4 || operands.some((x) => x.dtype !== 'uint32')) {
      throw new DTypeError(
        `threefry2x32: takes two key words and two counter words of uint32, got ${operands.map((x) => x.toString()).join(', ')}.${userLine()}`,
      );
    }
    const out = new ShapedArray(elementwiseShape('threefry2x32', operands), 'uint32');
    return [out, out];
  },
  // Integers have no tangents; a function that uses a key is still differentiable in its other arguments.
  jvp: (primals) => {
    const results = bind(threefry2x32P, primals, {});
    return { primals: results, tangents: results.map((x) => new Zero(x.aval)) };
  },
  transpose: notLinear(),
  batch: (size, operands, dims) => {
    const aligned = alignBatch(size, operands, dims);
    return { results: bind(threefry2x32P, aligned.operands, {}), dims: [aligned.dim, aligned.dim] };
  },
  lower: () => ({
    kind: 'map',
    cost: 'expensive',
    elementwise: true,
    at: (operands, index) => {
      const words = operands.map((o) => o.at(o.aval.ndim === 0 ? [] : index));
      return block(nth(words, 0), nth(words, 1), nth(words, 2), nth(words, 3));
    },
  }),
  examples: () => {
    const words = (shape: readonly number[]) => ({ shape, dtype: 'uint32', domain: [0, 1000] }) as const;
    return [
      { args: [words([]), words([]), words([]), words([])], params: {} },
      { args: [words([]), words([]), words([2, 3]), words([2, 3])], params: {} },
      { args: [words([3]), words([3]), words([]), words([3])], params: {} },
    ];
  },
});

/**
 * The two words of Threefry-2x32-20 of the counter words `c0`, `c1` under the key words `k0`, `k1`: arrays of uint32,
 * of one shape or scalar. Throws DTypeError for other dtypes.
 */
export function threefry2x32(k0: NDArray, k1: NDArray, c0: NDArray, c1: NDArray): readonly [NDArray, NDArray] {
  return take2(bind(threefry2x32P, [k0, k1, c0, c1], {}));
}

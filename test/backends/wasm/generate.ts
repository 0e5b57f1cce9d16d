/** Random well-typed scalar expressions and loop kernels for the code generator's tests. */
import fc from 'fast-check';
import { COMPUTE_TYPES, hostArray } from '../../../src/core/dtype.js';
import type { DType, TypedArray } from '../../../src/core/dtype.js';
import { binary, bitcast, constant, convert, int, load, loopVar, select, unary } from '../../../src/core/scalar.js';
import type { BinaryOp, Expr, ScalarType, UnaryOp } from '../../../src/core/scalar.js';
import type { BufferSlot, Loop } from '../../../src/compiler/loop-ir.js';

/** Elements of every input slot. */
export const LENGTH = 512;

/** Slot i holds COMPUTE_TYPES[i]. */
export const INPUT_SLOTS: readonly BufferSlot[] = COMPUTE_TYPES.map((dtype) => ({
  dtype,
  length: LENGTH,
  access: 'read',
}));

export const EDGES: Record<DType, readonly number[]> = {
  float16: [0, -0, 1, -1, 0.5, 2.5, NaN, Infinity, -Infinity, 2 ** -24, 2 ** -14, 65504, -1024],
  float32: [
    0,
    -0,
    1,
    -1,
    0.5,
    1.5,
    2.5,
    -2.5,
    NaN,
    Infinity,
    -Infinity,
    1e-40,
    3e38,
    -3e38,
    2147483648,
    -2147483904,
    4294967040,
    0.1,
  ].map(Math.fround),
  float64: [
    0,
    -0,
    1,
    -1,
    0.5,
    1.5,
    2.5,
    -2.5,
    NaN,
    Infinity,
    -Infinity,
    5e-324,
    1e308,
    2147483647.5,
    -2147483649,
    4294967296,
    1e19,
    0.1,
  ],
  int32: [0, 1, -1, 2, -2, 3, 7, 31, 100, 2147483647, -2147483648, -2147483647, 16777217, 65535],
  uint32: [0, 1, 2, 3, 7, 31, 100, 2147483647, 2147483648, 4294967295, 4294967294, 16777217, 65535],
  bool: [0, 1],
};

/** Inputs full of edge cases, in an order given by the seed. */
export function edgeInputs(seed: number): TypedArray[] {
  let state = seed | 1;
  const next = (n: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
  return COMPUTE_TYPES.map((dtype) => {
    const data = hostArray(dtype, LENGTH);
    const edges = EDGES[dtype];
    for (let i = 0; i < LENGTH; i++) {
      const edge = edges[next(edges.length)] ?? 0;
      data[i] = dtype === 'bool' || next(3) > 0 ? edge : dtype === 'uint32' ? next(1000) : next(1000) - 500;
    }
    return data;
  });
}

/** Draws: see fast-check's `fc.gen`. */
export type Draw = fc.GeneratorValue;

export function pick<T>(g: Draw, options: readonly T[]): T {
  const chosen = options[g(fc.integer, { min: 0, max: options.length - 1 })];
  if (chosen === undefined) throw new Error('pick: no options');
  return chosen;
}

const FLOAT_UNARY: readonly UnaryOp[] = ['neg', 'abs', 'sqrt', 'floor', 'ceil', 'trunc', 'rint'];
const INT_UNARY: readonly UnaryOp[] = ['neg', 'abs', 'not', 'popcount', 'clz'];
const INT64_UNARY: readonly UnaryOp[] = ['neg', 'abs', 'not'];
const FLOAT_BINARY: readonly BinaryOp[] = ['add', 'sub', 'mul', 'div', 'min', 'max'];
const INT_BINARY: readonly BinaryOp[] = ['add', 'sub', 'mul', 'div', 'rem', 'min', 'max', 'and', 'or', 'xor'];
const SHIFTS: readonly BinaryOp[] = ['shl', 'shrLogical', 'shrArithmetic'];
const BOOL_BINARY: readonly BinaryOp[] = ['and', 'or', 'xor', 'min', 'max'];
const COMPARISONS: readonly BinaryOp[] = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'];
const TYPES: readonly ScalarType[] = [...COMPUTE_TYPES, 'int64'];

/** An index in [0, LENGTH) that moves with the loops by random strides. */
export function drawIndex(g: Draw, loops: readonly Loop[]): Expr {
  const strides = [0, 1, 1, 1, -1, 2, -3, loops.at(-1)?.extent ?? 1];
  let low = 0;
  let span = 0;
  let index: Expr = int(0);
  loops.forEach((loop) => {
    const stride = pick(g, strides);
    const reach = Math.abs(stride) * (loop.extent - 1);
    if (stride === 0 || span + reach > LENGTH - 10) return;
    span += reach;
    low += Math.min(0, stride * (loop.extent - 1));
    index = binary('add', index, binary('mul', loopVar(loop.id, loop.extent), int(stride)));
  });
  return binary('add', index, int(g(fc.integer, { min: 0, max: 9 }) - low));
}

export class ExprGenerator {
  constructor(
    private readonly g: Draw,
    private readonly loops: readonly Loop[],
    /** Expressions that may be used as leaves, such as accumulators. */
    private readonly leaves: readonly Expr[] = [],
  ) {}

  expr(type: ScalarType, depth: number): Expr {
    return depth === 0 || this.g(fc.integer, { min: 0, max: 7 }) === 0 ? this.leaf(type) : this.node(type, depth - 1);
  }

  private leaf(type: ScalarType): Expr {
    const given = this.leaves.filter((e) => e.type === type);
    if (given.length > 0 && this.g(fc.boolean)) return pick(this.g, given);
    if (type === 'int64')
      return this.g(fc.boolean)
        ? constant('int64', this.g(fc.bigInt, -(2n ** 63n), 2n ** 63n - 1n))
        : convert('int64', this.leaf('int32'));
    const kind = this.g(fc.integer, { min: 0, max: 9 });
    if (kind === 0) return constant(type, pick(this.g, EDGES[type]));
    const [loop] = this.loops;
    if (kind === 1 && type === 'int32' && loop !== undefined) {
      const chosen = pick(this.g, this.loops);
      return loopVar(chosen.id, chosen.extent);
    }
    return load(
      type,
      COMPUTE_TYPES.findIndex((t) => t === type),
      this.index(),
    );
  }

  /** An index: mostly affine, sometimes through a quotient, a remainder or another load. */
  index(): Expr {
    const kind = this.g(fc.integer, { min: 0, max: 9 });
    const affine = drawIndex(this.g, this.loops);
    if (kind === 0) return binary('and', load('int32', COMPUTE_TYPES.indexOf('int32'), affine), int(LENGTH - 1));
    if (kind === 1) return binary('rem', affine, int(pick(this.g, [1, 3, 4, 5])));
    if (kind === 2) return binary('div', affine, int(pick(this.g, [1, 2, 3, 7])));
    return affine;
  }

  private node(type: ScalarType, depth: number): Expr {
    const { g } = this;
    const kind = g(fc.integer, { min: 0, max: 9 });
    if (kind === 0) return select(this.expr('bool', depth), this.expr(type, depth), this.expr(type, depth));
    if (kind === 1) {
      const from = pick(g, TYPES);
      return convert(type, this.expr(from, depth));
    }
    if (kind === 2) return this.reinterpret(type, depth);
    switch (type) {
      case 'float32':
      case 'float64': {
        if (kind < 5) return unary(pick(g, FLOAT_UNARY), this.expr(type, depth));
        return binary(pick(g, FLOAT_BINARY), this.expr(type, depth), this.expr(type, depth));
      }
      case 'bool': {
        if (kind === 3) return unary('not', this.expr('bool', depth));
        if (kind < 6) return binary(pick(g, BOOL_BINARY), this.expr('bool', depth), this.expr('bool', depth));
        const operands = pick(g, TYPES);
        return binary(pick(g, COMPARISONS), this.expr(operands, depth), this.expr(operands, depth));
      }
      default: {
        const bits = type === 'int64' ? 64 : 32;
        if (kind === 3) return unary(pick(g, type === 'int64' ? INT64_UNARY : INT_UNARY), this.expr(type, depth));
        if (kind < 6) {
          const mask = constant(type, type === 'int64' ? 63n : bits - 1);
          const count = g(fc.boolean)
            ? constant(type, type === 'int64' ? 13n : 13)
            : binary('and', this.expr(type, depth), mask);
          return binary(pick(g, SHIFTS), this.expr(type, depth), count);
        }
        return binary(pick(g, INT_BINARY), this.expr(type, depth), this.expr(type, depth));
      }
    }
  }

  /** A bitcast; the bits of a NaN are not determined, so it is replaced by 0 before its bits are looked at. */
  private reinterpret(type: ScalarType, depth: number): Expr {
    const noNaN = (e: Expr): Expr => select(binary('ne', e, e), constant(e.type, 0), e);
    switch (type) {
      case 'float32':
        return bitcast('float32', this.expr(pick(this.g, ['int32', 'uint32'] as const), depth));
      case 'float64':
        return bitcast('float64', this.expr('int64', depth));
      case 'int32':
      case 'uint32':
        return bitcast(type, noNaN(this.expr('float32', depth)));
      case 'int64':
        return bitcast('int64', noNaN(this.expr('float64', depth)));
      case 'float16':
        throw new Error('nothing is computed in float16');
      case 'bool':
        return unary('not', this.expr('bool', depth));
    }
  }
}

/** Math functions: what is printed computes, bit for bit and in every vector mode, what their expansion says. */
import { expect, test } from 'vitest';
import { binary, load, loopVar, unary } from '../../../src/core/scalar.js';
import type { Expr, MathBinary, MathUnary } from '../../../src/core/scalar.js';
import type { LoopKernel } from '../../../src/compiler/loop-ir.js';
import { expandMath } from '../../../src/compiler/math/expand.js';
import { EDGES } from './generate.js';
import { programOf, runProgram, sameBits, VECTOR_MODES } from './harness.js';
import { interpretProgram } from './interpreter.js';

const UNARY: readonly MathUnary[] = [
  'exp',
  'exp2',
  'expm1',
  'log',
  'log1p',
  'log2',
  'sin',
  'cos',
  'tan',
  'asin',
  'acos',
  'atan',
  'sinh',
  'cosh',
  'tanh',
  'asinh',
  'acosh',
  'atanh',
  'logistic',
  'erf',
  'erfc',
  'erfInv',
  'lgamma',
  'digamma',
  'cbrt',
  'rsqrt',
  'round',
];
const BINARY: readonly MathBinary[] = ['pow', 'atan2', 'fmod', 'nextafter'];

type Float = 'float32' | 'float64';

function check(dtype: Float, build: (x: Expr, y: Expr) => Expr): void {
  const ordinary = Array.from({ length: 90 }, (_, i) => (i - 45) * 0.37 * (i % 7 === 0 ? 1e4 : 1));
  const values = [...EDGES[dtype], ...ordinary, 1e10, 1e22, 3e37, -7e-8];
  const x = dtype === 'float32' ? Float32Array.from(values) : Float64Array.from(values);
  const y = Float64Array.from(values, (_, i) => values[(i * 29 + 3) % values.length] ?? 0);
  const inputs = [x, dtype === 'float32' ? Float32Array.from(y) : y];
  const i = loopVar(0, values.length);
  const kernel = (expand: (e: Expr) => Expr): LoopKernel => ({
    kind: 'loop',
    name: 'math',
    buffers: [
      { dtype, length: values.length, access: 'read' },
      { dtype, length: values.length, access: 'read' },
      { dtype, length: values.length, access: 'write' },
    ],
    loops: [{ id: 0, extent: values.length }],
    stages: [
      {
        loops: [],
        accumulators: [],
        stores: [{ buffer: 2, index: i, value: expand(build(load(dtype, 0, i), load(dtype, 1, i))) }],
        ordered: false,
      },
    ],
  });
  const [expected] = interpretProgram(programOf(kernel(expandMath)), inputs);
  for (const vectors of VECTOR_MODES) {
    const [actual] = runProgram(programOf(kernel((e) => e)), inputs, [], undefined, { vectors });
    expect(actual !== undefined && expected !== undefined && sameBits(actual, expected), `vectors ${vectors}`).toBe(
      true,
    );
  }
}

test.each(UNARY.flatMap((op) => [[op, 'float32'] as const, [op, 'float64'] as const]))('%s of %s', (op, dtype) => {
  check(dtype, (x) => unary(op, x));
});

test.each(BINARY.flatMap((op) => [[op, 'float32'] as const, [op, 'float64'] as const]))('%s of %s', (op, dtype) => {
  check(dtype, (x, y) => binary(op, x, y));
});

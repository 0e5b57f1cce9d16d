/** Identities that stop something: stop_gradient stops derivatives, optimization_barrier stops simplification. */
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { definePrimitive, Zero, type Primitive } from '../core/primitive.js';
import { bind, bind1 } from '../core/trace.js';
import { take1 } from '../core/tuple.js';
import { instantiate } from './broadcast.js';
import { zeroJvp } from './compare.js';
import { lift1 } from './lift.js';

type None = Record<string, never>;

const stopGradientP: Primitive<None> = definePrimitive<None>({
  name: 'stop_gradient',
  abstract: (operands) => operands,
  jvp: zeroJvp(() => stopGradientP),
  transpose: (cotangents) => cotangents,
  batch: (_size, operands, dims) => ({ results: [bind1(stopGradientP, operands, {})], dims }),
  lower: () => ({ kind: 'map', cost: 'view', at: (operands, index) => [take1(operands)[0].at(index)] }),
  examples: () => [{ args: [{ shape: [2, 3] }], params: {} }],
});

const optimizationBarrierP: Primitive<None> = definePrimitive<None>({
  name: 'optimization_barrier',
  abstract: (operands) => operands,
  jvp: (primals, tangents) => ({
    primals: bind(optimizationBarrierP, primals, {}),
    tangents: bind(optimizationBarrierP, tangents.map(instantiate), {}),
  }),
  transpose: (cotangents) => cotangents.map((ct) => (ct instanceof Zero ? null : ct)),
  batch: (_size, operands, dims) => ({ results: bind(optimizationBarrierP, operands, {}), dims }),
  lower: () => ({ kind: 'map', cost: 'cheap', barrier: true, at: (operands, index) => [take1(operands)[0].at(index)] }),
  examples: () => [{ args: [{ shape: [2, 3] }], params: {} }],
});

/** `x` itself, with derivative zero. */
export const stopGradientArray = (x: ArrayLike): NDArray => bind1(stopGradientP, [lift1('stop_gradient', x)], {});

/** The arrays themselves; the compiler neither merges nor moves computations across. */
export const optimizationBarrier = (xs: readonly NDArray[]): NDArray[] =>
  xs.map((x) => bind1(optimizationBarrierP, [x], {}));

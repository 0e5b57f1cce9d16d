/** The programs of recurrent networks: how many kernels a step is, what the arena holds, that length costs no code. */
import { describe, expect, it } from 'vitest';
import { array, flat } from '../helpers/arrays.js';
import { ShapedArray } from '../../src/core/aval.js';
import { nth } from '../../src/core/axes.js';
import { ConcreteArray } from '../../src/core/concrete.js';
import { traceToJaxpr } from '../../src/core/jaxpr-trace.js';
import type { NDArray } from '../../src/core/ndarray.js';
import { Var, type ClosedJaxpr } from '../../src/core/primitive.js';
import { cpu } from '../../src/backends/wasm/device.js';
import { emitProgram } from '../../src/backends/wasm/emit-program.js';
import { peakBytes } from '../../src/compiler/arena.js';
import { compileJaxpr, optimize } from '../../src/compiler/compile.js';
import { CompiledFunction } from '../../src/compiler/executor.js';
import { kernelCalls, type Program, type Step } from '../../src/compiler/loop-ir.js';
import { planMemory } from '../../src/compiler/plan.js';
import { schedule } from '../../src/compiler/schedule.js';
import { scan } from '../../src/control/index.js';
import * as lax from '../../src/lax/index.js';
import { grad } from '../../src/transforms/index.js';
import { interpret } from './control-flow.js';

interface Sizes {
  readonly steps: number;
  readonly batch: number;
  readonly inputs: number;
  readonly units: number;
}
const f32 = (...shape: number[]): ShapedArray => new ShapedArray(shape, 'float32');

/** All hidden states of an LSTM; arguments are xs, the two weights and the bias. */
function lstm({ batch, units }: Sizes, args: readonly NDArray[]): NDArray {
  const [xs, wx, wh, b] = [nth(args, 0), nth(args, 1), nth(args, 2), nth(args, 3)];
  const zero = lax.full([batch, units], 0, 'float32');
  const [, hs] = scan(
    ([h, c]: [NDArray, NDArray], x: NDArray): [[NDArray, NDArray], NDArray] => {
      const z = lax.add(lax.add(lax.dot(x, wx), lax.dot(h, wh)), lax.broadcastInDim(b, [batch, 4 * units], [1]));
      const gate = (i: number): NDArray => lax.sliceInDim(z, i * units, (i + 1) * units, 1, 1);
      const next = lax.add(lax.mul(lax.logistic(gate(1)), c), lax.mul(lax.logistic(gate(0)), lax.tanh(gate(2))));
      const out = lax.mul(lax.logistic(gate(3)), lax.tanh(next));
      return [[out, next], out];
    },
    [zero, zero] as [NDArray, NDArray],
    xs,
  );
  return hs;
}

const avalsOf = ({ steps, batch, inputs, units }: Sizes): ShapedArray[] => [
  f32(steps, batch, inputs),
  f32(inputs, 4 * units),
  f32(units, 4 * units),
  f32(4 * units),
];
const forward = (sizes: Sizes): ClosedJaxpr => traceToJaxpr((...args) => [lstm(sizes, args)], avalsOf(sizes), 'test');
const gradient = (sizes: Sizes): ClosedJaxpr =>
  traceToJaxpr(
    (...args) => {
      const loss = (...all: NDArray[]): NDArray => lax.reduceSum(lax.square(lstm(sizes, all)));
      return grad(loss, { argnums: [1, 2, 3] })(...args);
    },
    avalsOf(sizes),
    'test',
  );

const SIZES = { steps: 6, batch: 4, inputs: 24, units: 32 };
const loopsOf = (steps: readonly Step[]): Step[][] => steps.flatMap((s) => (s.kind === 'loop' ? [[...s.steps]] : []));
const launches = (p: Program): number[] => loopsOf(p.steps).map((steps) => kernelCalls(steps).length);

describe('an LSTM', () => {
  it('is a loop of two products and what is between them', () => {
    const { program } = compileJaxpr(forward(SIZES));
    expect(loopsOf(program.steps).length).toBe(1);
    expect(Math.max(...launches(program))).toBeLessThanOrEqual(4);
  });
  it('has a gradient of two loops, and the sums over steps behind them', () => {
    const { program } = compileJaxpr(gradient(SIZES));
    const [ahead, back] = launches(program);
    expect(launches(program).length).toBe(2);
    expect(ahead).toBeLessThanOrEqual(5);
    expect(back).toBeLessThanOrEqual(3);
    const last = program.steps.findLastIndex((s) => s.kind === 'loop');
    const after = kernelCalls(program.steps.slice(last + 1)).map((c) => nth(program.kernels, c.kernel).kind);
    expect(after.filter((kind) => kind === 'contract').length).toBe(2);
  });
  it('needs memory near what lives at once', () => {
    for (const closed of [forward(SIZES), gradient(SIZES)]) {
      const program = optimize(closed);
      const results = program.outputs.filter((a) => a instanceof Var);
      const plan = planMemory(
        schedule(program),
        program.inputs,
        results,
        program.inputs.map(() => false),
      );
      expect(plan.arenaBytes).toBeLessThanOrEqual(1.3 * peakBytes(plan.lifetimes));
    }
  });
  it('is as much code for twenty thousand steps as for two thousand', () => {
    for (const make of [forward, gradient]) {
      const size = (steps: number): number => emitProgram(compileJaxpr(make({ ...SIZES, steps })).program).bytes.length;
      // Constants are longer, and the products that sum over all steps are cut into other blocks.
      expect(Math.abs(size(20_000) - size(2_000))).toBeLessThan(0.1 * size(2_000));
    }
  });
  it('computes what its operations compute one by one, whatever the layout of the weights', () => {
    for (const sizes of [SIZES, { steps: 3, batch: 5, inputs: 64, units: 48 }]) {
      for (const closed of [forward(sizes), gradient(sizes)]) {
        const args = closed.inAvals.map((a, k) =>
          array(
            Array.from({ length: a.size }, (_, i) => 0.3 * Math.sin(i * 1.7 + k)),
            a.shape,
          ),
        );
        const concrete = args.filter((x) => x instanceof ConcreteArray);
        const actual = new CompiledFunction(closed, cpu, closed.outAvals).run(concrete).map(flat);
        const expected = interpret(closed, args).map(flat);
        actual.forEach((list, r) => {
          const scale = Math.max(...nth(expected, r).map(Math.abs));
          list.forEach((v, i) => {
            // Sums of up to 15 x 192 float32 terms in another order.
            expect(Math.abs(v - nth(nth(expected, r), i))).toBeLessThan(2e-5 * scale);
          });
        });
      }
    }
  });
});

/**
 * Random well-typed programs: functions of a seed, small and bounded, that nest jit, checkpoint, customJvp, vmap, grad, scan,
 * cond and loops.
 */
import { nth, range } from '../core/axes.js';
import { ShapedArray, type Shape } from '../core/aval.js';
import type { DType } from '../core/dtype.js';
import { isFloat } from '../core/dtype.js';
import { traceToJaxpr } from '../core/jaxpr-trace.js';
import type { NDArray } from '../core/ndarray.js';
import { add, mul, sub } from '../lax/arithmetic.js';
import { broadcastInDim, reduceSum } from '../lax/broadcast.js';
import { broadcastedIota, concatenate, sliceInDim } from '../lax/slicing.js';
import { reshape } from '../lax/reshape.js';
import { checkpoint } from '../transforms/checkpoint.js';
import { customJvp } from '../transforms/custom-jvp.js';
import { grad, jvp } from '../transforms/grad.js';
import { jit } from '../transforms/jit.js';
import { vmap } from '../transforms/vmap.js';
import { drawOperands, toDevice, type HostArray } from './host.js';
import { elements, squash, type Builder, type Value } from './program-builder.js';
import { randomCond, randomLoop, randomScan } from './program-control.js';
import { OPERATIONS } from './program-ops.js';
import { Rng } from './prng.js';

export interface ProgramOptions {
  /** Dtype of the program's floats. Default float64. */
  readonly float?: 'float32' | 'float64';
  /** Operations at most; by default a number that the seed gives. With fewer the program is a prefix of itself. */
  readonly operations?: number;
}

/** A pure function of float arrays. */
export interface RandomProgram {
  /** Types of the arguments. */
  readonly inputs: readonly ShapedArray[];
  readonly run: (...xs: NDArray[]) => NDArray[];
  /** The same function without any jit, checkpoint, customJvp or control flow, and with loops for vmaps. */
  readonly plain: (...xs: NDArray[]) => NDArray[];
  /** Operands, well away from kinks and jumps if the program has such places. */
  readonly draw: (seed: number) => HostArray[];
  /** Its jaxpr. */
  toString(): string;
}

/** Arguments are drawn in ± this. */
const DOMAIN = 1.5;
/** The least distance from a kink or jump: many steps of a finite difference, and many roundings of float32. */
const MIN_DISTANCE = 2e-3;
/** Draws until one is far enough from every kink. */
const ATTEMPTS = 40;

interface Context {
  readonly float: DType;
  readonly plain: boolean;
  readonly smooth: boolean;
  readonly report: (distance: number) => void;
  /** Levels of nested functions that may still be entered. */
  readonly depth: number;
}

const TOTAL = OPERATIONS.reduce((sum, [weight]) => sum + weight, 0);

function pickOperation(rng: Rng): (typeof OPERATIONS)[number][1] {
  let at = rng.uniform(0, TOTAL);
  for (const [weight, operation] of OPERATIONS) if ((at -= weight) < 0) return operation;
  return nth(OPERATIONS, 0)[1];
}

/** Run `operations` random operations from the given values on; all values made, in order. */
function build(rng: Rng, inputs: readonly Value[], operations: number, context: Context): Value[] {
  const values = [...inputs];
  for (let i = 0; i < operations; i++) {
    // Each operation draws from a stream of its own, so that a shorter program is a prefix of a longer one.
    const own = rng.fork(String(i));
    const builder: Builder = { rng: own, values, float: context.float, smooth: context.smooth, report: context.report };
    let made: Value[] | undefined;
    if (context.depth > 0 && own.chance(0.15)) made = nested(builder, context);
    for (let attempt = 0; made === undefined && attempt < 8; attempt++) made = pickOperation(own)(builder);
    if (made !== undefined) values.push(...made.map((v) => squash(own, v)));
  }
  return values;
}

/** Sum of all elements with different weights, so that a gradient through it is not all ones. */
export function weightedSum(xs: readonly NDArray[]): NDArray {
  const sums = xs.filter((x) => isFloat(x.dtype)).map((x, i) => mul(x.ndim === 0 ? x : reduceSum(x), 1 - 0.3 * i));
  return sums.slice(1).reduce((a, b) => add(a, b), nth(sums, 0));
}

/** A function of a few values under a transform, applied at once. It may use the values around it by closure. */
function nested(b: Builder, context: Context): Value[] | undefined {
  const { rng } = b;
  const operands = rng.shuffle(b.values.filter((v) => isFloat(v.x.dtype))).slice(0, rng.int(1, 2));
  if (operands.length === 0) return undefined;
  const closedOver = rng.chance(0.5) ? b.values.slice(-1).filter((v) => isFloat(v.x.dtype)) : [];
  const steps = rng.int(1, 3);
  const seed = rng.word();
  let bounds: number[] = [];
  const body =
    (options: Partial<Context>, results: number) =>
    (...xs: NDArray[]): NDArray[] => {
      const inputs = [...closedOver, ...xs.map((x, i) => ({ x, bound: nth(operands, i).bound }))];
      const out = build(new Rng(seed), inputs, steps, { ...context, ...options, depth: context.depth - 1 });
      const last = out.filter((v) => isFloat(v.x.dtype)).slice(-results);
      bounds = last.map((v) => v.bound);
      return last.map((v) => v.x);
    };
  const give = (xs: readonly NDArray[]): Value[] => xs.map((x, i) => ({ x, bound: bounds[i] ?? 3 }));
  const xs = operands.map((v) => v.x);
  switch (rng.int(0, 7)) {
    case 0: {
      const f = body({}, 2);
      return give(context.plain ? f(...xs) : jit((args: readonly NDArray[]) => f(...args), { name: 'inner' })(xs));
    }
    case 1: {
      const f = body({}, 2);
      return give(context.plain ? f(...xs) : checkpoint((...args: NDArray[]): readonly NDArray[] => f(...args))(...xs));
    }
    case 2: {
      // The rule is the true derivative, found another way: of the function without the rule. Values that the function
      // closes over count as constants for the rule, so there are none.
      const own = (...args: NDArray[]): NDArray[] => {
        const out = build(
          new Rng(seed),
          args.map((x, i) => ({ x, bound: nth(operands, i).bound })),
          steps,
          { ...context, depth: 0 },
        );
        const last = out.filter((v) => isFloat(v.x.dtype)).slice(-2);
        bounds = last.map((v) => v.bound);
        return last.map((v) => v.x);
      };
      const custom = customJvp((...args: NDArray[]): readonly NDArray[] => own(...args)).defjvp((primals, tangents) =>
        jvp((...args: NDArray[]): readonly NDArray[] => own(...args), primals, tangents),
      );
      return give(context.plain ? own(...xs) : custom(...xs));
    }
    case 3: {
      const size = rng.int(2, 3);
      const ramp = xs.map((x) => repeated(x, size));
      const f = body({}, 1);
      const out = context.plain
        ? loop(f, ramp, size)
        : vmap((...args: NDArray[]): readonly NDArray[] => f(...args))(...ramp);
      return give(out).filter((v) => v.x.size <= 48);
    }
    case 4: {
      const size = rng.int(1, 3);
      const stacked = xs.slice(1).map((x) => repeated(x, size));
      const out = randomScan(rng, body({}, 1), weightedSum, nth(xs, 0), stacked, size, context.plain);
      bounds = [1, ...bounds];
      return give(out).filter((v) => v.x.size <= 48);
    }
    case 5: {
      // A choice by a sign is a jump.
      if (context.smooth) return undefined;
      const [f, g] = [body({}, 2), body({}, 1)];
      const decider = weightedSum(xs);
      elements(decider).forEach(context.report);
      const out = randomCond(
        () => weightedSum(f(...xs)),
        () => weightedSum(g(...[...xs].reverse())),
        decider,
        context.plain,
      );
      return [{ x: out, bound: Infinity }];
    }
    case 6: {
      const f = body({}, 1);
      return [{ x: randomLoop(rng, f, weightedSum, nth(xs, 0), context.plain), bound: 16 }];
    }
    default: {
      // Kinks inside of a gradient are jumps outside of it, and not seen while it is traced.
      const f = body({ smooth: true, report: () => undefined }, 1);
      const gradient = grad((x: NDArray) => weightedSum(f(x, ...xs.slice(1))))(nth(xs, 0));
      return [{ x: gradient, bound: Infinity }];
    }
  }
}

/** Copies of `x` along a new first axis, which differ by a factor. */
function repeated(x: NDArray, size: number): NDArray {
  const copies = broadcastInDim(
    x,
    [size, ...x.aval.shape],
    range(x.ndim).map((d) => d + 1),
  );
  return mul(copies, rampLike(copies));
}

const rampLike = (x: NDArray): NDArray => sub(1, mul(broadcastedIota(x.dtype, x.aval.shape, 0), 0.25));

/** The results of `f` on each slice of its arguments along their first axes, stacked: what vmap must equal. */
export function loop(
  f: (...xs: NDArray[]) => readonly NDArray[],
  stacked: readonly NDArray[],
  size: number,
): NDArray[] {
  const rows = range(size).map((i) =>
    f(...stacked.map((x) => reshape(sliceInDim(x, i, i + 1), x.aval.shape.slice(1)))),
  );
  return nth(rows, 0).map((y, k) =>
    concatenate(
      rows.map((row) => reshape(nth(row, k), [1, ...y.aval.shape])),
      0,
    ),
  );
}

/** A shape of few elements; now and then of none. */
function drawShape(rng: Rng): Shape {
  const ndim = rng.pick([0, 1, 1, 2, 2, 3]);
  return range(ndim).map(() => (rng.chance(0.02) ? 0 : rng.int(1, ndim === 3 ? 3 : 4)));
}

/**
 * A random program: a well-typed pure function of one to three float arrays, made of elementwise operations, broadcasts,
 * reductions, contractions, slices, pads, concatenations, gathers, scatters, sorts, cumulative operations and selections,
 * with parts of it under jit, checkpoint, customJvp, vmap, grad, scan, cond, foriLoop and whileLoop. Values stay of the order
 * of 1.
 *
 * @param seed - the program is a pure function of it.
 * @example
 * ```ts
 * import { jit, numpy as np } from 'cotangent';
 * import { randomProgram } from 'cotangent/testing';
 * const { inputs, run } = randomProgram(7);
 * const zeros = inputs.map((a) => np.zeros(a.shape, { dtype: a.dtype }));
 * const eager = run(...zeros);
 * const compiled = jit((xs: typeof zeros) => run(...xs))(zeros);
 * compiled.length === eager.length; // => true
 * ```
 */
export function randomProgram(seed: number, options: ProgramOptions = {}): RandomProgram {
  const float = options.float ?? 'float64';
  const start = new Rng(seed);
  const inputs = range(start.int(1, 3)).map(() => new ShapedArray(drawShape(start), float));
  const planned = start.int(3, 12);
  const operations = Math.min(planned, options.operations ?? planned);
  const programSeed = start.word();

  const evaluate = (xs: readonly NDArray[], context: Omit<Context, 'float' | 'smooth' | 'depth'>): NDArray[] => {
    const rng = new Rng(programSeed);
    const values = build(
      rng,
      xs.map((x) => ({ x, bound: DOMAIN })),
      operations,
      { ...context, float, smooth: false, depth: 2 },
    );
    const made = values.filter((v) => isFloat(v.x.dtype)).map((v) => v.x);
    // The last value, and one from the middle.
    const last = nth(made, made.length - 1);
    const other = nth(made, Math.floor(made.length / 2));
    return made.length === 1 ? [last] : [last, other];
  };
  const ignore = (): void => undefined;
  const run = (...xs: NDArray[]): NDArray[] => evaluate(xs, { plain: false, report: ignore });
  return {
    inputs,
    run,
    plain: (...xs) => evaluate(xs, { plain: true, report: ignore }),
    draw: (drawSeed) => drawAway(inputs, new Rng(drawSeed), (xs, report) => evaluate(xs, { plain: true, report })),
    toString: () => String(traceToJaxpr(run, inputs, 'makeJaxpr')),
  };
}

/** Draw until no reported distance from a kink is small. */
function drawAway(
  inputs: readonly ShapedArray[],
  rng: Rng,
  observe: (xs: readonly NDArray[], report: (distance: number) => void) => unknown,
): HostArray[] {
  let best: HostArray[] = [];
  let bestDistance = -1;
  for (let attempt = 0; attempt < ATTEMPTS && bestDistance < MIN_DISTANCE; attempt++) {
    const operands = drawOperands(
      inputs.map((a) => ({ shape: a.shape, dtype: a.dtype, domain: [-DOMAIN, DOMAIN] })),
      rng,
    );
    let distance = Infinity;
    observe(operands.map(toDevice), (d) => {
      distance = Math.min(distance, d);
    });
    if (distance > bestDistance) [best, bestDistance] = [operands, distance];
  }
  return best;
}

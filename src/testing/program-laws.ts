/** Laws of random programs: what is true of every primitive is true of every composition, under every composition of transforms. */
import { nth, range } from '../core/axes.js';
import { ShapedArray } from '../core/aval.js';
import { checkJaxpr } from '../core/check.js';
import type { Device } from '../core/device.js';
import { isFloat, type DType } from '../core/dtype.js';
import { evalClosed, traceToJaxpr } from '../core/jaxpr-trace.js';
import type { NDArray } from '../core/ndarray.js';
import { leaves } from '../core/tree.js';
import { add, mul, neg } from '../lax/arithmetic.js';
import { broadcastInDim } from '../lax/broadcast.js';
import { broadcastedIota } from '../lax/slicing.js';
import { cos } from '../lax/trigonometric.js';
import { checkpoint } from '../transforms/checkpoint.js';
import { grad, jvp, linearize } from '../transforms/grad.js';
import { hessian } from '../transforms/jacobian.js';
import { disableJit, jit } from '../transforms/jit.js';
import { vmap } from '../transforms/vmap.js';
import { checkGrads } from './check-grads.js';
import { assertAllSame, epsilonOf, type Tolerance } from './compare.js';
import { assertAdjoint, cotangentsOf, tangentsOf } from './derivative-laws.js';
import { evaluate, evaluateReference, runNow, runOn, jitted, type Check, type OnLists } from './evaluation.js';
import { drawDirection, stack, toDevice, type HostArray } from './host.js';
import { Rng } from './prng.js';
import { loop, weightedSum } from './random-programs.js';

/** A function with a reference that computes the same without transforms, and arguments to try them at. */
export interface ProgramCase {
  readonly inputs: readonly ShapedArray[];
  readonly run: OnLists;
  readonly plain: OnLists;
  readonly args: readonly HostArray[];
}

/** A statement about programs; throws CheckError where it does not hold. */
export interface ProgramLaw {
  readonly name: string;
  readonly check: (c: ProgramCase, seed: number) => void;
  /** The same on a device that is read asynchronously; undefined where it needs float64. */
  readonly checkOn?: (device: Device, c: ProgramCase, seed: number) => Promise<void>;
}

type CheckCase = (c: ProgramCase, seed: number) => Check;

const programLaw = (name: string, check: CheckCase): ProgramLaw => ({
  name,
  check: (c, seed) => {
    runNow(check(c, seed));
  },
  checkOn: (device, c, seed) => runOn(device, check(c, seed)),
});

/**
 * Two evaluations of a program differ by roundings, which each of its few dozen operations can pass on amplified: a
 * thousandfold of the dtype's ε per unit, which in float64 is 2·10⁻¹³ and would still show any wrong term.
 */
const AMPLIFIED = 1024;
/** Derivatives pass through two to four times as many operations. */
const AMPLIFIED_DERIVATIVES = 16 * AMPLIFIED;
/**
 * Finite differences err by h²/6·|f‴| with h² = 4·10⁻¹¹; compositions of a dozen functions reach third derivatives of
 * some 10⁵.
 */
const DIFFERENCES: Tolerance = { atol: 1e-5, rtol: 1e-5 };

const units =
  (count: number) =>
  (dtype: DType): Tolerance =>
    isFloat(dtype) ? { atol: count * epsilonOf(dtype), rtol: count * epsilonOf(dtype) } : { atol: 0, rtol: 0 };

/** The same function of one list, which transforms take as one argument. */
const onList =
  (f: OnLists) =>
  (xs: readonly NDArray[]): readonly NDArray[] =>
    f(...xs);

function* directions(c: ProgramCase, rng: Rng): Check<{ tangents: HostArray[]; cotangents: HostArray[] }> {
  const results = yield* evaluateReference(c.run, c.args);
  return {
    tangents: c.inputs.map((a) => drawDirection(a, rng)),
    cotangents: results.map((y) => drawDirection(y.aval, rng)),
  };
}

const typeChecks = programLaw(
  'its jaxpr, and those of its derivatives and its vmap, type-check and evaluate to the same',
  function* (c, seed) {
    const n = c.inputs.length;
    const { tangents, cotangents } = yield* directions(c, new Rng(seed));
    const check = function* (what: string, f: OnLists, args: readonly HostArray[]): Check {
      const closed = traceToJaxpr(
        f,
        args.map((x) => x.aval),
        what,
      );
      checkJaxpr(closed.jaxpr);
      assertAllSame(
        `evaluating the jaxpr of its ${what}`,
        yield* evaluate((...xs) => evalClosed(closed, xs), args),
        yield* evaluateReference(f, args),
        units(AMPLIFIED),
      );
    };
    yield* check('values', c.run, c.args);
    yield* check('jvp', tangentsOf(c.run, n), [...c.args, ...tangents]);
    yield* check('vjp', cotangentsOf(c.run, n), [...c.args, ...cotangents]);
    yield* check(
      'vmap',
      (...xs) => vmap(onList(c.run))(xs),
      c.args.map((x) => stack([x, x], 0, x.aval)),
    );
  },
);

const jitIsEager = programLaw('jit = eager = disableJit', function* (c) {
  const expected = yield* evaluateReference(c.plain, c.args);
  assertAllSame('eager', yield* evaluate(c.run, c.args), expected, units(AMPLIFIED));
  assertAllSame('jit', yield* evaluate(jitted(c.run), c.args), expected, units(AMPLIFIED));
  assertAllSame(
    'disableJit',
    yield* evaluate((...xs) => disableJit(() => jitted(c.run)(...xs)), c.args),
    expected,
    units(AMPLIFIED),
  );
});

/** Examples that differ from each other, and stay about as far from kinks as the first. */
const batchOf = (c: ProgramCase, size: number): HostArray[][] =>
  range(size).map((b) => c.args.map((x) => ({ aval: x.aval, data: x.data.map((v) => v * (1 - 1e-5 * b)) })));

const vmapIsLoop = programLaw('vmap = loop', function* (c, seed) {
  const rng = new Rng(seed);
  const size = 3;
  const batch = batchOf(c, size);
  const chosen = range(c.inputs.length).filter(() => rng.chance(0.7));
  const batched = chosen.length === 0 ? [0] : chosen;
  const axes = c.inputs.map((a, i) => (batched.includes(i) ? rng.int(0, a.ndim) : null));
  const operands = c.args.map((x, i) => {
    const axis = nth(axes, i);
    return axis === null
      ? x
      : stack(
          batch.map((xs) => nth(xs, i)),
          axis,
          x.aval,
        );
  });
  const rows: HostArray[][] = [];
  for (const xs of batch) {
    rows.push(
      yield* evaluateReference(
        c.plain,
        xs.map((x, i) => (batched.includes(i) ? x : nth(c.args, i))),
      ),
    );
  }
  const first = nth(rows, 0);
  const outAxes = first.map((y) => rng.int(0, y.aval.ndim));
  const expected = first.map((y, k) =>
    stack(
      rows.map((row) => nth(row, k)),
      nth(outAxes, k),
      y.aval,
    ),
  );
  const f: OnLists = (...xs) => vmap(onList(c.run), [axes], { outAxes })(xs);
  assertAllSame('vmap', yield* evaluate(f, operands), expected, units(AMPLIFIED));
  assertAllSame('jit of vmap', yield* evaluate(jitted(f), operands), expected, units(AMPLIFIED));
});

const finiteDifferences: ProgramLaw = {
  name: 'jvp and vjp = finite differences',
  check: (c, seed) => {
    // Second order costs several times more, and is tried on a part of the seeds.
    checkGrads((...xs: NDArray[]) => [...c.run(...xs)], c.args.map(toDevice), {
      name: 'the program',
      order: seed % 4 === 0 ? 2 : 1,
      seed,
      ...DIFFERENCES,
    });
  },
};

const adjoint = programLaw('⟨ct, jvp(t)⟩ = ⟨vjp(ct), t⟩, and linearize = jvp', function* (c, seed) {
  const n = c.inputs.length;
  const { tangents, cotangents } = yield* directions(c, new Rng(seed));
  const pushed = yield* evaluate(tangentsOf(c.run, n), [...c.args, ...tangents]);
  const pulled = yield* evaluate(cotangentsOf(c.run, n), [...c.args, ...cotangents]);
  assertAdjoint('the program', pushed, cotangents, pulled, tangents, nth(c.inputs, 0).dtype);
  const linearized: OnLists = (...xs) => linearize(onList(c.run), [xs.slice(0, n)])[1](xs.slice(n));
  const again = yield* evaluate(linearized, [...c.args, ...tangents]);
  assertAllSame('linearize', again, pushed, units(AMPLIFIED_DERIVATIVES));
});

const gradOfJit = programLaw('grad ∘ jit = jit ∘ grad = grad of the plain function', function* (c, seed) {
  const scalar =
    (f: OnLists) =>
    (xs: readonly NDArray[]): NDArray =>
      weightedSum(f(...xs));
  const expected = yield* evaluateReference((...xs) => grad(scalar(c.plain))(xs), c.args);
  const check = function* (what: string, f: OnLists): Check {
    assertAllSame(what, yield* evaluate(f, c.args), expected, units(AMPLIFIED_DERIVATIVES));
  };
  yield* check('grad', (...xs) => grad(scalar(c.run))(xs));
  // Each of these traces and compiles the program anew; a seed tries half of them.
  if (seed % 2 === 0) {
    yield* check('grad of jit', (...xs) => grad(jit(scalar(c.run)))(xs));
    yield* check('jit of grad of jit', (...xs) => jit(grad(jit(scalar(c.run))))(xs));
  } else {
    yield* check('jit of grad', (...xs) => jit(grad(scalar(c.run)))(xs));
    yield* check('grad of checkpoint', (...xs) => grad(checkpoint(scalar(c.run)))(xs));
  }
});

/** A transform, and the same without compilation and vectorization, on functions of lists of floats. */
interface Step {
  readonly name: string;
  readonly transformed: (f: OnLists) => OnLists;
  readonly plain: (f: OnLists) => OnLists;
  /** Batches that the arguments must get, by how many examples. */
  readonly batch?: number;
  readonly order: number;
}

const gradient =
  (f: OnLists): OnLists =>
  (...xs) =>
    grad((args: readonly NDArray[]) => weightedSum(f(...args)))(xs);
/** A direction that depends on the point, so that it is differentiated too. */
const directional =
  (f: OnLists): OnLists =>
  (...xs) =>
    jvp(onList(f), [xs], [xs.map((x) => cos(x))])[1];
const linearized =
  (f: OnLists): OnLists =>
  (...xs) =>
    linearize(onList(f), [xs])[1](xs.map((x) => neg(x)));
const identity = (f: OnLists): OnLists => f;

const BATCH = 2;
const STEPS: readonly Step[] = [
  { name: 'jit', transformed: jitted, plain: identity, order: 0 },
  {
    name: 'checkpoint',
    transformed:
      (f) =>
      (...xs) =>
        checkpoint(onList(f))(xs),
    plain: identity,
    order: 0,
  },
  {
    name: 'vmap',
    transformed:
      (f) =>
      (...xs) =>
        vmap(onList(f))(xs),
    plain:
      (f) =>
      (...xs) =>
        loop(f, xs, BATCH),
    batch: BATCH,
    order: 0,
  },
  { name: 'grad', transformed: gradient, plain: gradient, order: 1 },
  { name: 'jvp', transformed: directional, plain: directional, order: 1 },
  { name: 'linearize', transformed: linearized, plain: linearized, order: 1 },
];
/** Derivatives in one composition: each multiplies the size of the program. */
const MAX_ORDER = 2;

/** Copies of `x` on a new first axis, scaled so that they differ: at the same distances from kinks, nearly. */
const widenBatch = (x: NDArray): NDArray => {
  const { shape } = x.aval;
  const copies = broadcastInDim(
    x,
    [BATCH, ...shape],
    range(shape.length).map((d) => d + 1),
  );
  return mul(copies, add(mul(broadcastInDim(iotaLike(x), [BATCH, ...shape], [0]), 1e-5), 1));
};
const iotaLike = (x: NDArray): NDArray => broadcastedIota(x.dtype, [BATCH], 0);

const compositions = programLaw(
  'compositions of transforms = the same without jit, checkpoint and vmap',
  function* (c, seed) {
    const rng = new Rng(seed);
    const steps: Step[] = [];
    const length = rng.int(2, 5);
    while (steps.length < length) {
      const step = rng.pick(STEPS);
      const order = steps.reduce((sum, s) => sum + s.order, 0);
      const batches = steps.filter((s) => s.batch !== undefined).length;
      if (order + step.order <= MAX_ORDER && (step.batch === undefined || batches < 2)) steps.push(step);
    }
    const name = steps
      .map((s) => s.name)
      .reverse()
      .join(' ∘ ');
    let args = c.args;
    for (const step of steps)
      if (step.batch !== undefined) args = yield* evaluateReference((...xs) => xs.map(widenBatch), args);
    const transformed = steps.reduce((f, step) => step.transformed(f), c.run);
    const plain = steps.reduce((f, step) => step.plain(f), c.plain);
    const expected = yield* evaluateReference(plain, args);
    assertAllSame(name, yield* evaluate(transformed, args), expected, units(AMPLIFIED_DERIVATIVES));
  },
);

/** Elements of all arguments together for which a Hessian is made. */
const HESSIAN_LIMIT = 12;

const batchedHessian = programLaw('jit ∘ vmap ∘ hessian = loop of Hessian-vector products', function* (c) {
  if (c.inputs.reduce((n, a) => n + a.size, 0) > HESSIAN_LIMIT) return;
  const scalar =
    (f: OnLists) =>
    (xs: readonly NDArray[]): NDArray =>
      weightedSum(f(...xs));
  const args = yield* evaluateReference((...xs) => xs.map(widenBatch), c.args);
  const blocks = (xs: readonly NDArray[]): NDArray[] => leaves<NDArray>(hessian(scalar(c.run))(xs));
  const got = yield* evaluate((...xs) => jit(vmap(blocks))(xs), args);
  // Column (j, e) of every block is the derivative of the gradient along element e of argument j.
  const product = (point: readonly HostArray[], j: number, e: number): Check<HostArray[]> =>
    evaluateReference(
      (...xs) =>
        jvp(
          (ys: readonly NDArray[]) => grad(scalar(c.plain))(ys),
          [xs],
          [point.map((x, k) => toDevice(unitLike(x, k === j ? e : -1)))],
        )[1],
      point,
    );
  const n = c.inputs.length;
  const rows: HostArray[][] = [];
  for (const b of range(BATCH)) {
    const point = args.map((x, k) => sliceFirst(x, b, nth(c.inputs, k)));
    const columns: HostArray[][][] = [];
    for (const [j, a] of c.inputs.entries()) {
      const column: HostArray[][] = [];
      for (const e of range(a.size)) column.push(yield* product(point, j, e));
      columns.push(column);
    }
    const row = range(n * n).map((index) => {
      const [i, j] = [Math.floor(index / n), index % n];
      const [above, beside] = [nth(c.inputs, i), nth(c.inputs, j)];
      const type = new ShapedArray([...above.shape, ...beside.shape], above.dtype);
      const data = new Float64Array(type.size);
      nth(columns, j).forEach((gradients, e) => {
        nth(gradients, i).data.forEach((v, r) => {
          data[r * beside.size + e] = v;
        });
      });
      return { aval: type, data };
    });
    rows.push(row);
  }
  const expected = nth(rows, 0).map((block, k) =>
    stack(
      rows.map((row) => nth(row, k)),
      0,
      block.aval,
    ),
  );
  assertAllSame('vmap of hessian', got, expected, units(AMPLIFIED_DERIVATIVES));
});

const unitLike = (x: HostArray, position: number): HostArray => ({
  aval: x.aval,
  data: x.data.map((_, i) => (i === position ? 1 : 0)),
});
const sliceFirst = (x: HostArray, b: number, type: ShapedArray): HostArray => ({
  aval: type,
  data: x.data.slice(b * type.size, (b + 1) * type.size),
});

/** The laws of random programs. */
export const PROGRAM_LAWS: readonly ProgramLaw[] = [
  typeChecks,
  jitIsEager,
  vmapIsLoop,
  finiteDifferences,
  adjoint,
  gradOfJit,
  compositions,
  batchedHessian,
];

/** Derivatives against finite differences: checkGrads, checkJvp, checkVjp (the names of JAX's public_test_util). */
import { nth } from '../core/axes.js';
import { showShape } from '../core/aval.js';
import { isFloat } from '../core/dtype.js';
import { ArgumentError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { Zero, type MaybeZero } from '../core/primitive.js';
import { flattenWithPath, unflatten } from '../core/tree.js';
import { instantiate } from '../lax/broadcast.js';
import { leafArray, type ArgumentsLike, type ToArrays } from '../transforms/arguments.js';
import { pullback } from '../transforms/grad.js';
import { jvpFlat } from '../transforms/jvp.js';
import { linearizeFlat } from '../transforms/linearize.js';
import { CheckError, describeMismatch, innerProduct, worstMismatch, type Mismatch, type Tolerance } from './compare.js';
import { drawDirection, mapHost, toDevice, toHost, unravel, type HostArray } from './host.js';
import {
  centralDifference,
  defaultStep,
  flatCase,
  flattenArgs,
  type FlatCase,
  type NumericalOptions,
} from './numerical.js';
import { Rng } from './prng.js';

export interface CheckOptions extends NumericalOptions {
  /** Absolute tolerance; by default 1e-6, or 2e-2 where the function computes in float32. */
  atol?: number;
  /** Relative tolerance; by default the same. */
  rtol?: number;
  /** Seed of the random directions. */
  seed?: number;
  /** What to call the function in messages; by default its own name. */
  name?: string;
}

export type Mode = 'fwd' | 'rev';

export interface CheckGradsOptions extends CheckOptions {
  /** Derivatives up to this order are checked. Default 2. */
  order?: number;
  /** Forward mode, reverse mode, or both (the default). */
  modes?: readonly Mode[];
}

type Untyped = (...args: never[]) => unknown;

interface Checked {
  readonly tolerance: Tolerance;
  readonly step: number;
  readonly rng: Rng;
  readonly op: string;
}

/** Values and tangents of the results, along directions of the arguments. */
type Forward = (
  args: readonly NDArray[],
  directions: readonly NDArray[],
) => { values: readonly NDArray[]; tangents: readonly MaybeZero[] };
/** Values, and cotangents of the arguments for given cotangents of the results. */
type Reverse = (args: readonly NDArray[]) => {
  values: readonly NDArray[];
  pull: (cotangents: readonly NDArray[]) => readonly MaybeZero[];
};

/** Elements that a failed check is traced back to; beyond this many the message names a direction only. */
const LOCALIZE_LIMIT = 4096;

/** Along each element the step is relative to its size, from size 1 on. */
const scaledDirection = (x: HostArray, rng: Rng): HostArray => {
  const v = drawDirection(x.aval, rng);
  let next = 0;
  return mapHost(v, (value) => value * Math.max(1, Math.abs(x.data[next++] ?? 0)));
};

const unit = (x: HostArray, position: number): HostArray => {
  let next = 0;
  return mapHost(x, () => (next++ === position ? 1 : 0));
};

const zeros = (x: HostArray): HostArray => mapHost(x, () => 0);

/** Every element of the float arguments, until the limit. */
function elementsOf(args: readonly HostArray[]): { argument: number; position: number }[] {
  const all = args.flatMap((x, argument) =>
    isFloat(x.aval.dtype) ? Array.from(x.data, (_, position) => ({ argument, position })) : [],
  );
  return all.length > LOCALIZE_LIMIT ? [] : all;
}

const tangentOf = (t: MaybeZero): HostArray => toHost(instantiate(t));

function fail(c: FlatCase, op: string, what: string, mismatch: Mismatch, source: string): never {
  const hint = Number.isFinite(mismatch.expected)
    ? ''
    : ' The function is not finite near these arguments; check it inside of its domain.';
  throw new CheckError(
    `${op}: ${c.name}: ${what} ${describeMismatch(mismatch)}. Expected is the finite difference, got is ${source}.${hint}`,
  );
}

/** The first result whose tangent differs from the difference quotient. */
function compareForward(
  c: FlatCase,
  derivative: Forward,
  directions: readonly HostArray[],
  { tolerance, step }: Checked,
): { result: number; mismatch: Mismatch } | undefined {
  const { tangents } = derivative(c.args.map(toDevice), directions.map(toDevice));
  const expected = centralDifference(c, directions, step);
  for (const [result, e] of expected.entries()) {
    if (e === null) continue;
    const mismatch = worstMismatch(tangentOf(nth(tangents, result)), e, tolerance);
    if (mismatch !== undefined) return { result, mismatch };
  }
  return undefined;
}

function checkForward(c: FlatCase, derivative: Forward, options: Checked): void {
  const { op, rng } = options;
  checkValues(
    c,
    derivative(
      c.args.map(toDevice),
      c.args.map((x) => toDevice(zeros(x))),
    ).values,
    options,
    'jvp',
  );
  const found = compareForward(
    c,
    derivative,
    c.args.map((x) => scaledDirection(x, rng)),
    options,
  );
  if (found === undefined) return;
  const label = (i: number): string => c.resultLabels()[i] ?? 'result';
  for (const { argument, position } of elementsOf(c.args)) {
    const directions = c.args.map((x, i) => (i === argument ? unit(x, position) : zeros(x)));
    const one = compareForward(c, derivative, directions, options);
    if (one === undefined) continue;
    const x = nth(c.args, argument);
    const by = `${nth(c.labels, argument)} at index ${showShape(unravel(position, x.aval.shape))}`;
    fail(c, op, `the derivative of ${label(one.result)} by ${by} differs:`, one.mismatch, 'forward mode');
  }
  fail(
    c,
    op,
    `the derivative of ${label(found.result)} along a random direction of all arguments differs:`,
    found.mismatch,
    'forward mode',
  );
}

function checkValues(c: FlatCase, values: readonly NDArray[], { op, tolerance }: Checked, rule: string): void {
  c.run(...c.args.map(toDevice)).forEach((y, i) => {
    const mismatch = worstMismatch(toHost(nth(values, i)), toHost(y), tolerance);
    if (mismatch !== undefined) {
      throw new CheckError(
        `${op}: ${c.name}: the value that ${rule} returns differs from the function's: ${c.resultLabels()[i] ?? 'result'} ${describeMismatch(mismatch)}`,
      );
    }
  });
}

function checkReverse(c: FlatCase, derivative: Reverse, options: Checked): void {
  const { op, rng, step, tolerance } = options;
  const { values, pull } = derivative(c.args.map(toDevice));
  checkValues(c, values, options, 'vjp');
  const cotangents = values.map((y) => drawDirection(toHost(y).aval, rng));
  const pulled = pull(cotangents.map(toDevice)).map(tangentOf);
  const onResults = (directions: readonly HostArray[]): { sum: number; magnitude: number } =>
    innerProduct(
      centralDifference(c, directions, step).map((d, i) => d ?? nth(cotangents, i)),
      cotangents,
    );

  const directions = c.args.map((x) => scaledDirection(x, rng));
  const expected = onResults(directions);
  const got = innerProduct(pulled, directions);
  const allowed = tolerance.atol + tolerance.rtol * Math.max(expected.magnitude, got.magnitude);
  if (Math.abs(expected.sum - got.sum) <= allowed) return;

  for (const { argument, position } of elementsOf(c.args)) {
    const e = onResults(c.args.map((x, i) => (i === argument ? unit(x, position) : zeros(x))));
    const g = nth(pulled, argument).data[position] ?? NaN;
    const room = tolerance.atol + tolerance.rtol * Math.max(e.magnitude, Math.abs(g));
    if (Math.abs(e.sum - g) <= room) continue;
    const index = unravel(position, nth(c.args, argument).aval.shape);
    fail(
      c,
      op,
      `the cotangent of ${nth(c.labels, argument)} differs:`,
      { index, expected: e.sum, got: g, allowed: room },
      'reverse mode',
    );
  }
  throw new CheckError(
    `${op}: ${c.name}: ⟨ct, f′v⟩ is ${String(expected.sum)} by finite differences but ⟨vjp(ct), v⟩ is ${String(got.sum)} ` +
      `(difference ${String(Math.abs(expected.sum - got.sum))}, tolerance ${String(allowed)}) along a random direction of all arguments.`,
  );
}

/** The library's own forward mode. */
const ownForward =
  (run: FlatCase['run']): Forward =>
  (args, directions) => {
    const { primals, tangents } = jvpFlat(
      run,
      args,
      directions.map((v, i): MaybeZero => (isFloat(nth(args, i).dtype) ? v : new Zero(v.aval))),
    );
    return { values: primals, tangents };
  };

/** The library's own reverse mode. */
const ownReverse =
  (run: FlatCase['run']): Reverse =>
  (args) => {
    const { primals, linear } = linearizeFlat(run, args);
    return {
      values: primals,
      pull: (cotangents) => {
        const results = pullback(linear, cotangents);
        let next = 0;
        return args.map((x): MaybeZero => (isFloat(x.dtype) ? nth(results, next++) : new Zero(x.aval)));
      },
    };
  };

/** The jvp as a function of primals and tangents, to be differentiated again. */
function forwardCase(c: FlatCase, rng: Rng): FlatCase {
  const moving = c.args.map((x, i) => ({ x, i })).filter(({ x }) => isFloat(x.aval.dtype));
  let kept: number[] = [];
  return {
    ...c,
    name: `jvp of ${c.name}`,
    args: [...c.args, ...moving.map(({ x }) => drawDirection(x.aval, rng))],
    labels: [...c.labels.map((label) => `primal ${label}`), ...moving.map(({ i }) => `tangent of ${nth(c.labels, i)}`)],
    resultLabels: () => kept.map((i) => `tangent of ${c.resultLabels()[i] ?? 'result'}`),
    run: (...xs) => {
      let next = c.args.length;
      const primals = xs.slice(0, c.args.length);
      const { tangents } = ownForward(c.run)(
        primals,
        primals.map((p) => (isFloat(p.dtype) ? nth(xs, next++) : p)),
      );
      kept = tangents.flatMap((t, i) => (isFloat(t.aval.dtype) ? [i] : []));
      return tangents.filter((t) => isFloat(t.aval.dtype)).map(instantiate);
    },
  };
}

/** The vjp as a function of arguments and cotangents, to be differentiated again. */
function reverseCase(c: FlatCase, rng: Rng): FlatCase {
  const values = c.run(...c.args.map(toDevice));
  const floats = values.filter((y) => isFloat(y.dtype));
  const moving = c.args.flatMap((x, i) => (isFloat(x.aval.dtype) ? [i] : []));
  const labels = c.resultLabels().filter((_, i) => isFloat(nth(values, i).dtype));
  return {
    ...c,
    name: `vjp of ${c.name}`,
    args: [...c.args, ...floats.map((y) => drawDirection(toHost(y).aval, rng))],
    labels: [...c.labels.map((label) => `primal ${label}`), ...labels.map((label) => `cotangent of ${label}`)],
    resultLabels: () => moving.map((i) => `cotangent of ${nth(c.labels, i)}`),
    run: (...xs) => {
      let next = c.args.length;
      const args = xs.slice(0, c.args.length);
      const { values: out, pull } = ownReverse(c.run)(args);
      const cotangents = pull(out.map((y) => (isFloat(y.dtype) ? nth(xs, next++) : instantiate(new Zero(y.aval)))));
      return moving.map((i) => instantiate(nth(cotangents, i)));
    },
  };
}

function prepare(f: Untyped, args: unknown, options: CheckOptions, op: string): { c: FlatCase; checked: Checked } {
  const name = options.name ?? (f.name === '' ? 'the function' : f.name);
  const c = flatCase(f, args, name, op);
  if (!c.args.some((x) => isFloat(x.aval.dtype)))
    throw new ArgumentError(`${op}: ${name} has no float argument to differentiate by`);
  const standard = { float16: 2e-1, float32: 2e-2, float64: 1e-6 }[c.precision];
  const checked: Checked = {
    op,
    tolerance: { atol: options.atol ?? standard, rtol: options.rtol ?? standard },
    step: options.eps ?? defaultStep(c.precision, options.kinks),
    rng: new Rng(options.seed ?? 0),
  };
  return { c, checked };
}

function checkOrders(c: FlatCase, order: number, modes: readonly Mode[], options: Checked): void {
  if (modes.includes('fwd')) {
    checkForward(c, ownForward(c.run), options);
    if (order > 1) checkOrders(forwardCase(c, options.rng), order - 1, modes, options);
  }
  if (modes.includes('rev')) {
    checkReverse(c, ownReverse(c.run), options);
    if (order > 1) checkOrders(reverseCase(c, options.rng), order - 1, modes, options);
  }
}

/**
 * Check the derivatives of `f` at `args` against central finite differences, in forward and reverse mode and up to
 * `order`: of order 2 are the derivatives of the jvp by primals and tangents and of the vjp by arguments and cotangents,
 * in both modes again.
 *
 * Everything is computed in float64; arguments of integer and bool dtypes are held constant. Differences are taken along
 * random directions with step ∛ε·max(1, |x|) (see {@link numericalJvp}), so one check costs a few evaluations of `f`
 * whatever its size; only a check that fails looks for the element. A function that computes in float32 inside is
 * checked with the step and the tolerance of that precision. The point must be away from kinks (the zero of abs, ties of
 * max), where a difference quotient is no derivative; of a network, some of whose many units are always near one, say `{ kinks: true }`.
 *
 * @param f - a function of trees of arrays, with float results.
 * @param args - its arguments, a list.
 * @throws CheckError naming the function, the path and index of the argument and result, expected, got and the tolerance.
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * import { checkGrads } from 'cotangent/testing';
 * const loss = (p: { w: np.Array; b: np.Array }) => np.sum(np.tanh(p.w).mul(p.b));
 * checkGrads(loss, [{ w: np.array([0.5, -1]), b: np.array([2, 3]) }], { order: 2, modes: ['fwd', 'rev'] });
 * ```
 */
export function checkGrads<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  args: ArgumentsLike<A>,
  options: CheckGradsOptions = {},
): void {
  const { c, checked } = prepare(f, args, options, 'checkGrads');
  checkOrders(c, options.order ?? 2, options.modes ?? ['fwd', 'rev'], checked);
}

/** A jvp rule: values and tangents of the results, from lists of primals and tangents. */
export type JvpFunction<A, R> = (primals: A, tangents: ToArrays<A>) => readonly [out: R, tangent: R];
/** A vjp rule: values of the results, and cotangents of the arguments from cotangents of the results. */
export type VjpFunction<A, R> = (
  primals: A,
) => readonly [out: R, pullback: (cotangent: ToArrays<R>) => readonly unknown[]];

/** Arrays of a tree. */
const leavesOf = (tree: unknown, op: string): NDArray[] =>
  flattenWithPath<unknown>(tree)[0].map(([, leaf]) => leafArray(leaf, () => op));

/**
 * Check a jvp against finite differences: `rule(primals, tangents)` returns `[value, tangent]`, as
 * `(p, t) => jvp(f, p, t)` does; `f` itself in its place stands for the library's own.
 *
 * @throws CheckError as {@link checkGrads}, also when the value differs from that of `f`.
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * import { checkJvp } from 'cotangent/testing';
 * const square = (x: np.Array) => x.mul(x);
 * checkJvp(square, ([x], [dx]) => [x.mul(x), x.mul(dx).mul(2)], [np.array([1, 2])]);
 * checkJvp(square, square, [np.array([1, 2])]);
 * ```
 */
export function checkJvp<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  rule: JvpFunction<A, R>,
  args: ArgumentsLike<A>,
  options?: CheckOptions,
): void;
export function checkJvp<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  itself: (...args: A) => R,
  args: ArgumentsLike<A>,
  options?: CheckOptions,
): void;
export function checkJvp(f: Untyped, rule: Untyped, args: readonly unknown[], options: CheckOptions = {}): void {
  const { c, checked } = prepare(f, args, options, 'checkJvp');
  if (rule === f) {
    checkForward(c, ownForward(c.run), checked);
    return;
  }
  const { def } = flattenArgs(args, 'args', 'checkJvp');
  const given = rule as unknown as JvpFunction<unknown, unknown>;
  const forward: Forward = (primals, directions) => {
    const [values, tangents] = given(unflatten(def, primals), unflatten(def, directions));
    return {
      values: leavesOf(values, "checkJvp: the rule's value"),
      tangents: leavesOf(tangents, "checkJvp: the rule's tangent"),
    };
  };
  checkForward(c, forward, checked);
}

/**
 * Check a vjp against finite differences: `rule(primals)` returns `[value, pullback]` and the pullback a list with the
 * cotangent of each argument, as `(p) => vjp(f, p)` does; `f` itself in its place stands for the library's own.
 *
 * @throws CheckError as {@link checkGrads}, also when the value differs from that of `f`.
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * import { checkVjp } from 'cotangent/testing';
 * const square = (x: np.Array) => x.mul(x);
 * checkVjp(square, ([x]) => [x.mul(x), (ct) => [x.mul(ct).mul(2)]], [np.array([1, 2])]);
 * checkVjp(square, square, [np.array([1, 2])]);
 * ```
 */
export function checkVjp<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  rule: VjpFunction<A, R>,
  args: ArgumentsLike<A>,
  options?: CheckOptions,
): void;
export function checkVjp<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  itself: (...args: A) => R,
  args: ArgumentsLike<A>,
  options?: CheckOptions,
): void;
export function checkVjp(f: Untyped, rule: Untyped, args: readonly unknown[], options: CheckOptions = {}): void {
  const { c, checked } = prepare(f, args, options, 'checkVjp');
  if (rule === f) {
    checkReverse(c, ownReverse(c.run), checked);
    return;
  }
  const { def } = flattenArgs(args, 'args', 'checkVjp');
  const given = rule as unknown as VjpFunction<unknown, unknown>;
  const reverse: Reverse = (primals) => {
    const [values, pull] = given(unflatten(def, primals));
    const [leaves, outDef] = flattenWithPath<unknown>(values);
    return {
      values: leaves.map(([, leaf]) => leafArray(leaf, () => "checkVjp: the rule's value")),
      pull: (cotangents) => leavesOf(pull(unflatten(outDef, cotangents)), "checkVjp: the rule's cotangents"),
    };
  };
  checkReverse(c, reverse, checked);
}

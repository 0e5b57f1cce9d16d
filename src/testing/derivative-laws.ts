/**
 * Laws of differentiation: jvp = finite differences, ⟨ct, jvp(t)⟩ = ⟨vjp(ct), t⟩, transposes are adjoints, derivatives
 * have the types of what they belong to, and their jaxprs type-check.
 */
import { nth, range } from '../core/axes.js';
import { checkJaxpr } from '../core/check.js';
import { isFloat, type DType } from '../core/dtype.js';
import { NotSupportedError } from '../core/errors.js';
import { evalClosed, traceToJaxpr } from '../core/jaxpr-trace.js';
import type { NDArray } from '../core/ndarray.js';
import { LinearOperand, NoRule, Zero, type MaybeZero } from '../core/primitive.js';
import { instantiate } from '../lax/broadcast.js';
import { pullback } from '../transforms/grad.js';
import { jvpFlat } from '../transforms/jvp.js';
import { linearizeFlat } from '../transforms/linearize.js';
import { backwardPass } from '../transforms/transpose.js';
import { checkGrads, type Mode } from './check-grads.js';
import {
  assertAllSame,
  assertSame,
  CheckError,
  innerProduct,
  coarsest,
  roundings,
  worstMismatch,
  type Tolerance,
} from './compare.js';
import { evaluate, jitted, type Check, type OnLists, type Site } from './evaluation.js';
import { drawDirection, mapHost, toDevice, toHost, type HostArray } from './host.js';
import { lawOf, type CheckSubject, type Law } from './law.js';
import { widen } from './numerical.js';
import type { Rng } from './prng.js';
import { draw, hasFloatOperand, hasFloatResult, resized, SMALL, widened, type Subject } from './subjects.js';

/** Tangents of float results, from primals followed by the tangents of the float ones. */
export const tangentsOf =
  (f: OnLists, count: number): OnLists =>
  (...xs) => {
    const primals = xs.slice(0, count);
    let next = count;
    const tangents = primals.map((p): MaybeZero => (isFloat(p.dtype) ? nth(xs, next++) : new Zero(p.aval)));
    const out = jvpFlat(f, primals, tangents);
    return out.tangents.filter((_, i) => isFloat(nth(out.primals, i).dtype)).map(instantiate);
  };

/** Cotangents of float arguments, from the arguments followed by the cotangents of the float results. */
export const cotangentsOf =
  (f: OnLists, count: number): OnLists =>
  (...xs) => {
    const { primals, linear } = linearizeFlat(f, xs.slice(0, count));
    let next = count;
    const cts = primals.map((y): MaybeZero => (isFloat(y.dtype) ? nth(xs, next++) : new Zero(y.aval)));
    return pullback(linear, cts).map(instantiate);
  };

/** The same tangents by linearization. */
const linearizedTangents =
  (f: OnLists, count: number): OnLists =>
  (...xs) => {
    const { primals, linear } = linearizeFlat(f, xs.slice(0, count));
    const out = evalClosed(linear.closed, xs.slice(count));
    let next = 0;
    const all = primals.map((y, i): MaybeZero => (linear.nonzero[i] === true ? nth(out, next++) : new Zero(y.aval)));
    return all.filter((_, i) => isFloat(nth(primals, i).dtype)).map(instantiate);
  };

/** Operands, a tangent for each float one, and a cotangent for each float result. */
function point(s: Subject, rng: Rng): { operands: HostArray[]; tangents: HostArray[]; cotangents: HostArray[] } {
  return {
    operands: draw(s, rng),
    tangents: s.avals.filter((a) => isFloat(a.dtype)).map((a) => drawDirection(a, rng)),
    cotangents: s.outAvals.filter((a) => isFloat(a.dtype)).map((a) => drawDirection(a, rng)),
  };
}

const hasForward = (s: Subject): boolean => !(s.primitive.jvp instanceof NoRule);
const hasReverse = (s: Subject): boolean => hasForward(s) || s.primitive.linearize !== undefined;

const finiteDifferences = (modes: readonly Mode[]): CheckSubject =>
  // eslint-disable-next-line require-yield -- it is a check of the CPU, which has float64
  function* (s, rng) {
    const wide = widened(s);
    checkGrads((...xs: NDArray[]) => [...wide.apply(...xs)], draw(wide, rng).map(toDevice), {
      name: wide.name,
      order: 2,
      modes,
      seed: rng.word(),
    });
  };

/** Roundings, relative to the sum of magnitudes, that two ways of adding up an inner product may differ by. */
const INNER_ROUNDINGS = 256;

/** ⟨ct, f′t⟩ and ⟨vjp(ct), t⟩ agree. */
export function assertAdjoint(
  what: string,
  results: readonly HostArray[],
  cts: readonly HostArray[],
  pulled: readonly HostArray[],
  ts: readonly HostArray[],
  dtype: DType,
): void {
  const forward = innerProduct(results, cts);
  const reverse = innerProduct(pulled, ts);
  const { atol, rtol } = roundings(dtype, INNER_ROUNDINGS);
  const allowed = atol + rtol * Math.max(forward.magnitude, reverse.magnitude);
  if (Math.abs(forward.sum - reverse.sum) <= allowed || (Number.isNaN(forward.sum) && Number.isNaN(reverse.sum)))
    return;
  throw new CheckError(
    `${what}: ⟨ct, f′t⟩ = ${String(forward.sum)} but ⟨vjp(ct), t⟩ = ${String(reverse.sum)} (tolerance ${String(allowed)})`,
  );
}

function* adjoint(s: Subject, rng: Rng, { float64, eagerly }: Site): Check {
  const wide = float64 ? widened(s) : s;
  const form = (f: OnLists): OnLists => (eagerly ? f : jitted(f));
  const { operands, tangents, cotangents } = point(wide, rng);
  const n = operands.length;
  const pushed = yield* evaluate(form(tangentsOf(wide.apply, n)), [...operands, ...tangents]);
  const pulled = yield* evaluate(form(cotangentsOf(wide.apply, n)), [...operands, ...cotangents]);
  const dtype = coarsest([...wide.avals, ...wide.outAvals].map((a) => a.dtype));
  assertAdjoint(wide.name, pushed, cotangents, pulled, tangents, dtype);
  assertAllSame(
    `${wide.name}: linearize`,
    yield* evaluate(form(linearizedTangents(wide.apply, n)), [...operands, ...tangents]),
    pushed,
    (dtype) => roundings(dtype, INNER_ROUNDINGS),
  );
}

/** Roundings by which a derivative may differ from the one in float64: the rules lose a few digits, of which float16 has but three. */
const OWN_ROUNDINGS = { float16: 64, float32: 1024, float64: 1024 } as const;

/** In the dtype of the example: types of tangents and cotangents, values near those of float64, jit = eager, typed jaxprs. */
const ownDType = (modes: readonly Mode[]): CheckSubject =>
  function* (s, rng, { eagerly }) {
    const { operands, tangents, cotangents } = point(s, rng);
    const n = operands.length;
    const wide = widened(s);
    const sides: readonly (readonly [
      string,
      (f: OnLists, count: number) => OnLists,
      readonly HostArray[],
      readonly Subject['avals'][number][],
    ])[] = [
      ...(modes.includes('fwd') ? [['jvp', tangentsOf, tangents, s.outAvals] as const] : []),
      ...(modes.includes('rev') ? [['vjp', cotangentsOf, cotangents, s.avals] as const] : []),
    ];
    for (const [mode, derivative, directions, types] of sides) {
      const f = derivative(s.apply, n);
      const inputs = [...operands, ...directions];
      const results = yield* evaluate(eagerly ? f : jitted(f), inputs);
      types
        .filter((a) => isFloat(a.dtype))
        .forEach((a, i) => {
          if (!nth(results, i).aval.equals(a))
            throw new CheckError(
              `${s.name}: the ${mode} has type ${nth(results, i).aval.toString()} where ${a.toString()} belongs`,
            );
        });
      checkJaxpr(
        traceToJaxpr(
          f,
          inputs.map((x) => x.aval),
          mode,
        ).jaxpr,
      );
      if (eagerly) {
        assertAllSame(`${s.name}: jit of its ${mode}`, yield* evaluate(jitted(f), inputs), results, (dtype) =>
          roundings(dtype, INNER_ROUNDINGS),
        );
      }
      if (wide === s) continue;
      const precise = yield* evaluate(derivative(wide.apply, n), inputs.map(widen));
      const dtype = coarsest([...s.avals, ...s.outAvals].map((a) => a.dtype));
      assertAllSame(`${s.name}: ${mode} in its own dtype`, results.map(widen), precise, () =>
        roundings(dtype, OWN_ROUNDINGS[dtype]),
      );
    }
  };

/** Accuracy of linear functions in float64, for deciding that one is linear. */
const LINEAR: Tolerance = { atol: 1e-12, rtol: 1e-9 };

/**
 * Where the primitive is affine in some operands together, its transpose with respect to them is the adjoint of the
 * linear part; where it is not, or has no rule, transposing says so.
 */
function* transposeIsAdjoint(s: Subject, rng: Rng): Check {
  const wide = widened(s);
  if (wide.outAvals.some((a) => !isFloat(a.dtype))) return;
  const operands = draw(wide, rng);
  const movable = range(operands.length).filter((i) => isFloat(nth(wide.avals, i).dtype));
  for (const bits of range(2 ** movable.length).slice(1)) {
    const chosen = movable.filter((_, k) => (bits >> k) & 1);
    const avals = chosen.map((i) => nth(wide.avals, i));
    const fixed = operands.map(toDevice);
    const f: OnLists = (...xs) =>
      wide.apply(...fixed.map((x, i) => (chosen.includes(i) ? nth(xs, chosen.indexOf(i)) : x)));
    const [x, y] = [avals.map((a) => drawDirection(a, rng)), avals.map((a) => drawDirection(a, rng))];
    const fx = yield* evaluate(f, x);
    const fy = yield* evaluate(f, y);
    const combined = yield* evaluate(
      f,
      x.map((v, k) => combine(v, nth(y, k))),
    );
    const origin = yield* evaluate(
      f,
      x.map((v) => mapHost(v, () => 0)),
    );
    const moved = (ys: readonly HostArray[]): HostArray[] =>
      ys.map((v, k) => zipHost(v, nth(origin, k), (p, q) => p - q));
    const linearPart = moved(fx);
    const isFinite = [...origin, ...combined, ...fx, ...fy].every((z) => z.data.every(Number.isFinite));
    const isAffine =
      isFinite &&
      moved(combined).every(
        (z, k) => worstMismatch(z, combine(nth(linearPart, k), nth(moved(fy), k)), LINEAR) === undefined,
      );
    const closed = traceToJaxpr(f, avals, 'linearTranspose');
    const cts = wide.outAvals.map((a) => drawDirection(a, rng));
    const pull = (): HostArray[] =>
      backwardPass(
        closed.jaxpr,
        closed.consts,
        avals.map((a) => new LinearOperand(a)),
        cts.map(toDevice),
      ).map((ct, k) => toHost(instantiate(ct ?? new Zero(nth(avals, k)))));
    const what = `${wide.name}: transpose by operands ${chosen.join(', ')}`;
    if (!isAffine || wide.primitive.transpose instanceof NoRule) {
      expectNotSupported(what, wide, pull);
      continue;
    }
    const pulled = pull();
    pulled.forEach((ct, k) => {
      if (!ct.aval.equals(nth(avals, k)))
        throw new CheckError(`${what}: a cotangent is ${ct.aval.toString()} where ${nth(avals, k).toString()} belongs`);
    });
    const dtype = coarsest([...wide.avals, ...wide.outAvals].map((a) => a.dtype));
    assertAdjoint(what, linearPart, cts, pulled, x, dtype);
  }
}

const zipHost = (a: HostArray, b: HostArray, f: (p: number, q: number) => number): HostArray => {
  let next = 0;
  return mapHost(a, (v) => f(v, b.data[next++] ?? NaN));
};
/** 2a + b, the combination that linearity is tried on. */
const combine = (a: HostArray, b: HostArray): HostArray => zipHost(a, b, (p, q) => 2 * p + q);

/** A rule that cannot exist says so, with its reason and the name of the primitive. */
function expectNotSupported(what: string, s: Subject, run: () => unknown): void {
  let message = '';
  try {
    run();
  } catch (error) {
    if (!(error instanceof NotSupportedError)) throw error;
    ({ message } = error);
  }
  if (message === '') throw new CheckError(`${what}: expected a NotSupportedError, since there is no rule`);
  // A call is transposed by transposing what it calls, and that is what the error is about.
  if (!s.isCall && !message.includes(s.primitive.name))
    throw new CheckError(`${what}: the error does not name ${s.primitive.name}: ${message}`);
}

/** Reverse mode of a primitive that has none says so. */
// eslint-disable-next-line require-yield -- nothing is computed
function* noReverse(s: Subject, rng: Rng): Check {
  const { operands, cotangents } = point(s, rng);
  expectNotSupported(`${s.name}: vjp`, s, () =>
    cotangentsOf(s.apply, operands.length)(...[...operands, ...cotangents].map(toDevice)),
  );
}

// eslint-disable-next-line require-yield -- nothing is computed
function* noDerivative(s: Subject, rng: Rng): Check {
  const { operands, tangents } = point(s, rng);
  expectNotSupported(`${s.name}: jvp`, s, () =>
    tangentsOf(s.apply, operands.length)(...[...operands, ...tangents].map(toDevice)),
  );
}

/** Tangents and cotangents that are zero because results do not move, or are defined not to. */
function* zeroDerivative(s: Subject, rng: Rng): Check {
  const { operands, tangents, cotangents } = point(s, rng);
  const n = operands.length;
  const pushed: OnLists = (...xs) => {
    const out = jvpFlat(s.apply, xs.slice(0, n), mixed(operands, xs.slice(n)));
    out.tangents.forEach((t, i) => {
      const type = nth(out.primals, i).aval;
      if (!t.aval.equals(type))
        throw new CheckError(`${s.name}: a tangent is ${t.aval.toString()} where ${type.toString()} belongs`);
    });
    return out.tangents.map(instantiate);
  };
  const zeros = (what: string, all: readonly HostArray[]): void => {
    all.forEach((x) => {
      assertSame(
        `${s.name}: ${what}`,
        x,
        mapHost(x, () => 0),
        { atol: 0, rtol: 0 },
      );
    });
  };
  zeros('tangent', yield* evaluate(pushed, [...operands, ...tangents]));
  zeros('cotangent', yield* evaluate(cotangentsOf(s.apply, n), [...operands, ...cotangents]));
}

function mixed(operands: readonly HostArray[], tangents: readonly NDArray[]): MaybeZero[] {
  let next = 0;
  return operands.map((x): MaybeZero => (isFloat(x.aval.dtype) ? nth(tangents, next++) : new Zero(x.aval)));
}

/** Derivatives where an axis has length 0 or 1. */
const smallSizes = (modes: readonly Mode[]): CheckSubject =>
  function* (s, rng, site) {
    for (const small of site.some(resized(s, SMALL), rng)) {
      yield* ownDType(modes)(small, rng, site);
      if (modes.length === 2) yield* adjoint(small, rng, site);
    }
  };

export interface DerivativeLawOptions {
  /** Why the derivative is zero by definition, whatever finite differences say (stop_gradient). */
  readonly zeroByDefinition?: string;
  /** Why there is no reverse mode, though there is forward mode (while). */
  readonly forwardOnly?: string;
}

export function derivativeLaws(s: Subject, { zeroByDefinition, forwardOnly }: DerivativeLawOptions = {}): Law[] {
  const law = (what: string, check: CheckSubject): Law => lawOf(s, 'derivative', what, check);
  const cpuLaw = (what: string, check: CheckSubject): Law => lawOf(s, 'derivative', what, check, { onDevices: false });
  if (!hasFloatOperand(s)) return [];
  if (zeroByDefinition !== undefined)
    return [
      law(`derivative is zero (${zeroByDefinition})`, zeroDerivative),
      cpuLaw('transpose = adjoint', transposeIsAdjoint),
    ];
  if (!hasFloatResult(s)) return [law('derivative is zero (results are integers)', zeroDerivative)];
  if (!hasReverse(s)) return [cpuLaw('derivative does not exist', noDerivative)];
  const modes: readonly Mode[] = forwardOnly !== undefined ? ['fwd'] : hasForward(s) ? ['fwd', 'rev'] : ['rev'];
  return [
    cpuLaw('derivatives of order 1 and 2 = finite differences', finiteDifferences(modes)),
    ...(modes.length === 2 ? [law('⟨ct, jvp(t)⟩ = ⟨vjp(ct), t⟩', adjoint)] : []),
    ...(forwardOnly !== undefined ? [cpuLaw(`reverse mode does not exist (${forwardOnly})`, noReverse)] : []),
    law('derivatives in their own dtype', ownDType(modes)),
    cpuLaw('transpose = adjoint', transposeIsAdjoint),
    ...(resized(s, SMALL).length === 0 ? [] : [law('derivatives with axes of length 0 and 1', smallSizes(modes))]),
  ];
}

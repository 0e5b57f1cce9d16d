/** Laws of evaluation: abstract = actual, jit = eager, however operands lie in memory and whatever is fused with them. */
import { nth, range } from '../core/axes.js';
import { checkJaxpr } from '../core/check.js';
import { hostArray, type DType } from '../core/dtype.js';
import { traceToJaxpr } from '../core/jaxpr-trace.js';
import type { NDArray } from '../core/ndarray.js';
import { bitwiseNot } from '../lax/compare.js';
import { neg } from '../lax/arithmetic.js';
import { rev, transpose } from '../lax/reshape.js';
import { assertAllSame, CheckError } from './compare.js';
import { evaluate, evaluateReference, jitted, type Check, type Site } from './evaluation.js';
import { drawOperands, mapHost, rearrange, type HostArray } from './host.js';
import { lawOf, type CheckSubject, type Law } from './law.js';
import type { Rng } from './prng.js';
import { draw, LONG, resized, SMALL, type Subject } from './subjects.js';
import { VIEWS, type View } from './views.js';

/** The types that tracing gives are those of the arrays that evaluation gives. */
function* abstractIsActual(s: Subject, rng: Rng): Check {
  const results = yield* evaluate(s.apply, draw(s, rng));
  if (results.length !== s.outAvals.length)
    throw new CheckError(
      `${s.name}: ${String(results.length)} results, but its abstract rule gives ${String(s.outAvals.length)}`,
    );
  results.forEach((y, i) => {
    const expected = nth(s.outAvals, i);
    if (!y.aval.equals(expected))
      throw new CheckError(
        `${s.name}: result ${String(i)} is ${y.aval.toString()}, but its abstract rule gives ${expected.toString()}`,
      );
    const { data } = y;
    if (data.length !== expected.size || data.constructor !== hostArray(expected.dtype, 0).constructor) {
      throw new CheckError(
        `${s.name}: result ${String(i)} of type ${expected.toString()} holds ${String(data.length)} elements in a ${data.constructor.name}`,
      );
    }
  });
  const traced = traceToJaxpr((...xs) => s.apply(...xs), s.avals, 'makeJaxpr');
  checkJaxpr(traced.jaxpr);
  traced.outAvals.forEach((a, i) => {
    if (!a.equals(nth(s.outAvals, i)))
      throw new CheckError(
        `${s.name}: traced, result ${String(i)} is ${a.toString()}, not ${nth(s.outAvals, i).toString()}`,
      );
  });
}

function* jitIsEager(s: Subject, rng: Rng): Check {
  const operands = draw(s, rng);
  const eager = yield* evaluate(s.apply, operands);
  assertAllSame(`${s.name}: jit`, yield* evaluate(jitted(s.apply), operands), eager, s.tolerance);
}

function* jitOfViews(s: Subject, rng: Rng, site: Site): Check {
  const operands = draw(s, rng);
  const expected = yield* evaluateReference(s.apply, operands);
  const names = Object.keys(VIEWS);
  const viewOf = (name: string, x: HostArray): View => VIEWS[name]?.(x) ?? { base: x, view: (b) => b };
  const check = function* (what: string, views: readonly View[]): Check {
    const f = (...bases: NDArray[]): readonly NDArray[] => s.apply(...bases.map((b, i) => nth(views, i).view(b)));
    const bases = views.map((v) => v.base);
    const got = yield* evaluate(jitted(f), bases);
    assertAllSame(`${s.name}: jit with ${what} operands`, got, expected, s.tolerance);
  };
  for (const name of site.some(names, rng)) {
    yield* check(
      name,
      operands.map((x) => viewOf(name, x)),
    );
  }
  if (operands.length > 1) {
    const mixed = operands.map(() => rng.pick(names));
    yield* check(
      mixed.join(' and '),
      operands.map((x, i) => viewOf(nth(mixed, i), x)),
    );
  }
}

/** An exact involution of every dtype, to stand before and after the primitive. */
const flip = (x: NDArray): NDArray => (x.dtype === 'bool' || x.dtype === 'uint32' ? bitwiseNot(x) : neg(x));
function flipHost(x: HostArray): HostArray {
  switch (x.aval.dtype) {
    case 'bool':
      return mapHost(x, (v) => 1 - v);
    case 'uint32':
      return mapHost(x, (v) => ~v >>> 0);
    default:
      return mapHost(x, (v) => -v);
  }
}

/** Elementwise neighbours before and after, results used twice and rearranged: what fusion makes of it is the same. */
function* jitOfFused(s: Subject, rng: Rng): Check {
  const operands = draw(s, rng);
  const plain = yield* evaluateReference(s.apply, operands);
  const f = (...xs: NDArray[]): NDArray[] => {
    const results = s.apply(...xs.map(flip));
    return results.flatMap((y) => [flip(y), transpose(y, range(y.ndim).reverse()), rev(flip(y), range(y.ndim)), y]);
  };
  const expected = plain.flatMap((y) => {
    const { shape } = y.aval;
    const backwards = rearrange(flipHost(y), shape, (i) => i.map((k, d) => nth(shape, d) - 1 - k));
    return [flipHost(y), rearrange(y, [...shape].reverse(), (i) => [...i].reverse()), backwards, y];
  });
  const got = yield* evaluate(jitted(f), operands.map(flipHost));
  assertAllSame(`${s.name}: jit with neighbours`, got, expected, s.tolerance);
}

/** The same with axes of other lengths. */
const atLengths = (targets: readonly number[]): CheckSubject =>
  function* (s, rng, site) {
    for (const other of resized(s, targets)) {
      yield* abstractIsActual(other, rng);
      yield* jitIsEager(other, rng);
      yield* jitOfViews(other, rng, site);
    }
  };

/** Values at the edges of each dtype. */
const SPECIAL: Readonly<Record<DType, readonly number[]>> = {
  float16: [0, -0, 1, -1, Infinity, -Infinity, NaN, 2 ** -24, -(2 ** -14), 65504, -1000, 0.5, -2.5, 0.1, 11.1],
  float32: [
    0,
    -0,
    1,
    -1,
    Infinity,
    -Infinity,
    NaN,
    2 ** -149,
    -(2 ** -126),
    3.4e38,
    -1e30,
    0.5,
    -2.5,
    1e-8,
    88.5,
    -104,
  ],
  float64: [
    0,
    -0,
    1,
    -1,
    Infinity,
    -Infinity,
    NaN,
    2 ** -1074,
    -(2 ** -1022),
    1.7e308,
    -1e200,
    0.5,
    -2.5,
    1e-17,
    709.5,
    -746,
  ],
  int32: [0, 1, -1, 0x7fffffff, -0x80000000, 31, 32, 33, -7, 1000003],
  uint32: [0, 1, 0xffffffff, 0x80000000, 31, 32, 33, 7, 1000003],
  bool: [0, 1],
};
/** Elements of one test: some vectors, and some left over. */
const ELEMENTS = 61;

/** Elementwise operands with values at the edges of their dtypes among the drawn ones. */
export function drawSpecial(s: Subject, rng: Rng): HostArray[] {
  const drawn = drawOperands(
    s.args.map((spec) => (spec.shape.length === 0 ? spec : { ...spec, shape: [ELEMENTS] })),
    rng,
  );
  return drawn.map((x) =>
    x.aval.ndim === 0 ? x : mapHost(x, (v) => (rng.chance(0.5) ? rng.pick(SPECIAL[x.aval.dtype]) : v)),
  );
}

/** In vectors or alone, an element comes out the same to the bit, at the edges of its dtype too. */
function* elementsAreAlike(s: Subject, rng: Rng, site: Site): Check {
  const operands = drawSpecial(s, rng);
  const together = yield* evaluate(s.apply, operands);
  const fused = yield* evaluate(jitted(s.apply), operands);
  for (const i of site.some(range(ELEMENTS), rng)) {
    const element = operands.map((x) => (x.aval.ndim === 0 ? x : rearrange(x, [1], () => [i])));
    const results = yield* evaluate(s.apply, element);
    results.forEach((y, k) => {
      for (const [how, all] of [
        ['in an array', together],
        ['in an array, jitted', fused],
      ] as const) {
        const [alone, inArray] = [y.data[0], nth(all, k).data[i]];
        if (Object.is(alone, inArray)) continue;
        const at = element.map((x) => String(x.data[0])).join(', ');
        throw new CheckError(
          `${s.name} of ${at}: ${String(alone)} alone, but ${String(inArray)} as element ${String(i)} ${how} of ${String(ELEMENTS)}`,
        );
      }
    });
  }
}

export function compileLaws(s: Subject): Law[] {
  const law = (what: string, check: CheckSubject): Law => lawOf(s, 'compile', what, check);
  // On a device both are compared with the CPU's results anyway, for these lengths too (device-laws.ts).
  const cpuLaw = (what: string, check: CheckSubject): Law => lawOf(s, 'compile', what, check, { onDevices: false });
  return [
    law('abstract = actual', abstractIsActual),
    cpuLaw('jit = eager', jitIsEager),
    ...(s.args.length === 0
      ? []
      : [law('jit of views = eager', jitOfViews), law('jit with neighbours = eager', jitOfFused)]),
    ...(s.isElementwise && s.avals.some((a) => a.ndim > 0)
      ? [law('an element is the same in a vector and alone', elementsAreAlike)]
      : []),
    ...(resized(s, SMALL).length === 0 ? [] : [cpuLaw('axes of length 0 and 1', atLengths(SMALL))]),
    ...(resized(s, LONG).length === 0 ? [] : [cpuLaw('long axes', atLengths(LONG))]),
  ];
}

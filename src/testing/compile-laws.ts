/** Laws of evaluation: abstract = actual, jit = eager, however operands lie in memory and whatever is fused with them. */
import { nth, range } from '../core/axes.js';
import { checkJaxpr } from '../core/check.js';
import { hostArray, type DType } from '../core/dtype.js';
import { traceToJaxpr } from '../core/jaxpr-trace.js';
import type { NDArray } from '../core/ndarray.js';
import { bitwiseNot } from '../lax/compare.js';
import { neg } from '../lax/arithmetic.js';
import { rev, transpose } from '../lax/reshape.js';
import { jit } from '../transforms/jit.js';
import { assertAllSame, CheckError } from './compare.js';
import { drawOperands, mapHost, rearrange, toDevice, toHost, type HostArray } from './host.js';
import type { Law } from './law.js';
import { Rng } from './prng.js';
import { draw, evaluateSubject, LONG, resized, SMALL, type Subject } from './subjects.js';
import { VIEWS, type View } from './views.js';

/** Results of a jitted function of a list of arrays. */
export const runJitted = (f: (...xs: NDArray[]) => readonly NDArray[], operands: readonly HostArray[]): HostArray[] =>
  jit((xs: readonly NDArray[]) => [...f(...xs)])(operands.map(toDevice)).map(toHost);

/** The types that tracing gives are those of the arrays that evaluation gives. */
function abstractIsActual(s: Subject, rng: Rng): void {
  const results = s.apply(...draw(s, rng).map(toDevice));
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
    const data = y.dataSync();
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

function jitIsEager(s: Subject, rng: Rng): void {
  const operands = draw(s, rng);
  assertAllSame(`${s.name}: jit`, runJitted(s.apply, operands), evaluateSubject(s, operands), s.tolerance);
}

function jitOfViews(s: Subject, rng: Rng): void {
  const operands = draw(s, rng);
  const expected = evaluateSubject(s, operands);
  const names = Object.keys(VIEWS);
  const viewOf = (name: string, x: HostArray): View => VIEWS[name]?.(x) ?? { base: x, view: (b) => b };
  const check = (what: string, views: readonly View[]): void => {
    const f = (...bases: NDArray[]): readonly NDArray[] => s.apply(...bases.map((b, i) => nth(views, i).view(b)));
    assertAllSame(
      `${s.name}: jit with ${what} operands`,
      runJitted(
        f,
        views.map((v) => v.base),
      ),
      expected,
      s.tolerance,
    );
  };
  for (const name of names)
    check(
      name,
      operands.map((x) => viewOf(name, x)),
    );
  if (operands.length > 1) {
    const mixed = operands.map(() => rng.pick(names));
    check(
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
function jitOfFused(s: Subject, rng: Rng): void {
  const operands = draw(s, rng);
  const plain = evaluateSubject(s, operands);
  const f = (...xs: NDArray[]): NDArray[] => {
    const results = s.apply(...xs.map(flip));
    return results.flatMap((y) => [flip(y), transpose(y, range(y.ndim).reverse()), rev(flip(y), range(y.ndim)), y]);
  };
  const expected = plain.flatMap((y) => {
    const { shape } = y.aval;
    const backwards = rearrange(flipHost(y), shape, (i) => i.map((k, d) => nth(shape, d) - 1 - k));
    return [flipHost(y), rearrange(y, [...shape].reverse(), (i) => [...i].reverse()), backwards, y];
  });
  assertAllSame(`${s.name}: jit with neighbours`, runJitted(f, operands.map(flipHost)), expected, s.tolerance);
}

/** The same with axes of other lengths. */
const atLengths =
  (targets: readonly number[]) =>
  (s: Subject, rng: Rng): void => {
    for (const other of resized(s, targets)) {
      abstractIsActual(other, rng);
      jitIsEager(other, rng);
      jitOfViews(other, rng);
    }
  };

/** Values at the edges of each dtype. */
const SPECIAL: Readonly<Record<DType, readonly number[]>> = {
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

/** In vectors or alone, an element comes out the same to the bit, at the edges of its dtype too. */
function elementsAreAlike(s: Subject, rng: Rng): void {
  const drawn = drawOperands(
    s.args.map((spec) => (spec.shape.length === 0 ? spec : { ...spec, shape: [ELEMENTS] })),
    rng,
  );
  const operands = drawn.map((x) =>
    x.aval.ndim === 0 ? x : mapHost(x, (v) => (rng.chance(0.5) ? rng.pick(SPECIAL[x.aval.dtype]) : v)),
  );
  const together = evaluateSubject(s, operands);
  const fused = runJitted(s.apply, operands);
  range(ELEMENTS).forEach((i) => {
    const element = operands.map((x) => (x.aval.ndim === 0 ? x : rearrange(x, [1], () => [i])));
    evaluateSubject(s, element).forEach((y, k) => {
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
  });
}

export function compileLaws(s: Subject): Law[] {
  const law = (what: string, check: (s: Subject, rng: Rng) => void): Law => ({
    name: `${what}: ${s.name}`,
    kind: 'compile',
    run: (seed) => check(s, new Rng(seed).fork(s.name)),
  });
  return [
    law('abstract = actual', abstractIsActual),
    law('jit = eager', jitIsEager),
    ...(s.args.length === 0
      ? []
      : [law('jit of views = eager', jitOfViews), law('jit with neighbours = eager', jitOfFused)]),
    ...(s.isElementwise && s.avals.some((a) => a.ndim > 0)
      ? [law('an element is the same in a vector and alone', elementsAreAlike)]
      : []),
    ...(resized(s, SMALL).length === 0 ? [] : [law('axes of length 0 and 1', atLengths(SMALL))]),
    ...(resized(s, LONG).length === 0 ? [] : [law('long axes', atLengths(LONG))]),
  ];
}

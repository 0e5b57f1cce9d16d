/** vmap = a loop over slices, for every subset of batched operands, along any axes, nested, compiled, and on no examples. */
import { nth, range } from '../core/axes.js';
import type { NDArray } from '../core/ndarray.js';
import { vmap } from '../transforms/vmap.js';
import { assertAllSame } from './compare.js';
import { evaluate, evaluateReference, jitted, type Check, type OnLists, type Site } from './evaluation.js';
import { stack, type HostArray } from './host.js';
import { lawOf, type CheckSubject, type Law } from './law.js';
import type { Rng } from './prng.js';
import { drawBatch, type Subject } from './subjects.js';

/** Examples in a batch. */
const SIZE = 3;

/** Where an axis may be inserted in an array of `ndim` axes. */
const places: readonly ((ndim: number) => number)[] = [() => 0, (ndim) => ndim, (ndim) => Math.floor((ndim + 1) / 2)];
/** For each operand (by position) and for results, a place; the last configuration mixes them. */
const CONFIGURATIONS: readonly {
  readonly name: string;
  readonly operand: (i: number) => number;
  readonly result: number;
}[] = [
  { name: 'first axes', operand: () => 0, result: 0 },
  { name: 'last axes', operand: () => 1, result: 1 },
  { name: 'middle axes', operand: () => 2, result: 2 },
  { name: 'mixed axes', operand: (i) => (i + 1) % places.length, result: 0 },
];
const placeOf = (which: number, ndim: number): number => nth(places, which)(ndim);

const subsets = (n: number): number[][] =>
  range(2 ** n)
    .slice(1)
    .map((bits) => range(n).filter((i) => (bits >> i) & 1));

/** Operand i of example b, from the batch where it is batched, else of the first example. */
const exampleOf = (batch: readonly (readonly HostArray[])[], b: number, batched: readonly number[]): HostArray[] =>
  nth(batch, 0).map((x, i) => (batched.includes(i) ? nth(nth(batch, b), i) : x));

const mapped = (
  f: OnLists,
  inAxes: readonly (number | null)[],
  outAxes: readonly number[],
): ((...xs: NDArray[]) => NDArray[]) =>
  vmap((...xs: NDArray[]): readonly NDArray[] => [...f(...xs)], inAxes, { outAxes }) as (...xs: NDArray[]) => NDArray[];

/** The results for each of some lists of operands. */
function* evaluateEach(s: Subject, lists: readonly (readonly HostArray[])[]): Check<HostArray[][]> {
  const results: HostArray[][] = [];
  for (const operands of lists) results.push(yield* evaluateReference(s.apply, operands));
  return results;
}

function* vmapIsLoop(s: Subject, rng: Rng, site: Site): Check {
  const batch = drawBatch(s, SIZE, rng);
  for (const batched of site.some(subsets(s.args.length), rng)) {
    const loop = yield* evaluateEach(
      s,
      range(SIZE).map((b) => exampleOf(batch, b, batched)),
    );
    for (const { name, operand, result } of site.some(CONFIGURATIONS, rng)) {
      const inAxes = s.avals.map((a, i) => (batched.includes(i) ? placeOf(operand(i), a.ndim) : null));
      const outAxes = s.outAvals.map((a) => placeOf(result, a.ndim));
      const operands = inAxes.map((axis, i) =>
        axis === null
          ? nth(nth(batch, 0), i)
          : stack(
              batch.map((xs) => nth(xs, i)),
              axis,
              nth(s.avals, i),
            ),
      );
      const expected = s.outAvals.map((a, k) =>
        stack(
          loop.map((ys) => nth(ys, k)),
          nth(outAxes, k),
          a,
        ),
      );
      const what = `${s.name}: vmap of operands ${batched.join(', ')} along ${name}`;
      const f = mapped(s.apply, inAxes, outAxes);
      assertAllSame(what, yield* evaluate(site.eagerly ? f : jitted(f), operands), expected, s.tolerance);
      if (!site.eagerly || name !== 'mixed axes') continue;
      const within = mapped(jitted(s.apply), inAxes, outAxes);
      assertAllSame(`${what}, jitted`, yield* evaluate(jitted(f), operands), expected, s.tolerance);
      assertAllSame(`${what}, of the jitted primitive`, yield* evaluate(within, operands), expected, s.tolerance);
    }
  }
}

/** Two nested vmaps; which operands each maps over is drawn. */
function* nestedVmap(s: Subject, rng: Rng, site: Site): Check {
  const [outer, inner] = [2, SIZE];
  const batches = range(outer).map(() => drawBatch(s, inner, rng));
  const all = range(s.args.length);
  const choose = (): number[] => {
    const chosen = all.filter(() => rng.chance(0.6));
    return chosen.length === 0 ? [rng.pick(all)] : chosen;
  };
  const choices = [
    [all, all],
    [choose(), choose()],
  ] as const;
  for (const [byOuter, byInner] of site.some(choices, rng)) {
    const operand = (i: number, a: number, b: number): HostArray =>
      nth(nth(nth(batches, byOuter.includes(i) ? a : 0), byInner.includes(i) ? b : 0), i);
    const innerAxes = s.avals.map((a, i) => (byInner.includes(i) ? a.ndim : null));
    const outerAxes = s.avals.map((_, i) => (byOuter.includes(i) ? 0 : null));
    const operands = all.map((i) => {
      const aval = nth(s.avals, i);
      const rows = range(outer).map((a) =>
        byInner.includes(i)
          ? stack(
              range(inner).map((b) => operand(i, a, b)),
              aval.ndim,
              aval,
            )
          : operand(i, a, 0),
      );
      return byOuter.includes(i) ? stack(rows, 0, nth(rows, 0).aval) : nth(rows, 0);
    });
    const firsts = s.outAvals.map(() => 0);
    const f = mapped(mapped(s.apply, innerAxes, firsts), outerAxes, firsts);
    const loop: HostArray[][][] = [];
    for (const a of range(outer)) {
      loop.push(
        yield* evaluateEach(
          s,
          range(inner).map((b) => all.map((i) => operand(i, a, b))),
        ),
      );
    }
    const expected = s.outAvals.map((aval, k) => {
      const rows = loop.map((row) =>
        stack(
          row.map((ys) => nth(ys, k)),
          0,
          aval,
        ),
      );
      return stack(rows, 0, nth(rows, 0).aval);
    });
    const what = `${s.name}: nested vmap, operands ${byOuter.join(', ')} outside and ${byInner.join(', ')} inside`;
    assertAllSame(what, yield* evaluate(site.eagerly ? f : jitted(f), operands), expected, s.tolerance);
  }
}

/** Batches of one example and of none. */
function* smallBatches(s: Subject, rng: Rng, site: Site): Check {
  const batch = drawBatch(s, 1, rng);
  const batchings = subsets(s.args.length);
  // All operands, and each alone.
  const chosen = batchings.filter((list) => list.length === 1 || list.length === s.args.length);
  for (const size of site.some([1, 0], rng)) {
    for (const batched of site.some(chosen, rng)) {
      const inAxes = s.avals.map((_, i) => (batched.includes(i) ? 0 : null));
      const operands = inAxes.map((axis, i) =>
        axis === null
          ? nth(nth(batch, 0), i)
          : stack(
              batch.slice(0, size).map((xs) => nth(xs, i)),
              0,
              nth(s.avals, i),
            ),
      );
      const loop = yield* evaluateEach(s, batch.slice(0, size));
      const expected = s.outAvals.map((a, k) =>
        stack(
          loop.map((ys) => nth(ys, k)),
          0,
          a,
        ),
      );
      const f = mapped(
        s.apply,
        inAxes,
        s.outAvals.map(() => 0),
      );
      const what = `${s.name}: vmap of operands ${batched.join(', ')} over ${String(size)} examples`;
      if (site.eagerly) assertAllSame(what, yield* evaluate(f, operands), expected, s.tolerance);
      assertAllSame(`${what}, jitted`, yield* evaluate(jitted(f), operands), expected, s.tolerance);
    }
  }
}

export function batchLaws(s: Subject): Law[] {
  const law = (what: string, check: CheckSubject): Law => lawOf(s, 'batch', what, check);
  if (s.args.length === 0) return [];
  return [
    law('vmap = loop', vmapIsLoop),
    law('nested vmap = nested loop', nestedVmap),
    law('vmap over one example and none', smallBatches),
  ];
}

/**
 * The order in which einsum contracts its operands, two at a time. For few operands the cheapest order is found by
 * dynamic programming over subsets (Pfeifer, Haegeman, Verstraete, "Faster identification of optimal contraction
 * sequences for tensor networks", 2014); for more, greedily, by what shrinks memory most (opt_einsum's heuristic).
 */
import { nth, range } from '../core/axes.js';

/** How to choose the order: `auto` is optimal for few operands, greedy for more. */
export type EinsumStrategy = 'auto' | 'optimal' | 'greedy';

/** What a path costs. */
export interface EinsumPathInfo {
  /** Multiplications and additions of a single loop over all labels. */
  readonly naiveCost: number;
  /** Multiplications and additions along the path. */
  readonly optimizedCost: number;
  /** Elements of the largest intermediate result. */
  readonly largestIntermediate: number;
}

/** Pairs of positions in the list of operands; both are removed and their product goes to the end. */
export type EinsumPath = readonly (readonly number[])[];

/** Subsets are found one by one up to here: 3⁸ is about 6,500 ways to split them. */
const OPTIMAL_LIMIT = 8;

type Labels = ReadonlySet<string>;

/** A network of operands: their labels, the labels of the result, and lengths. */
export interface Network {
  readonly inputs: readonly (readonly string[])[];
  readonly output: readonly string[];
  readonly sizes: ReadonlyMap<string, number>;
}

const union = (a: Labels, b: Labels): Labels => new Set([...a, ...b]);
const elements = (labels: Iterable<string>, sizes: ReadonlyMap<string, number>): number => {
  let n = 1;
  for (const label of labels) n *= sizes.get(label) ?? 1;
  return n;
};

/** Labels of the product of some operands: those that the result or an operand outside still needs. */
const survivors = (inside: Labels, outside: readonly Labels[], output: Labels): Labels =>
  new Set([...inside].filter((label) => output.has(label) || outside.some((labels) => labels.has(label))));

/** Operations of contracting two operands: a product per combination of labels, and a sum if any label goes. */
const contractionCost = (a: Labels, b: Labels, result: Labels, sizes: ReadonlyMap<string, number>): number => {
  const all = union(a, b);
  return elements(all, sizes) * (all.size > result.size ? 2 : 1);
};

/** Merge positions i < j of a list. */
function merge<T>(list: readonly T[], i: number, j: number, result: T): T[] {
  return [...list.filter((_, p) => p !== i && p !== j), result];
}

function greedyPath({ inputs, output, sizes }: Network): EinsumPath {
  const goal: Labels = new Set(output);
  let terms: Labels[] = inputs.map((labels) => new Set(labels));
  const path: number[][] = [];
  while (terms.length > 1) {
    let best: { i: number; j: number; result: Labels; rank: readonly [number, number, number] } | undefined;
    for (const i of range(terms.length)) {
      for (let j = i + 1; j < terms.length; j++) {
        const [a, b] = [nth(terms, i), nth(terms, j)];
        const outside = terms.filter((_, p) => p !== i && p !== j);
        const result = survivors(union(a, b), outside, goal);
        const growth = elements(result, sizes) - elements(a, sizes) - elements(b, sizes);
        const shares = [...a].some((label) => b.has(label));
        // Outer products last, then what shrinks memory most, then what costs least.
        const rank = [shares ? 0 : 1, growth, contractionCost(a, b, result, sizes)] as const;
        if (best === undefined || isLess(rank, best.rank)) best = { i, j, result, rank };
      }
    }
    if (best === undefined) break;
    path.push([best.i, best.j]);
    terms = merge(terms, best.i, best.j, best.result);
  }
  return path;
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  const i = a.findIndex((value, k) => value !== b[k]);
  return i >= 0 && nth(a, i) < nth(b, i);
}

function optimalPath({ inputs, output, sizes }: Network): EinsumPath {
  const n = inputs.length;
  const goal: Labels = new Set(output);
  const sets = inputs.map((labels): Labels => new Set(labels));
  const members = (subset: number): number[] => range(n).filter((i) => (subset >> i) & 1);
  const full = 2 ** n - 1;
  const labels: Labels[] = range(full + 1).map((subset) => {
    const inside = members(subset).reduce<Labels>((acc, i) => union(acc, nth(sets, i)), new Set());
    return survivors(
      inside,
      members(full ^ subset).map((i) => nth(sets, i)),
      goal,
    );
  });
  const cost = range(full + 1).map((subset) => (members(subset).length <= 1 ? 0 : Infinity));
  const half = new Array<number>(full + 1).fill(0);
  // Subsets of a set are smaller numbers than it, so their costs are known.
  for (let subset = 1; subset <= full; subset++) {
    for (let part = (subset - 1) & subset; part > 0; part = (part - 1) & subset) {
      const other = subset ^ part;
      if (part < other) continue;
      const total =
        nth(cost, part) +
        nth(cost, other) +
        contractionCost(nth(labels, part), nth(labels, other), nth(labels, subset), sizes);
      if (total >= nth(cost, subset)) continue;
      cost[subset] = total;
      half[subset] = part;
    }
  }
  const path: number[][] = [];
  let list = range(n).map((i) => 1 << i);
  const emit = (subset: number): void => {
    const part = nth(half, subset);
    if (part === 0) return;
    emit(part);
    emit(subset ^ part);
    const [i = 0, j = 0] = [list.indexOf(part), list.indexOf(subset ^ part)].sort((a, b) => a - b);
    path.push([i, j]);
    list = merge(list, i, j, subset);
  };
  emit(full);
  return path;
}

/** The order of contractions for a network. */
export function contractionPath(network: Network, strategy: EinsumStrategy = 'auto'): EinsumPath {
  const n = network.inputs.length;
  if (n <= 2) return [range(n)];
  const optimal = strategy === 'optimal' || (strategy === 'auto' && n <= OPTIMAL_LIMIT);
  return optimal ? optimalPath(network) : greedyPath(network);
}

/** Costs of a path, and of doing without one. */
export function pathInfo({ inputs, output, sizes }: Network, path: EinsumPath): EinsumPathInfo {
  const goal: Labels = new Set(output);
  let terms: Labels[] = inputs.map((labels) => new Set(labels));
  const all = terms.reduce(union, new Set<string>());
  const inner = all.size > goal.size ? 1 : 0;
  let optimizedCost = 0;
  let largestIntermediate = elements(goal, sizes);
  for (const [i = 0, j = i] of path) {
    const [a, b] = [nth(terms, i), nth(terms, j)];
    const outside = terms.filter((_, p) => p !== i && p !== j);
    const result = survivors(union(a, b), outside, goal);
    optimizedCost += contractionCost(a, b, result, sizes);
    largestIntermediate = Math.max(largestIntermediate, elements(result, sizes));
    terms = merge(terms, i, j, result);
  }
  return {
    naiveCost: elements(all, sizes) * Math.max(1, inputs.length - 1 + inner),
    optimizedCost,
    largestIntermediate,
  };
}

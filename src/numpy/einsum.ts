/**
 * Einstein summation: products of arrays summed over the labels that the result does not have, contracted two at a
 * time (see einsum-path.ts), each contraction one dot_general.
 */
import { nth, range } from '../core/axes.js';
import type { NDArray } from '../core/ndarray.js';
import * as lax from '../lax/index.js';
import { parseEinsum, type EinsumArguments, type EinsumTerms } from './einsum-parse.js';
import { contractionPath, pathInfo, type EinsumPath, type EinsumPathInfo, type EinsumStrategy } from './einsum-path.js';
import { diagonalOf } from './matrices.js';
import { promoteTypesOf } from './promote.js';

/** An array with a label on each axis, all different. */
interface Term {
  readonly array: NDArray;
  readonly labels: readonly string[];
}

/** Take diagonals of repeated labels, and drop axes of length 1 that repeat along a longer label. */
function prepare(array: NDArray, labels: readonly string[], sizes: ReadonlyMap<string, number>): Term {
  let term: Term = { array, labels };
  for (;;) {
    const { labels: current } = term;
    const again = current.findIndex((label, d) => current.indexOf(label) !== d);
    if (again < 0) break;
    const label = nth(current, again);
    term = {
      array: diagonalOf('einsum', term.array, 0, current.indexOf(label), again),
      labels: [...current.filter((l) => l !== label), ...current.filter((l) => l === label).slice(1)],
    };
  }
  const { array: diagonal, labels: current } = term;
  const repeats = range(current.length).filter((d) => diagonal.aval.shape[d] === 1 && sizes.get(nth(current, d)) !== 1);
  return { array: lax.squeeze(diagonal, repeats), labels: current.filter((_, d) => !repeats.includes(d)) };
}

/** Sum over the labels that nothing needs any more. */
function sumOut({ array, labels }: Term, needed: ReadonlySet<string>): Term {
  const axes = range(labels.length).filter((d) => !needed.has(nth(labels, d)));
  return axes.length === 0
    ? { array, labels }
    : { array: lax.reduceSum(array, axes), labels: labels.filter((label) => needed.has(label)) };
}

/** Elementwise product over the labels of both, with broadcasting. */
function product(a: Term, b: Term): Term {
  const labels = [...a.labels, ...b.labels.filter((label) => !a.labels.includes(label))];
  const sizeOf = (label: string): number => {
    const source = a.labels.includes(label) ? a : b;
    return nth(source.array.aval.shape, source.labels.indexOf(label));
  };
  const shape = labels.map(sizeOf);
  const spread = (term: Term): NDArray => {
    if (term.array.ndim === 0) return term.array;
    const order = labels.filter((label) => term.labels.includes(label));
    const sorted = lax.transpose(
      term.array,
      order.map((label) => term.labels.indexOf(label)),
    );
    return order.length === labels.length
      ? sorted
      : lax.broadcastInDim(
          sorted,
          shape,
          order.map((label) => labels.indexOf(label)),
        );
  };
  return { array: lax.mul(spread(a), spread(b)), labels };
}

/** Contract two terms; `needed` are the labels of the result and of the terms that are left. */
function contract(first: Term, second: Term, needed: ReadonlySet<string>): Term {
  const a = sumOut(first, new Set([...needed, ...second.labels]));
  const b = sumOut(second, new Set([...needed, ...first.labels]));
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const summed = shared.filter((label) => !needed.has(label));
  // Without a sum it is an elementwise product, which fuses with what surrounds it.
  if (summed.length === 0) return product(a, b);
  const batch = shared.filter((label) => needed.has(label));
  const axesOf = (term: Term, of: readonly string[]): number[] => of.map((label) => term.labels.indexOf(label));
  const free = (term: Term): string[] => term.labels.filter((label) => !shared.includes(label));
  const array = lax.dotGeneral(a.array, b.array, [
    [axesOf(a, summed), axesOf(b, summed)],
    [axesOf(a, batch), axesOf(b, batch)],
  ]);
  return { array, labels: [...batch, ...free(a), ...free(b)] };
}

function evaluate({ operands, inputs, output, sizes }: EinsumTerms, path: EinsumPath): NDArray {
  let terms = operands.map((array, i) => prepare(array, nth(inputs, i), sizes));
  for (const [i = 0, j = i] of path) {
    if (i === j) continue;
    const rest = terms.filter((_, p) => p !== i && p !== j);
    const needed = new Set([...output, ...rest.flatMap(({ labels }) => labels)]);
    terms = [...rest, contract(nth(terms, i), nth(terms, j), needed)];
  }
  const { array, labels } = sumOut(nth(terms, 0), new Set(output));
  return lax.transpose(
    array,
    output.map((label) => labels.indexOf(label)),
  );
}

/**
 * Einstein summation. Each operand has a letter per axis; the result is the product of the operands, summed over the
 * letters it does not have. A letter twice on one operand takes the diagonal; `...` stands for axes that broadcast;
 * without `->` the result has the letters that occur once, in alphabetical order. Several operands are contracted in
 * the order {@link einsumPath} gives. In list form each operand is followed by its labels as integers, and the result's
 * labels come last.
 *
 * Throws ArgumentError for subscripts that cannot be read and ShapeError where they do not fit the operands.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const a = np.array([[1, 2], [3, 4]]);
 * np.einsum('ij,jk->ik', a, a); // => [[7, 10], [15, 22]]
 * np.einsum('ii', a); // => 5
 * np.einsum(a, [0, 1], [1, 0]); // => [[1, 3], [2, 4]]
 * ```
 */
export function einsum(...args: EinsumArguments): NDArray {
  const terms = parseEinsum(args);
  const promoted = promoteTypesOf('einsum', terms.operands);
  const isBool = promoted.every((x) => x.dtype === 'bool');
  const operands = isBool ? promoted.map((x) => lax.convertElementType(x, 'int32')) : promoted;
  const result = evaluate({ ...terms, operands }, contractionPath(terms));
  return isBool ? lax.convertElementType(result, 'bool') : result;
}

/** Options of {@link einsumPath}. */
export interface EinsumPathOptions {
  /** `auto` (the default) finds the optimal order of up to 8 operands and a greedy one of more. */
  optimize?: EinsumStrategy;
}

const isOptions = (x: unknown): x is EinsumPathOptions =>
  typeof x === 'object' && x !== null && Object.getPrototypeOf(x) === Object.prototype;

/**
 * The order in which {@link einsum} contracts the same arguments, and what it costs. The path is a list of pairs of
 * positions: both operands are taken off the list and their product is put at its end. A last argument
 * `{ optimize: 'optimal' | 'greedy' }` chooses how it is found.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const [a, b, c] = [np.ones([10, 20]), np.ones([20, 30]), np.ones([30, 2])];
 * const [path, info] = np.einsumPath('ij,jk,kl->il', a, b, c);
 * path; // => [[1, 2], [0, 1]]
 * info.optimizedCost; // => 3200
 * ```
 */
export function einsumPath(
  ...args: EinsumArguments | readonly [...EinsumArguments, EinsumPathOptions]
): [path: EinsumPath, info: EinsumPathInfo] {
  const last = args[args.length - 1];
  const options = isOptions(last) ? last : {};
  const terms = parseEinsum((isOptions(last) ? args.slice(0, -1) : args) as EinsumArguments);
  const path = contractionPath(terms, options.optimize);
  return [path, pathInfo(terms, path)];
}

/** Functions that users give to control flow: traced to jaxprs, and checked, with errors that name the leaf. */
import type { ShapedArray } from '../core/aval.js';
import { ConcreteArray } from '../core/concrete.js';
import { nth } from '../core/axes.js';
import { isFloat, joinTypes, latticeDType, latticeType, type LatticeType } from '../core/dtype.js';
import { ArgumentError, DTypeError, ShapeError, TreeError } from '../core/errors.js';
import { evalClosed, traceToJaxpr } from '../core/jaxpr-trace.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { Lit, type Atom, type ClosedJaxpr } from '../core/primitive.js';
import { userLine } from '../core/source.js';
import { flattenWithPath, showPath, unflatten, type Path, type Tree, type TreeDef } from '../core/tree.js';
import { convertElementType } from '../lax/convert.js';
import { leafArray } from '../transforms/arguments.js';

/** The tree type `T` with a number allowed for an array, and an array for a number: what may come out where `T` went in. */
export type Like<T> = [unknown] extends [T]
  ? T
  : Tree<NDArray> extends T
    ? Tree<ArrayLike>
    : T extends ArrayLike
      ? ArrayLike
      : T extends null | undefined
        ? T
        : T extends object
          ? { readonly [K in keyof T]: Like<T[K]> }
          : T;

/** A tree as arrays, with the path of each. */
export interface FlatTree {
  readonly arrays: readonly NDArray[];
  readonly def: TreeDef;
  /** `carry.h[0]` for each leaf. */
  readonly labels: readonly string[];
}

/** Flatten a tree whose leaves are called after `root` in messages. */
export function flattenAs(value: unknown, root: string, op: string): FlatTree {
  const [leaves, def] = flattenWithPath<unknown>(value);
  const labels = leaves.map(([path]) => showPath(path, root));
  return { arrays: leaves.map(([, leaf], i) => leafArray(leaf, () => `${op}: ${nth(labels, i)}`)), def, labels };
}

/** `float32[3,2]`, for messages. */
export const showType = (a: ShapedArray): string => `${a.dtype}[${a.shape.join(',')}]`;

/** Throw unless `f` is a function. */
export function checkFunction(f: unknown, op: string, what: string): void {
  if (typeof f === 'function') return;
  throw new ArgumentError(`${op}: ${what} must be a function, got ${f === null ? 'null' : typeof f}.${userLine()}`);
}

/** The first place where two structures differ. */
export function firstDifference(
  a: TreeDef,
  b: TreeDef,
  path: Path = [],
): { path: Path; a: TreeDef; b: TreeDef } | undefined {
  if (a.equals(b)) return undefined;
  const sameNode = a.kind === b.kind && a.keys.length === b.keys.length && a.keys.every((key, i) => key === b.keys[i]);
  if (sameNode)
    for (const [i, child] of a.children.entries()) {
      const found = firstDifference(child, nth(b.children, i), [...path, a.keys[i] ?? i]);
      if (found !== undefined) return found;
    }
  return { path, a, b };
}

/** The kind of a weak value: of a bare number, whether it is an integer. */
function kindOf(aval: ShapedArray, value: number | undefined): LatticeType {
  const weakInteger = aval.weakType && isFloat(aval.dtype) && value !== undefined && Number.isInteger(value);
  return weakInteger ? 'int*' : latticeType(aval.dtype, aval.weakType);
}

/** The kind of a value that starts a loop. */
export const kindOfArray = (x: NDArray): LatticeType =>
  kindOf(x.aval, x instanceof ConcreteArray ? x.scalarValue : undefined);

const kindOfResult = (atom: Atom): LatticeType => kindOf(atom.aval, atom instanceof Lit ? atom.value : undefined);

/** A traced function with the structure of its result. */
export interface TracedFunction {
  readonly closed: ClosedJaxpr;
  readonly outDef: TreeDef;
}

/** Trace `f` on arguments of the given structure. `check` sees its result, and gives what is to be flattened. */
export function traceFunction(
  f: (...args: never[]) => unknown,
  def: TreeDef,
  avals: readonly ShapedArray[],
  labels: readonly string[],
  op: string,
  check: (result: unknown) => unknown = (result) => result,
): TracedFunction {
  let outDef: TreeDef | undefined;
  const closed = traceToJaxpr(
    (...arrays) => {
      const result = check(f(...(unflatten(def, arrays) as never[])));
      const flat = flattenAs(result, '', `${op}: the function's result`);
      outDef = flat.def;
      return flat.arrays;
    },
    avals,
    op,
    labels,
  );
  if (outDef === undefined) throw new Error('unreachable');
  return { closed, outDef };
}

/** A loop's carry: what it starts with. */
export interface Carry extends FlatTree {
  readonly kinds: readonly LatticeType[];
}

export function flattenCarry(init: unknown, op: string): Carry {
  const flat = flattenAs(init, 'carry', op);
  return { ...flat, kinds: flat.arrays.map(kindOfArray) };
}

/**
 * Trace a body until what it makes of the carry has the carry's type: a bare number that the carry starts with gives way
 * to the dtype that comes out. `trace` traces the body for a carry; the first leaves of its result are the carry.
 */
export function traceCarrying(
  carry: Carry,
  op: string,
  trace: (avals: readonly ShapedArray[]) => TracedFunction,
  outCarryDef: (outDef: TreeDef) => TreeDef,
): { traced: TracedFunction; init: NDArray[] } {
  let init = [...carry.arrays];
  // Dtypes only rise in a lattice of seven, so that this ends.
  for (;;) {
    const traced = trace(init.map((x) => x.aval));
    checkStructure(carry.def, outCarryDef(traced.outDef), op);
    const out = traced.closed.jaxpr.outvars.slice(0, init.length);
    const next = init.map((x, i) => {
      const after = nth(out, i);
      if (x.aval.equals(after.aval) || !x.weakType || !sameDims(x.aval, after.aval)) return x;
      const dtype = latticeDType(joinTypes(nth(carry.kinds, i), kindOfResult(after)));
      return dtype === x.dtype ? x : convertElementType(x, dtype);
    });
    if (next.every((x, i) => x === init[i])) {
      checkCarryTypes(
        init.map((x) => x.aval),
        out.map((a) => a.aval),
        carry.labels,
        op,
      );
      return { traced, init };
    }
    init = next;
  }
}

const sameDims = (a: ShapedArray, b: ShapedArray): boolean => a.shape.join() === b.shape.join();

function checkStructure(before: TreeDef, after: TreeDef, op: string): void {
  const difference = firstDifference(before, after);
  if (difference === undefined) return;
  throw new TreeError(
    `${op}: ${showPath(difference.path, 'carry')} is ${difference.a.toString()} going in but ${difference.b.toString()} coming out. ` +
      `What a step returns for the carry must have the structure of the carry.${userLine()}`,
  );
}

function checkCarryTypes(
  before: readonly ShapedArray[],
  after: readonly ShapedArray[],
  labels: readonly string[],
  op: string,
): void {
  const wrong = before.flatMap((a, i) => {
    const b = nth(after, i);
    return a.equals(b) ? [] : [{ label: nth(labels, i), a, b }];
  });
  const [first] = wrong;
  if (first === undefined) return;
  const list = wrong.map(({ label, a, b }) => `${label} is ${showType(a)} going in but ${showType(b)} coming out`);
  const fix = sameDims(first.a, first.b)
    ? `Convert what comes out (x.astype('${first.a.dtype}')), or start with ${showType(first.b)}`
    : `Start with an array of the shape that comes out (np.zeros([${first.b.shape.join(', ')}])), or keep the shape in the step`;
  const Kind = sameDims(first.a, first.b) ? DTypeError : ShapeError;
  throw new Kind(`${op}: ${list.join('; ')}. Every step must keep the type of the carry. ${fix}.${userLine()}`);
}

/** Throw unless a predicate is one bool. */
export function checkPredicate(aval: ShapedArray, op: string, what: string): void {
  if (aval.dtype === 'bool' && aval.ndim === 0) return;
  const fix =
    aval.ndim === 0
      ? "Compare it: x.greater(0), x.notEqual(0), or convert it: x.astype('bool')"
      : 'Reduce it with np.any or np.all, or choose elementwise with np.where';
  const Kind = aval.ndim === 0 ? DTypeError : ShapeError;
  throw new Kind(`${op}: ${what} must be one bool, got ${showType(aval)}. ${fix}.${userLine()}`);
}

/** Branches whose results agree, where bare numbers have given way to the arrays beside them. */
export function agree(branches: readonly TracedFunction[], names: readonly string[], op: string): ClosedJaxpr[] {
  const first = nth(branches, 0);
  branches.forEach(({ outDef }, b) => {
    const difference = firstDifference(first.outDef, outDef);
    if (difference === undefined) return;
    throw new TreeError(
      `${op}: ${showPath(difference.path, 'result')} is ${difference.a.toString()} of ${nth(names, 0)} but ${difference.b.toString()} of ` +
        `${nth(names, b)}. All branches must return the same structure.${userLine()}`,
    );
  });
  const dtypes = first.closed.jaxpr.outvars.map((one, i) => {
    const atoms = branches.map(({ closed }) => nth(closed.jaxpr.outvars, i));
    const dtype = atoms.every((a) => a.aval.dtype === one.aval.dtype)
      ? one.aval.dtype
      : latticeDType(atoms.map(kindOfResult).reduce(joinTypes));
    const wrong = atoms.findIndex((a) => !sameDims(a.aval, one.aval) || (a.aval.dtype !== dtype && !a.aval.weakType));
    if (wrong < 0) return dtype;
    // The one whose dtype is not the agreed one may be the first.
    const other = wrong === 0 ? atoms.findIndex((a) => !a.aval.equals(one.aval)) : wrong;
    const { aval } = nth(atoms, other);
    throw new (sameDims(aval, one.aval) ? DTypeError : ShapeError)(
      `${op}: ${nth(resultLabels(first), i)} is ${showType(one.aval)} of ${nth(names, 0)} but ${showType(aval)} of ${nth(names, other)}. ` +
        `All branches must return the same types: convert with x.astype(dtype), or broadcast with np.broadcastTo.${userLine()}`,
    );
  });
  return branches.map(({ closed }) =>
    closed.outAvals.every((a, i) => a.dtype === dtypes[i])
      ? closed
      : traceToJaxpr(
          (...xs) => evalClosed(closed, xs).map((y, i) => convertElementType(y, nth(dtypes, i))),
          closed.inAvals,
          op,
        ),
  );
}

/** The path of each result. */
const resultLabels = ({ outDef, closed }: TracedFunction): string[] =>
  flattenWithPath<number>(
    unflatten(
      outDef,
      closed.outAvals.map(() => 0),
    ) as object,
  )[0].map(([path]) => showPath(path, 'result'));

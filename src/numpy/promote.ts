/**
 * What every function of `np` does to its arguments first: turn them into arrays of one dtype (JAX's promotion
 * lattice, see core/dtype) and of shapes that the strict operations of lax take together. JS numbers stay rank-0
 * weak scalars, which lax combines with any shape, so no broadcast is traced for them.
 */
import { nth } from '../core/axes.js';
import { sameShape, showShape, type Shape } from '../core/aval.js';
import { fromHost, scalar } from '../core/concrete.js';
import {
  dtypeOfHost,
  hostArray,
  isFloat,
  joinTypes,
  latticeDType,
  latticeType,
  type DType,
  type LatticeType,
  type TypedArray,
} from '../core/dtype.js';
import { roundToHalf } from '../core/half.js';
import { ArgumentError, DTypeError, ShapeError } from '../core/errors.js';
import { NDArray, type ArrayLike } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { broadcastShapes, broadcastTo, concatenate, convertElementType, reshape } from '../lax/index.js';

/** Host typed arrays that `np.array` copies; 8- and 16-bit ones become int32, the smallest dtype that holds them. */
export type HostArray = TypedArray | Int8Array | Int16Array | Uint16Array | Uint8ClampedArray;

/** What `np.array` takes: arrays, numbers, booleans, typed arrays, and nested JS arrays of these. */
export type ArrayInput = ArrayLike | HostArray | readonly ArrayInput[];

const describe = (x: unknown): string => {
  if (Array.isArray(x)) return 'a JS array';
  if (ArrayBuffer.isView(x)) return `a ${x.constructor.name}`;
  if (x === null || x === undefined) return String(x);
  return typeof x === 'object' ? `an object of class ${x.constructor.name}` : `a value of type ${typeof x}`;
};

const isHostArray = (x: unknown): x is HostArray =>
  x instanceof Int8Array ||
  x instanceof Int16Array ||
  x instanceof Uint16Array ||
  x instanceof Uint8ClampedArray ||
  x instanceof Uint8Array ||
  (ArrayBuffer.isView(x) && dtypeOfHost(x) !== undefined);

/** The lattice node of an argument: JS integers are `int*`, other numbers `float*`, booleans bool. */
function nodeOf(x: ArrayLike, op: string): LatticeType {
  if (x instanceof NDArray) return latticeType(x.dtype, x.weakType);
  if (typeof x === 'boolean') return 'bool';
  if (typeof x === 'number') return Number.isInteger(x) ? 'int*' : 'float*';
  throw new ArgumentError(
    `${op}: expected an array or a number, got ${describe(x)}. Make an array of it with np.array(...).${userLine()}`,
  );
}

/**
 * The lattice node that the arguments have in common. JS numbers without an array beside them are `float*`; `beside`
 * are more arguments of the call, which do not take part in the promotion.
 */
export function commonType(op: string, xs: readonly ArrayLike[], beside: readonly ArrayLike[] = []): LatticeType {
  const nodes = xs.map((x) => nodeOf(x, op));
  const joined = nodes.reduce(joinTypes, nth(nodes, 0));
  return joined === 'int*' && ![...xs, ...beside].some((x) => x instanceof NDArray) ? 'float*' : joined;
}

const BOUNDS: Partial<Record<DType, readonly [number, number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
};

/** A JS number as a weak scalar of `dtype`; throws when an integer dtype does not hold it. */
function weakScalar(op: string, value: number | boolean, dtype: DType): NDArray {
  const bounds = BOUNDS[dtype];
  if (bounds !== undefined && (Number(value) < bounds[0] || Number(value) > bounds[1])) {
    throw new DTypeError(
      `${op}: the number ${value} does not fit ${dtype}, the dtype of the array beside it (${bounds[0]} … ${bounds[1]}). ` +
        `Convert the array first: x.astype('float32').${userLine()}`,
    );
  }
  return scalar(value, dtype, true);
}

function toType(op: string, x: ArrayLike, type: LatticeType): NDArray {
  const dtype = latticeDType(type);
  if (!(x instanceof NDArray)) return weakScalar(op, x, dtype);
  // A weak operand of the right dtype needs no conversion: a result is weak only if all operands are.
  return x.dtype === dtype ? x : convertElementType(x, dtype, type === 'int*' || type === 'float*');
}

/** The choices of `where` and `select` as arrays of one dtype; JS integers are `int*` beside array conditions. */
export function promoteChoices(op: string, conditions: readonly ArrayLike[], xs: readonly ArrayLike[]): NDArray[] {
  const type = commonType(op, xs, conditions);
  return xs.map((x) => toType(op, x, type));
}

/** Broadcast the operands that are not rank 0 to one shape; lax takes rank-0 operands as they are. */
export function broadcastOperands(op: string, xs: readonly NDArray[]): readonly NDArray[] {
  const arrays = xs.filter((x) => x.aval.ndim > 0);
  const first = arrays[0];
  if (first === undefined || arrays.every((x) => sameShape(x.aval.shape, first.aval.shape))) return xs;
  const shape = broadcastShapes(op, ...arrays.map((x) => x.aval.shape));
  return xs.map((x) => (x.ndim === 0 ? x : broadcastTo(x, shape)));
}

/** Whether an argument needs no conversion to `dtype`, nor takes part in choosing it. */
const isStrong = (x: ArrayLike, dtype: DType): x is NDArray =>
  x instanceof NDArray && x.aval.dtype === dtype && !x.aval.weakType;

/**
 * The arguments as arrays of one dtype by the lattice, shapes left as they are.
 * `inexact` makes integers and booleans float32.
 */
export function promoteTypesOf(op: string, xs: readonly ArrayLike[], inexact = false): readonly NDArray[] {
  const [first] = xs;
  if (first instanceof NDArray && (!inexact || isFloat(first.dtype)) && xs.every((x) => isStrong(x, first.dtype)))
    return xs;
  const joined = commonType(op, xs);
  const type = inexact && !isFloat(latticeDType(joined)) ? (joined === 'int*' ? 'float*' : 'float32') : joined;
  return xs.map((x) => toType(op, x, type));
}

/**
 * The arguments as arrays that lax takes together: one dtype by the lattice, and one shape or rank 0. Throws
 * ShapeError, naming `op`, when the shapes do not broadcast.
 */
export const promoteArrays = (op: string, ...xs: readonly ArrayLike[]): readonly NDArray[] =>
  broadcastOperands(op, promoteTypesOf(op, xs));

/** {@link promoteArrays} for functions of real numbers: integers and booleans become float32. */
export const promoteInexact = (op: string, ...xs: readonly ArrayLike[]): readonly NDArray[] =>
  broadcastOperands(op, promoteTypesOf(op, xs, true));

/** Two arguments, if they are arrays that need neither conversion nor broadcasting: the usual case. */
function arraysAlike(x: ArrayLike, y: ArrayLike): readonly [NDArray, NDArray] | undefined {
  if (!(x instanceof NDArray && y instanceof NDArray && isStrong(y, x.aval.dtype))) return undefined;
  return !x.aval.weakType && sameShape(x.aval.shape, y.aval.shape) ? [x, y] : undefined;
}

/** {@link promoteArrays} of two arguments, as a pair. */
export function promote2(op: string, x: ArrayLike, y: ArrayLike): readonly [NDArray, NDArray] {
  const alike = arraysAlike(x, y);
  if (alike !== undefined) return alike;
  const [a, b] = promoteArrays(op, x, y);
  return [a ?? asArray(x), b ?? asArray(y)];
}

/** {@link promoteInexact} of two arguments, as a pair. */
export function promoteInexact2(op: string, x: ArrayLike, y: ArrayLike): readonly [NDArray, NDArray] {
  const [a, b] = promoteInexact(op, x, y);
  return [a ?? asArray(x), b ?? asArray(y)];
}

/** Two arguments of one dtype, their shapes left as they are. */
export function samePair(op: string, x: ArrayLike, y: ArrayLike): readonly [NDArray, NDArray] {
  const [a, b] = promoteTypesOf(op, [x, y]);
  return [a ?? asArray(x), b ?? asArray(y)];
}

/** Two arguments broadcast together and of one dtype, booleans as int32. */
export function numericPair(op: string, x: ArrayLike, y: ArrayLike): readonly [NDArray, NDArray] {
  const [a, b] = promote2(op, x, y);
  return [numeric(op, a), numeric(op, b)];
}

/** One argument of a function of `np` as an array; nested JS arrays are refused, as in JAX. */
export function single(op: string, x: ArrayLike): NDArray {
  if (!(x instanceof NDArray)) nodeOf(x, op);
  return asArray(x);
}

/** One argument as an array of floats: integers and booleans become float32. */
export function inexact(op: string, x: ArrayLike): NDArray {
  const array = single(op, x);
  return isFloat(array.dtype) ? array : convertElementType(array, 'float32', array.weakType);
}

/** One argument as an array of numbers: booleans become int32. */
export function numeric(op: string, x: ArrayLike): NDArray {
  const array = single(op, x);
  return array.dtype === 'bool' ? convertElementType(array, 'int32') : array;
}

/** Element type and data of a typed array. */
function hostData(x: HostArray): { dtype: DType; data: TypedArray } {
  const dtype = dtypeOfHost(x);
  if (dtype !== undefined && !(x instanceof Int8Array || x instanceof Int16Array))
    return { dtype, data: x as TypedArray };
  return { dtype: 'int32', data: Int32Array.from(x) };
}

/** Lengths of the axes of nested JS arrays, found along the first elements. */
function nestedShape(x: ArrayInput): number[] {
  if (Array.isArray(x)) {
    const list = x as readonly ArrayInput[];
    return [list.length, ...(list[0] === undefined ? [] : nestedShape(list[0]))];
  }
  if (x instanceof NDArray) return x.shape;
  return isHostArray(x) ? [x.length] : [];
}

type Leaf = number | boolean | NDArray;

/** Leaves of nested JS arrays in row-major order; throws when rows differ in length. */
function nestedLeaves(op: string, x: ArrayInput, shape: Shape, into: Leaf[], path: string): void {
  const fail = (what: string): never => {
    throw new ShapeError(
      `${op}: the nested arrays do not form a rectangle: ${what} at ${path === '' ? 'the top' : path}, but the first ` +
        `elements have shape ${showShape(shape)}. Make all rows equally long.${userLine()}`,
    );
  };
  if (x instanceof NDArray) {
    if (!sameShape(x.aval.shape, shape)) fail(`an array of shape ${showShape(x.aval.shape)}`);
    into.push(x);
  } else if (Array.isArray(x) || isHostArray(x)) {
    const list: ArrayLike | readonly ArrayInput[] = Array.isArray(x) ? (x as readonly ArrayInput[]) : Array.from(x);
    if (list.length !== shape[0]) fail(`a row of length ${list.length}`);
    list.forEach((child, i) => nestedLeaves(op, child, shape.slice(1), into, `${path}[${i}]`));
  } else if (typeof x === 'number' || typeof x === 'boolean') {
    if (shape.length > 0) fail('a number');
    into.push(x);
  } else {
    throw new ArgumentError(
      `${op}: expected numbers, booleans, arrays or nested JS arrays of them, got ${describe(x)}` +
        `${path === '' ? '' : ` at ${path}`}.${userLine()}`,
    );
  }
}

/** Join arrays (perhaps traced) and numbers that stand as leaves of nested JS arrays. */
function stackLeaves(op: string, leaves: readonly Leaf[], shape: Shape, dtype: DType | undefined): NDArray {
  const arrays = promoteTypesOf(op, leaves).map((a) => (dtype === undefined ? a : convertElementType(a, dtype)));
  return reshape(
    concatenate(
      arrays.map((a) => reshape(a, [a.size])),
      0,
    ),
    shape,
  );
}

/**
 * Anything that stands for an array as an array. Arrays come back as they are; a bare number becomes a weak float32
 * scalar (bool for a boolean); nested JS arrays of numbers become float32 (bool if all are booleans; the common dtype
 * if arrays are among them); typed arrays keep their element type and are copied.
 *
 * Throws ShapeError for ragged nesting and ArgumentError for anything else.
 */
export function asArray(x: ArrayInput, dtype?: DType, op = 'array'): NDArray {
  if (x instanceof NDArray) return dtype === undefined ? x : convertElementType(x, dtype);
  if (typeof x === 'number' || typeof x === 'boolean') {
    return scalar(x, dtype ?? (typeof x === 'boolean' ? 'bool' : 'float32'), dtype === undefined);
  }
  if (isHostArray(x)) {
    const host = hostData(x);
    const array = fromHost(host.data, [host.data.length], host.dtype);
    return dtype === undefined ? array : convertElementType(array, dtype);
  }
  const shape = nestedShape(x);
  const leaves: Leaf[] = [];
  nestedLeaves(op, x, shape, leaves, '');
  if (leaves.some((leaf) => leaf instanceof NDArray)) return stackLeaves(op, leaves, shape, dtype);
  const values = leaves.map(Number);
  const to = dtype ?? (leaves.length > 0 && leaves.every((leaf) => typeof leaf === 'boolean') ? 'bool' : 'float32');
  return fromHost(fill(op, values, to), shape, to);
}

/** Numbers in a host array of `dtype`; throws when an integer dtype does not hold one of them. */
function fill(op: string, values: readonly number[], dtype: DType): TypedArray {
  const data = hostArray(dtype, values.length);
  const bounds = BOUNDS[dtype];
  values.forEach((value, i) => {
    if (bounds !== undefined && !(Math.trunc(value) >= bounds[0] && Math.trunc(value) <= bounds[1])) {
      throw new DTypeError(
        `${op}: the number ${value} does not fit ${dtype} (${bounds[0]} … ${bounds[1]}).${userLine()}`,
      );
    }
    // Rounded once, not by way of float32.
    data[i] = dtype === 'bool' ? Number(value !== 0) : dtype === 'float16' ? roundToHalf(value) : value;
  });
  return data;
}

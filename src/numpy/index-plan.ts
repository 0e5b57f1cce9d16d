/**
 * What an index expression means, as in NumPy ("Indexing on ndarrays"): a static slice of every axis, then the
 * index arrays ("advanced" indices) broadcast together, then new axes of length 1. Reading and updating both
 * follow the plan.
 */
import { nth, range } from '../core/axes.js';
import { showShape, sizeOf, type Shape } from '../core/aval.js';
import { fromHost } from '../core/concrete.js';
import { isFloat } from '../core/dtype.js';
import { ArgumentError, DTypeError, ShapeError } from '../core/errors.js';
import { NDArray, type IndexArg } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { broadcastShapes, broadcastTo, convertElementType } from '../lax/index.js';
import { describeArgument } from './describe.js';
import { hostPositions, hostValues, wrapNegative } from './positions.js';

/** Elements `start, start + stride, …` below `limit` of one axis, last to first if `reversed`. */
export interface AxisSlice {
  readonly start: number;
  readonly limit: number;
  readonly stride: number;
  readonly reversed: boolean;
}

export interface IndexPlan {
  /** One per axis of the array; integers are slices of length 1. */
  readonly slices: readonly AxisSlice[];
  /** Axes that an integer removes, after slicing. */
  readonly dropped: readonly number[];
  /** Shape after slicing and dropping. */
  readonly basicShape: Shape;
  /** Axes of `basicShape` that index arrays select from; the arrays have shape `batchShape`, are int32 and not negative. */
  readonly advanced: readonly { readonly axis: number; readonly index: NDArray }[];
  readonly batchShape: Shape;
  /** Where the axes of `batchShape` stand in `gatherShape`. */
  readonly batchAt: number;
  /** Shape after the index arrays. */
  readonly gatherShape: Shape;
  /** `gatherShape` with the new axes. */
  readonly resultShape: Shape;
  /** Whether the index arrays are known to be in bounds. */
  readonly inBounds: boolean;
  /** Whether they are known to select no element twice. */
  readonly unique: boolean;
}

/** One item of the index, with the axis it is about. */
type Token =
  | { readonly kind: 'int'; readonly axis: number; readonly at: number }
  | { readonly kind: 'slice'; readonly axis: number; readonly slice: AxisSlice }
  | { readonly kind: 'new' | 'gap' }
  | { readonly kind: 'array'; readonly axis: number | null; readonly index: NDArray; readonly exact: boolean };

const WHOLE = (n: number): AxisSlice => ({ start: 0, limit: n, stride: 1, reversed: false });

export const isWhole = ({ start, limit, stride, reversed }: AxisSlice, n: number): boolean =>
  start === 0 && limit === n && stride === 1 && !reversed;

export const lengthOf = ({ start, limit, stride }: AxisSlice): number => Math.ceil((limit - start) / stride);

const isMask = (item: IndexArg): item is NDArray => item instanceof NDArray && item.dtype === 'bool';

/** Axes of the array that one item stands for. */
const axesTaken = (item: IndexArg): number => (item === null || item === '...' ? 0 : isMask(item) ? item.ndim : 1);

/** Python's `slice(start, stop, step).indices(n)`, as a slice with a positive stride. */
function sliceOf(op: string, item: readonly (number | null)[], n: number): AxisSlice {
  const text = `[${item.map(String).join(', ')}]`;
  const fail = (why: string): never => {
    throw new ArgumentError(
      `${op}: the JS array ${text} means a slice, [start, stop] or [start, stop, step] with null for an open end, ${why} ` +
        `To select elements by a list of indices, use np.array(${text}, { dtype: 'int32' }).${userLine()}`,
    );
  };
  if (item.length > 3) fail(`and has at most 3 items.`);
  if (item.some((part) => part !== null && !Number.isInteger(part))) fail('whose items are integers.');
  const step = item[2] ?? 1;
  if (step === 0) fail('whose step is not 0.');
  const [low, high] = step > 0 ? [0, n] : [-1, n - 1];
  const clip = (value: number | null | undefined, open: number): number =>
    value === null || value === undefined ? open : Math.min(high, Math.max(low, value < 0 ? value + n : value));
  const start = clip(item[0], step > 0 ? low : high);
  const stop = clip(item[1], step > 0 ? high : low);
  const count = Math.max(0, Math.ceil((stop - start) / step));
  if (count === 0) return { start: 0, limit: 0, stride: 1, reversed: false };
  const last = start + (count - 1) * step;
  return {
    start: Math.min(start, last),
    limit: Math.max(start, last) + 1,
    stride: count === 1 ? 1 : Math.abs(step),
    reversed: count > 1 && step < 0,
  };
}

function staticInteger(op: string, i: number, axis: number, n: number): Token {
  if (!Number.isInteger(i))
    throw new ArgumentError(`${op}: the index ${i} of axis ${axis} is no integer.${userLine()}`);
  if (i < -n || i >= n) {
    throw new ShapeError(
      `${op}: index ${i} is out of bounds for axis ${axis}, which has length ${n}` +
        `${n === 0 ? '' : ` (use -${n} … ${n - 1})`}.${userLine()}`,
    );
  }
  return { kind: 'int', axis, at: i < 0 ? i + n : i };
}

/** A mask as the indices of its true elements, one array per axis. */
function maskTokens(op: string, mask: NDArray, axis: number, shape: Shape): Token[] {
  mask.aval.shape.forEach((n, d) => {
    if (n !== shape[axis + d]) {
      throw new ShapeError(
        `${op}: a boolean mask of shape ${showShape(mask.shape)} does not fit axes ${axis} … of shape ${showShape(shape)}: ` +
          `its axes must have their lengths.${userLine()}`,
      );
    }
  });
  const why = 'a boolean mask selects as many elements as it has true ones';
  const fix = 'Shapes are static: use np.where(mask, x, 0), np.nonzero(mask, { size: n }), or x.at(mask).set(value)';
  const positions = hostPositions(hostValues(op, mask, why, fix));
  if (mask.ndim === 0) {
    return [
      {
        kind: 'array',
        axis: null,
        index: fromHost(new Int32Array(positions.length), [positions.length], 'int32'),
        exact: true,
      },
    ];
  }
  return range(mask.ndim).map((d) => {
    const inner = sizeOf(mask.aval.shape.slice(d + 1));
    const along = positions.map((p) => Math.floor(p / inner) % nth(mask.aval.shape, d));
    return {
      kind: 'array',
      axis: axis + d,
      index: fromHost(Int32Array.from(along), [along.length], 'int32'),
      exact: true,
    };
  });
}

function arrayTokens(op: string, item: NDArray, axis: number, shape: Shape): Token[] {
  if (item.dtype === 'bool') return maskTokens(op, item, axis, shape);
  if (isFloat(item.dtype)) {
    throw new DTypeError(
      `${op}: an index array must hold integers or booleans, got ${item.aval.toString()}. np.array(list) makes float32 ` +
        `unless told otherwise: use np.array(list, { dtype: 'int32' }), or x.astype('int32').${userLine()}`,
    );
  }
  const n = nth(shape, axis);
  if (n === 0 && item.size > 0) {
    throw new ShapeError(
      `${op}: axis ${axis} of shape ${showShape(shape)} is empty, so no index is in bounds.${userLine()}`,
    );
  }
  const index = convertElementType(item, 'int32');
  return [{ kind: 'array', axis, index: item.dtype === 'uint32' ? index : wrapNegative(index, n), exact: false }];
}

/** Items of the index with their axes; axes that are not mentioned follow whole. */
function tokenize(op: string, shape: Shape, index: readonly IndexArg[]): Token[] {
  const taken = index.reduce<number>((sum, item) => sum + axesTaken(item), 0);
  if (taken > shape.length) {
    throw new ShapeError(
      `${op}: ${taken} indices are too many for an array of shape ${showShape(shape)}, which has ${shape.length} axes.${userLine()}`,
    );
  }
  if (index.filter((item) => item === '...').length > 1) {
    throw new ArgumentError(`${op}: an index can have only one '...'.${userLine()}`);
  }
  const tokens: Token[] = [];
  let axis = 0;
  const whole = (count: number): void => {
    for (let i = 0; i < count; i++, axis++) tokens.push({ kind: 'slice', axis, slice: WHOLE(nth(shape, axis)) });
  };
  for (const item of index) {
    if (item === null) tokens.push({ kind: 'new' });
    else if (item === '...') {
      tokens.push({ kind: 'gap' });
      whole(shape.length - taken);
    } else if (typeof item === 'number') tokens.push(staticInteger(op, item, axis, nth(shape, axis)));
    else if (item instanceof NDArray) tokens.push(...arrayTokens(op, item, axis, shape));
    else if (Array.isArray(item)) {
      tokens.push({ kind: 'slice', axis, slice: sliceOf(op, item as readonly (number | null)[], nth(shape, axis)) });
    } else {
      throw new ArgumentError(
        `${op}: an index is an integer, a slice [start, stop, step], null, '...' or an array of integers or booleans, got ` +
          `${describeArgument(item)}.${userLine()}`,
      );
    }
    axis += axesTaken(item);
  }
  whole(shape.length - axis);
  return tokens;
}

/** Plan the index of an array of `shape`; `op` is what messages name. */
export function planIndex(op: string, shape: Shape, index: readonly IndexArg[]): IndexPlan {
  const tokens = tokenize(op, shape, index);
  const arrays = tokens.filter((t) => t.kind === 'array');
  // Rank-0 arrays are integers, unless an array with axes is beside them; then integers are arrays too.
  const isAdvanced = arrays.some((t) => t.index.ndim > 0);
  const belongs = (t: Token): boolean => t.kind === 'array' || (isAdvanced && t.kind === 'int');
  const places = tokens.flatMap((t, i) => (belongs(t) ? [i] : []));
  const together = places.every((p, i) => p === nth(places, 0) + i);

  const slices = shape.map(WHOLE);
  const dropped: number[] = [];
  for (const t of tokens) {
    if (t.kind === 'slice') slices[t.axis] = t.slice;
    if (t.kind === 'int') {
      slices[t.axis] = { start: t.at, limit: t.at + 1, stride: 1, reversed: false };
      dropped.push(t.axis);
    }
  }
  const batchShape = broadcastShapes(op, ...arrays.map((t) => t.index.aval.shape));
  const advanced = arrays.flatMap(({ axis, index: values }) =>
    axis === null
      ? []
      : [{ axis: axis - dropped.filter((d) => d < axis).length, index: broadcastTo(values, batchShape) }],
  );

  const gatherShape: number[] = together ? [] : [...batchShape];
  const resultShape: number[] = together ? [] : [...batchShape];
  let batchAt = 0;
  tokens.forEach((t, i) => {
    if (together && i === places[0]) {
      batchAt = gatherShape.length;
      gatherShape.push(...batchShape);
      resultShape.push(...batchShape);
    }
    if (t.kind === 'new') resultShape.push(1);
    if (t.kind === 'slice') {
      gatherShape.push(lengthOf(t.slice));
      resultShape.push(lengthOf(t.slice));
    }
  });
  return {
    slices,
    dropped,
    basicShape: slices.map(lengthOf).filter((_, d) => !dropped.includes(d)),
    advanced,
    batchShape,
    batchAt,
    gatherShape,
    resultShape,
    inBounds: arrays.every((t) => t.exact),
    unique: sizeOf(batchShape) <= 1 || arrays.every((t) => t.exact),
  };
}

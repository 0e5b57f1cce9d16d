/**
 * Windows as axes: what the lowerings of window reductions reduce. The elements of each window of an array, beside the
 * axes of its windows; never stored, because only a reduction reads it.
 */
import { nth } from '../core/axes.js';
import { identityOf } from '../core/combine.js';
import { computeType, isFloat } from '../core/dtype.js';
import type { Index, Operand } from '../core/lowering.js';
import type { NDArray } from '../core/ndarray.js';
import { definePrimitive, notDifferentiable, notLinear, type Primitive } from '../core/primitive.js';
import * as s from '../core/scalar.js';
import { bind } from '../core/trace.js';
import { take1, take2 } from '../core/tuple.js';
import { batchOrRepeat } from './broadcast.js';
import { both, candidate, candidates, flatOffset, windowCount, type WindowAxis } from './windows.js';

/** JAX's parameters of a window reduction, one entry for each axis of the operand. */
export type WindowParams = {
  readonly windowDimensions: readonly number[];
  readonly windowStrides: readonly number[];
  readonly padding: readonly (readonly [number, number])[];
  readonly baseDilation: readonly number[];
  readonly windowDilation: readonly number[];
};

export const windowAxes = (p: WindowParams): WindowAxis[] =>
  p.windowDimensions.map((size, i) => ({
    size,
    stride: nth(p.windowStrides, i),
    low: nth(nth(p.padding, i), 0),
    high: nth(nth(p.padding, i), 1),
    baseDilation: nth(p.baseDilation, i),
    windowDilation: nth(p.windowDilation, i),
  }));

export const windowParams = (axes: readonly WindowAxis[]): WindowParams => ({
  windowDimensions: axes.map((w) => w.size),
  windowStrides: axes.map((w) => w.stride),
  padding: axes.map((w) => [w.low, w.high] as const),
  baseDilation: axes.map((w) => w.baseDilation),
  windowDilation: axes.map((w) => w.windowDilation),
});

const TRIVIAL: WindowAxis = { size: 1, stride: 1, low: 0, high: 0, baseDilation: 1, windowDilation: 1 };

/** The same windows of each example of a batch along axis `dim`. */
export const batchedWindows = (p: WindowParams, dim: number): WindowParams => {
  const axes = windowAxes(p);
  return windowParams([...axes.slice(0, dim), TRIVIAL, ...axes.slice(dim)]);
};

export const windowedShape = (shape: readonly number[], p: WindowParams): number[] =>
  windowAxes(p).map((w, d) => windowCount(nth(shape, d), w));

/** Value and position in its window of the element at candidate `j` of the window at `o`; the position is -1 where there is none. */
export function windowElementAt(x: Operand, p: WindowParams, fill: number, o: Index, j: Index): Found {
  const nothing = s.constant(computeType(x.aval.dtype), fill);
  if (x.aval.size === 0) return { value: nothing, position: s.int(-1), sure: false };
  const elements = windowAxes(p).map((w, d) => candidate(nth(x.aval.shape, d), w, nth(o, d), nth(j, d)));
  const inside = elements.reduce<s.Expr | undefined>((all, e) => both(all, e.inside), undefined);
  const value = x.at(elements.map((e) => e.index));
  const position = flatOffset(
    elements.map((e) => e.offset),
    p.windowDimensions,
  );
  return {
    value: inside === undefined ? value : s.select(inside, value, nothing),
    position: inside === undefined ? position : s.select(inside, position, s.int(-1)),
    sure: inside === undefined,
  };
}

/** How many candidates a window has along each axis. */
export const candidateCounts = (p: WindowParams): number[] => windowAxes(p).map(candidates);

type ViewParams = WindowParams & { readonly fill: number };

/** Elements of windows: [...windows, ...candidates of axes that have several], and their positions in the window. */
const windowsP: Primitive<ViewParams> = definePrimitive<ViewParams>({
  name: 'windows',
  abstract: (operands, p) => {
    const [x] = take1(operands);
    const shape = [...windowedShape(x.shape, p), ...candidateCounts(p).filter((n) => n > 1)];
    return [x.with({ shape }), x.with({ shape, dtype: 'int32', weakType: false })];
  },
  jvp: notDifferentiable('it stands only in the lowerings of window reductions'),
  transpose: notLinear(),
  batch: (size, operands, dims, { fill, ...p }) => ({
    results: bind(windowsP, [batchOrRepeat(take1(operands)[0], dims[0] ?? null, size)], {
      ...batchedWindows(p, 0),
      fill,
    }),
    dims: [0, 0],
  }),
  lower: (_operands, p) => ({
    kind: 'map',
    cost: 'cheap',
    at: (operands, index) => {
      const counts = candidateCounts(p);
      let next = counts.length;
      const j = counts.map((n) => (n > 1 ? nth(index, next++) : s.int(0)));
      const { value, position } = windowElementAt(take1(operands)[0], p, p.fill, index.slice(0, counts.length), j);
      return [value, position];
    },
  }),
  examples: () => [
    {
      args: [{ shape: [5] }],
      params: {
        windowDimensions: [3],
        windowStrides: [2],
        padding: [[1, 1]],
        baseDilation: [1],
        windowDilation: [1],
        fill: 0,
      },
    },
    {
      args: [{ shape: [2, 5], dtype: 'int32' }],
      params: {
        windowDimensions: [1, 3],
        windowStrides: [1, 1],
        padding: [
          [0, 0],
          [2, -1],
        ],
        baseDilation: [1, 2],
        windowDilation: [1, 1],
        fill: -1,
      },
    },
  ],
});

/** {@link windowsP} of `x`, with `fill` where a window meets padding or holes. */
export const windowsOf = (x: NDArray, p: WindowParams, fill: number): readonly [values: NDArray, positions: NDArray] =>
  take2(bind(windowsP, [x], { ...p, fill }));

type Best = 'max' | 'min';
type ChooseParams = { readonly axes: readonly number[]; readonly best: Best };

/** A value and its position; one that is not `sure` to exist has position -1 when it does not. */
export interface Found {
  readonly value: s.Expr;
  readonly position: s.Expr;
  readonly sure: boolean;
}

/** The better of what was found and the next; the first NaN is best, and of equals the first. */
export function better(best: Best, found: Found, next: Found): Found {
  const isBetter = isFloat(found.value.type === 'int64' ? 'int32' : found.value.type)
    ? // Where neither is NaN, next > found; where next is, true; where found is, false.
      s.binary(
        'and',
        s.binary('eq', found.value, found.value),
        s.unary('not', s.binary(best === 'max' ? 'ge' : 'le', found.value, next.value)),
      )
    : s.binary(best === 'max' ? 'gt' : 'lt', next.value, found.value);
  const isFirst = found.sure ? undefined : s.binary('lt', found.position, s.int(0));
  const takes = isFirst === undefined ? isBetter : s.binary('or', isFirst, isBetter);
  const chosen = next.sure ? takes : s.binary('and', s.binary('ge', next.position, s.int(0)), takes);
  return {
    value: s.select(chosen, next.value, found.value),
    position: s.select(chosen, next.position, found.position),
    sure: found.sure || next.sure,
  };
}

/** The best value over `axes` and its position, given with it; -1 and the identity if there is none. */
const chooseP: Primitive<ChooseParams> = definePrimitive<ChooseParams>({
  name: 'reduce_best',
  abstract: (operands, { axes }) =>
    operands.map((x) => x.with({ shape: x.shape.filter((_, d) => !axes.includes(d)), weakType: false })),
  jvp: notDifferentiable('it stands only in the lowerings of window reductions'),
  transpose: notLinear(),
  batch: (size, operands, dims, { axes, best }) => ({
    results: bind(
      chooseP,
      operands.map((x, i) => batchOrRepeat(x, dims[i] ?? null, size)),
      { axes: axes.map((d) => d + 1), best },
    ),
    dims: [0, 0],
  }),
  lower: (operands, { axes, best }) => {
    const [x] = take2(operands);
    const found = ([value, position]: readonly [s.Expr, s.Expr]): Found => ({ value, position, sure: false });
    const pick =
      (part: 'value' | 'position') =>
      (accumulators: readonly s.Expr[], elements: readonly s.Expr[]): s.Expr =>
        better(best, found(take2(accumulators)), found(take2(elements)))[part];
    return {
      kind: 'reduce',
      axes,
      reducers: [
        {
          dtype: x.dtype,
          init: s.constant(computeType(x.dtype), identityOf(best, x.dtype)),
          update: { next: pick('value') },
        },
        { dtype: 'int32', init: s.int(-1), update: { next: pick('position') } },
      ],
      results: (accumulators) => accumulators,
    };
  },
  examples: () => [
    {
      args: [{ shape: [2, 3] }, { shape: [2, 3], dtype: 'int32', values: [0, 1, 2, -1, 1, -1] }],
      params: { axes: [1], best: 'max' },
    },
    {
      args: [
        { shape: [3], dtype: 'int32' },
        { shape: [3], dtype: 'int32', values: [2, 1, 0] },
      ],
      params: { axes: [0], best: 'min' },
    },
  ],
});

/** The best of `values` over `axes`, and its position. */
export const chooseBest = (
  values: NDArray,
  positions: NDArray,
  axes: readonly number[],
  best: Best,
): readonly [NDArray, NDArray] => take2(bind(chooseP, [values, positions], { axes, best }));

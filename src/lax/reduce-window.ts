/**
 * Reductions of sliding windows: reduce_window_sum, whose transpose is itself, and reduce_window_max and _min, whose
 * derivatives go by the positions they chose (select-and-scatter.ts).
 */
import { nth, range } from '../core/axes.js';
import { showShape, sizeOf, type ShapedArray } from '../core/aval.js';
import { identityOf } from '../core/combine.js';
import { ArgumentError, DTypeError, ShapeError } from '../core/errors.js';
import { traceToJaxpr } from '../core/jaxpr-trace.js';
import { NDArray, type ArrayLike } from '../core/ndarray.js';
import {
  definePrimitive,
  notLinear,
  Zero,
  type JvpRule,
  type Primitive,
  type TransposeRule,
} from '../core/primitive.js';
import * as s from '../core/scalar.js';
import { userLine } from '../core/source.js';
import { bind1 } from '../core/trace.js';
import { take1 } from '../core/tuple.js';
import { add, max, min } from './arithmetic.js';
import { full, reduceSum } from './broadcast.js';
import { checkWindowLists } from './conv-shape.js';
import { lift1, liftNumber } from './lift.js';
import { linearJvp, linearTranspose } from './linear-rules.js';
import { reduceMax, reduceMin } from './reductions.js';
import { candidateAxes, reduceWindowArg, selectAndGather, unrolled, windowExamples } from './select-and-scatter.js';
import { pad, slice } from './slicing.js';
import {
  batchedWindows,
  windowAxes,
  windowedShape,
  windowElementAt,
  windowParams,
  windowsOf,
  type WindowParams,
} from './window-view.js';
import { namedPadding, paddedLength, transposedWindow, type Padding } from './windows.js';

type Op = 'sum' | 'max' | 'min';
const COMBINE = { sum: 'add', max: 'max', min: 'min' } as const;
const REDUCE = { sum: reduceSum, max: reduceMax, min: reduceMin } as const;

function checkWindows(x: ShapedArray, p: WindowParams): void {
  const { windowDimensions, windowStrides, baseDilation, windowDilation } = p;
  const axes = `${String(x.ndim)} axes of ${x.toString()}`;
  checkWindowLists('reduce_window', x.ndim, axes, { windowDimensions, windowStrides, baseDilation, windowDilation }, p.padding); // prettier-ignore
  windowAxes(p).forEach((w, d) => {
    if (paddedLength(nth(x.shape, d), w) < 0)
      throw new ShapeError(
        `reduce_window: padding ${showShape([w.low, w.high])} takes more than the ${String(x.shape[d])} elements of axis ${String(d)} of ${x.toString()}.${userLine()}`,
      );
  });
}

function windowPrimitive(
  op: Op,
  jvp: JvpRule<WindowParams>,
  transpose?: TransposeRule<WindowParams>,
): Primitive<WindowParams> {
  const name = `reduce_window_${op}`;
  const primitive: Primitive<WindowParams> = definePrimitive<WindowParams>({
    name,
    abstract: (operands, p) => {
      const [x] = take1(operands);
      if (op === 'sum' && x.dtype === 'bool') throw new DTypeError(`${name}: does not take bool.${userLine()}`);
      checkWindows(x, p);
      return [x.with({ shape: windowedShape(x.shape, p) })];
    },
    jvp,
    transpose: transpose ?? notLinear(),
    batch: (_size, operands, dims, p) => {
      const dim = dims[0] ?? 0;
      return { results: [bind1(primitive, operands, batchedWindows(p, dim))], dims: [dim] };
    },
    lower: (operands, p) => {
      const [aval] = take1(operands);
      const combine = COMBINE[op];
      const fill = identityOf(combine, aval.dtype);
      const list = unrolled(p);
      if (list === undefined) {
        return {
          kind: 'call',
          jaxpr: traceToJaxpr(
            (...args) => [REDUCE[op](windowsOf(take1(args)[0], p, fill)[0], candidateAxes(p))],
            operands,
            name,
          ),
        };
      }
      return {
        kind: 'map',
        cost: 'cheap',
        at: ([x], index) => {
          if (x === undefined) throw new Error('unreachable');
          return [
            list.map((j) => windowElementAt(x, p, fill, index, j).value).reduce((a, b) => s.binary(combine, a, b)),
          ];
        },
      };
    },
    examples: () => windowExamples().map(({ shape, params }) => ({ args: [{ shape }], params })),
  });
  return primitive;
}

const sumP: Primitive<WindowParams> = windowPrimitive(
  'sum',
  linearJvp((x, p) => bind1(sumP, [x], p)),
  linearTranspose((ct, x, p) =>
    bind1(
      sumP,
      [ct],
      windowParams(windowAxes(p).map((w, d) => transposedWindow(nth(x.shape, d), nth(ct.aval.shape, d), w))),
    ),
  ),
);

/** The tangent of a window's best element, the first of equals, as in XLA. */
const bestJvp =
  (best: 'max' | 'min'): JvpRule<WindowParams> =>
  (primals, tangents, p) => {
    const [x] = take1(primals);
    const [dx] = take1(tangents);
    if (dx instanceof Zero) {
      const out = bind1(PRIMITIVES[best], [x], p);
      return { primals: [out], tangents: [new Zero(out.aval.strengthen())] };
    }
    const [value, positions] = reduceWindowArg(best, x, p);
    return { primals: [value], tangents: [selectAndGather(dx, positions, p)] };
  };

const PRIMITIVES: Readonly<Record<Op, Primitive<WindowParams>>> = {
  sum: sumP,
  max: windowPrimitive('max', bestJvp('max')),
  min: windowPrimitive('min', bestJvp('min')),
};

/** What `reduceWindow` combines elements with; a function combines two arrays elementwise. */
export type WindowOp = 'add' | 'max' | 'min' | ((x: NDArray, y: NDArray) => NDArray);

const opOf = (op: WindowOp): Op | undefined =>
  op === 'add' || op === add
    ? 'sum'
    : op === 'max' || op === max
      ? 'max'
      : op === 'min' || op === min
        ? 'min'
        : undefined;

/** JAX's reduce_window; see control/map-windows.ts. */
export function reduceWindow(
  x: ArrayLike,
  init: ArrayLike,
  op: WindowOp,
  windowDimensions: readonly number[],
  windowStrides?: readonly number[],
  padding: Padding = 'VALID',
  baseDilation?: readonly number[],
  windowDilation?: readonly number[],
): NDArray {
  const array = lift1('reduce_window', x);
  const ones = array.aval.shape.map(() => 1);
  const p: WindowParams = {
    windowDimensions: [...windowDimensions],
    windowStrides: [...(windowStrides ?? ones)],
    padding: typeof padding === 'string' ? ones.map(() => [0, 0] as const) : padding.map((pair) => [...pair] as const),
    baseDilation: [...(baseDilation ?? ones)],
    windowDilation: [...(windowDilation ?? ones)],
  };
  checkWindows(array.aval, p);
  if (typeof padding !== 'string') return reduceWindows(array, init, op, p);
  if (!['SAME', 'SAME_LOWER', 'VALID'].includes(padding)) {
    throw new ArgumentError(
      `reduce_window: there is no padding '${padding}'; use 'SAME', 'SAME_LOWER', 'VALID' or a [low, high] pair for each axis.${userLine()}`,
    );
  }
  const pads = windowAxes(p).map((w, d) => namedPadding(padding, paddedLength(nth(array.aval.shape, d), w), w));
  return reduceWindows(array, init, op, { ...p, padding: pads });
}

function reduceWindows(x: NDArray, init: ArrayLike, op: WindowOp, p: WindowParams): NDArray {
  const known = opOf(op);
  if (known === undefined && typeof op !== 'function') {
    throw new ArgumentError(
      `reduce_window: there is no operation '${op}'; use lax.add, lax.max, lax.min or a function of two arrays.${userLine()}`,
    );
  }
  if (known !== undefined && !(init instanceof NDArray)) {
    const identity = identityOf(COMBINE[known], x.dtype);
    const infinite = known === 'max' ? -Infinity : Infinity;
    if (Number(init) === identity || (known !== 'sum' && init === infinite)) return bind1(PRIMITIVES[known], [x], p);
  }
  // Any other initial value: it is in each window, and all around the array.
  const first = init instanceof NDArray ? init : liftNumber(init, x.dtype, 'reduce_window');
  const padded = pad(
    x,
    first,
    p.padding.map(([low, high], d) => [low, high, nth(p.baseDilation, d) - 1] as const),
  );
  const ones = p.windowDimensions.map(() => 1);
  const plain = { ...p, padding: ones.map(() => [0, 0] as const), baseDilation: ones };
  const shape = windowedShape(padded.aval.shape, plain);
  const start = full(shape, first);
  if (known !== undefined) {
    const combine = { sum: add, max, min }[known];
    return combine(start, bind1(PRIMITIVES[known], [padded], plain));
  }
  if (typeof op !== 'function' || sizeOf(shape) === 0) return start;
  // The same element of all windows at once.
  return range(sizeOf(p.windowDimensions)).reduce<NDArray>((found, flat) => {
    let rest = flat;
    const offset = [...p.windowDimensions].reverse().map((n) => {
      const k = rest % n;
      rest = Math.floor(rest / n);
      return k;
    });
    offset.reverse();
    const from = offset.map((k, d) => k * nth(p.windowDilation, d));
    const to = from.map((k, d) => k + (nth(shape, d) - 1) * nth(p.windowStrides, d) + 1);
    return op(found, slice(padded, from, to, p.windowStrides));
  }, start);
}

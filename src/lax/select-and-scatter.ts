/**
 * What the derivative of a window's maximum needs: which element each window chose, the elements that were chosen
 * (select_and_gather), and back from windows to elements (select_and_scatter_add). The last two are each other's
 * transposes. An element takes from the few windows that contain it, so that nothing is scattered.
 */
import { computeType } from '../core/dtype.js';
import { nth, range } from '../core/axes.js';
import { sizeOf, type Shape } from '../core/aval.js';
import { traceToJaxpr } from '../core/jaxpr-trace.js';
import { divIndex, modIndex } from '../core/index-expr.js';
import type { NDArray } from '../core/ndarray.js';
import {
  definePrimitive,
  LinearOperand,
  notLinear,
  Zero,
  type Example,
  type JvpRule,
  type Primitive,
} from '../core/primitive.js';
import * as s from '../core/scalar.js';
import { identityOf } from '../core/combine.js';
import { bind, bind1 } from '../core/trace.js';
import { take1, take2 } from '../core/tuple.js';
import { select, sub } from './arithmetic.js';
import { batchOrRepeat, full, reduceSum } from './broadcast.js';
import { eq } from './compare.js';
import { both, dilated, transposedWindow, windowElement } from './windows.js';
import {
  batchedWindows,
  better,
  candidateCounts,
  chooseBest,
  windowAxes,
  windowedShape,
  windowElementAt,
  windowParams,
  windowsOf,
  type WindowParams,
} from './window-view.js';

/** Candidates of a window for which code is written out, where each element lies in one window at most. */
const UNROLLED = 16;

/** The candidates of a window, in order, if they are few and no element would be computed for more than one window. */
export function unrolled(p: WindowParams): readonly (readonly s.Expr[])[] | undefined {
  const apart = windowAxes(p).every((w) => w.stride >= dilated(w.size, w.windowDilation));
  const counts = candidateCounts(p);
  if (!apart || sizeOf(counts) > UNROLLED) return undefined;
  return counts.reduce<s.Expr[][]>((all, n) => all.flatMap((j) => range(n).map((i) => [...j, s.int(i)])), [[]]);
}

/** Axes of a windows view that hold the candidates. */
export const candidateAxes = (p: WindowParams): number[] => {
  const counts = candidateCounts(p);
  return range(counts.filter((n) => n > 1).length).map((i) => counts.length + i);
};

type Best = 'max' | 'min';

function argPrimitive(best: Best): Primitive<WindowParams> {
  const primitive: Primitive<WindowParams> = definePrimitive<WindowParams>({
    name: `reduce_window_arg${best}`,
    abstract: (operands, p) => {
      const [x] = take1(operands);
      const shape = windowedShape(x.shape, p);
      return [x.with({ shape }), x.with({ shape, dtype: 'int32', weakType: false })];
    },
    jvp: (primals, tangents, p) => {
      const [values, positions] = take2(bind(primitive, primals, p));
      const [dx] = take1(tangents);
      return {
        primals: [values, positions],
        tangents: [
          dx instanceof Zero ? new Zero(values.aval.strengthen()) : selectAndGather(dx, positions, p),
          new Zero(positions.aval),
        ],
      };
    },
    transpose: notLinear(),
    batch: (_size, operands, dims, p) => {
      const dim = dims[0] ?? 0;
      return { results: bind(primitive, operands, batchedWindows(p, dim)), dims: [dim, dim] };
    },
    lower: (operands, p) => {
      const [aval] = take1(operands);
      const fill = identityOf(best, aval.dtype);
      const list = unrolled(p);
      if (list === undefined) {
        const axes = candidateAxes(p);
        return {
          kind: 'call',
          jaxpr: traceToJaxpr(
            (...args) => {
              const [values, positions] = windowsOf(take1(args)[0], p, fill);
              return axes.length === 0 ? [values, positions] : [...chooseBest(values, positions, axes, best)];
            },
            operands,
            primitive.name,
          ),
        };
      }
      return {
        kind: 'map',
        cost: 'cheap',
        at: ([x], index) => {
          if (x === undefined) throw new Error('unreachable');
          const { value, position } = list
            .map((j) => windowElementAt(x, p, fill, index, j))
            .reduce((found, next) => better(best, found, next));
          return [value, position];
        },
      };
    },
    examples: () =>
      windowExamples().flatMap(({ shape, params }) => [
        { args: [{ shape }], params },
        ...(shape.length === 1
          ? [{ args: [{ shape, dtype: 'int32' as const, domain: [-2, 2] as const }], params }]
          : []),
      ]),
  });
  return primitive;
}
const argP: Readonly<Record<Best, Primitive<WindowParams>>> = { max: argPrimitive('max'), min: argPrimitive('min') };

/** The best element of each window, and its position there (row-major; -1 in a window of nothing but padding). */
export const reduceWindowArg = (best: Best, x: NDArray, p: WindowParams): readonly [NDArray, NDArray] =>
  take2(bind(argP[best], [x], p));

/** jvp of a function that is linear in the first operand; the second are positions. */
const linearInFirst =
  <P extends WindowParams>(f: (x: NDArray, positions: NDArray, p: P) => NDArray): JvpRule<P> =>
  (primals, tangents, p) => {
    const [x, positions] = take2(primals);
    const dx = nth(tangents, 0);
    const out = f(x, positions, p);
    return { primals: [out], tangents: [dx instanceof Zero ? new Zero(out.aval.strengthen()) : f(dx, positions, p)] };
  };

const gatherP: Primitive<WindowParams> = definePrimitive<WindowParams>({
  name: 'select_and_gather',
  abstract: ([x, positions]) => {
    if (x === undefined || positions === undefined) throw new Error('unreachable');
    return [x.with({ shape: positions.shape })];
  },
  jvp: linearInFirst((x, positions, p) => selectAndGather(x, positions, p)),
  transpose: (cotangents, operands, p) => {
    const [ct] = take1(cotangents);
    const [x, positions] = take2(operands);
    if (ct instanceof Zero || !(x instanceof LinearOperand) || positions instanceof LinearOperand) return [null, null];
    return [selectAndScatterAdd(ct, positions, x.aval.shape, p), null];
  },
  batch: (size, operands, dims, p) => ({
    results: [
      selectAndGather(...take2(operands.map((x, i) => batchOrRepeat(x, dims[i] ?? null, size))), batchedWindows(p, 0)),
    ],
    dims: [0],
  }),
  lower: ([x], p) => ({
    kind: 'map',
    cost: 'cheap',
    at: (operands, index) => {
      if (x === undefined) throw new Error('unreachable');
      const [source, positions] = take2(operands);
      const zero = s.constant(computeType(x.dtype), 0);
      if (x.size === 0) return [zero];
      const position = positions.at(index);
      const flat = s.binary('max', position, s.int(0));
      let inner = sizeOf(p.windowDimensions);
      const elements = windowAxes(p).map((w, d) => {
        inner /= w.size;
        const k = w.size === 1 ? s.int(0) : modIndex(divIndex(flat, inner), w.size);
        return windowElement(nth(x.shape, d), w, nth(index, d), k);
      });
      const inside = elements.reduce<s.Expr | undefined>(
        (all, e) => both(all, e.inside),
        s.binary('ge', position, s.int(0)),
      );
      const value = source.at(elements.map((e) => e.index));
      return [inside === undefined ? value : s.select(inside, value, zero)];
    },
  }),
  examples: () =>
    windowExamples().map(({ shape, params, positions }): Example<WindowParams> => ({
      args: [{ shape }, { shape: windowedShape(shape, params), dtype: 'int32', values: positions }],
      params,
    })),
});

/** The elements of `x` at `positions` of its windows; 0 where a position is -1. */
export const selectAndGather = (x: NDArray, positions: NDArray, p: WindowParams): NDArray =>
  bind1(gatherP, [x, positions], p);

type ScatterParams = WindowParams & { readonly operandShape: Shape };

const scatterP: Primitive<ScatterParams> = definePrimitive<ScatterParams>({
  name: 'select_and_scatter_add',
  abstract: ([ct], { operandShape }) => {
    if (ct === undefined) throw new Error('unreachable');
    return [ct.with({ shape: operandShape })];
  },
  jvp: linearInFirst((ct, positions, { operandShape, ...p }) => selectAndScatterAdd(ct, positions, operandShape, p)),
  transpose: (cotangents, operands, { operandShape: _, ...p }) => {
    const [ct] = take1(cotangents);
    const [x, positions] = take2(operands);
    if (ct instanceof Zero || !(x instanceof LinearOperand) || positions instanceof LinearOperand) return [null, null];
    return [selectAndGather(ct, positions, p), null];
  },
  batch: (size, operands, dims, { operandShape, ...p }) => ({
    results: [
      selectAndScatterAdd(
        ...take2(operands.map((x, i) => batchOrRepeat(x, dims[i] ?? null, size))),
        [size, ...operandShape],
        batchedWindows(p, 0),
      ),
    ],
    dims: [0],
  }),
  lower: (operands, { operandShape, ...p }) => ({
    kind: 'call',
    jaxpr: traceToJaxpr(
      (...args) => {
        const [ct, chosen] = take2(args);
        const { shape } = ct.aval;
        // The windows that contain an element are a window of windows.
        const back = windowParams(
          windowAxes(p).map((w, d) => transposedWindow(nth(operandShape, d), nth(shape, d), w)),
        );
        const [cts, positions] = windowsOf(ct, back, 0);
        const [choices] = windowsOf(chosen, back, -1);
        // The first of the windows sees the element last.
        const isChosen = eq(choices, sub(sizeOf(p.windowDimensions) - 1, positions));
        return [reduceSum(select(isChosen, cts, full(cts.aval.shape, 0, cts.dtype)), candidateAxes(back))];
      },
      operands,
      'select_and_scatter_add',
    ),
  }),
  examples: () =>
    windowExamples().map(({ shape, params, positions }): Example<ScatterParams> => {
      const windows = windowedShape(shape, params);
      return {
        args: [{ shape: windows }, { shape: windows, dtype: 'int32', values: positions }],
        params: { ...params, operandShape: shape },
      };
    }),
});

/** Each window's element of `ct` added to the element of an array of `shape` at its position in the window. */
export const selectAndScatterAdd = (ct: NDArray, positions: NDArray, shape: Shape, p: WindowParams): NDArray =>
  bind1(scatterP, [ct, positions], { ...p, operandShape: [...shape] });

/** Windows for the laws, and valid positions in them. */
export const windowExamples = (): {
  readonly shape: readonly number[];
  readonly params: WindowParams;
  readonly positions: readonly number[];
}[] => [
  {
    shape: [7],
    params: {
      windowDimensions: [3],
      windowStrides: [2],
      padding: [[1, 1]],
      baseDilation: [1],
      windowDilation: [1],
    },
    positions: [1, 0, 2, 1],
  },
  {
    shape: [2, 5],
    params: {
      windowDimensions: [1, 2],
      windowStrides: [1, 2],
      padding: [
        [0, 0],
        [0, 0],
      ],
      baseDilation: [1, 1],
      windowDilation: [1, 1],
    },
    positions: [0, 1, 1, 0],
  },
  {
    shape: [3, 4],
    params: {
      windowDimensions: [2, 2],
      windowStrides: [1, 2],
      padding: [
        [0, 1],
        [-1, 2],
      ],
      baseDilation: [2, 1],
      windowDilation: [1, 2],
    },
    positions: [0, -1, 2, 2, 1, 0, 3, -1, 0, 0],
  },
];

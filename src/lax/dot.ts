/** dot_general: sums of products over contracted axes, with batch axes. */
import { nth, range } from '../core/axes.js';
import { showShape, type ShapedArray } from '../core/aval.js';
import type { DType } from '../core/dtype.js';
import { DTypeError, ShapeError } from '../core/errors.js';
import type { Index } from '../core/lowering.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { definePrimitive, LinearOperand, Zero, type Primitive } from '../core/primitive.js';
import { userLine } from '../core/source.js';
import { bind1 } from '../core/trace.js';
import { take1, take2 } from '../core/tuple.js';
import { mul } from './arithmetic.js';
import { batchOrRepeat } from './broadcast.js';
import { lift } from './lift.js';
import { notLinearIn } from './linear-rules.js';
import { sumTangents } from './nary.js';
import { transpose } from './reshape.js';

type Axes = readonly number[];
/** `[[lhs contracted, rhs contracted], [lhs batch, rhs batch]]`. */
export type DotDimensionNumbers = readonly [readonly [Axes, Axes], readonly [Axes, Axes]];
type DotParams = { readonly dimensionNumbers: DotDimensionNumbers; readonly preferredElementType: DType };

const freeAxes = (ndim: number, contract: Axes, batch: Axes): number[] =>
  range(ndim).filter((d) => !contract.includes(d) && !batch.includes(d));

/** The index whose axes `groups[g]` are `indices[g]`. */
function arrange(groups: readonly Axes[], indices: readonly Index[]): Index {
  const axes = groups.flat();
  const values = indices.flat();
  return range(axes.length).map((d) => nth(values, axes.indexOf(d)));
}

function check(lhs: ShapedArray, rhs: ShapedArray, [[lc, rc], [lb, rb]]: DotDimensionNumbers): void {
  const pairs = (what: string, a: Axes, b: Axes): void => {
    const bad =
      a.length !== b.length || a.some((d, i) => lhs.shape[d] === undefined || lhs.shape[d] !== rhs.shape[nth(b, i)]);
    if (bad) {
      throw new ShapeError(
        `dot_general: ${what} axes ${showShape(a)} of shape ${showShape(lhs.shape)} and ${showShape(b)} of shape ${showShape(rhs.shape)} ` +
          `must have equal lengths (here ${showShape(a.map((d) => lhs.shape[d] ?? NaN))} and ${showShape(b.map((d) => rhs.shape[d] ?? NaN))}).${userLine()}`,
      );
    }
  };
  pairs('contracted', lc, rc);
  pairs('batch', lb, rb);
  if (lhs.dtype !== rhs.dtype) {
    throw new DTypeError(
      `dot_general: operands are ${lhs.dtype} and ${rhs.dtype}, which must be equal; the functions of np promote.${userLine()}`,
    );
  }
}

const dotGeneralP: Primitive<DotParams> = definePrimitive<DotParams>({
  name: 'dot_general',
  abstract: (operands, { dimensionNumbers }) => {
    const [lhs, rhs] = take2(operands);
    check(lhs, rhs, dimensionNumbers);
    const [[lc, rc], [lb, rb]] = dimensionNumbers;
    const shape = [
      ...lb.map((d) => nth(lhs.shape, d)),
      ...freeAxes(lhs.ndim, lc, lb).map((d) => nth(lhs.shape, d)),
      ...freeAxes(rhs.ndim, rc, rb).map((d) => nth(rhs.shape, d)),
    ];
    return [lhs.with({ shape, weakType: lhs.weakType && rhs.weakType })];
  },
  jvp: (primals, tangents, { dimensionNumbers }) => {
    const [lhs, rhs] = take2(primals);
    const out = dotGeneral(lhs, rhs, dimensionNumbers);
    const tangent = sumTangents(out, tangents, (d, i) =>
      i === 0 ? dotGeneral(d, rhs, dimensionNumbers) : dotGeneral(lhs, d, dimensionNumbers),
    );
    return { primals: [out], tangents: [tangent] };
  },
  transpose: (cotangents, operands, { dimensionNumbers }) => {
    const [ct] = take1(cotangents);
    const [lhs, rhs] = take2(operands);
    if (ct instanceof Zero) return [null, null];
    if (lhs instanceof LinearOperand && rhs instanceof LinearOperand)
      throw notLinearIn('dot_general', 'both operands depend');
    if (lhs instanceof LinearOperand && !(rhs instanceof LinearOperand))
      return [transposeLhs(ct, lhs.aval, rhs, dimensionNumbers), null];
    if (rhs instanceof LinearOperand && !(lhs instanceof LinearOperand)) {
      const [[lc, rc], [lb, rb]] = dimensionNumbers;
      // Swap the operands: the cotangent's axes are batch, free lhs, free rhs.
      const nb = lb.length;
      const nl = freeAxes(lhs.ndim, lc, lb).length;
      const order = [
        ...range(nb),
        ...range(ct.ndim - nb - nl).map((i) => nb + nl + i),
        ...range(nl).map((i) => nb + i),
      ];
      return [
        null,
        transposeLhs(transpose(ct, order), rhs.aval, lhs, [
          [rc, lc],
          [rb, lb],
        ]),
      ];
    }
    return [null, null];
  },
  batch: (size, operands, dims, { dimensionNumbers }) => {
    const [lhs, rhs] = take2(operands);
    const [l, r] = [dims[0] ?? null, dims[1] ?? null];
    const [[lc, rc], [lb, rb]] = dimensionNumbers;
    if (l !== null && r !== null) {
      const [a, b] = [batchOrRepeat(lhs, l, size), batchOrRepeat(rhs, r, size)];
      const shift = (axes: Axes): number[] => axes.map((d) => d + 1);
      return {
        results: [
          dotGeneral(a, b, [
            [shift(lc), shift(rc)],
            [
              [0, ...shift(lb)],
              [0, ...shift(rb)],
            ],
          ]),
        ],
        dims: [0],
      };
    }
    // One operand has the axis: it becomes a free axis there.
    const bump = (axes: Axes, dim: number): number[] => axes.map((d) => (d >= dim ? d + 1 : d));
    if (l !== null) {
      const dn: DotDimensionNumbers = [
        [bump(lc, l), rc],
        [bump(lb, l), rb],
      ];
      const position = freeAxes(lhs.ndim, ...([nth(dn[0], 0), nth(dn[1], 0)] as const)).indexOf(l);
      return { results: [dotGeneral(lhs, rhs, dn)], dims: [lb.length + position] };
    }
    const dim = r ?? 0;
    const dn: DotDimensionNumbers = [
      [lc, bump(rc, dim)],
      [lb, bump(rb, dim)],
    ];
    const position = freeAxes(rhs.ndim, nth(dn[0], 1), nth(dn[1], 1)).indexOf(dim);
    return { results: [dotGeneral(lhs, rhs, dn)], dims: [lb.length + freeAxes(lhs.ndim, lc, lb).length + position] };
  },
  lower: (avals, { dimensionNumbers }) => {
    const [lhs, rhs] = take2(avals);
    const [[lc, rc], [lb, rb]] = dimensionNumbers;
    const [lf, rf] = [freeAxes(lhs.ndim, lc, lb), freeAxes(rhs.ndim, rc, rb)];
    const extents = (aval: ShapedArray, axes: Axes): number[] => axes.map((d) => nth(aval.shape, d));
    return {
      kind: 'contract',
      batch: extents(lhs, lb),
      m: extents(lhs, lf),
      n: extents(rhs, rf),
      k: extents(lhs, lc),
      lhs: (x, b, m, k) => x.at(arrange([lb, lf, lc], [b, m, k])),
      rhs: (x, b, k, n) => x.at(arrange([rb, rc, rf], [b, k, n])),
      out: (b, m, n) => [...b, ...m, ...n],
    };
  },
  examples: () => [
    {
      args: [{ shape: [2, 3] }, { shape: [3, 4] }],
      params: {
        dimensionNumbers: [
          [[1], [0]],
          [[], []],
        ],
        preferredElementType: 'float32',
      },
    },
    {
      args: [{ shape: [3] }, { shape: [3] }],
      params: {
        dimensionNumbers: [
          [[0], [0]],
          [[], []],
        ],
        preferredElementType: 'float32',
      },
    },
    {
      args: [{ shape: [2, 3, 4] }, { shape: [2, 4, 5] }],
      params: {
        dimensionNumbers: [
          [[2], [1]],
          [[0], [0]],
        ],
        preferredElementType: 'float32',
      },
    },
    {
      args: [{ shape: [3, 2, 4] }, { shape: [4, 5, 3] }],
      params: {
        dimensionNumbers: [
          [
            [2, 0],
            [0, 2],
          ],
          [[], []],
        ],
        preferredElementType: 'float32',
      },
    },
    {
      args: [{ shape: [2] }, { shape: [3] }],
      params: {
        dimensionNumbers: [
          [[], []],
          [[], []],
        ],
        preferredElementType: 'float32',
      },
    },
    ...(['int32', 'float16'] as const).map((dtype) => ({
      args: [
        { shape: [2, 3], dtype },
        { shape: [3, 2], dtype },
      ],
      params: {
        dimensionNumbers: [
          [[1], [0]],
          [[], []],
        ] satisfies DotDimensionNumbers,
        preferredElementType: dtype,
      },
    })),
  ],
});

/** Cotangent of lhs: contract the cotangent's free rhs axes with rhs, then put the axes in lhs's order. */
function transposeLhs(ct: NDArray, lhs: ShapedArray, rhs: NDArray, [[lc, rc], [lb, rb]]: DotDimensionNumbers): NDArray {
  const nb = lb.length;
  const lhsFree = freeAxes(lhs.ndim, lc, lb);
  const rhsFree = freeAxes(rhs.ndim, rc, rb);
  const ctFree = rhsFree.map((_, i) => nb + lhsFree.length + i);
  const out = dotGeneral(ct, rhs, [
    [ctFree, rhsFree],
    [range(nb), rb],
  ]);
  // Axes of `out`: batch, free lhs, then rhs's contracted axes in increasing order.
  const contracted = [...rc].sort((a, b) => a - b).map((d) => nth(lc, rc.indexOf(d)));
  const source = [...lb, ...lhsFree, ...contracted];
  return transpose(
    out,
    range(lhs.ndim).map((d) => source.indexOf(d)),
  );
}

/**
 * Sum of products over the contracted axes; axes of the result are batch, free lhs, free rhs. Throws ShapeError when
 * paired axes differ in length.
 */
export function dotGeneral(lhs: ArrayLike, rhs: ArrayLike, dimensionNumbers: DotDimensionNumbers): NDArray {
  const [a, b] = take2(lift('dot_general', lhs, rhs));
  return a.ndim === 0 || b.ndim === 0
    ? mul(a, b)
    : bind1(dotGeneralP, [a, b], { dimensionNumbers, preferredElementType: a.dtype });
}

/** Vector, matrix-vector or matrix product: the last axis of `lhs` with the first of `rhs`. */
export function dot(lhs: ArrayLike, rhs: ArrayLike): NDArray {
  const [a, b] = take2(lift('dot', lhs, rhs));
  if (a.ndim < 1 || a.ndim > 2 || b.ndim < 1 || b.ndim > 2) {
    throw new ShapeError(
      `dot: takes vectors and matrices, got shapes ${showShape(a.shape)} and ${showShape(b.shape)}; use np.matmul or dotGeneral.${userLine()}`,
    );
  }
  return dotGeneral(a, b, [
    [[a.ndim - 1], [0]],
    [[], []],
  ]);
}

/** Matrix products over leading batch axes: `[..., m, k]` and `[..., k, n]`. */
export function batchMatmul(lhs: ArrayLike, rhs: ArrayLike): NDArray {
  const [a, b] = take2(lift('batch_matmul', lhs, rhs));
  const batch = range(a.ndim - 2);
  return dotGeneral(a, b, [
    [[a.ndim - 1], [b.ndim - 2]],
    [batch, batch],
  ]);
}

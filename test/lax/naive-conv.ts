/** Convolution and window reductions by their definitions, element by element, as an oracle. */
import { numpy as np, type NDArray } from 'cotangent';

/** A dense row-major array of numbers. */
export interface Dense {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Integers about zero, `count` of them, that look random: float32 sums of them are exact. */
export const drawn = (shape: readonly number[], seed: number, count: number): Dense => {
  let state = seed | 1;
  return {
    shape,
    data: Array.from({ length: size(shape) }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return ((state >>> 16) % count) - (count - 1) / 2;
    }),
  };
};

export const toArray = (x: Dense): NDArray => np.array([...x.data], { dtype: 'float32' }).reshape([...x.shape]);

/** All indices of a shape, in row-major order. */
export function* indices(shape: readonly number[]): Generator<number[]> {
  const n = size(shape);
  for (let flat = 0; flat < n; flat++) {
    let rest = flat;
    const index = shape.map(() => 0);
    for (let d = shape.length - 1; d >= 0; d--) {
      const extent = shape[d] ?? 1;
      index[d] = rest % extent;
      rest = Math.floor(rest / extent);
    }
    yield index;
  }
}

export const at = (x: Dense, index: readonly number[]): number =>
  x.data[index.reduce((flat, i, d) => flat * (x.shape[d] ?? 1) + i, 0)] ?? NaN;

export interface Window {
  readonly strides: readonly number[];
  readonly padding: readonly (readonly [number, number])[];
  readonly baseDilation: readonly number[];
  readonly windowDilation: readonly number[];
}

const n = (list: readonly number[], i: number): number => list[i] ?? NaN;

export const outLength = (length: number, window: number, w: Window, i: number): number => {
  const dilated = length === 0 ? 0 : (length - 1) * n(w.baseDilation, i) + 1;
  const [low = 0, high = 0] = w.padding[i] ?? [];
  const room = dilated + low + high - ((window - 1) * n(w.windowDilation, i) + 1);
  return room < 0 ? 0 : Math.floor(room / n(w.strides, i)) + 1;
};

/** Where element `k` of window `o` comes from along axis `i`, or undefined in padding and holes. */
export function source(length: number, w: Window, i: number, o: number, k: number): number | undefined {
  const place = o * n(w.strides, i) + k * n(w.windowDilation, i) - (w.padding[i]?.[0] ?? 0);
  const dilation = n(w.baseDilation, i);
  const index = place / dilation;
  return Number.isInteger(index) && index >= 0 && index < length ? index : undefined;
}

/**
 * Every product of a convolution: `visit(o, l, r)` for each term lhs[l] · rhs[r] of element o of the result, whose shape is returned.
 * Layouts as strings: N, C of the input and the result, O, I of the kernel, any letters for spatial axes.
 */
function convTerms(
  lhs: readonly number[],
  rhs: readonly number[],
  [lhsLayout, rhsLayout, outLayout]: readonly [string, string, string],
  w: Window,
  featureGroups: number,
  batchGroups: number,
  visit: (o: number, l: number, r: number) => void,
): number[] {
  const spatial = Array.from(rhsLayout).filter((c) => c !== 'O' && c !== 'I');
  const length = (shape: readonly number[], layout: string, c: string): number => shape[layout.indexOf(c)] ?? NaN;
  const outFeatures = length(rhs, rhsLayout, 'O');
  const inFeatures = length(rhs, rhsLayout, 'I');
  const batch = length(lhs, lhsLayout, 'N') / batchGroups;
  const extents: Record<string, number> = { N: batch, C: outFeatures };
  spatial.forEach((c, i) => (extents[c] = outLength(length(lhs, lhsLayout, c), length(rhs, rhsLayout, c), w, i)));
  const shape = Array.from(outLayout).map((c) => extents[c] ?? NaN);
  const kernelShape = [inFeatures, ...spatial.map((c) => length(rhs, rhsLayout, c))];
  const place = (shape: readonly number[], layout: string, at: Readonly<Record<string, number>>): number =>
    Array.from(layout).reduce((flat, c, d) => flat * (shape[d] ?? 1) + (at[c] ?? 0), 0);
  let o = 0;
  for (const index of indices(shape)) {
    const out = (c: string): number => index[outLayout.indexOf(c)] ?? NaN;
    const feature = out('C');
    const featureGroup = Math.floor(feature / (outFeatures / featureGroups));
    const batchGroup = Math.floor(feature / (outFeatures / batchGroups));
    for (const [i = 0, ...k] of indices(kernelShape)) {
      const from = spatial.map((c, d) => source(length(lhs, lhsLayout, c), w, d, out(c), k[d] ?? 0));
      if (from.some((x) => x === undefined)) continue;
      const read: Record<string, number> = { N: batchGroup * batch + out('N'), C: featureGroup * inFeatures + i };
      const weight: Record<string, number> = { O: feature, I: i };
      spatial.forEach((c, d) => {
        read[c] = from[d] ?? 0;
        weight[c] = k[d] ?? 0;
      });
      visit(o, place(lhs, lhsLayout, read), place(rhs, rhsLayout, weight));
    }
    o += 1;
  }
  return shape;
}

export type Geometry = [
  layouts: readonly [string, string, string],
  w: Window,
  featureGroups: number,
  batchGroups: number,
];

export function naiveConv(lhs: Dense, rhs: Dense, ...geometry: Geometry): Dense {
  const data: number[] = [];
  const shape = convTerms(lhs.shape, rhs.shape, ...geometry, (o, l, r) => {
    data[o] = (data[o] ?? 0) + (lhs.data[l] ?? NaN) * (rhs.data[r] ?? NaN);
  });
  return { shape, data: Array.from({ length: size(shape) }, (_, o) => data[o] ?? 0) };
}

/** What the cotangent of a result gives its operands: each term of an element is linear in either. */
export function naiveConvAdjoints(lhs: Dense, rhs: Dense, ct: Dense, ...geometry: Geometry): [Dense, Dense] {
  const [forLhs, forRhs] = [lhs.data.map(() => 0), rhs.data.map(() => 0)];
  convTerms(lhs.shape, rhs.shape, ...geometry, (o, l, r) => {
    const c = ct.data[o] ?? NaN;
    forLhs[l] = (forLhs[l] ?? NaN) + c * (rhs.data[r] ?? NaN);
    forRhs[r] = (forRhs[r] ?? NaN) + c * (lhs.data[l] ?? NaN);
  });
  return [
    { shape: lhs.shape, data: forLhs },
    { shape: rhs.shape, data: forRhs },
  ];
}

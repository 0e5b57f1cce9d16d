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

/** Layouts as strings: N, C of the input and the result, O, I of the kernel, any letters for spatial axes. */
export function naiveConv(
  lhs: Dense,
  rhs: Dense,
  layouts: readonly [string, string, string],
  w: Window,
  featureGroups: number,
  batchGroups: number,
): Dense {
  const [lhsLayout, rhsLayout, outLayout] = layouts;
  const spatial = Array.from(rhsLayout).filter((c) => c !== 'O' && c !== 'I');
  const length = (x: Dense, layout: string, c: string): number => x.shape[layout.indexOf(c)] ?? NaN;
  const outFeatures = length(rhs, rhsLayout, 'O');
  const inFeatures = length(rhs, rhsLayout, 'I');
  const batch = length(lhs, lhsLayout, 'N') / batchGroups;
  const extents: Record<string, number> = { N: batch, C: outFeatures };
  spatial.forEach((c, i) => (extents[c] = outLength(length(lhs, lhsLayout, c), length(rhs, rhsLayout, c), w, i)));
  const shape = Array.from(outLayout).map((c) => extents[c] ?? NaN);
  const kernelShape = [inFeatures, ...spatial.map((c) => length(rhs, rhsLayout, c))];
  const data = [...indices(shape)].map((index) => {
    const place = (c: string): number => index[outLayout.indexOf(c)] ?? NaN;
    const feature = place('C');
    const featureGroup = Math.floor(feature / (outFeatures / featureGroups));
    const batchGroup = Math.floor(feature / (outFeatures / batchGroups));
    let sum = 0;
    for (const [i = 0, ...k] of indices(kernelShape)) {
      const from = spatial.map((c, d) => source(length(lhs, lhsLayout, c), w, d, place(c), k[d] ?? 0));
      if (from.some((x) => x === undefined)) continue;
      const read: Record<string, number> = { N: batchGroup * batch + place('N'), C: featureGroup * inFeatures + i };
      const weight: Record<string, number> = { O: feature, I: i };
      spatial.forEach((c, d) => {
        read[c] = from[d] ?? 0;
        weight[c] = k[d] ?? 0;
      });
      sum +=
        at(lhs, Array.from(lhsLayout).map((c) => read[c] ?? 0)) * at(rhs, Array.from(rhsLayout).map((c) => weight[c] ?? 0)); // prettier-ignore
    }
    return sum;
  });
  return { shape, data };
}

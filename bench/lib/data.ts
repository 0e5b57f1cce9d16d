/** The data that every library computes with: made from a seed, so that all processes have the same. */

/** A host array and its shape. */
export interface Data {
  readonly shape: readonly number[];
  readonly values: Float32Array<ArrayBuffer>;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Numbers in [-scale, scale) from a linear congruential generator (Numerical Recipes). */
export function uniform(shape: readonly number[], seed: number, scale = 1): Data {
  let state = seed >>> 0;
  const values = new Float32Array(sizeOf(shape));
  for (let i = 0; i < values.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = (state / 2 ** 31 - 1) * scale;
  }
  return { shape, values };
}

export const zeros = (shape: readonly number[]): Data => ({ shape, values: new Float32Array(sizeOf(shape)) });

/** One-hot rows: row i has its one at a place that looks random. */
export function oneHot(rows: number, classes: number, seed: number): Data {
  const { values: at } = uniform([rows], seed);
  const values = new Float32Array(rows * classes);
  at.forEach((u, i) => (values[i * classes + (Math.floor((u + 1) * 1e4) % classes)] = 1));
  return { shape: [rows, classes], values };
}

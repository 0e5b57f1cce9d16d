/** What augmentations draw: probabilities and distributions, read off their results. */
import { describe, expect, test } from 'vitest';
import { numpy as np, random, type NDArray } from 'cotangent';
import { augment } from 'cotangent/data';

const N = 4000;
const key = random.key(11);
const list = (x: NDArray): number[] => [...x.dataSync()];

/** Within 4 standard deviations of a binomial(N, p): a right sampler fails for one key in 15,000, and the key is fixed. */
function expectShare(count: number, p: number, n = N): void {
  expect(Math.abs(count - n * p)).toBeLessThan(4 * Math.sqrt(n * p * (1 - p)));
}

/**
 * Values are uniform on [low, high]: none outside, and the Kolmogorov-Smirnov statistic √N D below 1.95, which right
 * values exceed once in a thousand keys. The slack is for what reading them off float32 images rounds.
 */
function expectUniform(values: readonly number[], low: number, high: number): void {
  const slack = 1e-5 * Math.max(1, high - low);
  const sorted = [...values].sort((a, b) => a - b);
  expect(sorted[0]).toBeGreaterThanOrEqual(low - slack);
  expect(sorted.at(-1)).toBeLessThanOrEqual(high + slack);
  expect(Math.sqrt(sorted.length) * distance(sorted, (v) => (v - low) / (high - low))).toBeLessThan(1.95);
}

/** The largest distance between the distribution function of sorted values and `cdf`. */
const distance = (sorted: readonly number[], cdf: (v: number) => number): number =>
  sorted.reduce(
    (worst, v, i) => Math.max(worst, Math.abs(cdf(v) - i / sorted.length), Math.abs(cdf(v) - (i + 1) / sorted.length)),
    0,
  );

describe('probabilities', () => {
  const marked = np.array([1, 0, 0]).reshape([1, 1, 3, 1]);
  test.each([0.1, 0.5, 0.85])('flips and sometimes: %s', (p) => {
    const across = augment.flipLeftRight({ probability: p })(key, np.repeat(marked, N, 0));
    expectShare(across.slice([], 0, 2, 0).sum().item() as number, p);
    const down = augment.flipUpDown({ probability: p })(key, np.repeat(marked.reshape([1, 3, 1, 1]), N, 0));
    expectShare(down.slice([], 2, 0, 0).sum().item() as number, p);
    const some = augment.sometimes(p, (_key, images) => images.add(1))(key, np.zeros([N, 1, 1, 1]));
    expectShare(some.sum().item() as number, p);
  });

  test('flips in a composition are independent', () => {
    const both = augment.compose(augment.flipLeftRight(), augment.flipUpDown());
    const corner = np.array([1, 0, 0, 0]).reshape([1, 2, 2, 1]);
    const where = np.sum(both(key, np.repeat(corner, N, 0)), 0).ravel();
    for (const count of list(where)) expectShare(count, 0.25);
  });
});

describe('affine maps, read off images of the rows and columns themselves', () => {
  /** The matrix each image was resampled by: bilinear interpolation of coordinates gives coordinates. */
  function matricesOf(
    f: augment.Augmentation,
    side: number,
  ): { a: number[]; b: number[]; rows: number[]; columns: number[] } {
    const coordinates = np.moveaxis(np.indices([side, side]), 0, -1).astype('float32');
    const images = np.broadcastTo(coordinates, [N, side, side, 2]);
    const m = (side - 1) / 2;
    const seen = f(key, images);
    const at = (row: number, column: number, channel: number): NDArray => seen.slice([], m + row, m + column, channel);
    return {
      a: list(at(1, 0, 0).sub(at(0, 0, 0))),
      b: list(at(0, 1, 0).sub(at(0, 0, 0))),
      rows: list(at(0, 0, 0).sub(m)),
      columns: list(at(0, 0, 1).sub(m)),
    };
  }

  test('angles, in radians and degrees', () => {
    for (const [max, given] of [
      [0.7, 0.7],
      [Math.PI / 6, { degrees: 30 }],
      [3, { radians: 3 }],
    ] as const) {
      const { a, b, rows } = matricesOf(augment.rotation(given), 5);
      expectUniform(
        a.map((c, n) => Math.atan2(b[n] ?? 0, c)),
        -max,
        max,
      );
      // The middle stays.
      expect(Math.max(...rows.map(Math.abs))).toBeLessThan(1e-5);
    }
  });

  test('shifts: fractions below 1, pixels from 1', () => {
    const side = 17;
    for (const [range, down, right] of [
      [{ height: 0.25, width: 0.1 }, 0.25 * side, 0.1 * side],
      [{ height: 1, width: 3.5 }, 1, 3.5],
    ] as const) {
      const { rows, columns } = matricesOf(augment.shift(range), side);
      expectUniform(rows, -down, down);
      expectUniform(columns, -right, right);
    }
    const { rows, columns } = matricesOf(augment.shift({ width: 2 }), side);
    expect(rows.every((x) => x === 0)).toBe(true);
    expectUniform(columns, -2, 2);
  });

  test('zooms: factors by which what is seen grows', () => {
    const { a } = matricesOf(augment.zoom([0.6, 2.5]), 9);
    expectUniform(
      a.map((x) => 1 / x),
      0.6,
      2.5,
    );
  });

  test('what one image draws is independent: the correlations are small', () => {
    const { a, b, rows, columns } = matricesOf(
      augment.affine({ rotation: 0.5, shift: { height: 1, width: 1 }, zoom: [0.8, 1.25] }),
      9,
    );
    // About the middle, what is seen there is moved by -A⁻¹ shift; rotated and scaled back it is the shift.
    const drawn = a.map((p, n) => {
      const q = b[n] ?? 0;
      const size = p * p + q * q;
      const [r, c] = [rows[n] ?? 0, columns[n] ?? 0];
      return [Math.atan2(q, p), 1 / Math.sqrt(size), -(p * r - q * c) / size, -(q * r + p * c) / size];
    });
    const correlations = np.corrcoef(np.array(drawn).transpose()).sub(np.eye(4));
    // 1/√N is a standard deviation.
    expect(np.abs(correlations).max().item()).toBeLessThan(4 / Math.sqrt(N));
    const column = (k: number): number[] => drawn.map((row) => row[k] ?? NaN);
    expectUniform(column(0), -0.5, 0.5);
    expectUniform(column(1), 0.8, 1.25);
    expectUniform(column(2), -1, 1);
    expectUniform(column(3), -1, 1);
  });
});

describe('values', () => {
  test('brightness and contrast', () => {
    const moved = augment.brightness(0.4)(key, np.zeros([N, 1, 1, 1]));
    expectUniform(list(moved), -0.4, 0.4);
    const spread = augment.contrast([0.5, 3])(key, np.repeat(np.array([-1, 1]).reshape([1, 2, 1, 1]), N, 0));
    expectUniform(list(spread.slice([], 1, 0, 0)), 0.5, 3);
  });

  test('noise of the given deviation', () => {
    const noise = augment
      .gaussianNoise(0.3)(key, np.ones([N, 2, 2, 1]))
      .sub(1);
    const n = 4 * N;
    // The mean of n values strays by σ/√n, their deviation by σ/√2n, and a fourth power by √96 σ⁴/√n.
    expect(Math.abs(noise.mean().item() as number)).toBeLessThan((4 * 0.3) / Math.sqrt(n));
    expect(Math.abs((noise.std().item() as number) - 0.3)).toBeLessThan((4 * 0.3) / Math.sqrt(2 * n));
    const fourth = noise.pow(4).mean().item() as number;
    expect(Math.abs(fourth - 3 * 0.3 ** 4)).toBeLessThan((4 * Math.sqrt(96) * 0.3 ** 4) / Math.sqrt(n));
  });

  test('holes of cutout have their middles anywhere', () => {
    const holes = augment.cutout(1)(key, np.ones([N, 3, 4, 1]));
    for (const kept of list(np.sum(holes, 0))) expectShare(N - kept, 1 / 12);
  });
});

/** Labelled images: two IDX arrays that belong together, slices of them, and their arrays. */
import { describe, expect, test } from 'vitest';
import { drawDigits, imageArrays, labelImages, readLabelledImages, showDecodeError, sliceImages } from 'cotangent/data';
import type { IdxArray } from 'cotangent/data';

const images: IdxArray = { dtype: 'uint8', shape: [3, 2, 2], data: Uint8Array.from({ length: 12 }, (_, i) => 20 * i) };
const labels = (...values: number[]): IdxArray => ({
  dtype: 'uint8',
  shape: [values.length],
  data: new Uint8Array(values),
});
const names = { imageFile: 'i.idx', labelFile: 'l.idx' };
const messageOf = (i: IdxArray, l: IdxArray, classes = 10): string => {
  const result = labelImages(i, l, { ...names, classes });
  return result._tag === 'Left' ? showDecodeError(result.left) : 'no error';
};

describe('labelImages', () => {
  test('joins what belongs together', () => {
    const set = readLabelledImages(images, labels(5, 0, 9), names);
    expect(set).toMatchObject({ count: 3, height: 2, width: 2, classes: 10 });
    expect([...set.labels]).toEqual([5, 0, 9]);
  });

  test.each([
    [
      'counts differ',
      () => messageOf(images, labels(1, 2)),
      ['i.idx', '3 images', '2 labels in l.idx', 'train or t10k'],
    ],
    [
      'the files are swapped',
      () => messageOf(labels(1, 2, 3), images),
      ['i.idx', 'uint8[count, height, width]', 'uint8[3]', 'swapped'],
    ],
    ['labels have another shape', () => messageOf(images, images), ['l.idx', 'uint8[count]', 'uint8[3, 2, 2]']],
    [
      'pixels are of another type',
      () => messageOf({ dtype: 'float32', shape: [1, 1, 1], data: new Float32Array(1) }, labels(1)),
      ['i.idx', 'float32[1, 1, 1]'],
    ],
    ['a label is no class', () => messageOf(images, labels(1, 4, 2), 4), ['l.idx', 'label 4 at index 1', '0 to 3']],
  ])('says so when %s', (_what, message, words) => {
    for (const word of words) expect(message()).toContain(word);
  });

  test('the throwing twin throws the same', () => {
    expect(() => readLabelledImages(images, labels(1), names)).toThrow(messageOf(images, labels(1)));
  });
});

test('sliceImages takes images with their labels', () => {
  const set = readLabelledImages(images, labels(5, 0, 9));
  const last = sliceImages(set, 2);
  expect([last.count, [...last.labels], [...last.pixels]]).toEqual([1, [9], [160, 180, 200, 220]]);
  expect(sliceImages(set, 1, 1).count).toBe(0);
  for (const [start, stop] of [
    [-1, 2],
    [2, 1],
    [0, 4],
    [0.5, 2],
  ] as const) {
    expect(() => sliceImages(set, start, stop)).toThrow(`[${start}, ${stop}) must lie within [0, 3)`);
  }
});

test('imageArrays scales grey values to [0, 1]', () => {
  const { x, y } = imageArrays(readLabelledImages(images, labels(5, 0, 9)));
  expect([x.shape, x.dtype, y.js(), y.dtype]).toEqual([[3, 4], 'float32', [5, 0, 9], 'int32']);
  expect(x.slice(2, 3).item()).toBeCloseTo(220 / 255, 6);
});

describe('drawDigits', () => {
  const size = 28 * 28;
  const set = drawDigits({ count: 600, seed: 7 });
  const image = (i: number): Uint8Array => set.pixels.subarray(i * size, (i + 1) * size);

  test('equal seeds give equal images, other seeds others, and a longer set begins with the shorter', () => {
    const again = drawDigits({ count: 20, seed: 7 });
    expect(again.pixels).toEqual(set.pixels.subarray(0, 20 * size));
    expect(again.labels).toEqual(set.labels.subarray(0, 20));
    for (const seed of [8, 7 + 2 ** 32]) expect(drawDigits({ count: 20, seed }).pixels).not.toEqual(again.pixels);
  });

  test('draws every digit about as often', () => {
    const counts = Array.from({ length: 10 }, (_, digit) => set.labels.filter((label) => label === digit).length);
    // 60 ± 4 standard deviations of a binomial(600, 0.1).
    for (const count of counts) expect(Math.abs(count - 60)).toBeLessThan(4 * Math.sqrt(600 * 0.1 * 0.9));
  });

  test('every image has dark paper at the border, ink in the middle, and is like no other', () => {
    const seen = new Set<string>();
    for (let i = 0; i < set.count; i++) {
      const pixels = image(i);
      const mean = pixels.reduce((sum, p) => sum + p, 0) / size;
      expect(mean).toBeGreaterThan(8);
      expect(mean).toBeLessThan(110);
      expect(pixels.some((p) => p > 180)).toBe(true);
      const corners = [0, 27, size - 28, size - 1].map((at) => pixels[at] ?? 255);
      expect(Math.max(...corners)).toBeLessThan(90);
      seen.add(pixels.join());
    }
    expect(seen.size).toBe(set.count);
  });

  test('digits can be told apart: the nearest of 500 images has the same label for most of another 100', () => {
    let right = 0;
    for (let i = 500; i < 600; i++) {
      const distances = Array.from({ length: 500 }, (_, j) => distance(image(i), image(j)));
      if (set.labels[distances.indexOf(Math.min(...distances))] === set.labels[i]) right++;
    }
    expect(right).toBeGreaterThan(80);
    // And not so easily that there is nothing to learn.
    expect(right).toBeLessThan(100);
  });

  test('other sizes, and sizes that are none', () => {
    expect(drawDigits({ count: 2, size: 16 }).pixels).toHaveLength(2 * 256);
    expect(drawDigits({ count: 0 }).count).toBe(0);
    for (const bad of [{ count: -1 }, { count: 1.5 }, { count: 1, size: 7 }, { count: 1, seed: -2 }]) {
      expect(() => drawDigits(bad)).toThrow(
        /drawDigits: (count|seed|size) must be a whole number from [08], got .*\n {2}at .*images\.test\.ts/,
      );
    }
  });
});

function distance(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (const [i, value] of a.entries()) sum += (value - (b[i] ?? 0)) ** 2;
  return sum;
}

/** Mini-batches: all rows, each once an epoch, in an order that the key alone decides. */
import { describe, expect, test } from 'vitest';
import { numpy as np, random } from 'cotangent';
import { batches, splitRows } from 'cotangent/data';

const data = { x: np.arange(20).reshape(10, 2), labels: { y: np.arange(10) } };
const rows = (options: Parameters<typeof batches>[1]): number[][] =>
  [...batches(data, options)].map(({ labels }) => [...labels.y.dataSync()]);

describe('batches', () => {
  test('without a key, rows in order; the remainder last', () => {
    expect(rows({ size: 4 })).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ]);
    expect(rows({ size: 4, dropRemainder: true })).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ]);
    expect(rows({ size: 20 })).toEqual([[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]]);
  });

  test('with a key, every row once an epoch, epochs in different orders', () => {
    const all = rows({ size: 3, key: random.key(1), epochs: 3 });
    expect(all).toHaveLength(12);
    const epochs = [0, 4, 8].map((at) => all.slice(at, at + 4).flat());
    for (const epoch of epochs) expect(epoch.toSorted((a, b) => a - b)).toEqual([...Array(10).keys()]);
    expect(new Set(epochs.map((epoch) => epoch.join())).size).toBe(3);
  });

  test('leaves are cut alike', () => {
    for (const { x, labels } of batches(data, { size: 3, key: random.key(5) })) {
      expect(x.slice('...', 0).js()).toEqual(labels.y.mul(2).js());
    }
  });

  test('the key decides, and iterating again begins anew', () => {
    const options = { size: 3, key: random.key(2), epochs: 2 };
    const once = batches(data, options);
    const order = (): string => [...once].map(({ labels }) => [...labels.y.dataSync()].join()).join(';');
    expect(order()).toBe(order());
    expect(rows(options)).not.toEqual(rows({ ...options, key: random.key(3) }));
  });

  test('knows its length', () => {
    const some = batches(data, { size: 3, epochs: 2 });
    expect([some.perEpoch, some.length, [...some].length]).toEqual([4, 8, 8]);
  });

  test('from(step) has what is left after as many steps, in the middle of an epoch too', () => {
    const all = batches(data, { size: 3, key: random.key(2), epochs: 3 });
    const list = (some: Iterable<{ labels: { y: np.Array } }>): string[] =>
      [...some].map(({ labels }) => labels.y.js().toString());
    for (const step of [0, 1, 4, 6, 11, 12]) {
      const rest = all.from(step);
      expect([rest.length, rest.perEpoch]).toEqual([12 - step, 4]);
      expect(list(rest)).toEqual(list(all).slice(step));
    }
    expect(list(all.from(2).from(3))).toEqual(list(all).slice(5));
    expect(() => all.from(13)).toThrow(
      /from takes a whole number of steps from 0 to 12, the number of batches, got 13/,
    );
  });

  test('splitRows: two parts of all rows, the last ones or by a key', () => {
    const [first, second] = splitRows(data, 0.3);
    expect(first.labels.y.js()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(second.x.js()).toEqual([[14, 15], [16, 17], [18, 19]]); // prettier-ignore
    const [a, b] = splitRows(data, 0.3, { key: random.key(0) });
    const together = [...a.labels.y.dataSync(), ...b.labels.y.dataSync()];
    expect(together).not.toEqual([...Array(10).keys()]);
    expect(together.toSorted((x, y) => x - y)).toEqual([...Array(10).keys()]);
    expect(() => splitRows(data, 1)).toThrow(
      /fraction must be in \(0, 1\) and leave rows in both parts, got 1 of 10 rows/,
    );
    expect(() => splitRows({ x: np.ones([1]) }, 0.5)).toThrow(/got 0.5 of 1 row\./);
  });

  test('refuses what has no rows to take', () => {
    expect(() => batches({ a: np.ones([3]), b: np.ones([4, 2]) }, { size: 2 })).toThrow(
      /data\.a has shape \[3\] and data\.b \[4, 2\]/,
    );
    expect(() => batches(np.ones([]), { size: 2 })).toThrow(/data has shape \[\]/);
    expect(() => batches([np.ones([0, 2])], { size: 2 })).toThrow(/data\[0\] has shape \[0, 2\], so there are no rows/);
    expect(() => batches({ a: 'text' }, { size: 2 })).toThrow(/data\.a is no array/);
    expect(() => batches({}, { size: 2 })).toThrow(/no arrays/);
    expect(() => batches(data, { size: 0 })).toThrow(/size must be a whole number from 1, got 0/);
    expect(() => batches(data, { size: 2, epochs: 1.5 })).toThrow(/epochs must be a whole number from 1, got 1.5/);
    expect(() => batches(data, { size: 11, dropRemainder: true })).toThrow(/10 rows make no batch of 11/);
  });
});

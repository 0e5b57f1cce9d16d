/** The pieces of a training loop: what they compute, in which order, and that they ask for no more than needed. */
import { pipe } from 'fp-ts/lib/function.js';
import { describe, expect, test } from 'vitest';
import { fold, history, meter, run, take, tap, toCsv, trainWith } from 'cotangent/train';

/** 1, 2, … and a record of what was asked for. */
function counting(): { numbers: Iterable<number>; asked: number[] } {
  const asked: number[] = [];
  function* numbers(): Generator<number> {
    for (let n = 1; ; n++) {
      asked.push(n);
      yield n;
    }
  }
  return { numbers: numbers(), asked };
}
const collect = fold<unknown, unknown[]>((all, element) => [...all, element], []);

describe('trainWith', () => {
  const sums = trainWith((sum: number, n: number) => [sum + n, { n }] as const, 100);

  test('threads the state through the batches', async () => {
    expect(await collect(sums([1, 2, 3]))).toEqual([
      { step: 1, steps: 3, state: 101, metrics: { n: 1 } },
      { step: 2, steps: 3, state: 103, metrics: { n: 2 } },
      { step: 3, steps: 3, state: 106, metrics: { n: 3 } },
    ]);
  });

  test('takes asynchronous batches, and begins anew each time', async () => {
    async function* later(): AsyncGenerator<number> {
      for (const n of [1, 2]) yield await Promise.resolve(n);
    }
    expect((await run(sums(later()))).state).toBe(103);
    expect((await run(sums(later()))).state).toBe(103);
  });

  test('done is a number of steps', () => {
    for (const done of [-1, 0.5, NaN]) {
      expect(() => trainWith((n: number, _batch: number) => [n, n] as const, 0, { done })).toThrow(
        `trainWith: done must be a whole number from 0, got ${done}`,
      );
    }
  });

  test('a step that throws ends the stream with its error', async () => {
    const failing = trainWith((_state: number, _batch: number): [number, number] => {
      throw new Error('no step');
    }, 0);
    await expect(run(failing([1]))).rejects.toThrow('no step');
  });
});

describe('streams', () => {
  test('tap looks at each element before it passes, and may be slow', async () => {
    const events: string[] = [];
    const passed = pipe(
      ['a', 'b'],
      tap(async (element) => {
        await Promise.resolve();
        events.push(`tap ${element}`);
      }),
      tap((element) => {
        events.push(`then ${element}`);
      }),
    );
    expect(events).toEqual([]);
    await run(passed);
    expect(events).toEqual(['tap a', 'then a', 'tap b', 'then b']);
  });

  test('take asks for no more than it gives', async () => {
    const { numbers, asked } = counting();
    expect(await collect(take(3)(numbers))).toEqual([1, 2, 3]);
    expect(asked).toEqual([1, 2, 3]);
    const none = counting();
    expect(await collect(take(0)(none.numbers))).toEqual([]);
    expect(none.asked).toEqual([]);
    expect(() => take(-1)).toThrow(/whole number from 0, got -1/);
  });

  test('take closes the stream it stops', async () => {
    let closed = false;
    function* open(): Generator<number> {
      try {
        yield 1;
        yield 2;
      } finally {
        closed = true;
      }
    }
    await run(take<number>(1)(open()));
    expect(closed).toBe(true);
  });

  test('run returns the last element, undefined ones too, and refuses an empty stream', async () => {
    expect(await run([1, undefined])).toBeUndefined();
    await expect(run([])).rejects.toThrow(/no batch to train on/);
  });
});

describe('meter', () => {
  test('a steady loop has its rate, and the time left is that of the steps left', () => {
    const read = meter({ steps: 10, start: 100 });
    let last = read({ items: 8, time: 100.5, loss: 1 });
    for (let step = 2; step <= 4; step++) last = read({ items: 8, time: 100 + step / 2, loss: 1 });
    expect(last.step).toBe(4);
    expect(last.items).toBe(32);
    expect(last.elapsed).toBeCloseTo(2, 12);
    expect(last.rate).toBeCloseTo(16, 12);
    expect(last.eta).toBeCloseTo(3, 12);
    expect(last.loss).toBeCloseTo(1, 12);
  });

  test('a reading may be of several steps', () => {
    const read = meter({ steps: 100, start: 0, decay: 0.5 });
    read({ items: 8, time: 1, loss: 1 });
    const last = read({ steps: 9, items: 72, time: 10, loss: 1 });
    expect([last.step, last.items]).toEqual([10, 80]);
    expect(last.eta).toBeCloseTo(90, 12);
    // What is three steps ago counts as if they had been read.
    const losses = meter({ steps: 4, start: 0, decay: 0.5 });
    losses({ items: 1, time: 1, loss: 9 });
    expect(losses({ steps: 3, items: 3, time: 2, loss: 0 }).loss).toBeCloseTo(1, 12);
  });

  test('recent readings count more, and nothing is left at the end', () => {
    const read = meter({ steps: 2, start: 0, decay: 0.5 });
    read({ items: 1, time: 1, loss: 3 });
    const last = read({ items: 1, time: 2, loss: 0 });
    // (0.5 · 3 + 0) / (0.5 + 1)
    expect(last.loss).toBeCloseTo(1, 12);
    expect(last.eta).toBe(0);
  });
});

describe('history', () => {
  test('rows as CSV, absent numbers empty, names quoted where they must be', () => {
    const table = history<Record<string, number>>();
    table.record({ step: 1, loss: 0.5 });
    table.record({ step: 2, 'a,"b"': 1e-7 });
    expect(toCsv(table.rows)).toBe('step,loss,"a,""b"""\n1,0.5,\n2,,1e-7\n');
  });
});

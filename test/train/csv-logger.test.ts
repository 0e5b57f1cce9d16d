/** csvLogger: rows on the disk as training goes, columns that appear later, runs that go on, files that cannot be written. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipe } from 'fp-ts/lib/function.js';
import { afterAll, describe, expect, test } from 'vitest';
import { DataFileError } from 'cotangent/data';
import { csvLogger, earlyStopping, run, tap, trainWith, validateWith, type Trained } from 'cotangent/train';

const folder = mkdtempSync(join(tmpdir(), 'cotangent-csv-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const at = (name: string): string => join(folder, name);
const read = (path: string): string[] => readFileSync(path, 'utf8').trimEnd().split('\n');
/** Steps with these losses; of a run that goes on after `done`. */
const losses = (list: readonly number[], done = 0): AsyncGenerator<Trained<number, number>> =>
  trainWith((n: number, loss: number) => [n + 1, loss] as const, done, { done })(list);

describe('csvLogger', () => {
  test('a row is in the file before the next step, and stays there when training fails', async () => {
    const path = at('rows.csv');
    writeFileSync(path, 'of an earlier run\n');
    const seen: number[] = [];
    const failing = trainWith((n: number, loss: number): [number, number] => {
      if (n > 0) seen.push(read(path).length);
      if (n === 3) throw new Error('lost');
      return [n + 1, loss];
    }, 0);
    await expect(run(tap(csvLogger(path, { every: 1 }))(failing([3, 2, 1, 0])))).rejects.toThrow('lost');
    expect(seen).toEqual([2, 3, 4]);
    expect(read(path)).toEqual(['step,loss', '1,3', '2,2', '3,1']);
  });
  test('a row for each epoch by default, with the validation', async () => {
    const path = at('epoch.csv');
    await pipe(
      losses([3, 2]),
      validateWith((n: number) => ({ accuracy: n / 2 })),
      tap(csvLogger(path)),
      run,
    );
    expect(read(path)).toEqual(['step,loss,val_accuracy', '2,2,1']);
  });
  test('a column that appears later is one of all rows', async () => {
    const path = at('late.csv');
    await pipe(
      losses([3, 2, 1]),
      validateWith((n: number) => n, { every: 2 }),
      tap(csvLogger(path, { every: 1 })),
      run,
    );
    expect(read(path)).toEqual(['step,loss,val_loss', '1,3,', '2,2,2', '3,1,3']);
  });
  test('a run that goes on keeps the rows before, and writes those of its own steps anew', async () => {
    const path = at('resumed.csv');
    await run(tap(csvLogger(path, { every: 1 }))(losses([5, 4, 3])));
    await run(tap(csvLogger(path, { every: 1 }))(losses([2.5, 2], 2)));
    expect(read(path)).toEqual(['step,loss', '1,5', '2,4', '3,2.5', '4,2']);
    // Its file is gone: it goes on with a new one.
    rmSync(path);
    await run(tap(csvLogger(path, { every: 1 }))(losses([1], 4)));
    expect(read(path)).toEqual(['step,loss', '5,1']);
  });
  test('a run that goes on leaves out the part of a line that a crash left', async () => {
    const path = at('torn.csv');
    writeFileSync(path, 'step,loss\n1,5\n2,4\n3');
    await run(tap(csvLogger(path, { every: 1 }))(losses([2.5], 2)));
    expect(read(path)).toEqual(['step,loss', '1,5', '2,4', '3,2.5']);
  });
  test('the best step, with which early stopping ends once more, is no other row', async () => {
    const path = at('stopped.csv');
    const ended = await run(tap(csvLogger(path, { every: 1 }))(earlyStopping({ patience: 2 })(losses([3, 2, 4, 5]))));
    expect(ended.step).toBe(2);
    expect(read(path)).toEqual(['step,loss', '1,3', '2,2', '3,4', '4,5']);
  });
  test('errors', async () => {
    await expect(run(tap(csvLogger(at('no/such.csv')))(losses([1])))).rejects.toThrow(DataFileError);
    expect(existsSync(at('no'))).toBe(false);
    writeFileSync(at('broken.csv'), 'step,loss\n1,2,3\n');
    await expect(run(tap(csvLogger(at('broken.csv')))(losses([1], 3)))).rejects.toThrow(/broken\.csv/);
    expect(read(at('broken.csv'))).toEqual(['step,loss', '1,2,3']);
    expect(() => csvLogger('x.csv', { every: 0 })).toThrow(/csvLogger: every/);
  });
});

/** Checkpoints: going on with the same bits, the best and the last, nothing lost on interruption, NaN or a crash. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pipe } from 'fp-ts/lib/function.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { numpy as np, optimizers, random, stax, tree, type NDArray } from 'cotangent';
import { batches, loadCheckpoint } from 'cotangent/data';
import {
  checkFinite, checkpoint, minimize, resume, run, take, tap, trainWith, untilInterrupted, validateWith, type LossContext,
} from 'cotangent/train'; // prettier-ignore

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cotangent-checkpoint-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const key = random.key(0);
const net = stax.serial(stax.Dense(4), stax.BatchNorm(), stax.Dropout(0.5), stax.Dense(1));
const { params, state: averages } = net[0](key, [-1, 3]);
interface Batch {
  x: NDArray;
  y: NDArray;
}
const loss = (p: typeof params, { x, y }: Batch, context: LossContext<typeof averages>) => {
  const [out, state] = net[1](p, x, context);
  return { loss: out.sub(y).square().mean(), state };
};
const { start, step } = minimize(loss, optimizers.adam(0.01));
const data = batches(
  { x: random.normal(random.key(1), [40, 3]), y: random.normal(random.key(2), [40, 1]) },
  { size: 8, key: random.key(3), epochs: 4 },
);
const begin = () => start({ params, state: averages, key: random.key(4) });
const bits = (value: object): number[][] => tree.leaves<NDArray>(value).map((x) => Array.from(x.dataSync(), Number));

describe('checkpoint and resume', () => {
  test.each([3, 5, 12, 20])('stopped after %i steps and resumed: the same bits as never stopped', async (steps) => {
    const path = join(folder, `resume-${steps}.safetensors`);
    const whole = await run(trainWith(step, begin())(data));
    await pipe(data, trainWith(step, begin()), checkpoint(path), take(steps), run);
    const from = await resume(path, begin());
    expect(from.step).toBe(steps);
    const rest = data.from(from.step);
    if (rest.length === 0) {
      expect(bits(from.state)).toEqual(bits(whole.state));
      return;
    }
    const at = await pipe(rest, trainWith(step, from.state, { done: from.step }), checkpoint(path), run);
    expect([at.step, at.steps, at.epoch]).toEqual([20, 20, 4]);
    expect(bits(at.state)).toEqual(bits(whole.state));
  });
  test('without a file training begins', async () => {
    const { step: done, state } = await resume(join(folder, 'absent.safetensors'), begin());
    expect(done).toBe(0);
    expect(bits(state)).toEqual(bits(begin()));
  });
  test('Ctrl-C: the last step is on disk', async () => {
    const path = join(folder, 'interrupted.safetensors');
    const seen = await pipe(
      data,
      untilInterrupted(),
      trainWith(step, begin()),
      checkpoint(path, { every: 1000 }),
      tap((at) => {
        if (at.step === 7) process.emit('SIGINT');
      }),
      run,
    );
    expect([seen.step, (await resume(path, begin())).step]).toEqual([7, 7]);
  });
  test('Ctrl-C of a process: it ends by itself, with its last step on disk', { timeout: 60_000 }, async () => {
    const path = join(folder, 'process.safetensors');
    const script = fileURLToPath(new URL('interrupt-script.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      if (output === '') child.kill('SIGINT');
      output += chunk.toString();
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code).toBe(0);
    const ended = Number(/ended after (\d+)/.exec(output)?.[1]);
    const like = minimize((w: NDArray) => w.sum(), optimizers.sgd(0.1)).start({ params: np.zeros([4]) });
    expect(ended).toBeGreaterThanOrEqual(5);
    expect((await resume(path, like)).step).toBe(ended);
  });
  test('NaN: the checkpoint before stays', async () => {
    const path = join(folder, 'nan.safetensors');
    const poisoned = [...data].map((batch, i) => (i === 7 ? { ...batch, y: batch.y.mul(NaN) } : batch));
    await expect(
      pipe(poisoned, trainWith(step, begin()), checkFinite(), checkpoint(path, { every: 5 }), run),
    ).rejects.toThrow(/after step 8 the loss is NaN/);
    const kept = await resume(path, begin());
    expect(kept.step).toBe(5);
    expect(bits(kept.state).flat().every(Number.isFinite)).toBe(true);
  });
  test.each([[[3, 1, 2, 0.5, 4]], [[NaN, 3, NaN, 1, 2]]])('the best of %j is the fourth', async (values) => {
    const path = join(folder, 'best.safetensors');
    rmSync(path, { force: true });
    await pipe(
      values,
      trainWith((s: { n: NDArray }, value: number) => [{ n: s.n.add(1) }, value] as const, { n: np.zeros([]) }),
      validateWith(({ n }) => values[Number(n.item()) - 1] ?? NaN, { every: 1 }),
      checkpoint(path, { keep: 'best' }),
      run,
    );
    expect((await loadCheckpoint(path, { step: 0, state: { n: np.zeros([]) } })).step).toBe(4);
  });
  test('of another network: names what does not fit; of a broken file: says so; nothing is left behind', async () => {
    const path = join(folder, 'resume-5.safetensors');
    const other = stax.serial(stax.Dense(5), stax.Dense(1));
    const wanted = minimize(
      (p: ReturnType<(typeof other)[0]>['params'], { x }: Batch) => other[1](p, x).mean(),
      optimizers.sgd(1),
    );
    await expect(resume(path, wanted.start({ params: other[0](key, [-1, 3]).params }))).rejects.toThrow(
      /state\.params\[0\]\.W/,
    );
    const broken = join(folder, 'broken.safetensors');
    writeFileSync(broken, 'no checkpoint');
    await expect(resume(broken, begin())).rejects.toThrow(/broken\.safetensors/);
    await expect(
      pipe(data, trainWith(step, begin()), checkpoint(join(folder, 'no/such/x.safetensors')), run),
    ).rejects.toThrow(/no\/such\/x\.safetensors/);
    expect(existsSync(join(folder, 'no'))).toBe(false);
    expect(readdirSync(folder).filter((name) => !name.endsWith('.safetensors'))).toEqual([]);
    expect(() => checkpoint('x', { every: 0 })).toThrow(
      /every, a number of steps, must be a whole number from 1, got 0/,
    );
  });
});

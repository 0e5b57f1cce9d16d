/** Validation, early stopping, the guard against NaN, histories, interruption: what a training loop is composed of. */
import { pipe } from 'fp-ts/lib/function.js';
import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import { grad, jit, numpy as np, optimizers, random, type NDArray } from 'cotangent';
import { batches } from 'cotangent/data';
import {
  checkFinite, earlyStopping, evaluate, fold, minimize, NotFiniteError, progressBar, run, stepHistory, take, tap, trainWith,
  untilInterrupted, validateWith, type LossContext, type Trained,
} from 'cotangent/train'; // prettier-ignore

const collect = <T>() => fold<T, T[]>((all, element) => [...all, element], []);
/** Steps that report these losses. */
const losses = (list: readonly number[]): AsyncGenerator<Trained<number, number>> =>
  trainWith((n: number, loss: number) => [n + 1, loss] as const, 0)(list);

describe('validateWith', () => {
  test('at the end of each epoch, and of training', async () => {
    const data = batches(np.arange(10), { size: 4, epochs: 2 });
    const seen = await pipe(
      data,
      trainWith((n: number, _batch: NDArray) => [n + 1, 0] as const, 0),
      validateWith(async (n: number) => Promise.resolve({ loss: n })),
      collect(),
    );
    expect(seen.map(({ validation }) => validation?.loss)).toEqual([undefined, undefined, 3, undefined, undefined, 6]);
    expect(seen.map(({ epoch, steps }) => [epoch, steps])).toEqual([1, 1, 1, 2, 2, 2].map((epoch) => [epoch, 6]));
    expectTypeOf(seen[0]?.validation).toEqualTypeOf<{ loss: number } | undefined>();
  });
  test('of batches that do not know their epochs needs to be told how often', async () => {
    const some = (function* () {
      yield 1;
    })();
    const steps = trainWith((n: number, _batch: number) => [n, 0] as const, 0)(some);
    await expect(run(validateWith(() => 0)(steps))).rejects.toThrow(
      /validateWith: these batches do not know.*every: n/,
    );
  });
  test('every is a number of steps', () => {
    for (const every of [0, 1.5, -1]) {
      expect(() => validateWith(() => 0, { every })).toThrow(
        /validateWith: every, a number of steps, must be .* from 1/,
      );
    }
  });
  test('evaluate launches a batch before it has read the one before, and adds up in their order', async () => {
    const log: string[] = [];
    const slow = (n: number): NDArray => {
      const x = np.array(n);
      vi.spyOn(x, 'data').mockImplementation(async () => {
        await new Promise((resolve) => setTimeout(resolve, 30 - 10 * n));
        log.push(`read ${n}`);
        return Float32Array.of(n);
      });
      return x;
    };
    const measure = (x: NDArray): NDArray => {
      const n = Number(x.item());
      log.push(`launch ${n}`);
      return slow(n);
    };
    expect(
      await evaluate(
        measure,
        [0, 1, 2].map((n) => np.array([n])),
      ),
    ).toEqual({ loss: 1 });
    expect(log.indexOf('launch 1')).toBeLessThan(log.indexOf('read 0'));
    expect(log.indexOf('launch 2')).toBeGreaterThan(log.indexOf('read 0'));
    const failing = evaluate(
      (x: NDArray) => (x.item() === 1 ? np.ones([2]) : slow(Number(x.item()))),
      [0, 1, 2].map((n) => np.array([n])),
    );
    await expect(failing).rejects.toThrow(/shape \[2\]/);
  });
  test('evaluate weighs batches by their rows', async () => {
    const data = { x: np.array([1, 2, 3, 4, 5]), y: np.array([0, 0, 0, 0, 10]) };
    expect(await evaluate(({ x, y }) => ({ a: x.mean(), b: y.mean() }), batches(data, { size: 2 }))).toEqual({
      a: 3,
      b: 2,
    });
    expect(await evaluate((x: NDArray) => x.mean(), batches(data.x, { size: 4 }))).toEqual({ loss: 3 });
    // A metric that some batches do not have is the mean of those that have it.
    const some = await evaluate(
      (x: NDArray) => (x.length === 4 ? { first: 7, n: 4 } : { n: 1 }),
      batches(data.x, { size: 4 }),
    );
    expect(some).toEqual({ first: 7, n: 3.4 });
    await expect(evaluate(() => 1, [])).rejects.toThrow(/no batch to evaluate on/);
    await expect(evaluate((x: NDArray) => x, batches(data.x, { size: 4 }))).rejects.toThrow(
      /metric loss.*shape \[4\].*take its mean/,
    );
  });
});

describe('earlyStopping', () => {
  test.each([
    [0, [3, 2, 2.5, 1], 2, 3],
    [1, [3, 2, 2.5, 1], 2, 3],
    [2, [3, 2, 2.5, 1, 5, 6, 0], 4, 6],
    [3, [3, 2, 2.5, 2.1, 2.2, 0], 2, 5],
    [5, [3, 2, 1], 3, 3],
  ])('patience %i over %j is best at step %i after %i', async (patience, list, best, ended) => {
    const seen = await collect<Trained<number, number>>()(earlyStopping({ patience })(losses(list)));
    expect(seen.slice(0, -1).map(({ step }) => step)).toEqual(Array.from({ length: ended }, (_, i) => i + 1));
    expect(seen.at(-1)).toMatchObject({ step: best, state: best, best: { step: best, value: list[best - 1] } });
  });
  test('minDelta, mode, the name of a metric, and the last state instead of the best', async () => {
    const named = trainWith((n: number, accuracy: number) => [n + 1, { accuracy, loss: 0 }] as const, 0);
    const at = await run(
      earlyStopping({ monitor: 'accuracy', mode: 'max', minDelta: 0.1 })(named([0.5, 0.7, 0.75, 0.9])),
    );
    expect(at.best).toEqual({ step: 2, value: 0.7 });
    expect((await run(earlyStopping({ restoreBest: false })(losses([2, 3])))).state).toBe(2);
    await expect(run(earlyStopping({ monitor: 'f1' })(named([1])))).rejects.toThrow(
      /no metric 'f1'; there are accuracy, loss/,
    );
    expect(() => earlyStopping({ patience: -1 })).toThrow(/patience must be a whole number from 0/);
  });
  test('of a validated stream looks at the validation', async () => {
    const at = await pipe(
      losses([9, 1, 9, 9, 9, 9]),
      validateWith((n: number) => Math.abs(n - 4), { every: 2 }),
      earlyStopping(),
      run,
    );
    expect(at).toMatchObject({ state: 4, best: { step: 4, value: 0 } });
  });
  test('of a stream that is validated later, looks at nothing before', async () => {
    // By their losses, the first steps would be the best, and patience at its end.
    const at = await pipe(
      losses([0, 1, 2, 3, 4, 5]),
      validateWith((n: number) => ({ loss: 6 - n, accuracy: n }), { every: 3 }),
      earlyStopping(),
      run,
    );
    expect(at.best).toEqual({ step: 6, value: 0 });
    const named = await pipe(
      losses([0, 1, 2, 3]),
      validateWith((n: number) => ({ accuracy: -n }), { every: 2 }),
      earlyStopping({ monitor: 'accuracy', mode: 'max' }),
      run,
    );
    expect(named.best).toEqual({ step: 2, value: -2 });
  });
  test('NaN improves on nothing', async () => {
    const found = await run(earlyStopping({ patience: 5 })(losses([NaN, 3, NaN, 2, 4])));
    expect(found.best).toEqual({ step: 4, value: 2 });
    const never = await run(earlyStopping({ patience: 5 })(losses([NaN, NaN])));
    expect([never.step, never.best]).toEqual([2, undefined]);
  });
  test('the best state outlives the step that donates it, and the second pass takes as many steps', async () => {
    const target = np.array([1, 2, 3]);
    const loss = (w: NDArray, noise: NDArray): NDArray => w.sub(target).sub(noise.mean()).square().sum();
    const opt = optimizers.sgd(0.3);
    const start = (): { w: NDArray; s: ReturnType<typeof opt.init<NDArray>> } => {
      const w = np.zeros([3]);
      return { w, s: opt.init(w) };
    };
    const step = jit(
      ({ w, s }: ReturnType<typeof start>, batch: NDArray) => {
        const [updates, next] = opt.update(grad(loss)(w, batch), s, w);
        return [{ w: optimizers.applyUpdates(w, updates), s: next }, loss(w, batch)] as const;
      },
      { donate: [0] },
    );
    const data = batches(random.normal(random.key(0), [64]), { size: 4, key: random.key(1), epochs: 3 });
    const found = await pipe(data, trainWith(step, start()), earlyStopping({ patience: 3 }), run);
    const again = await pipe(data, trainWith(step, start()), take(found.best?.step ?? 0), run);
    expect(found.state.w.js()).toEqual(again.state.w.js());
  });
});

describe('checkFinite', () => {
  test('names the step, the metric and the leaves', async () => {
    const steps = trainWith(
      ({ w, b }: { w: NDArray; b: NDArray }, x: number) => [{ w: w.mul(x), b }, { loss: w.mul(x).sum() }] as const,
      { w: np.ones([3]), b: np.zeros([2]) },
    );
    const error: unknown = await run(checkFinite()(steps([1, 2, NaN, 1]))).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(NotFiniteError);
    expect(error).toMatchObject({ step: 3, metric: 'loss', leaves: ['state.w'] });
    expect(String(error)).toMatch(
      /after step 3 the loss is NaN\. Not finite in the state: state\.w \(3 of 3\)\. Lower the learning rate/,
    );
    expect((await run(checkFinite()(steps([1, 2])))).step).toBe(2);
  });
  test('a loss that is not finite with a state that is', async () => {
    const error: unknown = await run(checkFinite()(losses([1, Infinity]))).catch((e: unknown) => e);
    expect(String(error)).toMatch(/after step 2 the loss is Infinity\. All arrays of the state are finite still/);
  });
});

describe('looking on', () => {
  test('a history of steps and validations', async () => {
    const log = stepHistory();
    await pipe(
      losses([3, 2]),
      validateWith((n: number) => ({ loss: np.array(n), accuracy: 1 })),
      tap(log.watch),
      run,
    );
    expect(log.rows).toEqual([
      { step: 1, loss: 3 },
      { step: 2, loss: 2, val_loss: 2, val_accuracy: 1 },
    ]);
  });
  test('a look is told that the stream ended, also by an error or by someone who wants no more', async () => {
    let ends = 0;
    const look = Object.assign(() => undefined, {
      end: () => {
        ends++;
      },
    });
    await run(tap(look)([1, 2]));
    await run(take(1)(tap(look)([1, 2])));
    const failing = trainWith((): [number, number] => {
      throw new Error('no step');
    }, 0);
    await expect(run(tap(look)(failing([1])))).rejects.toThrow('no step');
    expect(ends).toBe(3);
  });
  /** What is written to stderr. */
  async function written(f: () => Promise<unknown>): Promise<string> {
    const texts: string[] = [];
    const write = process.stderr.write.bind(process.stderr);
    process.stderr.write = (text: string | Uint8Array) => texts.push(String(text)) > 0;
    try {
      await f();
    } finally {
      process.stderr.write = write;
    }
    return texts.join('');
  }
  const data = batches(np.arange(8), { size: 2, epochs: 2 });
  test('the progress bar shows epochs, throughput and metrics', async () => {
    const steps = trainWith((n: number, _batch: NDArray) => [n, { loss: 0.25, accuracy: 0.5 }] as const, 0)(data);
    expect(await written(() => run(tap(progressBar({ batchSize: 2, unit: 'images' }))(steps)))).toMatch(
      /100% +epoch 2\/2 +\d+ images\/s +ETA 0 s +loss 0\.2500 +accuracy 0\.5000/,
    );
  });
  test('the progress bar of a run that goes on has nothing left at its end', async () => {
    const steps = trainWith((n: number, _batch: NDArray) => [n, 0] as const, 0, { done: 5 })(data.from(5));
    // Slow enough for what was counted wrongly to be seconds.
    const slowly = tap<Trained<number, number>>(() => new Promise((resolve) => setTimeout(resolve, 300)));
    const text = await written(() => run(tap(progressBar())(slowly(steps))));
    expect(text).toMatch(/62% +epoch 2\/2|100% +epoch 2\/2/);
    expect(text).toMatch(/100% +epoch 2\/2 +\d+ steps\/s +ETA 0 s/);
  });
  test('metrics are read when they are drawn, and once for all who look', async () => {
    let reads = 0;
    const step = (n: number, _batch: number): readonly [number, { loss: NDArray }] => {
      const loss = np.array(1);
      vi.spyOn(loss, 'data').mockImplementation(() => {
        reads++;
        return Promise.resolve(Float32Array.of(1));
      });
      return [n, { loss }];
    };
    const steps = () => trainWith(step, 0)(Array.from({ length: 50 }, () => 0));
    await written(() => run(tap(progressBar())(steps())));
    // The first and the last; one more if the machine stood still for 100 ms.
    expect(reads).toBeLessThan(10);
    reads = 0;
    const log = stepHistory();
    await pipe(steps(), checkFinite(), tap(log.watch), earlyStopping({ patience: 100 }), run);
    expect(reads).toBe(50);
  });
});

test('metrics that a step returns in the same object each time are those of each step', async () => {
  const metrics = { loss: 0 };
  const step = (n: number, loss: number): readonly [number, { loss: number }] => {
    metrics.loss = loss;
    return [n, metrics];
  };
  const log = stepHistory();
  await run(tap(log.watch)(trainWith(step, 0)([3, 2])));
  expect(log.rows).toEqual([
    { step: 1, loss: 3 },
    { step: 2, loss: 2 },
  ]);
});

describe('errors inside of a stream have the line that runs it', () => {
  const unknown = (async function* (): AsyncGenerator<number> {
    yield await Promise.resolve(1);
  })();
  const { start, step } = minimize((w: NDArray, x: NDArray) => w.mul(x), optimizers.sgd(0.1));
  const forgetful = minimize(
    (w: NDArray, x: NDArray, _context: LossContext<NDArray>) => w.mul(x).mean(),
    optimizers.sgd(0.1),
  );
  test.each<[string, () => Promise<unknown>, RegExp]>([
    ['an empty stream', async () => run([]), /run: the stream is empty/],
    ['no batch', async () => evaluate(() => 1, []), /evaluate: there is no batch/],
    ['a metric of more elements', async () => evaluate((x: NDArray) => x, [np.ones([2])]), /shape \[2\]/],
    [
      'batches of unknown epochs',
      async () => run(validateWith(() => 0)(trainWith((n: number, _: number) => [n, 0] as const, 0)(unknown))),
      /do not know how many an epoch has/,
    ],
    [
      'an unknown metric',
      async () => run(earlyStopping({ monitor: 'f1' })(trainWith((n: number, _: number) => [n, { a: 1 }], 0)([1]))),
      /there is no metric 'f1'; there are a/,
    ],
    ['a loss of NaN', async () => run(checkFinite()(losses([1, NaN]))), /the loss is NaN/],
    [
      'a loss that is no scalar',
      async () => run(trainWith(step, start({ params: np.ones([2]) }))([np.ones([2])])),
      /the loss must be a scalar/,
    ],
    [
      'a loss that forgets the state',
      async () =>
        run(trainWith(forgetful.step, forgetful.start({ params: np.ones([2]), state: np.ones([2]) }))([np.ones([2])])),
      /the loss returned none of the next/,
    ],
  ])('%s', async (_what, f, message) => {
    const error: unknown = await f().catch((e: unknown) => e);
    expect(String(error)).toMatch(message);
    expect(String(error)).toMatch(/\n {2}at .*pieces\.test\.ts:\d+:\d+$/);
  });
});

describe('untilInterrupted', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('%s ends the stream after the step under way', async (name) => {
    const before = process.listenerCount(name);
    const seen = await pipe(
      losses([1, 2, 3, 4]),
      untilInterrupted(),
      tap(({ step }) => {
        if (step === 2) process.emit(name);
      }),
      collect(),
    );
    expect(seen.map(({ step }) => step)).toEqual([1, 2]);
    expect(process.listenerCount(name)).toBe(before);
  });
});

/**
 * One training step of a 784-512-512-10 network on a batch of 128 (gradient and SGD update), in this library and in
 * jax-js, one thread each, on the same data, in interleaved rounds. Prints medians and the ratio, after checking that
 * both compute the same parameters.
 */
import * as jaxjs from '@jax-js/jax';
import { grad, jit, nn, numpy as np, type NDArray } from '../src/index.js';

const SIZES = [784, 512, 512, 10] as const;
const BATCH = 128;
const RATE = 0.1;
const ROUNDS = 7;
const STEPS = 20;

/** Numbers in [-scale, scale) from a linear congruential generator (Numerical Recipes): both libraries get the same. */
function uniform(count: number, scale: number, seed: number): Float32Array<ArrayBuffer> {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * scale;
  });
}

interface Data {
  readonly shape: number[];
  readonly values: Float32Array<ArrayBuffer>;
}
const layers = SIZES.slice(1).map((out, i) => [SIZES[i] ?? 0, out] as const);
const parameters: Data[] = layers.flatMap(([inputs, outputs], i) => [
  { shape: [inputs, outputs], values: uniform(inputs * outputs, 0.05, 2 * i + 1) },
  { shape: [outputs], values: uniform(outputs, 0.05, 2 * i + 2) },
]);
const images: Data = { shape: [BATCH, SIZES[0]], values: uniform(BATCH * SIZES[0], 1, 99) };
const labels: Data = {
  shape: [BATCH, 10],
  values: Float32Array.from({ length: BATCH * 10 }, (_, i) => (i % 10 === Math.floor(i / 10) % 10 ? 1 : 0)),
};

interface Contender {
  readonly name: string;
  /** Run some steps and wait for them. */
  run(steps: number): Promise<void>;
  /** All parameters in order. */
  read(): Promise<number[]>;
}

function cotangent(): Contender {
  const array = ({ values, shape }: Data): NDArray => np.array(values).reshape(shape);
  const loss = (p: NDArray[], x: NDArray, y: NDArray): NDArray => {
    let h = x;
    for (let i = 0; i < p.length; i += 2) {
      const [w, b] = [p[i], p[i + 1]];
      if (w === undefined || b === undefined) throw new Error('a layer has a weight and a bias');
      h = np.matmul(h, w).add(b);
      if (i + 2 < p.length) h = nn.relu(h);
    }
    return np.sum(nn.logSoftmax(h).mul(y)).mul(-1 / BATCH);
  };
  const step = jit(
    (p: NDArray[], x: NDArray, y: NDArray) => {
      const g = grad(loss)(p, x, y);
      return p.map((t, i) => t.sub(np.multiply(g[i] ?? 0, RATE)));
    },
    { donate: 0 },
  );
  const [x, y] = [array(images), array(labels)];
  let p = parameters.map(array);
  return {
    name: 'cotangent',
    run: async (steps) => {
      for (let i = 0; i < steps; i++) p = step(p, x, y);
      await p[0]?.blockUntilReady();
    },
    read: async () => (await Promise.all(p.map((t) => t.data()))).flatMap((d) => [...d]),
  };
}

async function jaxJs(): Promise<Contender> {
  await jaxjs.init('wasm');
  jaxjs.defaultDevice('wasm');
  const jnp = jaxjs.numpy;
  type A = jaxjs.Array;
  const array = ({ values, shape }: Data): A => jnp.array(values, { shape });
  const loss = (p: A[], x: A, y: A): A => {
    let h = x;
    for (let i = 0; i < p.length; i += 2) {
      const [w, b] = [p[i], p[i + 1]];
      if (w === undefined || b === undefined) throw new Error('a layer has a weight and a bias');
      h = jnp.dot(h, w).add(b);
      if (i + 2 < p.length) h = jaxjs.nn.relu(h);
    }
    return jaxjs.nn
      .logSoftmax(h)
      .mul(y)
      .sum()
      .mul(-1 / BATCH);
  };
  const step = jaxjs.jit((p: A[], x: A, y: A) => {
    const g = jaxjs.grad(loss)(
      p.map((t) => t.ref),
      x,
      y,
    );
    return p.map((t, i) => t.sub((g[i] ?? jnp.zeros([])).mul(RATE)));
  });
  const [x, y] = [array(images), array(labels)];
  let p = parameters.map(array);
  return {
    name: 'jax-js (wasm)',
    run: async (steps) => {
      for (let i = 0; i < steps; i++) p = step(p, x.ref, y.ref);
      await jaxjs.blockUntilReady(p);
    },
    read: async () => (await Promise.all(p.map((t) => t.ref.data()))).flatMap((d: ArrayLike<number>) => Array.from(d)),
  };
}

const median = (xs: readonly number[]): number => [...xs].sort((a, b) => a - b)[Math.floor(xs.length / 2)] ?? NaN;

const contenders = [cotangent(), await jaxJs()];
const first: number[] = [];
const times = contenders.map((): number[] => []);
for (const [i, c] of contenders.entries()) {
  const start = performance.now();
  await c.run(1);
  first[i] = performance.now() - start;
}
const [ours = [], theirs = []] = await Promise.all(contenders.map((c) => c.read()));
const worst = ours.reduce((max, v, i) => {
  const difference = Math.abs(v - (theirs[i] ?? NaN));
  return difference <= max ? max : difference;
}, 0);
if (!(worst < 1e-4)) throw new Error(`the libraries disagree: parameters differ by ${String(worst)} after one step`);
for (let round = 0; round < ROUNDS; round++) {
  for (const [i, c] of contenders.entries()) {
    const start = performance.now();
    await c.run(STEPS);
    times[i]?.push((performance.now() - start) / STEPS);
  }
}
console.log(
  `MLP 784-512-512-10, batch ${String(BATCH)}, one SGD step; Node ${process.version}, median of ${String(ROUNDS)} interleaved rounds of ${String(STEPS)} steps`,
);
contenders.forEach((c, i) => {
  const list = times[i] ?? [];
  console.log(
    `${c.name.padEnd(16)} ${median(list).toFixed(2).padStart(8)} ms/step (${Math.min(...list).toFixed(2)} to ${Math.max(...list).toFixed(2)}), first call ${(first[i] ?? NaN).toFixed(0)} ms`,
  );
});
const ratio = median(times[1] ?? []) / median(times[0] ?? []);
console.log(`cotangent is ${ratio.toFixed(2)} times as fast`);
process.exit(ratio >= 0.5 ? 0 : 1);

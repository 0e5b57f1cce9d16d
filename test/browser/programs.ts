/** What runs in the page: served as a module, called by name from `library.test.ts`. It imports what a user's page would. */
import { getThreads, grad, jit, lax, numpy as np, random, setThreads, type NDArray } from 'cotangent';

/** A hash of every bit of some arrays (FNV-1a over 32-bit words). */
function bitsOf(arrays: readonly NDArray[]): number {
  let hash = 0x811c9dc5;
  for (const array of arrays) {
    const data = array.dataSync();
    for (const word of new Uint32Array(data.buffer, data.byteOffset, data.byteLength / 4))
      hash = Math.imul(hash ^ word, 0x01000193) >>> 0;
  }
  return hash;
}

/** Programs large enough for several threads: products, a row kernel, a sum, gradients, a loop. */
const large = (a: NDArray, b: NDArray): NDArray[] => {
  const loss = (w: NDArray): NDArray => np.sum(np.tanh(np.matmul(a, w)));
  const [last, rows] = lax.scan(
    (carry: NDArray, step: NDArray) => {
      const next = np.tanh(np.matmul(carry, b).mul(0.05).add(step));
      return [next, next.sum()] as const;
    },
    a,
    np.arange(16),
  );
  return [
    np.matmul(a, b),
    np.exp(a).div(np.sum(np.exp(a), { axis: -1, keepdims: true })),
    a.sum(),
    grad(loss)(b),
    last,
    rows,
  ];
};

const later = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Counted from before the first large program: workers made, and letters to them (each call notifies every worker once). */
let workers = 0;
let letters = 0;
const { Worker: PlainWorker } = globalThis;
globalThis.Worker = class extends PlainWorker {
  constructor(url: string | URL, options?: WorkerOptions) {
    super(url, options);
    workers += 1;
  }
};
const notify = Atomics.notify.bind(Atomics);
Object.assign(Atomics, {
  notify: (words: Int32Array, index: number, count?: number) => {
    letters += 1;
    return notify(words, index, count);
  },
});

const programs = {
  isolated: () => globalThis.crossOriginIsolated,

  gradient: () => Array.from(jit(grad((x: NDArray) => np.sum(np.sin(x))))(np.array([0, 1, 2])).dataSync()),

  scan: () => {
    const fibonacci = jit(() =>
      lax.scan(
        ([a, b]: readonly NDArray[], _x: null) => {
          if (a === undefined || b === undefined) throw new Error('two values are carried');
          return [[b, a.add(b)], a] as const;
        },
        [np.array(0), np.array(1)] as NDArray[],
        null,
        { length: 10 },
      ),
    );
    return Array.from(fibonacci()[1].dataSync());
  },

  errors: () => {
    let message = '';
    try {
      np.matmul(np.ones([2, 3]), np.ones([2, 3]));
    } catch (error) {
      message = String(error);
    }
    return {
      message,
      next: np
        .matmul(np.ones([2, 3]), np.ones([3, 2]))
        .sum()
        .item(),
    };
  },

  /** The bits of large programs on one thread, then on `n`, with what was seen of the threads. */
  threads: async (n: number) => {
    const a = random.normal(random.key(7), [256, 256]);
    const b = random.normal(random.key(8), [256, 256]);
    const run = jit(large);
    setThreads(1);
    const alone = bitsOf(run(a, b));
    setThreads(n);
    const threads = getThreads();
    const together = new Set<number>();
    const before = letters;
    // Workers start beside the first calls; a page's own turn lets them.
    for (let call = 0; call < 20; call++) {
      together.add(bitsOf(run(a, b)));
      await later(10);
    }
    return { alone, together: [...together], threads, workers, letters: letters - before };
  },
};

export type Programs = typeof programs;
Object.assign(globalThis, { programs });

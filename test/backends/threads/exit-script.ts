/** Run by pool.test.ts: starts a worker, uses it, and comes to its end without stopping it. */
import { numpy as np, setThreads } from '../../../src/index.js';
import { cpu } from '../../../src/backends/wasm/device.js';

void (async () => {
  setThreads(2);
  const ready = await cpu.pool.ready(2);
  np.sum(np.ones([3_000_000])).item();
  console.log(`2 threads: ${String(ready && cpu.pool.failure === undefined)}`);
})();

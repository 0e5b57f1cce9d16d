/** TensorFlow.js with its wasm or its WebGPU backend as a contender. It runs eagerly; a step is one `tidy`. */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Data } from '../data.js';
import type { Place, Stepper } from '../engine.js';
import type { SetUp } from '../protocol.js';
import type { Row, Tfjs } from '../row.js';

async function useWasm(tf: Tfjs, threads: number, place: Place): Promise<void> {
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(place.files('@tensorflow/tfjs-backend-wasm'));
  if (threads === 1) tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  wasm.setThreadsCount(threads);
  await tf.setBackend('wasm');
  await tf.ready();
  if (threads > 1 && wasm.getThreadsCount() !== threads)
    throw new Error(`it has ${String(wasm.getThreadsCount())} threads`);
}

async function useWebGpu(tf: Tfjs): Promise<void> {
  await import('@tensorflow/tfjs-backend-webgpu');
  if (!(await tf.setBackend('webgpu'))) throw new Error('its webgpu backend does not start');
  await tf.ready();
}

export async function loadTfjs(row: Row, { threads, device }: SetUp, place: Place): Promise<Stepper> {
  if (row.tfjs === undefined) throw new Error('not written in this library');
  if (threads > 1 && !place.browser) throw new Error('its wasm backend has no threads in Node (tfjs issue 3830)');
  // The core's own types, with the gradients that the whole package registers.
  const tf: Tfjs = await import('@tensorflow/tfjs');
  await (device === 'webgpu' ? useWebGpu(tf) : useWasm(tf, threads, place));
  const array = ({ values, shape }: Data): Tensor => tf.tensor(values, [...shape]);
  const program = row.tfjs(tf);
  let state = row.state().map(array);
  const inputs = row.inputs().map(array);
  const stateless = state.length === 0;
  let results: Tensor[] = [];
  return {
    version: tf.version_core,
    step: () => {
      const next = tf.tidy(() => program(...state, ...inputs));
      for (const x of results) if (!inputs.includes(x)) x.dispose();
      if (!stateless) {
        if (results.length === 0) state.forEach((x) => x.dispose());
        state = next;
      }
      results = next;
    },
    settle: async () => {
      const [x] = results;
      // An element of the last result: the queue is in order.
      if (device === 'webgpu' && x !== undefined) await tf.tidy(() => tf.slice(tf.reshape(x, [-1]), 0, 1)).data();
    },
    read: () => Promise.all(results.map((x) => x.data())),
  };
}

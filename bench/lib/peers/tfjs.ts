/** TensorFlow.js with its wasm backend as a contender. It runs eagerly; a step is one `tidy`. */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Data } from '../data.js';
import type { Place, Stepper } from '../engine.js';
import type { SetUp } from '../protocol.js';
import type { Row, Tfjs } from '../row.js';

export async function loadTfjs(row: Row, { threads }: SetUp, place: Place): Promise<Stepper> {
  if (row.tfjs === undefined) throw new Error('not written in this library');
  if (threads > 1 && !place.browser) throw new Error('its wasm backend has no threads in Node (tfjs issue 3830)');
  // The core's own types, with the gradients that the whole package registers.
  const tf: Tfjs = await import('@tensorflow/tfjs');
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(place.files('@tensorflow/tfjs-backend-wasm'));
  if (threads === 1) tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  wasm.setThreadsCount(threads);
  await tf.setBackend('wasm');
  await tf.ready();
  if (threads > 1 && wasm.getThreadsCount() !== threads)
    throw new Error(`it has ${String(wasm.getThreadsCount())} threads`);
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
    settle: () => Promise.resolve(),
    read: () => Promise.all(results.map((x) => x.data())),
  };
}

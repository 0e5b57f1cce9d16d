/** Cotangent as a contender. */
import type { NDArray } from '../../../src/index.js';
import type { Data } from '../data.js';
import type { Stepper } from '../engine.js';
import type { SetUp } from '../protocol.js';
import type { Cotangent, Row } from '../row.js';

/** The library is a bundle of its own, `cotangent-lib`, so that a process loads what a user's process loads. */
const importLibrary = (): Promise<Cotangent> => import('cotangent-lib');

export async function loadCotangent(row: Row, { mode, threads, device }: SetUp): Promise<Stepper> {
  const lib = await importLibrary();
  if (device === 'webgpu') lib.setDefaultDevice(await lib.requestDevice('webgpu'));
  else {
    lib.setThreads(threads);
    if (lib.getThreads() !== threads) throw new Error(`it runs on ${String(lib.getThreads())} threads here`);
  }
  const array = ({ values, shape }: Data): NDArray => lib.numpy.array(values).reshape([...shape]);
  const program = row.cotangent(lib);
  const states = row.state().map(array);
  const inputs = row.inputs().map(array);
  const run = mode === 'jit' ? lib.jit(program, { donate: states.map((_, i) => i) }) : program;
  let results: NDArray[] = [];
  let state = states;
  const [a, b] = inputs;
  // Called without spreading where the call itself is what is measured.
  const pair = state.length === 0 && inputs.length === 2 && a !== undefined && b !== undefined && a.size < 100;
  return {
    version: 'this tree',
    step: pair
      ? () => {
          results = run(a, b);
        }
      : () => {
          // As the others must; nobody need do it here, but then old results are copied out when the heap is full.
          if (state.length === 0) results.forEach((x) => x.dispose());
          results = run(...state, ...inputs);
          if (state.length > 0) state = results.slice(0, state.length);
        },
    settle: async () => {
      await results[0]?.blockUntilReady();
    },
    read: () => Promise.all(results.map((x) => x.data())),
  };
}

/** jax-js as a contender. Its calls consume their arguments, so inputs are passed as new references. */
import type { Array as JaxArray } from '@jax-js/jax';
import type { Data } from '../data.js';
import type { Stepper } from '../engine.js';
import type { SetUp } from '../protocol.js';
import type { Row } from '../row.js';

export async function loadJaxJs(row: Row, { mode, threads, device }: SetUp): Promise<Stepper> {
  if (row.jaxJs === undefined) throw new Error('not written in this library');
  if (threads > 1) throw new Error('its wasm device has no threads to set');
  const lib = await import('@jax-js/jax');
  const backend = device === 'webgpu' ? 'webgpu' : 'wasm';
  await lib.init(backend);
  lib.defaultDevice(backend);
  const array = ({ values, shape }: Data): JaxArray => lib.numpy.array(values, { shape: [...shape] });
  const program = row.jaxJs(lib);
  const run: typeof program = mode === 'jit' ? lib.jit(program) : program;
  let state = row.state().map(array);
  const inputs = row.inputs().map(array);
  const stateless = state.length === 0;
  let results: JaxArray[] = [];
  // It computes lazily: a result that nobody waits for is never computed.
  const wait = (): Promise<unknown> => lib.blockUntilReady(results);
  const drop = (): void => results.forEach((x) => x.dispose());
  // On a GPU the next step is given while this one computes.
  let before: Promise<unknown> = Promise.resolve();
  return {
    version: '0.1.25',
    step: stateless
      ? device === 'cpu'
        ? () => {
            drop();
            results = run(...inputs.map((x) => x.ref));
            return wait();
          }
        : async () => {
            const old = results;
            results = run(...inputs.map((x) => x.ref));
            const now = wait();
            await before;
            before = now;
            old.forEach((x) => x.dispose());
          }
      : () => {
          results = run(...state, ...inputs.map((x) => x.ref));
          state = results;
        },
    settle: async () => {
      await wait();
    },
    read: () => Promise.all(results.map((x) => x.ref.data() as Promise<ArrayLike<number>>)),
  };
}

/** jax-js as a contender. Its calls consume their arguments, so inputs are passed as new references. */
import type { Array as JaxArray } from '@jax-js/jax';
import type { Data } from '../data.js';
import type { Stepper } from '../engine.js';
import type { SetUp } from '../protocol.js';
import type { Row } from '../row.js';

export async function loadJaxJs(row: Row, { mode, threads }: SetUp): Promise<Stepper> {
  if (row.jaxJs === undefined) throw new Error('not written in this library');
  if (threads > 1) throw new Error('its wasm device has no threads to set');
  const lib = await import('@jax-js/jax');
  await lib.init('wasm');
  lib.defaultDevice('wasm');
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
  return {
    version: '0.1.25',
    step: stateless
      ? () => {
          drop();
          results = run(...inputs.map((x) => x.ref));
          return wait();
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

/** A fresh process: milliseconds from before the import of a library to the value of a first sum. */
const [, , peer, library] = process.argv;
const data = new Float32Array([1, 2, 3]);
const begin = performance.now();
const lib = await import(library);
let value;
if (peer === 'cotangent') value = lib.numpy.sum(lib.numpy.array(data)).item();
else if (peer === 'jax-js') {
  await lib.init('wasm');
  lib.defaultDevice('wasm');
  [value] = await lib.numpy.sum(lib.numpy.array(data)).data();
} else {
  // tfjs: its core and its wasm backend.
  await import('@tensorflow/tfjs-backend-wasm');
  await lib.setBackend('wasm');
  await lib.ready();
  [value] = await lib.sum(lib.tensor(data)).data();
}
if (value !== 6) throw new Error(`the sum is ${String(value)}`);
console.log(performance.now() - begin);

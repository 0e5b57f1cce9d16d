/** ONNX Runtime Web as a contender, for inference. */
import { encodeModel } from '../onnx.js';
import type { Place, Stepper } from '../engine.js';
import type { SetUp } from '../protocol.js';
import type { Row } from '../row.js';
import { at } from '../row.js';

export async function loadOrt(row: Row, { threads }: SetUp, place: Place): Promise<Stepper> {
  const model = row.ort;
  if (model === undefined) throw new Error('not an inference row');
  const ort = place.browser ? await import('onnxruntime-web/wasm') : await import('onnxruntime-web');
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = 'error';
  if (place.browser) ort.env.wasm.wasmPaths = place.files('onnxruntime-web');
  const arrays = row.inputs();
  const session = await ort.InferenceSession.create(encodeModel(model, arrays), {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
  });
  const feeds = Object.fromEntries(
    model.inputs
      .map((name, i) => [name, at(arrays, i)] as const)
      .filter(([name]) => !(model.weights?.includes(name) ?? false))
      .map(([name, { values, shape }]) => [name, new ort.Tensor('float32', values, [...shape])]),
  );
  let results: Awaited<ReturnType<typeof session.run>> | undefined;
  return {
    version: ort.env.versions.web ?? '',
    step: async () => {
      results = await session.run(feeds);
    },
    settle: () => Promise.resolve(),
    read: () =>
      Promise.resolve(
        model.outputs.map((name) => results?.[name]?.data as Float32Array).filter((x) => x !== undefined),
      ),
  };
}

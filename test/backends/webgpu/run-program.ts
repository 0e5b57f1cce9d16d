/** Runs a program on the webgpu device: its outputs begin as given, for kernels that combine with what is there. */
import { requestDevice } from 'cotangent';
import { hostArray, type TypedArray } from '../../../src/core/dtype.js';
import type { Program } from '../../../src/compiler/loop-ir.js';
import { WebGpuDevice } from '../../../src/backends/webgpu/device.js';

const device = await requestDevice('webgpu');
if (!(device instanceof WebGpuDevice)) throw new Error('webgpu is another device');
export const gpu = device;

export async function runOnGpu(
  program: Program,
  inputs: readonly TypedArray[],
  initial: readonly TypedArray[] = [],
): Promise<TypedArray[]> {
  const outputs = program.buffers.filter(({ place }) => place.kind === 'output');
  const starts = outputs.map(({ dtype, length }, i) => initial[i] ?? hostArray(dtype, length));
  // Donated arguments that nothing reads are where results are written.
  const donations = outputs.map((_, i) => inputs.length + i);
  const dtypes = program.buffers.flatMap(({ place, dtype }) => (place.kind === 'input' ? [dtype] : []));
  const storages = [
    ...inputs.map((data, i) => gpu.fromHost(dtypes[i] ?? 'float32', data)),
    ...starts.map((data, i) => gpu.fromHost(outputs[i]?.dtype ?? 'float32', data)),
  ];
  const results = gpu
    .compile({ ...program, donations, inputCount: storages.length })
    .run(storages, [...inputs.map(() => false), ...starts.map(() => true)]);
  return Promise.all(results.map((storage) => gpu.toHostAsync(storage)));
}

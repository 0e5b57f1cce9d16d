/** Runs a program on a webgpu device, with subgroups where there are any and without: its outputs begin as given, for kernels that combine with what is there. */
import { requestDevice, type WebGpuOptions } from 'cotangent';
import { hostArray, type TypedArray } from '../../../src/core/dtype.js';
import type { Program } from '../../../src/compiler/loop-ir.js';
import { WebGpuDevice } from '../../../src/backends/webgpu/device.js';

async function request(options: WebGpuOptions): Promise<WebGpuDevice> {
  const device = await requestDevice('webgpu', options);
  if (!(device instanceof WebGpuDevice)) throw new Error('webgpu is another device');
  return device;
}

export const gpu = await request({});
export const withoutSubgroups = await request({ without: ['subgroups'] });
/** The same device as if it were of the other kind: a CPU instead of a GPU, whose products and branches are printed differently. */
export const otherKind = new WebGpuDevice(gpu.queue.gpu, gpu.description, {
  ...gpu.capabilities,
  isCpu: !gpu.capabilities.isCpu,
  skipsBranches: !gpu.capabilities.skipsBranches,
});

export async function runOnGpu(
  program: Program,
  inputs: readonly TypedArray[],
  initial: readonly TypedArray[] = [],
  device: WebGpuDevice = gpu,
): Promise<TypedArray[]> {
  const outputs = program.buffers.filter(({ place }) => place.kind === 'output');
  const starts = outputs.map(({ dtype, length }, i) => initial[i] ?? hostArray(dtype, length));
  // Donated arguments that nothing reads are where results are written.
  const donations = outputs.map((_, i) => inputs.length + i);
  const dtypes = program.buffers.flatMap(({ place, dtype }) => (place.kind === 'input' ? [dtype] : []));
  const storages = [
    ...inputs.map((data, i) => device.fromHost(dtypes[i] ?? 'float32', data)),
    ...starts.map((data, i) => device.fromHost(outputs[i]?.dtype ?? 'float32', data)),
  ];
  const results = device
    .compile({ ...program, donations, inputCount: storages.length })
    .run(storages, [...inputs.map(() => false), ...starts.map(() => true)]);
  return Promise.all(results.map((storage) => device.toHostAsync(storage)));
}

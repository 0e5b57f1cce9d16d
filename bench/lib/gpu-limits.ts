/**
 * What a GPU can do at most, by two shaders that do nothing else: multiplications and additions in registers, and a stream
 * d = a·b + c through arrays larger than any cache. Fractions in the tables of WebGPU are of these figures.
 */
import type { Limits } from './limits.js';

const GROUP = 256;
/** Independent chains of vectors in an invocation, and rounds of them: enough to hide latency. */
const CHAINS = 8;
const ROUNDS = 256;
const WORKGROUPS = 4096;
/** Floats in each array of the stream: 64 MiB, or what the device binds. */
const STREAM = 16 * 2 ** 20;

const peakShader = `
@group(0) @binding(0) var<storage, read_write> out: array<vec4f>;
@compute @workgroup_size(${GROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let x = vec4f(0.999) + vec4f(f32(id.x) * 1e-9);
  let y = vec4f(0.001);
  ${Array.from({ length: CHAINS }, (_, i) => `var a${i} = vec4f(${i}.0);`).join(' ')}
  for (var i = 0u; i < ${ROUNDS}u; i++) {
    ${Array.from({ length: CHAINS }, (_, i) => `a${i} = fma(a${i}, x, y);`).join(' ')}
  }
  out[id.x % 64u] = ${Array.from({ length: CHAINS }, (_, i) => `a${i}`).join(' + ')};
}`;

const streamShader = `
@group(0) @binding(0) var<storage, read_write> d: array<vec4f>;
@group(0) @binding(1) var<storage, read> a: array<vec4f>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read> c: array<vec4f>;
@compute @workgroup_size(${GROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  d[id.x] = a[id.x] * b[id.x] + c[id.x];
}`;

/** Seconds of the fastest of some submissions. */
async function best(device: GPUDevice, code: string, bytes: readonly number[], groups: number): Promise<number> {
  const pipeline = await device.createComputePipelineAsync({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code }), entryPoint: 'main' },
  });
  const buffers = bytes.map((size) => device.createBuffer({ size, usage: GPUBufferUsage.STORAGE }));
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  let least = Infinity;
  for (let i = 0; i < 8; i++) {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(groups);
    pass.end();
    const begin = performance.now();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    least = Math.min(least, performance.now() - begin);
  }
  for (const buffer of buffers) buffer.destroy();
  return least / 1e3;
}

export interface GpuLimits extends Limits {
  readonly adapter: string;
}

export async function measureGpuLimits(): Promise<GpuLimits> {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) throw new Error('no WebGPU adapter');
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const device = await adapter.requestDevice({ requiredLimits: { maxBufferSize, maxStorageBufferBindingSize } });
  const bytes = Math.min(4 * STREAM, maxStorageBufferBindingSize);
  const flops = WORKGROUPS * GROUP * ROUNDS * CHAINS * 4 * 2;
  const peak = await best(device, peakShader, [64 * 16], WORKGROUPS);
  const stream = await best(device, streamShader, [bytes, bytes, bytes, bytes], bytes / 16 / GROUP);
  device.destroy();
  const { vendor, architecture, description } = adapter.info;
  return {
    adapter: [vendor, architecture, description].filter(Boolean).join(' '),
    mulAdd: flops / peak / 1e9,
    fma: null,
    stream: (4 * bytes) / stream / 1e9,
    cache: (4 * bytes) / stream / 1e9,
  };
}

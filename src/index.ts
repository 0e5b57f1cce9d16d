/**
 * Cotangent: immutable arrays, pure functions and composable transforms, compiled to fused kernels.
 *
 * @packageDocumentation
 */
import './backends/install.js';

export * from './transforms/index.js';
export * as lax from './lax.js';
export * as numpy from './numpy/index.js';
export * as nn from './nn/index.js';
export * as random from './random/index.js';
export * as scipy from './scipy/index.js';
export * as losses from './losses/index.js';
export * as metrics from './metrics/index.js';
export * as stax from './stax/index.js';
export * as optimizers from './optimizers/index.js';
export * as tree from './core/tree-api.js';
export { ravelPytree } from './transforms/ravel-pytree.js';
export { NDArray, type ArrayLike, type NestedArray } from './core/ndarray.js';
export { ShapedArray, type Shape } from './core/aval.js';
export type { DType, TypedArray } from './core/dtype.js';
export * from './core/errors.js';
export {
  definePrimitive,
  ClosedJaxpr,
  Jaxpr,
  notDifferentiable,
  notLinear,
  primitives,
  type Primitive,
} from './core/primitive.js';
export { checkJaxpr } from './core/check.js';
export { getDefaultDevice, setDefaultDevice } from './core/concrete.js';
export type { Device } from './core/device.js';
export { devicePut, devicePutAsync, devices, requestDevice } from './backends/devices.js';
export { getThreads, setThreads } from './backends/wasm/device.js';
export { DeviceLostError, GpuError, NoDeviceError, OutOfMemoryError } from './backends/webgpu/errors.js';
export type { GpuDevice, KernelTime } from './backends/webgpu/profiler.js';
export type { WebGpuOptions } from './backends/webgpu/request.js';
export { HeapExhaustedError } from './backends/wasm/heap.js';

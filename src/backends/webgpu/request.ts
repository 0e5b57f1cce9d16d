/** Asking for a WebGPU device: the browser's, or in Node that of the `webgpu` package (Dawn). */
import { capabilitiesOf } from './capabilities.js';
import type { Tile } from './tile.js';
import { WebGpuDevice } from './device.js';
import { NoDeviceError } from './errors.js';
import { textStore, tileStore } from './tile-store.js';

export interface WebGpuOptions {
  /** Which of several GPUs. */
  readonly powerPreference?: 'low-power' | 'high-performance';
  /** Features to do without, although the adapter has them: to compare, or around an error of a driver. */
  readonly without?: readonly GpuFeature[];
  /**
   * Whether to measure which tiles matrix products are fastest with, instead of estimating it. The first program with a product of a new
   * class of sizes then takes some tenths of a second longer; the result is remembered, in a page in its localStorage, in Node in the
   * user's cache folder (`$XDG_CACHE_HOME/cotangent` or what the system has in its place). Tiles change no bit of a product.
   */
  readonly tune?: boolean;
}

/** Features that shaders and measurements use where the adapter has them. */
const FEATURES = ['shader-f16', 'subgroups', 'timestamp-query'] as const satisfies readonly GPUFeatureName[];
export type GpuFeature = (typeof FEATURES)[number];
/** Limits of which the adapter's maximum is asked for. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
] as const;

export async function requestWebGpu({
  without = [],
  tune = false,
  ...options
}: WebGpuOptions = {}): Promise<WebGpuDevice> {
  const gpu = await implementation();
  const adapter = await gpu.requestAdapter(options);
  if (adapter === null) {
    throw new NoDeviceError(
      'requestDevice: there is WebGPU here, but no adapter: no GPU, or no driver for it. On Linux a Vulkan driver is needed; ' +
        'without a GPU, SwiftShader is one (docs/webgpu.md). The cpu device needs nothing.',
    );
  }
  const { info } = adapter;
  const device = await adapter.requestDevice({
    requiredFeatures: FEATURES.filter((f) => adapter.features.has(f) && !without.includes(f)),
    requiredLimits: Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]])),
  });
  const description = [info.vendor, info.architecture, info.device, info.description].filter(Boolean).join(' ');
  const capabilities = capabilitiesOf(device, info, gpu.wgslLanguageFeatures);
  if (!tune) return new WebGpuDevice(device, description, capabilities);
  const text = await textStore();
  const store = text && tileStore(text, description, capabilities);
  const tiles = (await store?.read()) ?? new Map<string, Tile>();
  return new WebGpuDevice(device, description, capabilities, { tiles, store });
}

/** Dawn's instance; it must outlive everything made of it. */
let dawn: GPU | undefined;

async function implementation(): Promise<GPU> {
  if (dawn !== undefined) return dawn;
  if (typeof navigator !== 'undefined' && 'gpu' in navigator) return navigator.gpu;
  // A computed name: bundlers for pages must not follow it.
  const name = 'webgpu';
  let module: unknown;
  try {
    module = await import(/* @vite-ignore */ /* webpackIgnore: true */ name);
  } catch (cause) {
    throw new NoDeviceError(
      'requestDevice: no WebGPU here. In Node, install the package: npm install webgpu. In a page, the browser has none, or the page ' +
        'is not served by https or from localhost. The cpu device needs nothing.',
      { cause },
    );
  }
  if (!isDawn(module))
    throw new NoDeviceError('requestDevice: the package webgpu is not what was expected: it exports no create');
  return (dawn = module.create([]));
}

const isDawn = (module: unknown): module is { create: (options: string[]) => GPU } =>
  typeof module === 'object' && module !== null && 'create' in module;

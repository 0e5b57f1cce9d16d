/**
 * What a GPU can do, as far as the printing of kernels asks. It is a value that goes down to the printers, made once for a
 * device: everything that is remembered by program or by shader text is remembered by one device, so that no key holds it.
 */

import type { Tile } from './tile.js';

/** Sizes that a subgroup may have; each pipeline has its own. */
export interface SubgroupSizes {
  readonly least: number;
  readonly most: number;
}

export interface GpuCapabilities {
  /** Whether the driver runs shaders on a CPU: memory of workgroups is no nearer than any other there, and barriers are dear. */
  readonly isCpu: boolean;
  /** Whether what no invocation of a group chooses is skipped: SwiftShader runs every block, under masks. */
  readonly skipsBranches: boolean;
  /** Half floats in shaders and buffers (`shader-f16`). */
  readonly f16: boolean;
  /** There if shaders may use `subgroups`, and tell the subgroups of a workgroup apart (WGSL's `subgroup_id`). */
  readonly subgroups: SubgroupSizes | undefined;
  /** Times of launches (`timestamp-query`). */
  readonly timestamps: boolean;
  /** Arrays that a shader may bind. */
  readonly storageBuffers: number;
  /** Tiles that were measured to be the fastest, by classes of products (`tuner.ts`); kernels that are printed later have them. */
  readonly tiles?: ReadonlyMap<string, Tile>;
  /** Of one workgroup. */
  readonly workgroupBytes: number;
  readonly workgroupInvocations: number;
}

export function capabilitiesOf(
  device: GPUDevice,
  info: GPUAdapterInfo,
  language: WGSLLanguageFeatures,
): GpuCapabilities {
  const { features, limits } = device;
  const { subgroupMinSize: least, subgroupMaxSize: most } = info;
  const driver = `${info.architecture} ${info.description}`;
  return {
    isCpu: info.isFallbackAdapter || /swiftshader|llvmpipe/i.test(driver),
    skipsBranches: !/swiftshader/i.test(driver),
    f16: features.has('shader-f16'),
    subgroups: features.has('subgroups') && language.has('subgroup_id') && least > 0 ? { least, most } : undefined,
    timestamps: features.has('timestamp-query'),
    storageBuffers: limits.maxStorageBuffersPerShaderStage,
    workgroupBytes: limits.maxComputeWorkgroupStorageSize,
    // Workgroups have one dimension.
    workgroupInvocations: Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX),
  };
}

/**
 * Contractions: packed and blocked where that pays; as plain loops for matrix-vector, outer and dot products, for
 * products of a few elements, and for bool.
 */
import type { ContractKernel } from '../../compiler/loop-ir.js';
import type { ModuleBuilder } from './assembler.js';
import { dropUnitAxes, groupSize } from './contract-axes.js';
import { contractAsLoops } from './contract-loops.js';
import { emitGemmKernel } from './gemm-kernel.js';
import type { EmittedKernel } from './kernel-step.js';
import { emitLoopSteps } from './loop-steps.js';
import type { VectorMode } from './vectorise.js';

/** Fewest multiplications for which packing is not slower than loops. */
const PACK_FROM = 512;

export function emitContractKernel(module: ModuleBuilder, source: ContractKernel, vectors: VectorMode): EmittedKernel {
  const kernel = dropUnitAxes(source);
  const m = groupSize(kernel.m);
  const n = groupSize(kernel.n);
  const k = groupSize(kernel.k);
  const { dtype } = kernel;
  if (dtype !== 'bool' && m > 1 && n > 1 && k > 1 && m * n * k >= PACK_FROM && groupSize(kernel.batch) > 0)
    return emitGemmKernel(module, kernel, dtype, { vectors, fused: false });
  return emitLoopSteps(module, contractAsLoops(kernel), false, vectors);
}

/**
 * Contractions: in blocks where that pays; as plain loops for dot products and matrix-vector products along rows, for
 * outer products, for products of a few elements, and for bool.
 */
import type { ContractKernel } from '../../compiler/loop-ir.js';
import type { ModuleBuilder } from './assembler.js';
import { dropUnitAxes, groupSize } from './contract-axes.js';
import { contractAsLoops } from './contract-loops.js';
import type { GemmOptions } from './gemm-kernel.js';
import { emitGemmKernel } from './gemm-kernel.js';
import { widthOf } from './gemm-micro.js';
import { fewRows, orient } from './gemm-plan.js';
import type { EmittedKernel } from './kernel-step.js';
import { emitLoopSteps } from './loop-steps.js';

/** Fewest multiplications for which blocks are not slower than loops. */
const BLOCKS_FROM = 512;

export function emitContractKernel(module: ModuleBuilder, source: ContractKernel, options: GemmOptions): EmittedKernel {
  const kernel = dropUnitAxes(source);
  const { dtype } = kernel;
  const [batch, k] = [groupSize(kernel.batch), groupSize(kernel.k)];
  const size = groupSize(kernel.m) * groupSize(kernel.n) * k;
  if (dtype !== 'bool' && k > 1 && size >= BLOCKS_FROM && batch > 0) {
    const oriented = orient(kernel);
    const [m, n] = [groupSize(oriented.m), groupSize(oriented.n)];
    const suits = m > 1 ? n > 1 : n > 1 && fewRows(oriented, widthOf(dtype)) === 'rows';
    if (suits) return emitGemmKernel(module, oriented, dtype, options);
  }
  return emitLoopSteps(module, contractAsLoops(kernel), false, options.vectors);
}

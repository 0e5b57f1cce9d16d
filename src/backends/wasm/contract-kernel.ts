/**
 * Contractions: small ones and batches of them in a function of their own; in blocks where that pays; as plain loops for
 * dot products of very few or very many terms, for outer products, and for bool.
 */
import type { ContractKernel } from '../../compiler/loop-ir.js';
import type { ModuleBuilder } from './assembler.js';
import { dropUnitAxes, groupSize } from './contract-axes.js';
import { contractAsLoops } from './contract-loops.js';
import { emitBeside } from './gemm-beside.js';
import type { GemmOptions } from './gemm-kernel.js';
import { emitGemmKernel } from './gemm-kernel.js';
import { widthOf } from './gemm-micro.js';
import { fewRows, orient, type FewRows } from './gemm-plan.js';
import { emitSmallGemm, planSmall } from './gemm-small.js';
import type { EmittedKernel } from './kernel-step.js';
import { emitLoopSteps } from './loop-steps.js';

/** Fewest multiplications for which blocks are not slower than loops. */
const BLOCKS_FROM = 512;

/** Terms of the dot products of a matrix and a vector for which they are computed in blocks, that an epilogue then walks over in lanes. */
const FEWEST_TERMS = 8;
const MOST_TERMS = 320;

/** Whether a vector times a matrix is done in blocks: along rows of the matrix, or by dot products that are neither short nor long. */
const suitsVector = (by: FewRows | undefined, k: number): boolean =>
  by === 'rows' || (by === 'dots' && k >= FEWEST_TERMS && k <= MOST_TERMS);

export function emitContractKernel(module: ModuleBuilder, source: ContractKernel, options: GemmOptions): EmittedKernel {
  const kernel = dropUnitAxes(source);
  const { dtype } = kernel;
  const [batch, k] = [groupSize(kernel.batch), groupSize(kernel.k)];
  const size = groupSize(kernel.m) * groupSize(kernel.n) * k;
  if (dtype !== 'bool' && k > 1 && size > 0 && batch > 0) {
    const oriented = orient(kernel);
    const small = planSmall(oriented, dtype, options.fused);
    if (small !== undefined) {
      const product = emitSmallGemm(module, small, options);
      return emitBeside(module, oriented, oriented.beside ?? [], product, options.vectors);
    }
    const [m, n] = [groupSize(oriented.m), groupSize(oriented.n)];
    const suits = n > 1 && (m > 1 || suitsVector(fewRows(oriented, widthOf(dtype)), k));
    if (size >= BLOCKS_FROM && suits) return emitGemmKernel(module, oriented, dtype, options);
  }
  return emitBeside(
    module,
    kernel,
    kernel.beside ?? [],
    emitLoopSteps(module, contractAsLoops(kernel), false, options.vectors),
    options.vectors,
  );
}

/** Programs in a readable form, which is that of the CPU but for the choice of vectors. */
import type { Kernel, Program } from '../../compiler/loop-ir.js';
import { listContraction, listLoopKernel } from '../wasm/listing.js';
import { listSteps } from '../wasm/list-program.js';

function listKernel(kernel: Kernel, dynamic: boolean): string {
  switch (kernel.kind) {
    case 'loop':
      return listLoopKernel(kernel, { dynamic, outer: undefined, stages: [] });
    case 'contract':
      return [`kernel ${kernel.name}`, ...listContraction(kernel)].join('\n');
    case 'sort':
      return `kernel ${kernel.name}: sort ${kernel.outer} x ${kernel.length} x ${kernel.inner} by ${kernel.numKeys}`;
  }
}

export const listProgram = (program: Program): string =>
  [
    ...program.kernels.map((kernel) => listKernel(kernel, program.dynamicExtent)),
    `program ${program.name}`,
    ...listSteps(program),
  ].join('\n');

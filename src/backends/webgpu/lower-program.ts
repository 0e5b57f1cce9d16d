/**
 * A program as the launches that a GPU does well: sorts, long stages of few points and products of few results become several kernels with scratch
 * between them (`split-sort.ts`, `split-stages.ts`, `split-contract.ts`).
 */
import type { Kernel, Program, ProgramBuffer } from '../../compiler/loop-ir.js';
import { replaceKernels } from '../../compiler/replace-kernels.js';
import { ALIGNMENT, WORD_BYTES } from './memory-layout.js';
import type { Pieces } from './pieces.js';
import { splitContract } from './split-contract.js';
import { splitSort } from './split-sort.js';
import { splitStages } from './split-stages.js';

function piecesOf(kernel: Kernel): Pieces | undefined {
  switch (kernel.kind) {
    case 'sort':
      return splitSort(kernel);
    case 'loop':
      return splitStages(kernel);
    case 'contract':
      return splitContract(kernel);
  }
}

/** The launches of a kernel, each as many as it needs in turn. */
function launchesOf(kernel: Kernel): Pieces {
  const pieces = piecesOf(kernel);
  if (pieces === undefined)
    return { scratch: [], launches: [{ kernel, slots: kernel.buffers.map((_, slot) => slot) }] };
  const scratch = [...pieces.scratch];
  const launches = pieces.launches.flatMap((launch) => {
    const own = launch.kernel.buffers.length;
    const base = kernel.buffers.length + scratch.length;
    const inner = launchesOf(launch.kernel);
    scratch.push(...inner.scratch);
    return inner.launches.map((each) => ({
      kernel: each.kernel,
      slots: each.slots.map((slot) => (slot < own ? (launch.slots[slot] ?? -1) : base + slot - own)),
    }));
  });
  return { scratch, launches };
}

const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

export function lowerProgram(program: Program): Program {
  if (program.dynamicExtent) return program;
  const lowered = program.kernels.map(launchesOf);
  if (lowered.every(({ launches }, i) => launches.length === 1 && launches[0]?.kernel === program.kernels[i]))
    return program;
  const kernels: Kernel[] = [];
  const buffers: ProgramBuffer[] = [...program.buffers];
  let arenaBytes = align(program.arenaBytes);
  const begin = arenaBytes;
  const plans = lowered.map(({ scratch, launches }) => {
    // Scratch is needed within one call of a kernel only, so that all kernels share it.
    let offset = begin;
    const places = scratch.map(({ dtype, length }) => {
      const id = buffers.push({ dtype, length, place: { kind: 'arena', offset } }) - 1;
      offset += align(WORD_BYTES * length);
      return id;
    });
    arenaBytes = Math.max(arenaBytes, offset);
    return {
      places,
      launches: launches.map(({ kernel, slots }) => ({ kernel: kernels.push(kernel) - 1, slots })),
    };
  });
  const steps = replaceKernels(
    program.steps,
    plans.map(({ launches }) => launches),
    ({ kernel, args }, slot) => args[slot] ?? plans[kernel]?.places[slot - args.length] ?? -1,
  );
  return { ...program, buffers, kernels, steps, arenaBytes };
}

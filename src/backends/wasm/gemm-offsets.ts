/** Byte offsets of the elements of an operand by the linear index of an axis group. */
import type { ContractAxis } from '../../compiler/loop-ir.js';
import type { FunctionBuilder } from './assembler.js';
import type { Steps, StrideKey } from './contract-axes.js';
import { groupSize, stepsOf } from './contract-axes.js';
import { countedLoop } from './control.js';

/** Computed from a stride, or, for groups of several axes, read from a table in scratch memory. */
export interface Offsets {
  readonly steps: Steps;
  readonly width: 4 | 8;
  readonly extent: number;
  /** Byte offset of the table in the scratch memory, if there is one. */
  readonly table: number | undefined;
}

export function offsetsOf(
  axes: readonly ContractAxis[],
  operand: StrideKey,
  width: 4 | 8,
  allocate: (bytes: number) => number,
): Offsets {
  const steps = stepsOf(axes, operand);
  const extent = groupSize(axes);
  return { steps, width, extent, table: steps.kind === 'stride' ? undefined : allocate(extent * 4) };
}

/** A constant number of elements apart. */
export const strided = (stride: number, width: 4 | 8): Offsets => ({
  steps: { kind: 'stride', stride },
  width,
  extent: 0,
  table: undefined,
});

/** Write the byte offset of every index of a group of several axes. */
export function fillTable(f: FunctionBuilder, scratch: number, { steps, table, extent, width }: Offsets): void {
  if (steps.kind !== 'axes' || table === undefined) return;
  const i = f.local('i32');
  f.i32(0).set(i);
  countedLoop(f, i, { value: extent }, 1, () => {
    f.get(scratch).get(i).i32(4).op('i32.mul').op('i32.add');
    let below = 1;
    f.i32(0);
    for (const axis of [...steps.axes].reverse()) {
      f.get(i)
        .i32(below)
        .op('i32.div_u')
        .i32(axis.extent)
        .op('i32.rem_u')
        .i32(axis.stride * width)
        .op('i32.mul')
        .op('i32.add');
      below *= axis.extent;
    }
    f.memory('i32.store', table);
  });
  f.release('i32', i);
}

/** Push the byte offset of index `push()` in a group. */
export function pushOffset(
  f: FunctionBuilder,
  { steps, table, width }: Offsets,
  scratch: number,
  push: () => void,
): void {
  if (steps.kind === 'stride') {
    push();
    f.i32(steps.stride * width).op('i32.mul');
  } else {
    f.get(scratch);
    push();
    f.i32(4)
      .op('i32.mul')
      .op('i32.add')
      .memory('i32.load', table ?? 0);
  }
}

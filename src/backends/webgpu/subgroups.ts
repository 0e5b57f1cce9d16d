/**
 * Values of a subgroup's invocations brought together without workgroup memory. Subgroups have the size that the device gives
 * them, 4 to 128, which a shader reads when it runs; which invocations are in one is not said by their index, so that
 * shaders count by `subgroup_id` and `subgroup_invocation_id`.
 */
import type { CombineOp } from '../../core/combine.js';
import type { DType } from '../../core/dtype.js';
import type { Printer } from './printer.js';
import type { SubgroupSizes } from './capabilities.js';

/** The parameters of a shader that uses subgroups. */
export const SUBGROUP_PARAMETERS = `  @builtin(subgroup_id) subgroup: u32,
  @builtin(num_subgroups) subgroups: u32,
  @builtin(subgroup_size) subgroup_size: u32,
  @builtin(subgroup_invocation_id) lane: u32,
`;

/**
 * The value of a whole subgroup by one operation, where WGSL has it with our semantics. Sums and products of floats are not among
 * them: where a driver's sum starts from 0, that of -0 is not -0.
 */
export function combinedInSubgroup(p: Printer, op: CombineOp, dtype: DType, x: string): string | undefined {
  switch (dtype) {
    case 'bool':
      return boolean(op, x);
    case 'int32':
    case 'uint32':
      return `${NATIVE[op]}(${x})`;
    case 'float32':
      return op === 'min' || op === 'max' ? p.helper(`subgroup_${op}_f32`, x) : undefined;
    default:
      return undefined;
  }
}

const NATIVE = {
  add: 'subgroupAdd',
  mul: 'subgroupMul',
  min: 'subgroupMin',
  max: 'subgroupMax',
  and: 'subgroupAnd',
  or: 'subgroupOr',
  xor: 'subgroupXor',
} as const satisfies Record<CombineOp, string>;

function boolean(op: CombineOp, x: string): string {
  switch (op) {
    case 'add':
    case 'max':
    case 'or':
      return `subgroupAny(${x})`;
    case 'mul':
    case 'min':
    case 'and':
      return `subgroupAll(${x})`;
    case 'xor':
      return `subgroupXor(select(0u, 1u, ${x})) != 0u`;
  }
}

/** The value of another invocation of the subgroup. */
export const shuffled = (by: 'Xor' | 'Up', dtype: DType, x: string, distance: number): string =>
  dtype === 'bool'
    ? `subgroupShuffle${by}(select(0u, 1u, ${x}), ${distance}u) != 0u`
    : `subgroupShuffle${by}(${x}, ${distance}u)`;

/**
 * Calls `body` with 1, 2, 4 … below the size of a subgroup, or of a workgroup that is smaller; all invocations take
 * part, since sizes are powers of two.
 */
export function doubling(p: Printer, sizes: SubgroupSizes, workgroup: number, body: (distance: number) => void): void {
  for (let distance = 1; distance < Math.min(sizes.most, workgroup); distance *= 2) {
    if (distance < sizes.least) body(distance);
    else
      p.block(`if (subgroup_size > ${distance}u)`, () => {
        body(distance);
      });
  }
}

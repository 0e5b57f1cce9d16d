/** A kernel as a whole WGSL module: bindings by how its slots lie in buffers, then the code of its kind. */
import { createExpander } from '../../compiler/math/expand.js';
import type { Kernel } from '../../compiler/loop-ir.js';
import { mapStage, mapStore } from '../../compiler/stages.js';
import type { GpuCapabilities } from './capabilities.js';
import { contractShader } from './contract-kernel.js';
import { planContract } from './contract-plan.js';
import { atomicSlots, loopShader, planLoop } from './loop-kernel.js';
import type { SlotAccess } from './printer.js';
import { SUBGROUP_PARAMETERS } from './subgroups.js';
import type { SlotMemory } from './vectors.js';
import { storedType } from './wgsl.js';

/** How one kernel call finds its slots. */
export interface Layout {
  /** The binding of each slot. Slots that may share memory have the same one. */
  readonly bindings: readonly number[];
  /** Whether a slot begins somewhere in its binding: its first element is then a parameter. */
  readonly moved: readonly boolean[];
  /** Whether a slot that begins somewhere begins at a multiple of 16 bytes. */
  readonly aligned: readonly boolean[];
  /** Whether each binding is of a buffer that this kernel writes. */
  readonly written: readonly boolean[];
}

export interface Shader {
  readonly code: string;
  readonly groups: (extent: number) => number;
  /** Whether it reads the uniform block of parameters: the extent, then the first elements of moved slots. */
  readonly takesParameters: boolean;
}

/** Slots that a kernel writes. */
export const isWritten = (kernel: Kernel, slot: number): boolean => kernel.buffers[slot]?.access !== 'read';

export function kernelShader(
  original: Kernel,
  layout: Layout,
  dynamicExtent: boolean,
  capabilities: GpuCapabilities,
): Shader {
  const kernel = expanded(original);
  const atomic = kernel.kind === 'loop' ? atomicSlots(kernel) : new Set<number>();
  const memory = layout.bindings.map((binding, slot) => ({ binding, isAligned: layout.aligned[slot] === true }));
  const plan = planned(kernel, memory, dynamicExtent, capabilities);
  const declared = layout.written.map((_, binding) => declaredType(kernel, layout, binding, atomic, capabilities.f16));
  const moved = layout.moved.flatMap((is, slot) => (is ? [slot] : []));
  const slots = kernel.buffers.map(({ dtype }, slot): SlotAccess => {
    const binding = layout.bindings[slot] ?? -1;
    return {
      dtype,
      variable: `b${binding}`,
      declared: declared[binding] ?? 'u32',
      isWritten: layout.written[binding] === true,
      isVector: plan.vectors.has(binding),
      ...(layout.moved[slot] === true && { base: `i32(params.first_${slot})` }),
    };
  });
  const { workgroupSize, declarations, prelude, body, groups, usesSubgroups } = plan.print(slots);
  const takesParameters = dynamicExtent || moved.length > 0;
  const parameters = takesParameters
    ? `struct Params { extent: u32, ${moved.map((slot) => `first_${slot}: u32, `).join('')}}
@group(0) @binding(${declared.length}) var<uniform> params: Params;`
    : '';
  const code = `// ${kernel.name}
${usesSubgroups ? 'enable subgroups;\n' : ''}${declared.includes('f16') ? 'enable f16;\n' : ''}${declared
    .map(
      (type, i) =>
        `@group(0) @binding(${i}) var<storage, ${layout.written[i] === true ? 'read_write' : 'read'}> b${i}: array<${plan.vectors.has(i) ? `vec4<${type}>` : type}>;`,
    )
    .join('\n')}
${parameters}
${declarations}
${prelude}
@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
${usesSubgroups ? SUBGROUP_PARAMETERS : ''}) {
  let group = workgroup.x + workgroup.y * workgroups.x;
  // Launches have two dimensions, which no compiler knows.
  let runtime_zero = workgroups.z - 1u;
${body}
}
`;
  return { code, groups, takesParameters };
}

/** The element type of a binding: that of its slots, or u32 where they differ. */
function declaredType(
  kernel: Kernel,
  { bindings }: Layout,
  binding: number,
  atomic: ReadonlySet<number>,
  f16: boolean,
): SlotAccess['declared'] {
  const slots = bindings.flatMap((b, slot) => (b === binding ? [slot] : []));
  const types = new Set(slots.map((slot) => storedType(kernel.buffers[slot]?.dtype ?? 'uint32', f16)));
  const [type = 'u32'] = types;
  if (slots.some((slot) => atomic.has(slot))) return types.size === 1 && type === 'i32' ? 'atomic<i32>' : 'atomic<u32>';
  if (types.size === 1) return type;
  if (types.has('f16')) throw new Error('internal error: halves share a binding with words');
  return 'u32';
}

/** Mathematical functions as the basic operations that are printed. */
function expanded(kernel: Kernel): Kernel {
  const expand = createExpander({ float16: true });
  switch (kernel.kind) {
    case 'sort':
      return kernel;
    case 'contract': {
      const operand = <O extends typeof kernel.lhs>(o: O): O => ('value' in o ? { ...o, value: expand(o.value) } : o);
      const epilogue =
        kernel.epilogue === undefined ? {} : { epilogue: kernel.epilogue.map((t) => mapStore(t, expand)) };
      return { ...kernel, lhs: operand(kernel.lhs), rhs: operand(kernel.rhs), ...epilogue };
    }
    case 'loop':
      return { ...kernel, stages: kernel.stages.map((s) => mapStage(s, expand)) };
  }
}

interface Planned {
  /** Bindings that hold vectors. */
  readonly vectors: ReadonlySet<number>;
  readonly print: (slots: readonly SlotAccess[]) => ReturnType<typeof loopShader>;
}

function planned(
  kernel: Kernel,
  memory: readonly SlotMemory[],
  dynamicExtent: boolean,
  capabilities: GpuCapabilities,
): Planned {
  switch (kernel.kind) {
    case 'sort':
      throw new Error('internal error: webgpu: a sort is loop kernels');
    case 'contract': {
      const plan = planContract(kernel, memory, capabilities);
      return { vectors: plan.bindings, print: (slots) => contractShader(plan, slots, capabilities) };
    }
    case 'loop': {
      const plan = planLoop(kernel, memory, dynamicExtent, capabilities);
      return {
        vectors: plan.vectors.bindings,
        print: (slots) => loopShader(plan, slots, dynamicExtent, capabilities),
      };
    }
  }
}

/** From a jaxpr to a program of kernels: inline, simplify, fuse, build kernels, plan memory. */
import { nth } from '../core/axes.js';
import { ConcreteArray } from '../core/concrete.js';
import { Var, type ClosedJaxpr } from '../core/primitive.js';
import { fuse, type Fusion, type Group } from './fuse.js';
import { inlineCalls, type FlatProgram } from './inline.js';
import { kernelKey } from './key.js';
import { KernelMaker, type BoundKernel } from './kernels.js';
import type { Kernel, Program } from './loop-ir.js';
import { planDonations, planMemory } from './plan.js';
import { simplify } from './simplify.js';
import { contractKernel, sortKernel } from './special.js';

/** Where a result of the function comes from. */
export type ResultSource =
  | { readonly kind: 'computed'; readonly index: number }
  | { readonly kind: 'input'; readonly index: number }
  | { readonly kind: 'literal'; readonly value: number };

export interface CompiledJaxpr {
  readonly program: Program;
  /** Constants that follow the arguments among the program's inputs. */
  readonly constants: readonly ConcreteArray[];
  readonly results: readonly ResultSource[];
}

export interface CompileOptions {
  readonly name?: string;
  /** Which arguments may be overwritten. */
  readonly donate?: readonly boolean[];
  readonly dynamicExtent?: boolean;
}

/** Passes over the flat program. */
export const optimize = (closed: ClosedJaxpr): FlatProgram => simplify(inlineCalls(closed));

/** Compile a closed jaxpr whose constants are concrete. */
export function compileJaxpr(closed: ClosedJaxpr, options: CompileOptions = {}): CompiledJaxpr {
  const flat = optimize(closed);
  const computed: Var[] = [];
  const results = flat.outputs.map((a): ResultSource => {
    if (!(a instanceof Var)) return { kind: 'literal', value: a.value };
    const input = flat.inputs.indexOf(a);
    if (input >= 0) return { kind: 'input', index: input };
    if (!computed.includes(a)) computed.push(a);
    return { kind: 'computed', index: computed.indexOf(a) };
  });

  const calls = kernelCalls(flat);
  const { buffers, bufferOf, arenaBytes } = planMemory(calls, flat.inputs, computed);
  const kernels: Kernel[] = [];
  const kernelIds = new Map<string, number>();
  const bound = calls.map(({ kernel, slots }) => {
    const key = kernelKey(kernel);
    let id = kernelIds.get(key);
    if (id === undefined) {
      kernelIds.set(key, (id = kernels.length));
      kernels.push(kernel);
    }
    return { kind: 'kernel' as const, kernel: id, args: slots.map((v) => bufferOf.get(v) ?? -1) };
  });
  const forwarded = new Set(results.filter((r) => r.kind === 'input').map((r) => r.index));
  const donatable = flat.inputs.map((_, i) => options.donate?.[i] === true && !forwarded.has(i));
  const program: Program = {
    name: options.name ?? 'main',
    buffers,
    kernels,
    steps: bound,
    constants: [],
    inputCount: flat.inputs.length,
    outputCount: computed.length,
    arenaBytes,
    donations: planDonations(calls, flat.inputs, computed, donatable),
    dynamicExtent: options.dynamicExtent ?? false,
  };
  const constants = flat.constants.map((c) => {
    if (!(c instanceof ConcreteArray)) throw new Error('compile: a constant of the jaxpr is not concrete');
    return c;
  });
  return { program, constants, results };
}

/** The kernels of a flat program in an order that respects their dependences. */
function kernelCalls(flat: FlatProgram): BoundKernel<Kernel>[] {
  const maker = new KernelMaker(flat);
  const fusion = fuse(flat);
  return sortGroups(fusion.groups).flatMap((group) => kernelsOf(group, maker, fusion));
}

function kernelsOf(group: Group, maker: KernelMaker, fusion: Fusion): BoundKernel<Kernel>[] {
  const eqn = nth(group.members, 0);
  switch (group.kind) {
    case 'loop':
      return [maker.loopKernel(group, fusion)];
    case 'cumulative':
      return [maker.cumulativeKernel(eqn, fusion)];
    case 'scatter':
      return maker.scatterKernels(eqn, fusion);
    case 'contract':
      return [contractKernel(eqn, maker.producer, (v) => fusion.groupOf.has(v))];
    case 'sort':
      return [sortKernel(eqn)];
  }
}

/** Groups after everything they need; otherwise in order of creation. */
function sortGroups(groups: readonly Group[]): Group[] {
  const sorted: Group[] = [];
  const done = new Set<Group>();
  const visit = (group: Group): void => {
    if (done.has(group)) return;
    done.add(group);
    for (const g of groups) if (group.ancestors.has(g)) visit(g);
    sorted.push(group);
  };
  groups.forEach(visit);
  return sorted;
}

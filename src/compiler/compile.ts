/** From a jaxpr to a program of kernels: inline, simplify, fuse, build kernels, plan memory. */
import { ConcreteArray } from '../core/concrete.js';
import { Var, type ClosedJaxpr } from '../core/primitive.js';
import { bindSteps } from './bind.js';
import { blockWeights } from './block-weights.js';
import { hoistInvariants } from './hoist.js';
import { inlineCalls, isControl, type FlatProgram } from './inline.js';
import type { Program } from './loop-ir.js';
import { planMemory, type MemoryLayout } from './plan.js';
import { schedule } from './schedule.js';
import { separateSums } from './separate-sums.js';
import { simplify } from './simplify.js';
import { prepareBodies } from './sink.js';

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
  /** How the device lays arrays out; as a host does if absent. */
  readonly layout?: MemoryLayout;
}

/** Passes over the flat program. */
export function optimize(closed: ClosedJaxpr): FlatProgram {
  const flat = simplify(inlineCalls(closed));
  if (!flat.eqns.some(isControl)) return flat;
  const split = simplify(separateSums(simplify(hoistInvariants(flat))));
  return prepareBodies(simplify(hoistInvariants(blockWeights(split))));
}

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

  const body = schedule(flat);
  const forwarded = new Set(results.filter((r) => r.kind === 'input').map((r) => r.index));
  const donatable = flat.inputs.map((_, i) => options.donate?.[i] === true && !forwarded.has(i));
  const plan = planMemory(body, flat.inputs, computed, donatable, options.layout);
  const { buffers, kernels, steps } = bindSteps(body, plan);
  const program: Program = {
    name: options.name ?? 'main',
    buffers,
    kernels,
    steps,
    constants: [],
    inputCount: flat.inputs.length,
    outputCount: computed.length,
    arenaBytes: plan.arenaBytes,
    donations: plan.donations,
    dynamicExtent: options.dynamicExtent ?? false,
  };
  const constants = flat.constants.map((c) => {
    if (!(c instanceof ConcreteArray)) throw new Error('compile: a constant of the jaxpr is not concrete');
    return c;
  });
  return { program, constants, results };
}

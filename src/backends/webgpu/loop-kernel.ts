/**
 * Loop kernels as compute shaders. A point of the outer loops is the work of one invocation, which runs the stages one
 * after the other, or of a whole workgroup, whose invocations share the iterations of each stage and combine what they
 * accumulated as a tree. Stages of a workgroup see what earlier ones stored.
 */
import { identityOf } from '../../core/combine.js';
import { operandsOf, type Expr } from '../../core/scalar.js';
import type { Accumulator, LoopKernel, Stage, Store } from '../../compiler/loop-ir.js';
import { affine } from '../../compiler/access.js';
import { decode, printStores, sizeOf } from './print.js';
import { Printer, type SlotAccess } from './printer.js';
import { literal, wgslType } from './wgsl.js';

/** Invocations of a workgroup whose points are single invocations. */
const THREADS = 64;
/** The largest workgroup that every device has (WebGPU's default limit of invocations). */
const MAX_GROUP = 256;
/** Iterations of a stage from which a workgroup shares them. */
const SHARED_FROM = 32;
/** Points from which an invocation each keeps a device busy. */
const MANY_POINTS = 4096;

/** A shader without its bindings, and how many workgroups to launch. */
export interface KernelShader {
  readonly workgroupSize: number;
  /** Declarations outside of functions. */
  readonly declarations: string;
  readonly body: string;
  /** Workgroups for a number of points of the outermost loop; constant unless the extent comes at run time. */
  readonly groups: (extent: number) => number;
}

/** All accumulator ids that an expression reads. */
function accumulatorsIn(roots: readonly Expr[]): Set<number> {
  const found = new Set<number>();
  const seen = new Set<Expr>();
  const visit = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    if (e.op === 'acc') found.add(e.id);
    operandsOf(e).forEach(visit);
  };
  roots.forEach(visit);
  return found;
}

const storeRoots = (t: Store): Expr[] => [t.index, t.value, ...(t.mask === undefined ? [] : [t.mask])];
const valuesOf = (stage: Stage): Expr[] => [
  ...stage.accumulators.map(({ update }) => ('combine' in update ? update.value : update.next)),
  ...stage.stores.flatMap(storeRoots),
];

/** Whether iterations may run in any order: accumulators only combine, and no store sees one on the way. */
function isShareable(stage: Stage): boolean {
  const own = new Set(stage.accumulators.map((a) => a.id));
  if (stage.accumulators.some((a) => !('combine' in a.update))) return false;
  const read = accumulatorsIn(valuesOf(stage));
  return ![...own].some((id) => read.has(id));
}

/** Slots that a scatter combines into: several iterations may meet at one element. */
export function atomicSlots(kernel: LoopKernel): Set<number> {
  return new Set(
    kernel.stages.flatMap((stage) =>
      stage.ordered && stage.accumulators.length === 0
        ? stage.stores.filter((t) => t.combine !== undefined).map((t) => t.buffer)
        : [],
    ),
  );
}

/** Whether the invocations of a workgroup would read neighbouring elements if they shared a stage's iterations. */
function readsAlong(stage: Stage): boolean {
  const last = stage.loops.at(-1);
  if (last === undefined) return false;
  const seen = new Set<Expr>();
  let [along, across] = [0, 0];
  const visit = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    if (e.op === 'load') {
      const stride = affine(e.index)?.strides.get(last.id) ?? 0;
      if (stride === 1) along += 1;
      else if (stride !== 0) across += 1;
    }
    operandsOf(e).forEach(visit);
  };
  valuesOf(stage).forEach(visit);
  return along >= across;
}

/** Whether a point is the work of a workgroup. */
function usesGroups({ loops, stages }: LoopKernel): boolean {
  const shared = stages.filter((s) => isShareable(s) && sizeOf(s.loops) >= SHARED_FROM);
  if (shared.length === 0) return false;
  return sizeOf(loops) < MANY_POINTS || shared.every(readsAlong);
}

/** The stages of a scatter as points of their own: its order is that of no device. */
function withoutOrder(kernel: LoopKernel): LoopKernel {
  const [stage, ...rest] = kernel.stages;
  if (stage === undefined || rest.length > 0 || !stage.ordered || stage.accumulators.length > 0) return kernel;
  return { ...kernel, loops: [...kernel.loops, ...stage.loops], stages: [{ ...stage, loops: [] }] };
}

export function loopShader(
  original: LoopKernel,
  slots: readonly SlotAccess[],
  dynamicExtent: boolean,
): KernelShader & { readonly prelude: string } {
  const kernel = withoutOrder(original);
  const printer = new Printer(slots);
  const points = sizeOf(kernel.loops);
  const emitter = new LoopEmitter(printer, kernel);
  if (usesGroups(kernel)) {
    const largest = Math.max(...kernel.stages.map((s) => sizeOf(s.loops)));
    const workgroupSize = Math.min(MAX_GROUP, Math.max(32, 2 ** Math.ceil(Math.log2(largest / 4))));
    emitter.group(workgroupSize);
    return {
      workgroupSize,
      declarations: emitter.declarations,
      prelude: printer.prelude,
      body: printer.text,
      groups: () => points,
    };
  }
  emitter.invocation(dynamicExtent);
  return {
    workgroupSize: THREADS,
    declarations: '',
    prelude: printer.prelude,
    body: printer.text,
    groups: (extent) => Math.ceil((dynamicExtent ? extent : points) / THREADS),
  };
}

class LoopEmitter {
  readonly #declarations: string[] = [];

  constructor(
    private readonly p: Printer,
    private readonly kernel: LoopKernel,
  ) {}

  get declarations(): string {
    return this.#declarations.join('\n');
  }

  /** One point for each invocation. */
  invocation(dynamicExtent: boolean): void {
    const { p, kernel } = this;
    p.line(`let point = i32(group * ${THREADS}u + local);`);
    p.line(`if (point >= ${dynamicExtent ? 'i32(params.extent)' : String(sizeOf(kernel.loops))}) { return; }`);
    decode(p, kernel.loops, 'point');
    for (const stage of kernel.stages) {
      this.#startAccumulators(stage, (acc) => p.value(acc.init));
      this.#nested(stage, 0);
    }
  }

  #startAccumulators(stage: Stage, start: (acc: Accumulator) => string): void {
    for (const acc of stage.accumulators) {
      const name = this.p.name('acc');
      const value = start(acc);
      this.p.line(`var ${name}: ${wgslType(acc.dtype)} = ${value};`);
      this.p.accumulators.set(acc.id, name);
    }
  }

  #nested(stage: Stage, depth: number): void {
    const loop = stage.loops[depth];
    if (loop === undefined) {
      this.p.scope(() => this.#iteration(stage));
      return;
    }
    const i = this.p.name('i');
    this.p.variables.set(loop.id, i);
    this.p.block(`for (var ${i} = 0i; ${i} < ${loop.extent}i; ${i}++)`, () => this.#nested(stage, depth + 1));
  }

  /** One iteration: accumulators from the values before, then the stores. */
  #iteration(stage: Stage): void {
    const { p } = this;
    const next = stage.accumulators.map((acc) => {
      const name = p.accumulators.get(acc.id) ?? '';
      if (!('combine' in acc.update)) return [name, p.value(acc.update.next)] as const;
      return [name, p.declare(p.combine(acc.update.combine, acc.dtype, name, p.value(acc.update.value)))] as const;
    });
    // A new value may be the old one of another accumulator.
    const fresh = next.map(
      ([name, value]) => [name, stage.accumulators.length > 1 ? p.declare(value) : value] as const,
    );
    for (const [name, value] of fresh) p.line(`${name} = ${value};`);
    if (isShareable(stage)) printStores(p, stage.stores);
    else p.scopeAfresh(() => printStores(p, stage.stores));
  }

  /** One point for each workgroup. */
  group(size: number): void {
    const { p, kernel } = this;
    p.line(`if (group >= ${sizeOf(kernel.loops)}u) { return; }`);
    p.line('let point = i32(group);');
    decode(p, kernel.loops, 'point');
    kernel.stages.forEach((stage, i) => {
      if (isShareable(stage) && stage.loops.length > 0) this.#shared(stage, size);
      else this.#alone(stage);
      if (i < kernel.stages.length - 1 && stage.stores.length > 0) {
        p.line('storageBarrier();');
        p.line('workgroupBarrier();');
      }
    });
  }

  /** A stage whose iterations the invocations share. */
  #shared(stage: Stage, size: number): void {
    const { p } = this;
    const total = sizeOf(stage.loops);
    this.#startAccumulators(stage, (acc) =>
      literal(acc.dtype, 'combine' in acc.update ? identityOf(acc.update.combine, acc.dtype) : 0),
    );
    const q = p.name('q');
    p.block(`for (var ${q} = i32(local); ${q} < ${total}i; ${q} += ${size}i)`, () => {
      decode(p, stage.loops, q);
      this.#iteration(stage);
    });
    for (const acc of stage.accumulators) {
      if (!('combine' in acc.update)) continue;
      const { combine } = acc.update;
      const own = p.accumulators.get(acc.id) ?? '';
      const shared = p.name('shared');
      this.#declarations.push(`var<workgroup> ${shared}: array<${wgslType(acc.dtype)}, ${size}>;`);
      p.line(`${shared}[local] = ${own};`);
      p.line('workgroupBarrier();');
      const half = p.name('half');
      p.block(`for (var ${half} = ${size / 2}u; ${half} > 0u; ${half} >>= 1u)`, () => {
        p.block(`if (local < ${half})`, () => {
          const x = p.declare(`${shared}[local]`);
          const y = p.declare(`${shared}[local + ${half}]`);
          p.line(`${shared}[local] = ${p.combine(combine, acc.dtype, x, y)};`);
        });
        p.line('workgroupBarrier();');
      });
      const whole = p.declare(`${shared}[0]`);
      p.accumulators.set(acc.id, p.declare(p.combine(combine, acc.dtype, p.declare(p.value(acc.init)), whole)));
    }
  }

  /** A stage that the first invocation runs by itself; all see its accumulators. */
  #alone(stage: Stage): void {
    const { p } = this;
    this.#startAccumulators(stage, (acc) => p.value(acc.init));
    p.block('if (local == 0u)', () => this.#nested(stage, 0));
    for (const acc of stage.accumulators) {
      const shared = p.name('shared');
      this.#declarations.push(`var<workgroup> ${shared}: ${wgslType(acc.dtype)};`);
      p.line(`if (local == 0u) { ${shared} = ${p.accumulators.get(acc.id) ?? ''}; }`);
      p.line('workgroupBarrier();');
      p.accumulators.set(acc.id, p.declare(shared));
    }
  }
}

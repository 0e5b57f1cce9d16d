/**
 * The text of loop kernels. An invocation runs the stages of its points one after the other; or a workgroup does, whose
 * invocations share the iterations of each stage and bring together what they accumulated, or what each has to know of
 * those before it. Stages of a workgroup see what earlier ones stored.
 */
import { accRef, type Expr } from '../../core/scalar.js';
import type { Accumulator, Loop, LoopKernel, Stage } from '../../compiler/loop-ir.js';
import { bodyRoots } from '../../compiler/stages.js';
import type { GpuCapabilities } from './capabilities.js';
import { LANES, type Lanes } from './lanes.js';
import { decode, printStores } from './print.js';
import type { Printer } from './printer.js';
import { kindOf, readsAlong, sizeOf, startOf, walk } from './stage-kind.js';
import { assign, Together } from './together.js';
import type { Vectors } from './vectors.js';
import { typeText, wgslType } from './wgsl.js';

/** Neighbouring iterations of a scan that one invocation does. */
const SCAN_RUN = 8;

/** Vectors that one invocation adds up before they are added to others. */
const BLOCK = 64;

/** Iterations of a short stage that are printed one after the other, and the nodes of a short one. */
const UNROLLED = 4;
const SHORT = 24;

/** Of elements that lie apart, four rows at a time are slower than one (sums over axis 0 of 4096² on llvmpipe: 44 ms instead of 17). */
function isUnrolled(stage: Stage): boolean {
  let nodes = 0;
  walk(bodyRoots(stage), () => (nodes += 1));
  return nodes <= SHORT && readsAlong(stage);
}

export class LoopEmitter {
  readonly #together: Together;
  readonly #isCpu: boolean;

  constructor(
    private readonly p: Printer,
    private readonly kernel: LoopKernel,
    private readonly vectors: Vectors,
    { isCpu, subgroups }: GpuCapabilities,
  ) {
    this.#isCpu = isCpu;
    this.#together = new Together(p, subgroups);
  }

  get declarations(): string {
    return this.#together.declarations;
  }

  get usesSubgroups(): boolean {
    return this.#together.usesSubgroups;
  }

  /** Points that are the work of an invocation each, or several if fewer are launched. */
  invocation(threads: number, dynamicExtent: boolean): void {
    const { p, kernel } = this;
    const { points } = this.vectors;
    const each = points === undefined ? 1 : LANES;
    const end = dynamicExtent
      ? `i32(params.extent${each === 1 ? '' : ` + ${each - 1}u`}) / ${each}`
      : `${Math.ceil(sizeOf(kernel.loops) / each)}i`;
    p.line(`let launched = i32(workgroups.x * workgroups.y * ${threads}u);`);
    p.loop(`for (var point = i32(group * ${threads}u + local); point < ${end}; point += launched)`, () => {
      decode(p, points === undefined ? kernel.loops : [points.quad], 'point');
      p.inLanes(points, () => {
        for (const stage of kernel.stages) {
          const lanes = this.vectors.stages.get(stage);
          if (lanes === undefined) {
            this.#start(stage, (acc) => acc.init);
            this.#nested(stage, 0);
          } else this.#inVectors(stage, lanes);
          this.#settle(stage);
        }
      });
    });
  }

  /** Variables for the accumulators of a stage; their names. */
  #start(stage: Stage, start: (acc: Accumulator) => Expr): string[] {
    return stage.accumulators.map((acc) => {
      const name = this.p.name('acc');
      const width = this.p.widthOf(accRef(acc.dtype, acc.id));
      const value = this.p.wide(start(acc), width);
      this.p.line(`var ${name}: ${typeText(wgslType(acc.dtype), width)} = ${value};`);
      this.p.accumulate(acc.id, name);
      return name;
    });
  }

  /** A stage in vectors, whose sums are those of blocks: more accurate than one over all. */
  #inVectors(stage: Stage, lanes: Lanes): void {
    const { p } = this;
    const { extent } = lanes.quad;
    const vectors = (begin: string, end: string): string[] => {
      let own: string[] = [];
      p.inLanes(lanes, () => {
        own = this.#start(stage, startOf);
        this.#iterations(stage, lanes.quad, begin, end, () => {
          this.#iteration(stage);
        });
      });
      return own;
    };
    if (stage.accumulators.length === 0) {
      vectors('0i', `${extent}i`);
      return;
    }
    const total = this.#together.initial(stage);
    const begin = p.name('begin');
    p.loop(`for (var ${begin} = 0i; ${begin} < ${extent}i; ${begin} += ${BLOCK}i)`, () => {
      const own = vectors(begin, p.declare(`min(${begin} + ${BLOCK}i, ${extent}i)`));
      this.#together.merge(stage, total, this.#together.lanes(stage, own));
    });
    this.#restore(stage, total);
  }

  #nested(stage: Stage, depth: number): void {
    const loop = stage.loops[depth];
    if (loop === undefined) {
      this.p.scope(() => {
        this.#iteration(stage);
      });
      return;
    }
    this.#iterations(depth === stage.loops.length - 1 ? stage : undefined, loop, '0i', `${loop.extent}i`, () => {
      this.#nested(stage, depth + 1);
    });
  }

  /** A loop over a variable; over the iterations of a short stage several at a time, if what repeats them costs as much as they do. */
  #iterations(stage: Stage | undefined, { id, extent }: Loop, begin: string, end: string, body: () => void): void {
    const { p } = this;
    const step = this.#isCpu && extent % UNROLLED === 0 && stage !== undefined && isUnrolled(stage) ? UNROLLED : 1;
    const i = p.name('i');
    p.loop(`for (var ${i} = ${begin}; ${i} < ${end}; ${i} += ${step}i)`, () => {
      for (let k = 0; k < step; k++)
        p.scope(() => {
          p.bind(id, k === 0 ? i : p.declare(`${i} + ${k}i`));
          body();
        });
    });
  }

  /** One iteration: accumulators from the values before, then the stores. */
  #iteration(stage: Stage): void {
    this.#update(stage);
    if (kindOf(stage) === 'shared') printStores(this.p, stage.stores);
    else
      this.p.scopeAfresh(() => {
        printStores(this.p, stage.stores);
      });
  }

  #update(stage: Stage): void {
    const { p } = this;
    assign(
      p,
      stage.accumulators.map(({ id, dtype, update }) => {
        const name = p.accumulators.get(id) ?? '';
        const width = p.widthOf(accRef(dtype, id));
        const value = p.wide('combine' in update ? update.value : update.next, width);
        return [name, 'combine' in update ? p.combine(update.combine, dtype, name, value, width) : value] as const;
      }),
    );
  }

  /** One point for each workgroup. */
  group(size: number): void {
    const { p, kernel } = this;
    p.line(`if (group >= ${sizeOf(kernel.loops)}u) { return; }`);
    p.line('let point = i32(group);');
    decode(p, kernel.loops, 'point');
    kernel.stages.forEach((stage, i) => {
      const kind = stage.loops.length === 0 ? 'serial' : kindOf(stage);
      if (kind === 'shared') this.#shared(stage, size);
      else if (kind === 'scan') this.#scan(stage, size);
      else this.#alone(stage);
      this.#settle(stage);
      if (i < kernel.stages.length - 1 && stage.stores.length > 0) {
        p.line('storageBarrier();');
        p.line('workgroupBarrier();');
      }
    });
  }

  /** A stage whose iterations the invocations share, and then bring together what each accumulated. */
  #shared(stage: Stage, size: number): void {
    const { p } = this;
    const lanes = this.vectors.stages.get(stage);
    let own: string[] = [];
    p.inLanes(lanes, () => {
      own = this.#start(stage, startOf);
      const q = p.name('q');
      const loops = lanes === undefined ? stage.loops : [lanes.quad];
      p.loop(`for (var ${q} = i32(local); ${q} < ${sizeOf(loops)}i; ${q} += ${size}i)`, () => {
        decode(p, loops, q);
        this.#iteration(stage);
      });
    });
    if (own.length === 0) return;
    if (lanes !== undefined) own = this.#together.lanes(stage, own);
    this.#restore(stage, this.#together.whole(stage, own, size));
  }

  /** Accumulators are those of these names. */
  #restore(stage: Stage, names: readonly string[]): void {
    stage.accumulators.forEach(({ id }, i) => {
      this.p.accumulate(id, names[i] ?? '');
    });
  }

  /** What the stages after it read. */
  #settle(stage: Stage): void {
    for (const { id } of stage.accumulators) this.p.settle(id);
  }

  /**
   * A stage whose stores see the accumulators on the way. Each invocation takes a run of neighbouring iterations: what they
   * accumulate, what those of the invocations before do, and then its iterations again from there.
   */
  #scan(stage: Stage, size: number): void {
    const { p } = this;
    const total = sizeOf(stage.loops);
    const run = Math.min(SCAN_RUN, Math.ceil(total / size));
    const { place, before } = this.#together.scan(stage, size);
    const carried = this.#start(stage, (acc) => acc.init);
    const iterations = (body: () => void): void => {
      const q = p.name('q');
      p.loop(`for (var ${q} = begin; ${q} < end; ${q}++)`, () => {
        decode(p, stage.loops, q);
        body();
      });
    };
    const base = p.name('base');
    p.loop(`for (var ${base} = 0i; ${base} < ${total}i; ${base} += ${size * run}i)`, () => {
      p.line(`let begin = ${base} + i32(${place}) * ${run}i;`);
      p.line(`let end = min(begin + ${run}i, ${total}i);`);
      const own = this.#start(stage, (acc) => acc.init);
      iterations(() => {
        this.#update(stage);
      });
      this.#restore(stage, before(own, carried));
      iterations(() => {
        this.#iteration(stage);
      });
      p.line('workgroupBarrier();');
    });
    this.#restore(stage, carried);
  }

  /** A stage that the first invocation runs by itself; all see its accumulators. */
  #alone(stage: Stage): void {
    const { p } = this;
    const own = this.#start(stage, (acc) => acc.init);
    p.block('if (local == 0u)', () => {
      this.#nested(stage, 0);
    });
    if (own.length === 0) return;
    const shared = this.#together.memory(stage, 1);
    p.block('if (local == 0u)', () => {
      own.forEach((name, i) => {
        p.line(`${shared[i] ?? ''}[0] = ${name};`);
      });
    });
    p.line('workgroupBarrier();');
    this.#restore(
      stage,
      shared.map((name) => p.declare(`${name}[0]`)),
    );
  }
}

/**
 * The text of loop kernels. An invocation runs the stages of its points one after the other; or a workgroup does, whose
 * invocations share the iterations of each stage and bring together what they accumulated, or what each has to know of
 * those before it. Stages of a workgroup see what earlier ones stored.
 */
import { accRef, type Expr } from '../../core/scalar.js';
import type { Accumulator, LoopKernel, Stage } from '../../compiler/loop-ir.js';
import { laterPart } from '../../compiler/loop-ir.js';
import { LANES } from './lanes.js';
import { decode, printStores } from './print.js';
import type { Printer } from './printer.js';
import { kindOf, sizeOf, startOf } from './stage-kind.js';
import type { Vectors } from './vectors.js';
import { typeText, wgslType } from './wgsl.js';

/** Neighbouring iterations of a scan that one invocation does. */
const SCAN_RUN = 8;

export class LoopEmitter {
  readonly #declarations: string[] = [];

  constructor(
    private readonly p: Printer,
    private readonly kernel: LoopKernel,
    private readonly vectors: Vectors,
  ) {}

  get declarations(): string {
    return this.#declarations.join('\n');
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
          this.#start(stage, (acc) => acc.init);
          this.#nested(stage, 0);
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

  #nested(stage: Stage, depth: number): void {
    const loop = stage.loops[depth];
    if (loop === undefined) {
      this.p.scope(() => {
        this.#iteration(stage);
      });
      return;
    }
    const i = this.p.name('i');
    this.p.loop(`for (var ${i} = 0i; ${i} < ${loop.extent}i; ${i}++)`, () => {
      this.p.bind(loop.id, i);
      this.#nested(stage, depth + 1);
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
    this.#assign(
      stage.accumulators.map(({ id, dtype, update }) => {
        const name = p.accumulators.get(id) ?? '';
        const width = p.widthOf(accRef(dtype, id));
        const value = p.wide('combine' in update ? update.value : update.next, width);
        return [name, 'combine' in update ? p.combine(update.combine, dtype, name, value, width) : value] as const;
      }),
    );
  }

  /** Assign all at once: a new value may be the old one of another variable. */
  #assign(values: readonly (readonly [name: string, value: string])[]): void {
    const { p } = this;
    const ready = values.length > 1 ? values.map(([name, value]) => [name, p.declare(value)] as const) : values;
    for (const [name, value] of ready) p.line(`${name} = ${value};`);
  }

  /** Accumulators, by the names of their variables, with what a later part has accumulated. */
  #merge(stage: Stage, names: readonly string[], later: readonly string[]): void {
    const { p } = this;
    p.scopeAfresh(() => {
      const parts = later.map((text) => p.declare(text));
      stage.accumulators.forEach(({ id }, i) => {
        p.accumulate(id, names[i] ?? '');
        p.accumulate(laterPart(id), parts[i] ?? '');
      });
      this.#assign(
        stage.accumulators.map(({ dtype, update }, i) => {
          const name = names[i] ?? '';
          if ('combine' in update) return [name, p.combine(update.combine, dtype, name, parts[i] ?? '')] as const;
          if (update.merge === undefined) throw new Error('internal error: a stage that must run in order was shared');
          return [name, p.value(update.merge)] as const;
        }),
      );
    });
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

  /** Workgroup memory for the accumulators of a stage, one of each for every invocation. */
  #memory(stage: Stage, size: number): string[] {
    return stage.accumulators.map(({ dtype }) => {
      const name = this.p.name('shared');
      this.#declarations.push(`var<workgroup> ${name}: array<${wgslType(dtype)}, ${size}>;`);
      return name;
    });
  }

  /** A stage whose iterations the invocations share; they bring together what each accumulated in two rounds. */
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
    if (lanes !== undefined) own = this.#acrossLanes(stage, own);
    const shared = this.#memory(stage, size);
    const width = 2 ** Math.ceil(Math.log2(size) / 2);
    const write = (): void => {
      own.forEach((name, i) => {
        p.line(`${shared[i] ?? ''}[local] = ${name};`);
      });
    };
    write();
    p.line('workgroupBarrier();');
    p.block(`if (local < ${width}u)`, () => {
      const i = p.name('i');
      p.loop(`for (var ${i} = local + ${width}u; ${i} < ${size}u; ${i} += ${width}u)`, () => {
        this.#merge(
          stage,
          own,
          shared.map((s) => `${s}[${i}]`),
        );
      });
      write();
    });
    p.line('workgroupBarrier();');
    const whole = this.#start(stage, (acc) => acc.init);
    const i = p.name('i');
    p.loop(`for (var ${i} = 0u; ${i} < ${width}u; ${i}++)`, () => {
      this.#merge(
        stage,
        whole,
        shared.map((s) => `${s}[${i}]`),
      );
    });
    this.#restore(stage, whole);
  }

  /** Variables for what all lanes of vectors have accumulated. */
  #acrossLanes(stage: Stage, vectors: readonly string[]): string[] {
    const sum = this.#variables(
      stage,
      vectors.map((name) => `${name}.x`),
    );
    for (const lane of ['y', 'z', 'w'])
      this.#merge(
        stage,
        sum,
        vectors.map((name) => `${name}.${lane}`),
      );
    return sum;
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
   * accumulate, what those of the invocations before do, and then its iterations again from there. What the
   * invocations have is brought together in segments, so that nobody reads more than a few values.
   */
  #scan(stage: Stage, size: number): void {
    const { p } = this;
    const total = sizeOf(stage.loops);
    const run = Math.min(SCAN_RUN, Math.ceil(total / size));
    const segments = 2 ** Math.ceil(Math.log2(size) / 2);
    const segment = size / segments;
    const shared = this.#memory(stage, size);
    const carried = this.#start(stage, (acc) => acc.init);
    const read = (index: string): string[] => shared.map((s) => `${s}[${index}]`);
    const write = (names: readonly string[], index: string): void => {
      names.forEach((name, i) => {
        p.line(`${shared[i] ?? ''}[${index}] = ${name};`);
      });
    };
    const iterations = (body: () => void): void => {
      const q = p.name('q');
      p.loop(`for (var ${q} = begin; ${q} < end; ${q}++)`, () => {
        decode(p, stage.loops, q);
        body();
      });
    };
    const base = p.name('base');
    p.loop(`for (var ${base} = 0i; ${base} < ${total}i; ${base} += ${size * run}i)`, () => {
      p.line(`let begin = ${base} + i32(local) * ${run}i;`);
      p.line(`let end = min(begin + ${run}i, ${total}i);`);
      const own = this.#start(stage, (acc) => acc.init);
      iterations(() => {
        this.#update(stage);
      });
      write(own, 'local');
      p.line('workgroupBarrier();');
      p.block(`if (local < ${segments}u)`, () => {
        p.line(`let first = local * ${segment}u;`);
        const sum = this.#variables(stage, read('first'));
        const i = p.name('i');
        p.loop(`for (var ${i} = first + 1u; ${i} < first + ${segment}u; ${i}++)`, () => {
          this.#merge(stage, sum, read(i));
          write(sum, i);
        });
      });
      p.line('workgroupBarrier();');
      const before = this.#variables(stage, carried);
      const j = p.name('j');
      const last = `${j} * ${segment}u + ${segment - 1}u`;
      p.loop(`for (var ${j} = 0u; ${j} < local / ${segment}u; ${j}++)`, () => {
        this.#merge(stage, before, read(last));
      });
      p.block(`if (local % ${segment}u != 0u)`, () => {
        this.#merge(stage, before, read('local - 1u'));
      });
      p.loop(`for (var ${j} = 0u; ${j} < ${segments}u; ${j}++)`, () => {
        this.#merge(stage, carried, read(last));
      });
      this.#restore(stage, before);
      iterations(() => {
        this.#iteration(stage);
      });
      p.line('workgroupBarrier();');
    });
    this.#restore(stage, carried);
  }

  /** Variables of the accumulators' types. */
  #variables(stage: Stage, values: readonly string[]): string[] {
    return stage.accumulators.map(({ dtype }, i) => {
      const name = this.p.name('acc');
      this.p.line(`var ${name}: ${wgslType(dtype)} = ${values[i] ?? ''};`);
      return name;
    });
  }

  /** A stage that the first invocation runs by itself; all see its accumulators. */
  #alone(stage: Stage): void {
    const { p } = this;
    const own = this.#start(stage, (acc) => acc.init);
    p.block('if (local == 0u)', () => {
      this.#nested(stage, 0);
    });
    if (own.length === 0) return;
    const shared = stage.accumulators.map(({ dtype }) => {
      const name = p.name('shared');
      this.#declarations.push(`var<workgroup> ${name}: ${wgslType(dtype)};`);
      return name;
    });
    p.block('if (local == 0u)', () => {
      own.forEach((name, i) => {
        p.line(`${shared[i] ?? ''} = ${name};`);
      });
    });
    p.line('workgroupBarrier();');
    this.#restore(
      stage,
      shared.map((name) => p.declare(name)),
    );
  }
}

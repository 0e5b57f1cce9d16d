/**
 * How the invocations of a workgroup bring together what each accumulated: in subgroups, where shaders may use them, and
 * through workgroup memory.
 */
import { laterPart, type Stage } from '../../compiler/loop-ir.js';
import type { SubgroupSizes } from './capabilities.js';
import type { Printer } from './printer.js';
import { startOf } from './stage-kind.js';
import { combinedInSubgroup, doubling, shuffled } from './subgroups.js';
import { wgslType } from './wgsl.js';

/** Subgroups of a workgroup up to which each invocation of a scan goes over all of them. */
const MOST_SUBGROUPS = 16;

/** What a scan knows before its invocations go over their iterations again. */
export interface Scan {
  /** The text of an invocation's number, in whose order they share the iterations. */
  readonly place: string;
  /**
   * Variables of what was carried and what the invocations before have, from what each of them has; `carried` gets what
   * all have. Workgroup memory is read until the next barrier.
   */
  readonly before: (own: readonly string[], carried: readonly string[]) => string[];
}

export class Together {
  readonly #declarations: string[] = [];
  usesSubgroups = false;

  constructor(
    private readonly p: Printer,
    /** Undefined where there are none. */
    private readonly subgroups: SubgroupSizes | undefined,
  ) {}

  get declarations(): string {
    return this.#declarations.join('\n');
  }

  /** Variables of the accumulators' types. */
  variables(stage: Stage, values: readonly string[]): string[] {
    return stage.accumulators.map(({ dtype }, i) => {
      const name = this.p.name('acc');
      this.p.line(`var ${name}: ${wgslType(dtype)} = ${values[i] ?? ''};`);
      return name;
    });
  }

  initial(stage: Stage): string[] {
    return this.variables(
      stage,
      stage.accumulators.map((acc) => this.p.value(acc.init)),
    );
  }

  /** Workgroup memory for the accumulators of a stage, `size` of each. */
  memory(stage: Stage, size: number): string[] {
    return stage.accumulators.map(({ dtype }) => {
      const name = this.p.name('shared');
      this.#declarations.push(`var<workgroup> ${name}: array<${wgslType(dtype)}, ${size}>;`);
      return name;
    });
  }

  #write(names: readonly string[], shared: readonly string[], index: string): void {
    names.forEach((name, i) => {
      this.p.line(`${shared[i] ?? ''}[${index}] = ${name};`);
    });
  }

  /** Accumulators, by the names of their variables, with what a later part has accumulated. */
  merge(stage: Stage, names: readonly string[], later: readonly string[]): void {
    const { p } = this;
    p.scopeAfresh(() => {
      const parts = later.map((text) => p.declare(text));
      stage.accumulators.forEach(({ id }, i) => {
        p.accumulate(id, names[i] ?? '');
        p.accumulate(laterPart(id), parts[i] ?? '');
      });
      assign(
        p,
        stage.accumulators.map(({ dtype, update }, i) => {
          const name = names[i] ?? '';
          if ('combine' in update) return [name, p.combine(update.combine, dtype, name, parts[i] ?? '')] as const;
          if (update.merge === undefined) throw new Error('internal error: a stage that must run in order was shared');
          return [name, p.value(update.merge)] as const;
        }),
      );
    });
  }

  /** Variables for what all lanes of vectors have accumulated. */
  lanes(stage: Stage, vectors: readonly string[]): string[] {
    const sum = this.variables(
      stage,
      vectors.map((name) => `${name}.x`),
    );
    for (const lane of ['y', 'z', 'w'])
      this.merge(
        stage,
        sum,
        vectors.map((name) => `${name}.${lane}`),
      );
    return sum;
  }

  /** Variables, in every invocation, of what all `size` of them accumulated. */
  whole(stage: Stage, own: readonly string[], size: number): string[] {
    const { subgroups } = this;
    return subgroups === undefined
      ? this.#wholeInMemory(stage, own, size)
      : this.#wholeInSubgroups(stage, own, size, subgroups);
  }

  /** What the invocations accumulated brought together in subgroups, and then what the subgroups did, if there are several. */
  #wholeInSubgroups(stage: Stage, own: readonly string[], size: number, sizes: SubgroupSizes): string[] {
    const { p } = this;
    this.usesSubgroups = true;
    this.#acrossSubgroup(stage, own, size, sizes);
    let total = own;
    if (size > sizes.least) {
      const shared = this.memory(stage, size / sizes.least);
      p.block('if (lane == 0u)', () => {
        this.#write(own, shared, 'subgroup');
      });
      p.line('workgroupBarrier();');
      total = this.variables(
        stage,
        stage.accumulators.map((acc) => p.value(startOf(acc))),
      );
      const i = p.name('i');
      p.loop(`for (var ${i} = lane; ${i} < subgroups; ${i} += subgroup_size)`, () => {
        this.merge(
          stage,
          total,
          shared.map((s) => `${s}[${i}]`),
        );
      });
      this.#acrossSubgroup(stage, total, size, sizes);
    }
    const whole = this.initial(stage);
    this.merge(stage, whole, total);
    return whole;
  }

  /** Each invocation of a subgroup gets what all of them have. */
  #acrossSubgroup(stage: Stage, names: readonly string[], size: number, sizes: SubgroupSizes): void {
    const { p } = this;
    const rest = stage.accumulators.flatMap((acc, i) => {
      const name = names[i] ?? '';
      const { update, dtype } = acc;
      const combined = 'combine' in update ? combinedInSubgroup(p, update.combine, dtype, name) : undefined;
      if (combined === undefined) return [{ acc, name }];
      p.line(`${name} = ${combined};`);
      return [];
    });
    if (rest.length === 0) return;
    const left = { ...stage, accumulators: rest.map(({ acc }) => acc) };
    doubling(p, sizes, size, (distance) => {
      this.merge(
        left,
        rest.map(({ name }) => name),
        rest.map(({ acc, name }) => shuffled('Xor', acc.dtype, name, distance)),
      );
    });
  }

  /** What the invocations accumulated brought together in two rounds through workgroup memory. */
  #wholeInMemory(stage: Stage, own: readonly string[], size: number): string[] {
    const { p } = this;
    const shared = this.memory(stage, size);
    const width = 2 ** Math.ceil(Math.log2(size) / 2);
    this.#write(own, shared, 'local');
    p.line('workgroupBarrier();');
    p.block(`if (local < ${width}u)`, () => {
      const i = p.name('i');
      p.loop(`for (var ${i} = local + ${width}u; ${i} < ${size}u; ${i} += ${width}u)`, () => {
        this.merge(
          stage,
          own,
          shared.map((s) => `${s}[${i}]`),
        );
      });
      this.#write(own, shared, 'local');
    });
    p.line('workgroupBarrier();');
    const whole = this.initial(stage);
    const i = p.name('i');
    p.loop(`for (var ${i} = 0u; ${i} < ${width}u; ${i}++)`, () => {
      this.merge(
        stage,
        whole,
        shared.map((s) => `${s}[${i}]`),
      );
    });
    return whole;
  }

  /** What the `size` invocations that share the iterations of a scan need of each other. */
  scan(stage: Stage, size: number): Scan {
    const { subgroups } = this;
    if (subgroups === undefined || size > MOST_SUBGROUPS * subgroups.least) {
      const shared = this.memory(stage, size);
      return {
        place: 'local',
        before: (own, carried) => this.#beforeInMemory(stage, own, carried, shared, size),
      };
    }
    const shared = this.memory(stage, Math.max(1, size / subgroups.least));
    return {
      // Which invocations are in a subgroup their own numbers do not say.
      place: '(subgroup * subgroup_size + lane)',
      before: (own, carried) => this.#beforeInSubgroups(stage, own, carried, shared, size, subgroups),
    };
  }

  /** In segments, so that nobody reads more than a few values. */
  #beforeInMemory(
    stage: Stage,
    own: readonly string[],
    carried: readonly string[],
    shared: readonly string[],
    size: number,
  ): string[] {
    const { p } = this;
    const segments = 2 ** Math.ceil(Math.log2(size) / 2);
    const segment = size / segments;
    const read = (index: string): string[] => shared.map((s) => `${s}[${index}]`);
    this.#write(own, shared, 'local');
    p.line('workgroupBarrier();');
    p.block(`if (local < ${segments}u)`, () => {
      p.line(`let first = local * ${segment}u;`);
      const sum = this.variables(stage, read('first'));
      const i = p.name('i');
      p.loop(`for (var ${i} = first + 1u; ${i} < first + ${segment}u; ${i}++)`, () => {
        this.merge(stage, sum, read(i));
        this.#write(sum, shared, i);
      });
    });
    p.line('workgroupBarrier();');
    const before = this.variables(stage, carried);
    const j = p.name('j');
    const last = `${j} * ${segment}u + ${segment - 1}u`;
    p.loop(`for (var ${j} = 0u; ${j} < local / ${segment}u; ${j}++)`, () => {
      this.merge(stage, before, read(last));
    });
    p.block(`if (local % ${segment}u != 0u)`, () => {
      this.merge(stage, before, read('local - 1u'));
    });
    p.loop(`for (var ${j} = 0u; ${j} < ${segments}u; ${j}++)`, () => {
      this.merge(stage, carried, read(last));
    });
    return before;
  }

  #beforeInSubgroups(
    stage: Stage,
    own: readonly string[],
    carried: readonly string[],
    shared: readonly string[],
    size: number,
    sizes: SubgroupSizes,
  ): string[] {
    const { p } = this;
    this.usesSubgroups = true;
    const earlier = (distance: number): string[] =>
      stage.accumulators.map(({ dtype }, i) => p.declare(shuffled('Up', dtype, own[i] ?? '', distance)));
    doubling(p, sizes, size, (distance) => {
      const parts = earlier(distance);
      p.block(`if (lane >= ${distance}u)`, () => {
        this.merge(stage, own, parts);
      });
    });
    const parts = earlier(1);
    p.block(`if (lane == min(subgroup_size, ${size}u) - 1u)`, () => {
      this.#write(own, shared, 'subgroup');
    });
    p.line('workgroupBarrier();');
    const before = this.variables(stage, carried);
    const j = p.name('j');
    p.loop(`for (var ${j} = 0u; ${j} < subgroups; ${j}++)`, () => {
      const segment = shared.map((s) => p.declare(`${s}[${j}]`));
      p.block(`if (${j} < subgroup)`, () => {
        this.merge(stage, before, segment);
      });
      this.merge(stage, carried, segment);
    });
    p.block('if (lane > 0u)', () => {
      this.merge(stage, before, parts);
    });
    return before;
  }
}

/** Assign all at once: a new value may be the old one of another variable. */
export function assign(p: Printer, values: readonly (readonly [name: string, value: string])[]): void {
  const ready = values.length > 1 ? values.map(([name, value]) => [name, p.declare(value)] as const) : values;
  for (const [name, value] of ready) p.line(`${name} = ${value};`);
}

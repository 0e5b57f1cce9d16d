/**
 * The sums of a product whose operands a workgroup brings into its memory, a block of terms at a time, as vectors of four rows
 * or columns. What is beyond the edges is zero there, so that the inner loop asks nothing.
 */
import type { Expr, LoopVar } from '../../core/scalar.js';
import { lanesOf, type ContractPlan, type Reading } from './contract-plan.js';
import { invocationsOf } from './tile.js';
import { printProducts } from './contract-sums.js';
import { LANES, type Lanes } from './lanes.js';
import { components, type Printer } from './printer.js';
import { readsNeighbours } from './stage-kind.js';
import { literal, typeText, wgslType } from './wgsl.js';

/** One operand: where its blocks are, and what is in them. */
interface Side {
  readonly block: string;
  readonly value: Expr;
  readonly reading: Reading;
  readonly outer: LoopVar;
  /** First row or column of the tile, and how many there are. */
  readonly origin: string;
  readonly extent: number;
}

export function contractBlocks(
  p: Printer,
  plan: ContractPlan,
): { readonly rows: readonly string[]; readonly declarations: string } {
  const { kernel, tile, m, n } = plan;
  const { gridRows, gridColumns, height, width, depth } = tile;
  const [k] = plan.terms;
  if (k === undefined) throw new Error('internal error: a product in blocks has one loop over its terms');
  const vector = typeText(wgslType(kernel.dtype), LANES);
  const sides: readonly Side[] = [
    { block: 'lhs_block', value: plan.lhs, reading: plan.lhsReading, outer: m, origin: 'm0', extent: height },
    { block: 'rhs_block', value: plan.rhs, reading: plan.rhsReading, outer: n, origin: 'n0', extent: width },
  ];
  const emitter = new BlockEmitter(p, plan, { ...k, op: 'var', type: 'int32' });
  const sum = (): void =>
    p.loop(`for (var k0 = 0i; k0 < ${k.extent}i; k0 += ${depth}i)`, () => {
      for (const side of sides) emitter.bring(side);
      p.line('workgroupBarrier();');
      p.line('var at_x = row;');
      p.line('var at_y = column;');
      p.loop(`for (var k = 0i; k < ${depth}i; k++)`, () => {
        const [down, across] = [height / gridRows / LANES, width / gridColumns / LANES];
        const x = Array.from({ length: down }, (_, i) => p.declare(`lhs_block[at_x + ${i * gridRows}i]`));
        const y = Array.from({ length: across }, (_, j) => p.declare(`rhs_block[at_y + ${j * gridColumns}i]`));
        printProducts(p, kernel.dtype === 'bool', x.flatMap(components), y);
        p.line(`at_x += ${height / LANES}i;`);
        p.line(`at_y += ${width / LANES}i;`);
      });
      p.line('workgroupBarrier();');
    });
  // What has no elements is not read.
  if (k.extent > 0) sum();
  const rows = Array.from({ length: height / gridRows / LANES }, (_, i) =>
    Array.from({ length: LANES }, (__, lane) => p.declare(`m0 + (row + ${i * gridRows}i) * ${LANES}i + ${lane}i`)),
  );
  return {
    rows: rows.flat(),
    declarations: sides
      .map(({ block, extent }) => `var<workgroup> ${block}: array<${vector}, ${(depth * extent) / LANES}>;`)
      .join('\n'),
  };
}

class BlockEmitter {
  readonly #zero: string;
  readonly #vector: string;

  constructor(
    private readonly p: Printer,
    private readonly plan: ContractPlan,
    private readonly k: LoopVar,
  ) {
    const { dtype } = plan.kernel;
    this.#zero = literal(dtype, 0);
    this.#vector = typeText(wgslType(dtype), LANES);
  }

  /** Bring a block of an operand into workgroup memory. */
  bring(side: Side): void {
    const { depth } = this.plan.tile;
    const { reading, extent } = side;
    if (reading === 'outer') this.#items(depth, extent / LANES, false, (k, o) => this.#whole(side, k, o));
    else if (reading === 'terms') this.#items(depth / LANES, extent / LANES, true, (k, o) => this.#turned(side, k, o));
    else this.#items(depth, extent / LANES, this.#alongTerms(side), (k, o) => this.#single(side, k, o));
  }

  /** Whether neighbouring terms are neighbours in memory rather than neighbouring rows or columns. */
  #alongTerms({ value, outer }: Side): boolean {
    return readsNeighbours(value, this.k.id) && !readsNeighbours(value, outer.id);
  }

  /** A loop over the parts of a block, in which invocations take turns. */
  #items(terms: number, across: number, alongTerms: boolean, body: (k: string, o: string) => void): void {
    const { p } = this;
    const e = p.name('e');
    const size = terms * across;
    p.loop(`for (var ${e} = i32(local); ${e} < ${size}i; ${e} += ${invocationsOf(this.plan.tile)}i)`, () => {
      const fast = alongTerms ? terms : across;
      const low = p.declare(`${e} % ${fast}i`);
      const high = p.declare(`${e} / ${fast}i`);
      if (alongTerms) body(low, high);
      else body(high, low);
    });
  }

  /** Run `body` if the position is inside, which is asked only where it may not be. */
  #inside(conditions: readonly (readonly [at: string, extent: number, size: number])[], body: () => void): void {
    const asked = conditions.filter(([, extent, size]) => extent % size !== 0);
    if (asked.length === 0) this.p.scope(body);
    else this.p.block(`if (${asked.map(([at, extent]) => `${at} < ${extent}i`).join(' && ')})`, body);
  }

  #store({ block, extent }: Side, k: string, o: string, value: string): void {
    this.p.line(`${block}[${k} * ${extent / LANES}i + ${o}] = ${value};`);
  }

  #lanes(variable: LoopVar): Lanes {
    const lanes = lanesOf(variable, this.plan.fresh);
    if (lanes === undefined) throw new Error('internal error: an axis that does not fill vectors');
    return lanes;
  }

  /** Four rows or columns that are neighbours in memory, of one term. */
  #whole(side: Side, k: string, o: string): void {
    const { p, plan } = this;
    const { outer, origin, extent } = side;
    const lanes = this.#lanes(outer);
    const term = p.declare(`k0 + ${k}`);
    const quad = p.declare(`${origin} / ${LANES} + ${o}`);
    const value = p.name('value');
    p.line(`var ${value} = ${this.#vector}(${this.#zero});`);
    const inside = [
      [term, this.k.extent, plan.tile.depth],
      [quad, outer.extent / LANES, extent / LANES],
    ] as const;
    this.#inside(inside, () => {
      p.bind(this.k.id, term);
      p.bind(lanes.quad.id, quad);
      p.withLanes(lanes, () => {
        p.line(`${value} = ${p.wide(side.value, LANES)};`);
      });
    });
    this.#store(side, k, o, value);
  }

  /** Four terms that are neighbours in memory, of four rows or columns: as vectors of those for each term. */
  #turned(side: Side, k: string, o: string): void {
    const { p, plan, k: terms } = this;
    const { outer, origin, extent } = side;
    const lanes = this.#lanes(terms);
    const quad = p.declare(`k0 / ${LANES} + ${k}`);
    p.bind(lanes.quad.id, quad);
    const values = Array.from({ length: LANES }, (_, lane) => {
      const at = p.declare(`${origin} + ${o} * ${LANES}i + ${lane}i`);
      const value = p.name('value');
      p.line(`var ${value} = ${this.#vector}(${this.#zero});`);
      const inside = [
        [quad, terms.extent / LANES, plan.tile.depth / LANES],
        [at, outer.extent, extent],
      ] as const;
      this.#inside(inside, () => {
        p.bind(outer.id, at);
        p.withLanes(lanes, () => {
          p.line(`${value} = ${p.wide(side.value, LANES)};`);
        });
      });
      return value;
    });
    components('').forEach((component, term) => {
      const parts = values.map((value) => `${value}${component}`);
      this.#store(side, `(${k} * ${LANES}i + ${term}i)`, o, `${this.#vector}(${parts.join(', ')})`);
    });
  }

  /** Four rows or columns of one term, one by one. */
  #single(side: Side, k: string, o: string): void {
    const { p, plan } = this;
    const { outer, origin, extent } = side;
    const term = p.declare(`k0 + ${k}`);
    p.bind(this.k.id, term);
    const values = Array.from({ length: LANES }, (_, lane) => {
      const at = p.declare(`${origin} + ${o} * ${LANES}i + ${lane}i`);
      const value = p.name('value');
      p.line(`var ${value} = ${this.#zero};`);
      const inside = [
        [term, this.k.extent, plan.tile.depth],
        [at, outer.extent, extent],
      ] as const;
      this.#inside(inside, () => {
        p.bind(outer.id, at);
        p.line(`${value} = ${p.value(side.value)};`);
      });
      return value;
    });
    this.#store(side, k, o, `${this.#vector}(${values.join(', ')})`);
  }
}

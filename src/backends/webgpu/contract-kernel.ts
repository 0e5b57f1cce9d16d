/**
 * Matrix products as compute shaders. A workgroup computes a tile of the product: it brings a block of each operand into
 * workgroup memory, each invocation multiplies its rows and columns of them and keeps a block of results in registers, and
 * the epilogue goes over that. Operands are read wherever they are, so that transposes and convolutions cost no copy; what is
 * beyond the edges is zero in workgroup memory, so that the inner loop asks nothing.
 */
import { affine } from '../../compiler/access.js';
import type { ContractAxis, ContractKernel, ContractOperand } from '../../compiler/loop-ir.js';
import type { GpuCapabilities } from './capabilities.js';
import { contractTile, invocationsOf, LANES, type Tile } from './contract-tile.js';
import type { KernelShader } from './loop-kernel.js';
import { decode, printStores } from './print.js';
import { Printer, type SlotAccess } from './printer.js';
import { sizeOf, walk } from './stage-kind.js';
import { literal, wgslType } from './wgsl.js';

export function contractShader(
  kernel: ContractKernel,
  slots: readonly SlotAccess[],
  _capabilities: GpuCapabilities,
): KernelShader & { readonly prelude: string } {
  const printer = new Printer(slots);
  const [batch, m, n] = [sizeOf(kernel.batch), sizeOf(kernel.m), sizeOf(kernel.n)];
  const tile = contractTile(batch, m, n, sizeOf(kernel.k));
  const emitter = new ContractEmitter(printer, kernel, tile);
  emitter.emit();
  const groups = batch * Math.ceil(m / tile.height) * Math.ceil(n / tile.width);
  return {
    workgroupSize: invocationsOf(tile),
    declarations: emitter.declarations,
    prelude: printer.prelude,
    body: printer.text,
    usesSubgroups: false,
    groups: () => groups,
  };
}

type Side = 'lhsStride' | 'rhsStride';

/** Whether an operand's neighbours in memory lie along an axis. */
function contiguousIn(operand: ContractOperand, axes: readonly ContractAxis[], side: Side): boolean {
  const last = axes.at(-1);
  if (last === undefined) return false;
  if ('buffer' in operand) return last[side] === 1;
  let found = false;
  walk([operand.value], (e) => {
    if (e.op === 'load') found ||= affine(e.index)?.strides.get(last.id) === 1;
  });
  return found;
}

class ContractEmitter {
  readonly #type: string;
  readonly #zero: string;

  constructor(
    private readonly p: Printer,
    private readonly kernel: ContractKernel,
    private readonly tile: Tile,
  ) {
    this.#type = wgslType(kernel.dtype);
    this.#zero = literal(kernel.dtype, 0);
  }

  get declarations(): string {
    const { height, width, depth } = this.tile;
    return [
      `var<workgroup> lhs_block: array<vec4<${this.#type}>, ${(depth * height) / LANES}>;`,
      `var<workgroup> rhs_block: array<${this.#type}, ${depth * width}>;`,
    ].join('\n');
  }

  /** The element of an operand at the variables that are in reach. */
  #element(operand: ContractOperand, axes: readonly ContractAxis[], side: Side): string {
    const { p } = this;
    if ('value' in operand) return p.value(operand.value);
    const terms = axes
      .filter((a) => a[side] !== 0)
      .map((a) => `${p.variables.get(a.id) ?? '0'}${a[side] === 1 ? '' : ` * ${a[side]}i`}`);
    if (operand.offset !== 0 || terms.length === 0) terms.push(`${operand.offset}i`);
    return p.declare(p.load(operand.buffer, terms.length === 1 ? (terms[0] ?? '0i') : p.declare(terms.join(' + '))));
  }

  /** Bring a block of one operand into workgroup memory, `lanes` neighbouring rows or columns at a time. */
  #block(
    operand: ContractOperand,
    outer: readonly ContractAxis[],
    origin: string,
    extent: number,
    lanes: number,
    into: string,
    side: Side,
  ): void {
    const { p, kernel, tile } = this;
    const [size, terms] = [sizeOf(outer), sizeOf(kernel.k)];
    const across = extent / lanes;
    const alongK = contiguousIn(operand, kernel.k, side);
    const e = p.name('e');
    p.block(`for (var ${e} = i32(local); ${e} < ${tile.depth * across}i; ${e} += ${invocationsOf(tile)}i)`, () => {
      const [fast, slow] = ((n: number): [string, string] => [
        p.declare(`${e} & ${n - 1}i`),
        p.declare(`${e} >> ${Math.log2(n)}u`),
      ])(alongK ? tile.depth : across);
      const [inK, inOuter] = alongK ? [fast, slow] : [slow, fast];
      const k = p.declare(`k0 + ${inK}`);
      const first = p.declare(`${origin} + ${inOuter}${lanes === 1 ? '' : ` * ${lanes}i`}`);
      const values = Array.from({ length: lanes }, (_, lane) => {
        const value = p.name('value');
        p.line(`var ${value} = ${this.#zero};`);
        const o = lane === 0 ? first : p.declare(`${first} + ${lane}i`);
        // Only edges that are there are asked for.
        const conditions = [
          ...(terms % tile.depth === 0 ? [] : [`${k} < ${terms}i`]),
          ...(size % extent === 0 ? [] : [`${o} < ${size}i`]),
        ];
        const read = (): void => {
          decode(p, outer, o);
          decode(p, kernel.k, k);
          p.line(`${value} = ${this.#element(operand, [...kernel.batch, ...outer, ...kernel.k], side)};`);
        };
        if (conditions.length === 0) p.scope(read);
        else p.block(`if (${conditions.join(' && ')})`, read);
        return value;
      });
      const value = lanes === 1 ? values.join('') : `vec4<${this.#type}>(${values.join(', ')})`;
      p.line(`${into}[${inK} * ${across}i + ${inOuter}] = ${value};`);
    });
  }

  emit(): void {
    const { p, kernel, tile } = this;
    const { gridRows, gridColumns, height, width, depth } = tile;
    const [m, n, terms] = [sizeOf(kernel.m), sizeOf(kernel.n), sizeOf(kernel.k)];
    const [down, across] = [Math.ceil(m / height), Math.ceil(n / width)];
    const [blocks, columns] = [height / LANES / gridRows, width / gridColumns];
    p.line(`if (group >= ${sizeOf(kernel.batch) * down * across}u) { return; }`);
    p.line(`let n0 = i32(group % ${Math.max(across, 1)}u) * ${width}i;`);
    p.line(`let m0 = i32((group / ${Math.max(across, 1)}u) % ${Math.max(down, 1)}u) * ${height}i;`);
    p.line(`let batch = i32(group / ${Math.max(down * across, 1)}u);`);
    p.line(`let row = i32(local / ${gridColumns}u);`);
    p.line(`let column = i32(local % ${gridColumns}u);`);
    decode(p, kernel.batch, 'batch');
    const each = (body: (i: number, j: number) => void): void => {
      for (let i = 0; i < blocks; i++) for (let j = 0; j < columns; j++) body(i, j);
    };
    const vector = `vec4<${this.#type}>`;
    // Rows come by fours; columns are those of neighbouring invocations in turns, so that no two use one bank of the memory.
    each((i, j) => {
      p.line(`var sum_${i}_${j} = ${vector}(${this.#zero});`);
    });
    p.block(`for (var k0 = 0i; k0 < ${terms}i; k0 += ${depth}i)`, () => {
      this.#block(kernel.lhs, kernel.m, 'm0', height, LANES, 'lhs_block', 'lhsStride');
      this.#block(kernel.rhs, kernel.n, 'n0', width, 1, 'rhs_block', 'rhsStride');
      p.line('workgroupBarrier();');
      p.line('var at_x = row;');
      p.line('var at_y = column;');
      p.block(`for (var k = 0i; k < ${depth}i; k++)`, () => {
        for (let i = 0; i < blocks; i++) p.line(`let x${i} = lhs_block[at_x + ${i * gridRows}i];`);
        for (let j = 0; j < columns; j++) p.line(`let y${j} = rhs_block[at_y + ${j * gridColumns}i];`);
        each((i, j) => {
          const sum = `sum_${i}_${j}`;
          p.line(kernel.dtype === 'bool' ? `${sum} |= x${i} & ${vector}(y${j});` : `${sum} += x${i} * y${j};`);
        });
        p.line(`at_x += ${height / LANES}i;`);
        p.line(`at_y += ${width}i;`);
      });
      p.line('workgroupBarrier();');
    });
    for (let j = 0; j < columns; j++) {
      const column = p.declare(`n0 + column + ${j * gridColumns}i`);
      this.#inside(n % width === 0, `${column} < ${n}i`, () => {
        decode(p, kernel.n, column);
        for (let i = 0; i < blocks; i++) this.#rows(i, j);
      });
    }
  }

  #inside(always: boolean, condition: string, body: () => void): void {
    if (always) this.p.scope(body);
    else this.p.block(`if (${condition})`, body);
  }

  /** The results of four rows in a column. */
  #rows(i: number, j: number): void {
    const { p, kernel, tile } = this;
    const m = sizeOf(kernel.m);
    const first = p.declare(`m0 + (row + ${i * tile.gridRows}i) * ${LANES}i`);
    for (let lane = 0; lane < LANES; lane++) {
      const row = lane === 0 ? first : p.declare(`${first} + ${lane}i`);
      this.#inside(m % tile.height === 0, `${row} < ${m}i`, () => {
        decode(p, kernel.m, row);
        const sum = `sum_${i}_${j}[${lane}]`;
        p.accumulators.set(0, sum);
        this.#results(sum);
      });
    }
  }

  #results(product: string): void {
    const { p, kernel } = this;
    if (kernel.out !== undefined) {
      const axes = [...kernel.batch, ...kernel.m, ...kernel.n];
      const terms = axes
        .filter((a) => a.outStride !== 0)
        .map((a) => `${p.variables.get(a.id) ?? '0'}${a.outStride === 1 ? '' : ` * ${a.outStride}i`}`);
      if (kernel.out.offset !== 0 || terms.length === 0) terms.push(`${kernel.out.offset}i`);
      p.store(kernel.out.buffer, p.declare(terms.join(' + ')), product);
    }
    printStores(p, kernel.epilogue ?? []);
  }
}

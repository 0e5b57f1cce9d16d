/**
 * Matrix products as compute shaders. A workgroup computes a tile of the product: it brings a block of each operand into
 * workgroup memory, each invocation multiplies its rows and columns of them and keeps a block of results in registers, and
 * the epilogue goes over that. Operands are read wherever they are, so that transposes and convolutions cost no copy.
 */
import { affine } from '../../compiler/access.js';
import type { ContractAxis, ContractKernel, ContractOperand } from '../../compiler/loop-ir.js';
import { operandsOf, type Expr } from '../../core/scalar.js';
import type { KernelShader } from './loop-kernel.js';
import { decode, printStores, sizeOf } from './print.js';
import { Printer, type SlotAccess } from './printer.js';
import { literal, wgslType } from './wgsl.js';

/** Rows and columns of the grid of invocations. */
const GRID = 16;

interface Tile {
  /** Rows and columns of results that each invocation keeps. */
  readonly rows: number;
  readonly columns: number;
  /** Terms that are in workgroup memory at once. */
  readonly depth: number;
}

/** The next power of two of n / GRID, from 1 to 4: small products get small tiles, to keep more workgroups busy. */
const perInvocation = (n: number): number => Math.min(4, 2 ** Math.ceil(Math.log2(Math.max(1, n / GRID))));

const tileOf = (m: number, n: number): Tile => ({ rows: perInvocation(m), columns: perInvocation(n), depth: 16 });

export function contractShader(
  kernel: ContractKernel,
  slots: readonly SlotAccess[],
): KernelShader & { readonly prelude: string } {
  const printer = new Printer(slots);
  const [batch, m, n] = [sizeOf(kernel.batch), sizeOf(kernel.m), sizeOf(kernel.n)];
  const tile = tileOf(m, n);
  const emitter = new ContractEmitter(printer, kernel, tile);
  emitter.emit();
  const groups = batch * Math.ceil(m / (GRID * tile.rows)) * Math.ceil(n / (GRID * tile.columns));
  return {
    workgroupSize: GRID * GRID,
    declarations: emitter.declarations,
    prelude: printer.prelude,
    body: printer.text,
    groups: () => groups,
  };
}

/** The axis along which an operand's neighbours in memory lie. */
function contiguousIn(
  operand: ContractOperand,
  axes: readonly ContractAxis[],
  side: 'lhsStride' | 'rhsStride',
): boolean {
  const last = axes.at(-1);
  if (last === undefined) return false;
  if ('buffer' in operand) return last[side] === 1;
  let found = false;
  const visit = (e: Expr): void => {
    if (e.op === 'load') found ||= affine(e.index)?.strides.get(last.id) === 1;
    else operandsOf(e).forEach(visit);
  };
  visit(operand.value);
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
    const { rows, columns, depth } = this.tile;
    return [
      `var<workgroup> lhs_block: array<${this.#type}, ${depth * GRID * rows}>;`,
      `var<workgroup> rhs_block: array<${this.#type}, ${depth * GRID * columns}>;`,
    ].join('\n');
  }

  /** The element of an operand at the variables that are in reach. */
  #element(operand: ContractOperand, axes: readonly ContractAxis[], side: 'lhsStride' | 'rhsStride'): string {
    const { p } = this;
    if ('value' in operand) return p.value(operand.value);
    const terms = axes
      .filter((a) => a[side] !== 0)
      .map((a) => `${p.variables.get(a.id) ?? '0'}${a[side] === 1 ? '' : ` * ${a[side]}`}`);
    return p.declare(p.load(operand.buffer, p.declare([...terms, `${operand.offset}i`].join(' + '))));
  }

  /** Bring a block of one operand into workgroup memory; what is beyond the matrix is 0. */
  #block(
    operand: ContractOperand,
    outer: readonly ContractAxis[],
    origin: string,
    width: number,
    into: string,
    side: 'lhsStride' | 'rhsStride',
  ): void {
    const { p, kernel, tile } = this;
    const [size, terms] = [sizeOf(outer), sizeOf(kernel.k)];
    const total = tile.depth * width;
    const alongK = contiguousIn(operand, kernel.k, side);
    const e = p.name('e');
    p.block(`for (var ${e} = i32(local); ${e} < ${total}i; ${e} += ${GRID * GRID}i)`, () => {
      const inK = p.declare(alongK ? `${e} % ${tile.depth}` : `${e} / ${width}`);
      const inOuter = p.declare(alongK ? `${e} / ${tile.depth}` : `${e} % ${width}`);
      const k = p.declare(`k0 + ${inK}`);
      const o = p.declare(`${origin} + ${inOuter}`);
      const value = p.name('value');
      p.line(`var ${value} = ${this.#zero};`);
      p.block(`if (${k} < ${terms}i && ${o} < ${size}i)`, () => {
        decode(p, outer, o);
        decode(p, kernel.k, k);
        p.line(`${value} = ${this.#element(operand, [...kernel.batch, ...outer, ...kernel.k], side)};`);
      });
      p.line(`${into}[${inK} * ${width} + ${inOuter}] = ${value};`);
    });
  }

  emit(): void {
    const { p, kernel, tile } = this;
    const [m, n, terms] = [sizeOf(kernel.m), sizeOf(kernel.n), sizeOf(kernel.k)];
    const [height, width] = [GRID * tile.rows, GRID * tile.columns];
    const [down, across] = [Math.ceil(m / height), Math.ceil(n / width)];
    p.line(`if (group >= ${sizeOf(kernel.batch) * down * across}u) { return; }`);
    p.line(`let n0 = i32(group % ${across}u) * ${width}i;`);
    p.line(`let m0 = i32((group / ${across}u) % ${down}u) * ${height}i;`);
    p.line(`let batch = i32(group / ${down * across}u);`);
    p.line(`let row = i32(local / ${GRID}u);`);
    p.line(`let column = i32(local % ${GRID}u);`);
    decode(p, kernel.batch, 'batch');
    const each = (body: (i: number, j: number) => void): void => {
      for (let i = 0; i < tile.rows; i++) for (let j = 0; j < tile.columns; j++) body(i, j);
    };
    each((i, j) => {
      p.line(`var sum_${i}_${j}: ${this.#type} = ${this.#zero};`);
    });
    p.block(`for (var k0 = 0i; k0 < ${terms}i; k0 += ${tile.depth}i)`, () => {
      this.#block(kernel.lhs, kernel.m, 'm0', height, 'lhs_block', 'lhsStride');
      this.#block(kernel.rhs, kernel.n, 'n0', width, 'rhs_block', 'rhsStride');
      p.line('workgroupBarrier();');
      p.block(`for (var k = 0i; k < ${tile.depth}i; k++)`, () => {
        // Neighbouring invocations read neighbouring columns, so that no two use one bank of the memory.
        for (let i = 0; i < tile.rows; i++) p.line(`let x${i} = lhs_block[k * ${height} + row + ${i * GRID}];`);
        for (let j = 0; j < tile.columns; j++) p.line(`let y${j} = rhs_block[k * ${width} + column + ${j * GRID}];`);
        each((i, j) => {
          const sum = `sum_${i}_${j}`;
          p.line(`${sum} = ${kernel.dtype === 'bool' ? `${sum} | (x${i} & y${j})` : `${sum} + x${i} * y${j}`};`);
        });
      });
      p.line('workgroupBarrier();');
    });
    each((i, j) => {
      const [r, c] = [p.declare(`m0 + row + ${i * GRID}`), p.declare(`n0 + column + ${j * GRID}`)];
      p.block(`if (${r} < ${m}i && ${c} < ${n}i)`, () => {
        decode(p, kernel.m, r);
        decode(p, kernel.n, c);
        p.accumulators.set(0, `sum_${i}_${j}`);
        this.#results(`sum_${i}_${j}`);
      });
    });
  }

  #results(product: string): void {
    const { p, kernel } = this;
    if (kernel.out !== undefined) {
      const axes = [...kernel.batch, ...kernel.m, ...kernel.n];
      const terms = axes
        .filter((a) => a.outStride !== 0)
        .map((a) => `${p.variables.get(a.id) ?? '0'} * ${a.outStride}`);
      p.store(kernel.out.buffer, p.declare([...terms, `${kernel.out.offset}i`].join(' + ')), product);
    }
    printStores(p, kernel.epilogue ?? []);
  }
}

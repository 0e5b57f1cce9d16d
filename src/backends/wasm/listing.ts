/** Loop kernels in a readable form: one line per loop, accumulator and store. */
import type { Expr } from '../../core/scalar.js';
import { operandsOf } from '../../core/scalar.js';
import { shortName } from '../../core/dtype.js';
import type {
  BufferSlot,
  ContractAxis,
  ContractKernel,
  ContractOperand,
  LoopKernel,
  Stage,
} from '../../compiler/loop-ir.js';
import type { LanePlan, VectorPlan } from './vectorise.js';

const INFIX: Record<string, string> = {
  add: '+',
  sub: '-',
  mul: '*',
  div: '/',
  rem: '%',
  and: '&',
  or: '|',
  xor: '^',
  shl: '<<',
  shrLogical: '>>>',
  shrArithmetic: '>>',
  eq: '==',
  ne: '!=',
  lt: '<',
  le: '<=',
  gt: '>',
  ge: '>=',
};

const typeName = (type: Expr['type']): string => (type === 'int64' ? 'i64' : shortName(type));

/** Prints expressions; nodes used twice get a name, defined on a line of their own. */
class ExprPrinter {
  private readonly uses = new Map<Expr, number>();
  private readonly names = new Map<Expr, string>();
  readonly lines: string[] = [];

  constructor(
    roots: readonly Expr[],
    private readonly indent: string,
    private readonly counter: { value: number },
  ) {
    const visit = (e: Expr): void => {
      const n = this.uses.get(e) ?? 0;
      this.uses.set(e, n + 1);
      if (n === 0) operandsOf(e).forEach(visit);
    };
    roots.forEach(visit);
  }

  print(e: Expr, nested = false): string {
    const known = this.names.get(e);
    if (known !== undefined) return known;
    const text = this.node(e, nested);
    const simple = e.op === 'const' || e.op === 'var' || e.op === 'acc';
    if (simple || (this.uses.get(e) ?? 0) < 2) return text;
    const name = `t${this.counter.value++}`;
    this.names.set(e, name);
    this.lines.push(`${this.indent}${name}: ${typeName(e.type)} = ${this.node(e, false)}`);
    return name;
  }

  private node(e: Expr, nested: boolean): string {
    switch (e.op) {
      case 'const':
        return String(e.value);
      case 'var':
        return `i${e.id}`;
      case 'acc':
        return `acc${e.id}`;
      case 'load':
        return `b${e.buffer}[${this.print(e.index)}]`;
      case 'select':
        return `select(${this.print(e.cond)}, ${this.print(e.x)}, ${this.print(e.y)})`;
      case 'convert':
      case 'bitcast':
        return `${e.op === 'convert' ? '' : 'bits_'}${typeName(e.type)}(${this.print(e.x)})`;
      default: {
        if (!('y' in e)) return `${e.op}(${this.print(e.x)})`;
        const symbol = INFIX[e.op];
        if (symbol === undefined) return `${e.op}(${this.print(e.x)}, ${this.print(e.y)})`;
        const text = `${this.print(e.x, true)} ${symbol} ${this.print(e.y, true)}`;
        return nested ? `(${text})` : text;
      }
    }
  }
}

const lanesText = (plan: LanePlan | undefined): string =>
  plan === undefined ? '' : ` by ${plan.lanes} lanes${plan.copies > 1 ? ` x ${plan.copies}` : ''}`;

/** A listing of a loop kernel and the loops chosen for vectors. */
export function listLoopKernel(kernel: LoopKernel, plan: VectorPlan): string {
  const slots = kernel.buffers.map(slotText);
  const lines = [`kernel ${kernel.name}(${slots.join(', ')})`];
  const counter = { value: 0 };
  let indent = '  ';
  kernel.loops.forEach((loop, i) => {
    const extent = plan.dynamic ? 'n' : String(loop.extent);
    lines.push(
      `${indent}parallel i${loop.id} < ${extent}${i === kernel.loops.length - 1 ? lanesText(plan.outer) : ''}`,
    );
    indent += '  ';
  });
  kernel.stages.forEach((stage, i) => listStage(stage, plan.stages[i], indent, counter, lines));
  return lines.join('\n');
}

/** The operands of a matrix product as expressions over its axes, and where its elements go. */
export function listContraction(kernel: ContractKernel): string[] {
  const counter = { value: 0 };
  const axes = [...kernel.batch, ...kernel.m, ...kernel.n, ...kernel.k];
  const at = (offset: number, stride: (axis: ContractAxis) => number): string => {
    const terms = axes
      .filter((a) => stride(a) !== 0)
      .map((a) => (stride(a) === 1 ? `i${a.id}` : `i${a.id} * ${stride(a)}`));
    return [...terms, ...(offset === 0 && terms.length > 0 ? [] : [String(offset)])].join(' + ');
  };
  const lines = [`  ${kernel.buffers.map((b, i) => slotText(b, i)).join(', ')}`];
  const operand = (name: string, of: ContractOperand, stride: (axis: ContractAxis) => number): void => {
    const printer = new ExprPrinter('value' in of ? [of.value] : [], '  ', counter);
    const text = 'value' in of ? printer.print(of.value) : `b${of.buffer}[${at(of.offset, stride)}]`;
    lines.push(...printer.lines, `  ${name} = ${text}`);
  };
  operand('lhs', kernel.lhs, (a) => a.lhsStride);
  operand('rhs', kernel.rhs, (a) => a.rhsStride);
  lines.push(
    `  acc0: ${shortName(kernel.dtype)} = sum of lhs * rhs over ${kernel.k.map((a) => `i${a.id} < ${a.extent}`).join(', ')}`,
  );
  const { out, epilogue = [], beside = [] } = kernel;
  if (out !== undefined) lines.push(`  b${out.buffer}[${at(out.offset, (a) => a.outStride)}] = acc0`);
  listStage({ loops: [], accumulators: [], stores: epilogue, ordered: false }, undefined, '  ', counter, lines);
  for (const { of, stages } of beside) {
    lines.push(
      `  beside, for each ${[...kernel.batch, ...kernel[of]].map((a) => `i${a.id} < ${a.extent}`).join(', ')}`,
    );
    for (const stage of stages) listStage(stage, undefined, '    ', counter, lines);
  }
  return lines;
}

const slotText = (b: BufferSlot, i: number): string =>
  `b${i}: ${shortName(b.dtype)}[${b.length}]${b.access === 'read' ? '' : ` ${b.access}`}`;

function listStage(
  stage: Stage,
  plan: LanePlan | undefined,
  outer: string,
  counter: { value: number },
  lines: string[],
): void {
  for (const acc of stage.accumulators) {
    const printer = new ExprPrinter([acc.init], outer, counter);
    const init = printer.print(acc.init);
    lines.push(...printer.lines, `${outer}acc${acc.id}: ${shortName(acc.dtype)} = ${init}`);
  }
  let indent = outer;
  stage.loops.forEach((loop, i) => {
    const last = i === stage.loops.length - 1;
    lines.push(
      `${indent}${stage.ordered ? 'ordered' : 'loop'} i${loop.id} < ${loop.extent}${last ? lanesText(plan) : ''}`,
    );
    indent += '  ';
  });
  const roots: Expr[] = [];
  for (const acc of stage.accumulators) roots.push('next' in acc.update ? acc.update.next : acc.update.value);
  for (const store of stage.stores) {
    roots.push(store.value, store.index);
    if (store.mask !== undefined) roots.push(store.mask);
  }
  const printer = new ExprPrinter(roots, indent, counter);
  const body: string[] = [];
  for (const acc of stage.accumulators) {
    if ('next' in acc.update) body.push(`${indent}acc${acc.id} = ${printer.print(acc.update.next)}`);
    else
      body.push(
        `${indent}acc${acc.id} ${INFIX[acc.update.combine] ?? acc.update.combine}= ${printer.print(acc.update.value)}`,
      );
  }
  for (const store of stage.stores) {
    const value = printer.print(store.value);
    const where = store.mask === undefined ? '' : ` where ${printer.print(store.mask)}`;
    const assign = store.combine === undefined ? '=' : `${INFIX[store.combine] ?? store.combine}=`;
    body.push(`${indent}b${store.buffer}[${printer.print(store.index)}] ${assign} ${value}${where}`);
  }
  lines.push(...printer.lines, ...body);
}

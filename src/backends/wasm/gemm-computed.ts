/**
 * Operands of a matrix product that are computed: a block of the operand is evaluated into scratch memory by a loop
 * kernel (implicit GEMM: of all windows of an image only a block exists at a time). Rows for which every bounds check
 * of the expression holds, whatever the column, run without the checks.
 */
import { binary, bool, int, loopVar, mapOperands, operandsOf } from '../../core/scalar.js';
import type { BinaryExpr, Expr } from '../../core/scalar.js';
import type { BufferSlot, ContractAxis } from '../../compiler/loop-ir.js';
import type { DType } from '../../core/dtype.js';
import type { FunctionRef, ModuleBuilder } from './assembler.js';
import { ExprEmitter } from './expr-emitter.js';
import { Exprs } from './exprs.js';
import type { BlockSpace, Span } from './gemm-block-kernel.js';
import { blockFunction, blockVariables, storing, variablesAt } from './gemm-block-kernel.js';
import { findLazySelects } from '../../compiler/lazy.js';
import type { VectorMode } from './vectorise.js';

/** A computed operand: rows (a range of them at a time) by columns (a block at a time). */
export interface ComputedMatrix extends BlockSpace {
  readonly value: Expr;
  readonly dtype: DType;
  /** Elements from one row to the next in the evaluated block. */
  readonly stride: number;
}

/**
 * `(slots…, to, lo, hi, batch, block)`: evaluate rows [lo, hi) of a block of columns. `to` is where row 0 would be.
 */
export function fillFunction(
  module: ModuleBuilder,
  name: string,
  buffers: readonly BufferSlot[],
  matrix: ComputedMatrix,
  vectors: VectorMode,
): FunctionRef {
  const slots: BufferSlot[] = [
    ...buffers.map((slot): BufferSlot => ({ ...slot, access: 'read' })),
    { dtype: matrix.dtype, length: 2 ** 30, access: 'write' },
  ];
  const fill = (suffix: string, value: Expr, span?: Span): FunctionRef =>
    blockFunction(
      module,
      `${name}${suffix}`,
      slots,
      matrix,
      (row, column) => [
        storing([
          { buffer: buffers.length, index: binary('add', binary('mul', row, int(matrix.stride)), column), value },
        ]),
      ],
      vectors,
      span,
    );
  const spans = spansOf(matrix);
  if (spans !== undefined) {
    const parts = spans.map((span, i) => fill(`.part${i}`, matrix.value, span));
    const params = slots.length + 4;
    const f = module.function(
      name,
      Array.from({ length: params }, () => 'i32' as const),
    );
    for (const part of parts) {
      for (let i = 0; i < params; i++) f.get(i);
      f.call(part);
    }
    return f;
  }
  const exprs = new Exprs();
  const interior = interiorOf(exprs, exprs.canon(matrix.value), new Set(matrix.columns.map((a) => a.id)));
  if (interior === undefined) return fill('', matrix.value);
  if (interior.inside.op === 'const')
    return fill('', Number(interior.inside.value) !== 0 ? interior.value : matrix.value);
  return dispatch(
    module,
    name,
    slots.length,
    matrix,
    { exprs, inside: interior.inside },
    fill('.inside', interior.value),
    fill('.edge', matrix.value),
  );
}

/** Cut rows [lo, hi) into runs that are inside and runs that are not. */
function dispatch(
  module: ModuleBuilder,
  name: string,
  slotCount: number,
  space: BlockSpace,
  { exprs, inside }: { exprs: Exprs; inside: Expr },
  onInside: FunctionRef,
  onEdge: FunctionRef,
): FunctionRef {
  const params = slotCount + 4;
  const f = module.function(
    name,
    Array.from({ length: params }, () => 'i32' as const),
  );
  const [lo, hi, batch] = [slotCount, slotCount + 1, slotCount + 2];
  const row = f.local('i32');
  const kind = f.local('i32');
  const next = f.local('i32');
  const variables = blockVariables(space);
  const at = new Map([...variablesAt(space.rows, variables.row), ...variablesAt(space.batch, variables.batch)]);
  const test = exprs.substitute(inside, at);
  const e = new ExprEmitter(f, exprs, [], [], new Set(), findLazySelects([test]));
  for (const [variable, local] of [
    [variables.row, row],
    [variables.batch, batch],
  ] as const)
    if (variable.op === 'var') e.openLoop({ id: variable.id, variable: local, scaled: new Map() });
  const run = (target: FunctionRef): void => {
    for (let i = 0; i < params; i++) f.get(i === hi ? row : i);
    f.call(target);
  };
  const exit = f.block();
  const again = f.loop();
  f.get(lo).get(hi).op('i32.ge_u').brIf(exit);
  f.get(lo).set(row);
  e.scalar(test);
  f.set(kind);
  const end = f.block();
  const scan = f.loop();
  f.get(row).i32(1).op('i32.add').tee(row).get(hi).op('i32.ge_u').brIf(end);
  e.scalar(test);
  f.tee(next).get(kind).op('i32.eq').brIf(scan);
  f.end().end();
  f.get(kind).if();
  run(onInside);
  f.else();
  run(onEdge);
  f.end();
  f.get(row).set(lo).br(again);
  f.end().end();
  return f;
}

/** Widest edge that is looked for. */
const EDGE = 8;
/** Elements inside for which edges are worth functions of their own. */
const MIN_INSIDE = 8;

/**
 * The last axis of the columns cut into edge, inside and edge, where bounds checks depend on it and hold all along the
 * inside: there lanes have adjacent elements.
 */
function spansOf({ value, columns, blocks }: ComputedMatrix): Span[] | undefined {
  const axis = columns.at(-1);
  if (axis === undefined || blocks.axis >= columns.length - 1) return undefined;
  const edge = Math.min(EDGE, Math.floor((axis.extent - MIN_INSIDE) / 2));
  if (edge < 1) return undefined;
  const checkedIn = ({ start, extent }: Span): boolean => {
    const exprs = new Exprs();
    const at = binary('add', loopVar(axis.id, extent), int(start));
    return isChecked(exprs, exprs.substitute(exprs.canon(value), new Map([[axis.id, at]])), axis.id);
  };
  const inside = (low: number, high: number): Span => ({ start: low, extent: axis.extent - low - high });
  if (!checkedIn(inside(0, 0)) || checkedIn(inside(edge, edge))) return undefined;
  let [low, high] = [edge, edge];
  while (low > 0 && !checkedIn(inside(low - 1, high))) low--;
  while (high > 0 && !checkedIn(inside(low, high - 1))) high--;
  const edges = [
    { start: 0, extent: low },
    { start: axis.extent - high, extent: high },
  ];
  return [inside(low, high), ...edges.filter((e) => e.extent > 0)];
}

/** Whether a comparison or a clamp in `root` depends on a variable. */
function isChecked(exprs: Exprs, root: Expr, variable: number): boolean {
  const seen = new Set<Expr>();
  const visit = (e: Expr): boolean => {
    if (seen.has(e) || !exprs.needs(e).loops.has(variable)) return false;
    seen.add(e);
    const checks = 'y' in e && e.op !== 'select' && e.x.type === 'int32' && CHECKS.has(e.op);
    return checks || operandsOf(e).some(visit);
  };
  return visit(root);
}
const CHECKS: ReadonlySet<string> = new Set(['lt', 'le', 'gt', 'ge', 'min', 'max']);

interface Interior {
  /** The value where `inside` holds. */
  readonly value: Expr;
  /** Over the variables of rows and batch: whether all bounds checks hold for every column. */
  readonly inside: Expr;
}

/**
 * The value without the bounds checks that are decided by rows alone, once the columns are bounded by their ranges,
 * or undefined where it has none.
 */
function interiorOf(exprs: Exprs, value: Expr, columns: ReadonlySet<number>): Interior | undefined {
  const conditions = new Set<Expr>();
  const memo = new Map<Expr, Expr>();
  /** A condition on the rows that makes `x - y >= least` for every column. */
  const always = (x: Expr, y: Expr, least: number): Expr | undefined => {
    const form = exprs.affine(exprs.canon(binary('sub', x, y)));
    let bound = form.constant - least;
    const rows = new Map<Expr, number>();
    for (const [term, k] of form.terms) {
      if (containsLoad(term)) return undefined;
      if (![...exprs.needs(term).loops].some((id) => columns.has(id))) {
        rows.set(term, k);
        continue;
      }
      const range = exprs.range(term);
      bound += Math.min(k * range.min, k * range.max);
    }
    if (Math.abs(bound) >= 2 ** 30) return undefined;
    return exprs.canon(binary('ge', exprs.fromAffine({ constant: bound, terms: rows }), int(0)));
  };
  /** `then` where a condition holds always, and that is possible. */
  const assume = (condition: Expr | undefined, then: Expr, otherwise: Expr): Expr => {
    if (condition === undefined || (condition.op === 'const' && Number(condition.value) === 0)) return otherwise;
    conditions.add(condition);
    return then;
  };
  const visit = (e: Expr): Expr => {
    const known = memo.get(e);
    if (known !== undefined) return known;
    const mapped = mapOperands(e, visit);
    const result = exprs.canon(isBinary(mapped) ? check(mapped) : mapped);
    memo.set(e, result);
    return result;
  };
  const check = (e: BinaryExpr): Expr => {
    const { x, y } = e;
    if (x.type !== 'int32') return e;
    switch (e.op) {
      case 'ge':
      case 'gt':
        return assume(always(x, y, e.op === 'gt' ? 1 : 0), bool(true), e);
      case 'le':
      case 'lt':
        return assume(always(y, x, e.op === 'lt' ? 1 : 0), bool(true), e);
      case 'min':
        return x.op === 'const' ? assume(always(x, y, 0), y, e) : assume(always(y, x, 0), x, e);
      case 'max':
        return x.op === 'const' ? assume(always(y, x, 0), y, e) : assume(always(x, y, 0), x, e);
      default:
        return e;
    }
  };
  const inner = visit(value);
  if (inner === value) return undefined;
  const inside = [...conditions].reduce<Expr>((all, c) => binary('and', all, c), bool(true));
  return { value: inner, inside: exprs.canon(inside) };
}

const isBinary = (e: Expr): e is BinaryExpr => 'y' in e && e.op !== 'select';

function containsLoad(e: Expr): boolean {
  return e.op === 'load' || operandsOf(e).some(containsLoad);
}

/**
 * Elements that an access moves by per step of each variable, by id, clamps aside; NaN where it is no constant.
 */
export function stridesOfIndex(exprs: Exprs, index: Expr): Map<number, number> {
  const strides = new Map<number, number>();
  const visit = (e: Expr, scale: number): void => {
    for (const [term, k] of exprs.affine(e).terms) {
      if (term.op === 'var') strides.set(term.id, (strides.get(term.id) ?? 0) + k * scale);
      else if (term.op === 'min' || term.op === 'max') visit(term.x.op === 'const' ? term.y : term.x, k * scale);
      else if (term.op === 'select') visit(term.x, k * scale);
      else for (const id of exprs.needs(term).loops) strides.set(id, NaN);
    }
  };
  visit(index, 1);
  return strides;
}

/** Strides, by axis variable, of the access of an expression that depends on most of the axes. */
export function mainStrides(value: Expr, axes: readonly ContractAxis[]): Map<number, number> {
  const exprs = new Exprs();
  let best = new Map<number, number>();
  let most = -1;
  const seen = new Set<Expr>();
  const visit = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    if (e.op === 'load') {
      const strides = stridesOfIndex(exprs, e.index);
      const count = axes.filter((a) => a.extent > 1 && (strides.get(a.id) ?? 0) !== 0).length;
      if (count > most) [most, best] = [count, strides];
    }
    operandsOf(e).forEach(visit);
  };
  visit(exprs.canon(value));
  return best;
}

/**
 * Turns expression DAGs into instructions inside a nest of open loops. A node that is used more than once is
 * kept in a local of the innermost scope; `hoist`, called before a loop is opened, computes what does not
 * depend on that loop; addresses are split by loop level in the same way, so that inside a loop an access costs
 * one addition of a pointer and a scaled loop variable.
 *
 * A loop may be vectorised: then an expression that varies with it has a vector form (one lane per iteration)
 * and any other only a scalar form, which is splat where a vector needs it. `copies` vectors are processed per
 * iteration when the loop is also unrolled; copy c stands for the iterations `c * lanes` further on.
 */
import { byteWidth } from '../../core/dtype.js';
import { constant } from '../../core/scalar.js';
import type { DType } from '../../core/dtype.js';
import type { BasicBinary, Expr, Load } from '../../core/scalar.js';
import type { FunctionBuilder } from './assembler.js';
import type { Exprs } from './exprs.js';
import type { DivisionHint } from './scalar-ops.js';
import {
  scalarBinary,
  scalarBitcast,
  scalarConst,
  scalarConvert,
  scalarLoad,
  scalarUnary,
  valueType,
} from './scalar-ops.js';
import { asBasicBinary, asBasicUnary } from './basic-ops.js';
import type { LazySelects } from '../../compiler/lazy.js';
import type { AccumulatorValue, LoopState, VectorContext } from './scopes.js';
import { ScopeStack } from './scopes.js';
import { scalarSelect, vectorSelect } from './select.js';
import { at } from './util.js';
import type { Lanes } from './vector-ops.js';
import { splat, vectorBinary, vectorConst, vectorConvert, vectorShift, vectorUnary } from './vector-ops.js';
import { classify, loadGathered, loadStrided, loadVector } from './vector-memory.js';

export class ExprEmitter extends ScopeStack {
  /** Set while the body of a vectorised loop is emitted. */
  vector: VectorContext | undefined;
  /** The copy being emitted. */
  copy = 0;
  readonly accumulators = new Map<number, AccumulatorValue>();
  /** Accumulators whose stage is done, so that their value no longer changes at this loop level. */
  readonly finished = new Set<number>();
  private readonly loops = new Map<number, LoopState>();

  constructor(
    f: FunctionBuilder,
    readonly exprs: Exprs,
    /** Local holding the byte address of each slot. */
    private readonly bufferLocals: readonly number[],
    private readonly bufferTypes: readonly DType[],
    /** Nodes used more than once. */
    readonly shared: ReadonlySet<Expr>,
    readonly lazy: LazySelects,
  ) {
    super(f);
  }

  openLoop(state: LoopState): void {
    this.loops.set(state.id, state);
  }

  closeLoop(id: number): void {
    this.loops.delete(id);
  }

  /** Forget values computed in the innermost scope from accumulators in `ids`, which have changed. */
  forget(ids: ReadonlySet<number>): void {
    this.forgetWhere((e) => [...this.exprs.needs(e).accumulators].some((id) => ids.has(id)));
  }

  /** Whether the value of `e` differs between lanes of the vectorised loop. */
  varying(e: Expr): boolean {
    if (this.vector === undefined) return false;
    const { loops, accumulators } = this.exprs.needs(e);
    if (loops.has(this.vector.loop)) return true;
    for (const id of accumulators) {
      const value = this.accumulators.get(id);
      if (value !== undefined && 'vectors' in value) return true;
    }
    return false;
  }

  /** Whether everything `e` needs is known here and stays the same in loops opened from here on. */
  available(e: Expr): boolean {
    const { loops, accumulators, unstable } = this.exprs.needs(e);
    if (unstable) return false;
    for (const id of loops) if (!this.loops.has(id)) return false;
    for (const id of accumulators) if (!this.finished.has(id)) return false;
    return true;
  }

  // ---- scalars

  /** Push the scalar value of `e`. */
  scalar(e: Expr): void {
    const { f } = this;
    if (e.op === 'const') {
      scalarConst(f, e.type, e.value);
      return;
    }
    if (e.op === 'var') {
      f.get(this.loopState(e.id).variable);
      return;
    }
    if (e.op === 'acc') {
      const value = this.accumulators.get(e.id);
      if (value === undefined || !('scalar' in value))
        throw new Error(`internal: accumulator ${e.id} has no scalar value here`);
      f.get(value.scalar);
      return;
    }
    const local = this.find((scope) => scope.values.get(e));
    if (local !== undefined) {
      f.get(local);
      return;
    }
    this.scalarNode(e);
    if (this.shared.has(e)) {
      const kept = this.ownedLocal(valueType(e.type));
      this.scope.values.set(e, kept);
      f.tee(kept);
    }
  }

  private scalarNode(e: Exclude<Expr, { op: 'const' | 'var' | 'acc' }>): void {
    const { f } = this;
    switch (e.op) {
      case 'load':
        scalarLoad(f, e.type, this.pointer(e.buffer, e.index, 0));
        return;
      case 'select':
        scalarSelect(this, e);
        return;
      case 'convert':
        this.scalar(e.x);
        scalarConvert(f, e.x.type, e.type);
        return;
      case 'bitcast':
        this.scalar(e.x);
        scalarBitcast(f, e.x.type, e.type);
        return;
      default:
        this.scalar(e.x);
        if ('y' in e) {
          const op = asBasicBinary(e.op);
          this.scalar(e.y);
          scalarBinary(f, op, e.x.type, this.divisionHint(op, e.x, e.y));
        } else scalarUnary(f, asBasicUnary(e.op), e.type);
    }
  }

  private divisionHint(op: BasicBinary, x: Expr, y: Expr): DivisionHint | undefined {
    if (op !== 'div' && op !== 'rem') return undefined;
    return {
      nonNegative: x.type === 'int32' && this.exprs.range(x).min >= 0,
      divisor: y.op === 'const' ? Number(y.value) : undefined,
    };
  }

  private loopState(id: number): LoopState {
    const state = this.loops.get(id);
    if (state === undefined) throw new Error(`internal: loop variable ${id} is used outside its loop`);
    return state;
  }

  // ---- vectors

  /** Push the vector value of `e` for the current copy. */
  vectorValue(e: Expr): void {
    const { f } = this;
    const context = this.requireVector();
    if (!this.varying(e)) {
      const known = this.find((scope) => scope.splats.get(e));
      if (known !== undefined) {
        f.get(known);
        return;
      }
      if (e.op === 'const') vectorConst(f, e.type, context.lanes, () => e.value);
      else {
        this.scalar(e);
        splat(f, e.type, context.lanes);
        this.keep(this.scope.splats, e);
      }
      return;
    }
    if (e.op === 'acc') {
      const value = this.accumulators.get(e.id);
      if (value === undefined || !('vectors' in value))
        throw new Error(`internal: accumulator ${e.id} has no vector value here`);
      f.get(at(value.vectors, this.copy, 'copy'));
      return;
    }
    const known = this.find((scope) => scope.vectors[this.copy]?.get(e));
    if (known !== undefined) {
      f.get(known);
      return;
    }
    this.vectorNodeOf(e);
    if (this.shared.has(e)) this.keep(this.vectorsOf(this.copy), e);
  }

  private requireVector(): VectorContext {
    if (this.vector === undefined) throw new Error('internal: a vector value outside a vectorised loop');
    return this.vector;
  }

  private keep(map: Map<Expr, number>, e: Expr): void {
    const local = this.ownedLocal('v128');
    map.set(e, local);
    this.f.tee(local);
  }

  private vectorNode(e: Exclude<Expr, { op: 'const' | 'acc' }>, { lanes }: VectorContext): void {
    const { f } = this;
    switch (e.op) {
      case 'var':
        f.get(this.loopState(e.id).variable).op('i32x4.splat');
        vectorConst(f, 'int32', lanes, (i) => i + this.copy * lanes);
        f.op('i32x4.add');
        return;
      case 'load':
        this.vectorLoad(e, lanes);
        return;
      case 'select':
        vectorSelect(this, e, lanes);
        return;
      case 'convert':
        this.vectorValue(e.x);
        vectorConvert(f, e.x.type, e.type, lanes);
        return;
      case 'bitcast':
        this.vectorValue(e.x);
        return;
      default: {
        this.vectorValue(e.x);
        if (!('y' in e)) {
          const mask = signMask(e);
          if (mask === undefined) vectorUnary(f, asBasicUnary(e.op), e.type, lanes);
          else {
            this.vectorValue(this.exprs.canon(mask));
            f.op(e.op === 'abs' ? 'v128.andnot' : 'v128.xor');
          }
          return;
        }
        const op = asBasicBinary(e.op);
        if ((op === 'shl' || op === 'shrLogical' || op === 'shrArithmetic') && !this.varying(e.y)) {
          this.scalar(e.y);
          if (e.y.type === 'int64') f.op('i32.wrap_i64');
          vectorShift(f, op, e.type, lanes);
          return;
        }
        this.vectorValue(e.y);
        vectorBinary(f, op, e.x.type, lanes, this.divisionHint(op, e.x, e.y));
      }
    }
  }

  private vectorLoad(e: Load, lanes: Lanes): void {
    const { f } = this;
    const access = this.access(e.index);
    if (access.kind === 'gather') {
      this.vectorValue(e.index);
      loadGathered(f, e.type, lanes, at(this.bufferLocals, e.buffer, 'buffer'));
    } else if (access.stride === 1) {
      loadVector(f, e.type, lanes, this.pointer(e.buffer, e.index, this.copy * lanes));
    } else {
      // Point at the lowest address of the lanes, so that every lane has a static offset.
      const lowest = access.stride < 0 ? access.stride * (lanes - 1) : 0;
      const offset = this.pointer(e.buffer, e.index, access.stride * this.copy * lanes + lowest);
      loadStrided(f, e.type, lanes, access.stride, offset);
    }
  }

  /** How the lanes of an access lie in memory. */
  access(index: Expr): ReturnType<typeof classify> {
    return classify(this.exprs, index, this.requireVector().loop, (e) => this.varying(e));
  }

  /** Local with the byte address of a slot. */
  bufferLocal(buffer: number): number {
    return at(this.bufferLocals, buffer, 'buffer');
  }

  // ---- addresses

  /** Whether the constant of an index may be a static offset: then the rest alone must not be negative. */
  private staticConstant(index: Expr): boolean {
    const { constant, terms } = this.exprs.affine(index);
    if (constant < 0) return false;
    for (const [term, k] of terms) if (k < 0 || this.exprs.range(term).min < 0) return false;
    return true;
  }

  /** Push a pointer to element `index + extra` of a slot; the result is the static offset to add. */
  pointer(buffer: number, index: Expr, extra: number): number {
    const { f } = this;
    const width = byteWidth(at(this.bufferTypes, buffer, 'buffer'));
    const { constant, terms } = this.exprs.affine(index);
    const isStatic = this.staticConstant(index);
    const key = this.pointerKey(buffer, index);
    const start = this.find((scope) => scope.pointers.get(key));
    if (start !== undefined) f.get(start.local);
    else {
      f.get(at(this.bufferLocals, buffer, 'buffer'));
      if (!isStatic && constant !== 0) f.i32(constant * width).op('i32.add');
    }
    for (const [term, k] of terms) {
      if (start?.covered.has(term) === true) continue;
      this.scaledTerm(term, k * width);
      f.op('i32.add');
    }
    const offset = (isStatic ? constant * width : 0) + extra * width;
    if (offset >= 0) return offset;
    f.i32(offset).op('i32.add');
    return 0;
  }

  private pointerKey(buffer: number, index: Expr): string {
    return `${buffer} ${this.exprs.id(index)}`;
  }

  private scaledTerm(term: Expr, bytes: number): void {
    const { f } = this;
    const scaled = term.op === 'var' ? this.loops.get(term.id)?.scaled.get(bytes) : undefined;
    if (scaled !== undefined) {
      f.get(scaled);
      return;
    }
    this.scalar(term);
    if (bytes !== 1) f.i32(bytes).op('i32.mul');
  }

  /** Compute the part of a pointer that is known here. */
  hoistPointer(buffer: number, index: Expr): void {
    const { f } = this;
    const key = this.pointerKey(buffer, index);
    const { constant, terms } = this.exprs.affine(index);
    const isStatic = this.staticConstant(index);
    const start = this.find((scope) => scope.pointers.get(key));
    const covered = new Set<Expr>();
    for (const term of terms.keys()) if (this.available(term) && !this.varying(term)) covered.add(term);
    if (covered.size === (start?.covered.size ?? 0) && (start !== undefined || isStatic || constant === 0)) return;
    const width = byteWidth(at(this.bufferTypes, buffer, 'buffer'));
    // The same pointer may serve several accesses that differ in what is not covered.
    const content = `${buffer} + ${isStatic ? 0 : constant} ${[...covered].map((t) => `${this.exprs.id(t)}*${terms.get(t) ?? 0}`).join(' ')}`;
    const same = this.scope.pointers.get(content);
    if (same !== undefined) {
      this.scope.pointers.set(key, { local: same.local, covered });
      return;
    }
    if (start !== undefined) f.get(start.local);
    else {
      f.get(at(this.bufferLocals, buffer, 'buffer'));
      if (!isStatic && constant !== 0) f.i32(constant * width).op('i32.add');
    }
    for (const term of covered) {
      if (start?.covered.has(term) === true) continue;
      this.scaledTerm(term, (terms.get(term) ?? 0) * width);
      f.op('i32.add');
    }
    const local = this.ownedLocal('i32');
    f.set(local);
    this.scope.pointers.set(key, { local, covered });
    this.scope.pointers.set(content, { local, covered });
  }

  /** Whether `e` varies, also counting accumulators that are yet to become vectors. */
  willVary(e: Expr): boolean {
    return (
      this.varying(e) || (this.vector !== undefined && this.exprs.needs(e).accumulators.size > 0 && !this.available(e))
    );
  }

  /** Keep the value of a known `e` in the innermost scope: as a vector (per copy, or splat) or as a scalar. */
  precompute(e: Expr, asVector: boolean): void {
    const { f } = this;
    if (this.vector !== undefined && this.varying(e)) {
      if (e.op === 'acc') return;
      const before = this.copy;
      for (let copy = 0; copy < this.vector.copies; copy++) {
        this.copy = copy;
        if (this.find((scope) => scope.vectors[copy]?.get(e)) !== undefined) continue;
        this.vectorNodeOf(e);
        const local = this.ownedLocal('v128');
        f.set(local);
        this.vectorsOf(copy).set(e, local);
      }
      this.copy = before;
      return;
    }
    if (asVector && this.vector !== undefined) {
      if (this.find((scope) => scope.splats.get(e)) !== undefined) return;
      if (e.op === 'const') vectorConst(f, e.type, this.vector.lanes, () => e.value);
      else {
        this.scalar(e);
        splat(f, e.type, this.vector.lanes);
      }
      const local = this.ownedLocal('v128');
      f.set(local);
      this.scope.splats.set(e, local);
      return;
    }
    if (e.op === 'const' || e.op === 'var' || e.op === 'acc') return;
    if (this.find((scope) => scope.values.get(e)) !== undefined) return;
    this.scalarNode(e);
    const local = this.ownedLocal(valueType(e.type));
    f.set(local);
    this.scope.values.set(e, local);
  }

  private vectorNodeOf(e: Expr): void {
    if (e.op === 'const' || e.op === 'acc') this.vectorValue(e);
    else this.vectorNode(e, this.requireVector());
  }
}

/**
 * The sign bits with which a vector's absolute value and negation of a float are one instruction; V8 builds them anew
 * each time for the instructions that Wasm has for these.
 */
export function signMask(e: Expr): Expr | undefined {
  if (e.op !== 'abs' && e.op !== 'neg') return undefined;
  if (e.type === 'float32') return constant('int32', -(2 ** 31));
  return e.type === 'float64' ? constant('int64', -(2n ** 63n)) : undefined;
}

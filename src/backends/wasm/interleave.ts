/**
 * The order in which the copies of an unrolled vector body are computed: piece by piece, each piece for all copies, so that
 * what waits for the result before it stands next to what does not. The scheduler of V8's TurboFan did this by itself;
 * Turboshaft, which compiles WebAssembly since V8 12.8 (Node 24, Chromium 128), keeps the order it is given, and a machine
 * sees no further than some fifty waiting operations ahead.
 */
import { operandsOf } from '../../core/scalar.js';
import type { Expr } from '../../core/scalar.js';
import type { Stage } from '../../compiler/loop-ir.js';
import type { ExprEmitter } from './expr-emitter.js';

/** Operations of one piece at most, about. */
const PIECE = 12;

/** Compute in the innermost scope, for every copy, what the body of a stage needs whatever its lanes choose. */
export function interleaveCopies(e: ExprEmitter, { accumulators, stores }: Stage): void {
  if (e.vector === undefined || e.vector.copies === 1) return;
  /** Operations of a value that are yet to be emitted; 0 when it is in a local. */
  const pending = new Map<Expr, number>();
  const visit = (node: Expr): number => {
    if (node.op === 'const' || node.op === 'var' || node.op === 'acc') return 0;
    if (!e.varying(node) || !e.available(node)) return 0;
    const known = pending.get(node);
    if (known !== undefined) return known;
    const size = operandsNow(e, node).reduce((sum, operand) => sum + visit(operand), 1);
    const piece = e.shared.has(node) || size >= PIECE;
    if (piece) e.precompute(node, true);
    const left = piece ? 0 : size;
    pending.set(node, left);
    return left;
  };
  for (const { update } of accumulators) visit('next' in update ? update.next : update.value);
  for (const { value, mask } of stores) {
    visit(value);
    if (mask !== undefined) visit(mask);
  }
}

/** The operands that are computed wherever the node is: no index, which is part of an address, and no side of a lazy select. */
function operandsNow({ lazy }: ExprEmitter, node: Expr): readonly Expr[] {
  if (node.op === 'load') return [];
  if (node.op !== 'select') return operandsOf(node);
  const sides = lazy.sides.get(node);
  return [node.cond, ...(sides?.x === true ? [] : [node.x]), ...(sides?.y === true ? [] : [node.y])];
}

/**
 * Loop-invariant code: before a loop is opened, whatever its body needs that is already known (constants as
 * vectors, values of outer loops, the known parts of pointers) is computed once.
 */
import { operandsOf } from '../../core/scalar.js';
import type { Expr } from '../../core/scalar.js';
import type { ExprEmitter } from './expr-emitter.js';
import { signMask } from './expr-emitter.js';

/** An element that the body reads or writes. */
export interface ElementAccess {
  readonly buffer: number;
  readonly index: Expr;
}

/** Compute in the innermost scope what the given roots and accesses need that is already known. */
export function hoistInvariants(e: ExprEmitter, roots: readonly Expr[], accesses: readonly ElementAccess[]): void {
  const seen = new Set<Expr>();
  const seenVector = new Set<Expr>();
  const visit = (node: Expr, asVector: boolean): void => {
    const marks = asVector ? seenVector : seen;
    if (marks.has(node)) return;
    marks.add(node);
    if (e.available(node)) {
      e.precompute(node, asVector);
      return;
    }
    if (node.op === 'load') {
      visitAccess(node.buffer, node.index);
      return;
    }
    const isShift = node.op === 'shl' || node.op === 'shrLogical' || node.op === 'shrArithmetic';
    const vector = asVector && e.willVary(node);
    const mask = vector ? signMask(node) : undefined;
    if (mask !== undefined) visit(e.exprs.canon(mask), true);
    operandsOf(node).forEach((operand, i) => {
      visit(operand, vector && !(isShift && i === 1 && !e.willVary(operand)));
    });
  };
  const visitAccess = (buffer: number, index: Expr): void => {
    if (e.vector !== undefined && e.access(index).kind === 'gather') {
      visit(index, true);
      return;
    }
    for (const term of e.exprs.affine(index).terms.keys()) {
      if (e.available(term) && !e.varying(term)) e.precompute(term, false);
      else if (term.op !== 'var') visit(term, false);
    }
    e.hoistPointer(buffer, index);
  };
  for (const { buffer, index } of accesses) visitAccess(buffer, index);
  for (const root of roots) visit(root, e.vector !== undefined && e.willVary(root));
}

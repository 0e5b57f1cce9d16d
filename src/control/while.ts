/** `whileLoop`: a loop that runs as long as a condition on what it carries holds. */
import { nth } from '../core/axes.js';
import { ConcreteArray } from '../core/concrete.js';
import { TreeError } from '../core/errors.js';
import type { ArrayLike } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { structure, unflatten } from '../core/tree.js';
import { leafArray, type ToArrays } from '../transforms/arguments.js';
import { hoistConstants } from '../transforms/call.js';
import { isJitDisabled } from '../transforms/jit.js';
import {
  checkFunction,
  checkPredicate,
  flattenAs,
  flattenCarry,
  traceCarrying,
  traceFunction,
  type Like,
  type FlatTree,
} from './bodies.js';
import { bindWhile } from './while-primitive.js';

/** What runs under `disableJit`, as long as the condition has a value. */
function plainWhile(
  cond: (carry: never) => unknown,
  body: (carry: never) => unknown,
  init: FlatTree,
  op: string,
): { value: unknown } | undefined {
  let carry = unflatten(init.def, init.arrays);
  for (;;) {
    const pred = leafArray(cond(carry as never), () => `${op}: the condition`);
    checkPredicate(pred.aval, op, 'the condition');
    if (!(pred instanceof ConcreteArray)) return undefined;
    if (pred.item() !== true) return { value: carry };
    const flat = flattenAs(body(carry as never), 'carry', op);
    carry = unflatten(flat.def, flat.arrays);
  }
}

/** {@link whileLoop} without its types. */
export function untypedWhile(
  cond: (carry: never) => unknown,
  body: (carry: never) => unknown,
  init: unknown,
  op = 'whileLoop',
): unknown {
  checkFunction(cond, op, 'the condition');
  checkFunction(body, op, 'the body');
  const carry = flattenCarry(init, op);
  if (isJitDisabled()) {
    const plain = plainWhile(cond, body, carry, op);
    if (plain !== undefined) return plain.value;
  }
  const def = structure([unflatten(carry.def, carry.arrays)]);
  const { traced, init: start } = traceCarrying(
    carry,
    op,
    (avals) => traceFunction(body, def, avals, carry.labels, op),
    (outDef) => outDef,
  );
  const test = traceFunction(
    cond,
    def,
    start.map((x) => x.aval),
    carry.labels,
    op,
  );
  const [pred] = test.closed.outAvals;
  if (!test.outDef.isLeaf || pred === undefined) {
    throw new TreeError(
      `${op}: the condition must return one bool, got the structure ${test.outDef.toString()}.${userLine()}`,
    );
  }
  checkPredicate(pred, op, 'the condition');
  if (start.length === 0) return unflatten(carry.def, []);
  const out = bindWhile(hoistConstants(test.closed), hoistConstants(traced.closed), {
    condConsts: [],
    bodyConsts: [],
    carry: start,
  });
  return unflatten(
    carry.def,
    start.map((_, i) => nth(out, i)),
  );
}

/**
 * `while (cond(carry)) carry = body(carry)`, as one loop of the compiled program. The number of steps may depend on
 * values; `vmap` runs the loop until all examples are done. Forward mode (jvp, jacfwd) goes through it; reverse mode does
 * not, for there is no telling how much it would have to keep: use {@link foriLoop} with bounds that are plain numbers, or
 * `scan`.
 *
 * @throws TreeError, ShapeError, DTypeError when the body changes the type of the carry, or the condition is not one bool.
 * @example
 * ```ts
 * import { lax } from 'cotangent';
 * // Newton's method for the square root of 2.
 * const root = lax.whileLoop(
 *   (x) => x.mul(x).sub(2).abs().greater(1e-5),
 *   (x) => x.add(lax.div(2, x)).mul(0.5),
 *   1,
 * );
 * root.item(); // => 1.4142
 * ```
 */
export function whileLoop<const C>(
  cond: (carry: ToArrays<C>) => ArrayLike,
  body: (carry: ToArrays<C>) => Like<NoInfer<C>>,
  init: C,
): ToArrays<C> {
  return untypedWhile(cond, body, init) as ToArrays<C>;
}

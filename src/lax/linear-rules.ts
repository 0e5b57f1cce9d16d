/** Rules that every linear operation of one operand shares. */
import type { ShapedArray } from '../core/aval.js';
import { NotSupportedError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { LinearOperand, Zero, type JvpRule, type Params, type TransposeRule } from '../core/primitive.js';
import { userLine } from '../core/source.js';
import { take1 } from '../core/tuple.js';

/** jvp of a linear function of one operand: the function of the tangent. */
export const linearJvp =
  <P extends Params>(f: (x: NDArray, params: P) => NDArray): JvpRule<P> =>
  (primals, tangents, params) => {
    const [x] = take1(primals);
    const [dx] = take1(tangents);
    const out = f(x, params);
    return { primals: [out], tangents: [dx instanceof Zero ? new Zero(out.aval.strengthen()) : f(dx, params)] };
  };

/** Transpose of a linear function of one operand, given the cotangent and the operand's type. */
export const linearTranspose =
  <P extends Params>(f: (ct: NDArray, x: ShapedArray, params: P) => NDArray): TransposeRule<P> =>
  (cotangents, operands, params) => {
    const [ct] = take1(cotangents);
    const [x] = take1(operands);
    return [ct instanceof Zero || !(x instanceof LinearOperand) ? null : f(ct, x.aval, params)];
  };

/** The error of transposing with respect to operands that the operation is not linear in. */
export const notLinearIn = (name: string, why: string): NotSupportedError =>
  new NotSupportedError(
    `${name} cannot be transposed: ${why} on the argument of the transpose, and the function is not linear in it. ` +
      `Use vjp or grad, which linearize it first.${userLine()}`,
  );

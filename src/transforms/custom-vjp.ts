/** Functions with their own reverse-mode rule. */
import { ShapedArray } from '../core/aval.js';
import { isFloat } from '../core/dtype.js';
import { NotSupportedError, TreeError } from '../core/errors.js';
import { traceToJaxpr } from '../core/jaxpr-trace.js';
import { NDArray } from '../core/ndarray.js';
import {
  definePrimitive,
  LinearOperand,
  notDifferentiable,
  notLinear,
  Zero,
  type ClosedJaxpr,
  type MaybeZero,
  type Primitive,
} from '../core/primitive.js';
import { userLine } from '../core/source.js';
import { bind } from '../core/trace.js';
import { flattenUpTo, unflatten, type TreeDef } from '../core/tree.js';
import { nth } from '../core/axes.js';
import { take1 } from '../core/tuple.js';
import { batchOrRepeat, instantiate, reduceSum } from '../lax/broadcast.js';
import { mul } from '../lax/arithmetic.js';
import { flattenResult, leafArray, matchTree, type ArgumentsLike, type ToArrays } from './arguments.js';
import { calledTypes, hoistConstants } from './call.js';
import { callWithRule } from './custom-call.js';
import { batchJaxpr, vmapFlat } from './vmap.js';

interface FlatVjp {
  /** Results, then residuals. */
  readonly fwd: (primals: readonly NDArray[]) => { results: readonly NDArray[]; residuals: readonly NDArray[] };
  /** Cotangents of the arguments. */
  readonly bwd: (residuals: readonly NDArray[], cotangents: readonly NDArray[]) => readonly (NDArray | null)[];
}
type CustomVjpParams = {
  readonly jaxpr: ClosedJaxpr;
  readonly fwd: FlatVjp['fwd'];
  readonly bwd: FlatVjp['bwd'];
  readonly numConsts: number;
};
type CustomLinParams = {
  readonly bwd: FlatVjp['bwd'];
  readonly outAvals: () => readonly ShapedArray[];
  readonly numResiduals: number;
};

const reverseOnly =
  'a function with a customVjp has only reverse mode (grad, vjp, jacrev); give it a customJvp for forward mode (jvp, jacfwd, hessian)';

/** The tangent of a function with a custom vjp: linear, known only by its transpose. */
const customLinP: Primitive<CustomLinParams> = definePrimitive<CustomLinParams>({
  name: 'custom_lin',
  abstract: (_operands, { outAvals }) => outAvals(),
  jvp: notDifferentiable(reverseOnly),
  transpose: (cotangents, operands, { bwd, numResiduals }) => {
    const residuals = operands.slice(0, numResiduals).filter((x) => x instanceof NDArray);
    const results = bwd(residuals, cotangents.map(instantiate));
    return operands.map((x, i) =>
      i < numResiduals || !(x instanceof LinearOperand) ? null : (results[i - numResiduals] ?? null),
    );
  },
  batch: () => {
    throw new NotSupportedError(`vmap of a linearized function with a customVjp: ${reverseOnly}.${userLine()}`);
  },
  lower: () => {
    throw new NotSupportedError(`${reverseOnly}.${userLine()}`);
  },
  // It exists only between linearization and transposition, so it has no laws of its own.
  examples: () => [],
});

const customVjpP: Primitive<CustomVjpParams> = definePrimitive<CustomVjpParams>({
  name: 'custom_vjp_call',
  abstract: (operands, { jaxpr }) => calledTypes('custom_vjp_call', operands, jaxpr),
  jvp: notDifferentiable(reverseOnly),
  linearize: (primals, _nonzero, { fwd, bwd, numConsts }) => {
    const { results, residuals } = fwd(primals.slice(numConsts));
    return {
      results,
      tangents: (tangents) => {
        const own = tangents.slice(numConsts);
        const moving = own.filter((t) => !(t instanceof Zero)).length;
        if (moving === 0) return results.map((x) => new Zero(x.aval));
        const outAvals = results.map((x) => x.aval.strengthen());
        return bind(customLinP, [...residuals, ...own.map(instantiate)], {
          bwd,
          outAvals: () => outAvals,
          numResiduals: residuals.length,
        }).map((t, i): MaybeZero => (isFloat(nth(results, i).dtype) ? t : new Zero(nth(results, i).aval)));
      },
    };
  },
  transpose: notLinear('a function with a custom vjp is differentiated by its rule'),
  batch: (size, operands, dims, { jaxpr, fwd, bwd, numConsts }, axisName) => {
    const batched = dims.map((d) => d !== null);
    const made = batchJaxpr(jaxpr, size, batched, axisName ?? null, true);
    const moved = operands.map((x, i) => (batched[i] === true ? batchOrRepeat(x, dims[i] ?? null, size) : x));
    const axes = batched.slice(numConsts).map((b) => (b ? 0 : null));
    const whole = (results: readonly NDArray[], outDims: readonly (number | null)[]): NDArray[] =>
      results.map((x, i) => batchOrRepeat(x, outDims[i] ?? null, size));
    const rule: FlatVjp = {
      fwd: (primals) => {
        let n = 0;
        const out = vmapFlat(
          (...xs) => {
            const { results, residuals } = fwd(xs);
            n = results.length;
            return [...results, ...residuals];
          },
          size,
          primals,
          axes,
          axisName,
        );
        const all = whole(out.results, out.dims);
        return { results: all.slice(0, n), residuals: all.slice(n) };
      },
      bwd: (residuals, cotangents) => {
        const n = residuals.length;
        let present: boolean[] = [];
        const out = vmapFlat(
          (...xs) => {
            const cts = bwd(xs.slice(0, n), xs.slice(n));
            present = cts.map((ct) => ct !== null);
            return cts.filter((ct) => ct !== null);
          },
          size,
          [...residuals, ...cotangents],
          [...residuals, ...cotangents].map(() => 0),
          axisName,
        );
        const all = whole(out.results, out.dims);
        let next = 0;
        // An argument that was shared by the batch gets the sum over it.
        return present.map((p, i) =>
          p ? (axes[i] === null ? reduceSum(nth(all, next++), [0]) : nth(all, next++)) : null,
        );
      },
    };
    const results = bindCustomVjp(made.closed, moved, rule, numConsts);
    return { results, dims: results.map(() => 0) };
  },
  lower: (_avals, { jaxpr }) => ({ kind: 'call', jaxpr }),
  examples: () => {
    const aval = new ShapedArray([3], 'float32');
    const f = (...args: readonly NDArray[]): NDArray[] => [mul(take1(args)[0], take1(args)[0])];
    return [
      {
        args: [{ shape: [3] }],
        params: {
          jaxpr: traceToJaxpr(f, [aval], 'custom_vjp'),
          fwd: (primals: readonly NDArray[]) => ({ results: f(...primals), residuals: primals }),
          bwd: (residuals: readonly NDArray[], cts: readonly NDArray[]) => [
            mul(mul(take1(residuals)[0], 2), take1(cts)[0]),
          ],
          numConsts: 0,
        },
      },
    ];
  },
});

function bindCustomVjp(
  closed: ClosedJaxpr,
  operands: readonly NDArray[],
  rule: FlatVjp,
  numConsts: number,
): readonly NDArray[] {
  const hoisted = hoistConstants(closed);
  return bind(customVjpP, [...hoisted.consts, ...operands], {
    jaxpr: hoisted.closed,
    ...rule,
    numConsts: numConsts + hoisted.consts.length,
  });
}

/** A function whose reverse-mode rule is given by {@link CustomVjp.defvjp}. */
export interface CustomVjp<A extends readonly unknown[], R> {
  (...args: ArgumentsLike<A>): ToArrays<R>;
  /**
   * Set the rule: `fwd` returns `[result, residuals]`, `bwd` takes residuals and the cotangent of the result and returns
   * a list with the cotangent of each argument (`null` for zero).
   */
  defvjp<S>(
    fwd: (...args: A) => readonly [R, S],
    bwd: (residuals: S, cotangent: R) => readonly unknown[],
  ): CustomVjp<A, R>;
}

/**
 * A function with its own reverse-mode rule. It has no forward mode.
 *
 * @example
 * ```ts
 * import { customVjp, grad, numpy as np } from 'cotangent';
 * // The gradient is clipped to [-1, 1] on its way back.
 * const clipGradient = customVjp((x: np.Array) => x).defvjp((x) => [x, null], (_, g) => [np.clip(g, -1, 1)]);
 * grad((x: np.Array) => clipGradient(x).mul(100))(2).item(); // => 1
 * ```
 */
export function customVjp<A extends readonly unknown[], R>(f: (...args: A) => R): CustomVjp<A, R> {
  let rule:
    | { fwd: (...args: A) => readonly [R, unknown]; bwd: (residuals: never, cotangent: R) => readonly unknown[] }
    | undefined;
  const op = `customVjp(${f.name})`;
  const flatRule = (def: TreeDef, outDef: TreeDef, avals: readonly ShapedArray[]): FlatVjp => {
    let residualDef: TreeDef | undefined;
    const need = () => {
      if (rule === undefined) throw new Error(`${op}: no rule; call .defvjp(fwd, bwd) first`);
      return rule;
    };
    return {
      fwd: (primals) => {
        const [result, residuals] = need().fwd(...(unflatten(def, primals) as A));
        const flat = flattenResult(residuals, op);
        residualDef = flat.def;
        return { results: matchTree(outDef, result, op, "fwd's result"), residuals: flat.arrays };
      },
      bwd: (residuals, cotangents) => {
        if (residualDef === undefined) throw new Error('internal: bwd before fwd');
        const out = need().bwd(unflatten(residualDef, residuals) as never, unflatten(outDef, cotangents) as R);
        if (!Array.isArray(out) || out.length !== def.children.length) {
          throw new TreeError(
            `${op}: bwd must return a list with one cotangent per argument (${String(def.children.length)}), got ${Array.isArray(out) ? String(out.length) : typeof out}.${userLine()}`,
          );
        }
        let next = 0;
        return def.children.flatMap((child, k): (NDArray | null)[] => {
          const start = next;
          next += child.numLeaves;
          if (out[k] === null || out[k] === undefined) return Array.from({ length: child.numLeaves }, () => null);
          return flattenUpTo(child, out[k], `${op}: bwd's cotangent ${String(k)}`).map((leaf, i) => {
            const ct = leafArray(leaf, () => `${op}: bwd's cotangent ${String(k)}`);
            const aval = nth(avals, start + i);
            if (!isFloat(aval.dtype)) return null;
            if (!ct.aval.equals(aval))
              throw new TreeError(
                `${op}: bwd's cotangent ${String(k)} is ${ct.aval.toString()}, but the argument is ${aval.toString()}.${userLine()}`,
              );
            return ct;
          });
        });
      },
    };
  };
  const call = (...args: ArgumentsLike<A>): ToArrays<R> =>
    callWithRule(f, args, op, ({ closed, arrays, avals, def, outDef }) =>
      bindCustomVjp(closed, arrays, flatRule(def, outDef, avals), 0),
    );
  const self: CustomVjp<A, R> = Object.assign(call, {
    defvjp: <S>(fwd: (...args: A) => readonly [R, S], bwd: (residuals: S, cotangent: R) => readonly unknown[]) => {
      rule = { fwd, bwd };
      return self;
    },
  });
  return self;
}

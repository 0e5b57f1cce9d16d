/** Rules of cond: forward mode, linearization, transposition and batching. */
import { nth, range } from '../core/axes.js';
import { isFloat } from '../core/dtype.js';
import { evalClosed, traceToJaxpr } from '../core/jaxpr-trace.js';
import { NDArray } from '../core/ndarray.js';
import {
  LinearOperand,
  Zero,
  type Atom,
  type BatchRule,
  type ClosedJaxpr,
  type JvpRule,
  type LinearizeRule,
  type MaybeZero,
  type TransposeRule,
} from '../core/primitive.js';
import type { ShapedArray } from '../core/aval.js';
import { clamp, select, selectN } from '../lax/arithmetic.js';
import { batchOrRepeat, broadcastInDim, zerosOf } from '../lax/broadcast.js';
import { eq } from '../lax/compare.js';
import { convertElementType } from '../lax/convert.js';
import { dynamicIndexInDim } from '../lax/dynamic.js';
import { stopGradientArray } from '../lax/identity.js';
import { argmax, reduceOr } from '../lax/reductions.js';
import { moveaxis } from '../lax/reshape.js';
import { tangentsWhere } from '../transforms/call.js';
import { withoutBarriers } from '../transforms/checkpoint.js';
import { jvpJaxpr } from '../transforms/jvp.js';
import { linearizeJaxpr } from '../transforms/linearize.js';
import { memoize } from '../transforms/memo.js';
import { transposeJaxpr } from '../transforms/transpose.js';
import { batchJaxpr, mentionsAxis } from '../transforms/vmap.js';
import { shareConstants, union, where } from './lists.js';

export type CondParams = {
  /** Jaxprs of the same arguments and results, without constants. */
  readonly branches: readonly ClosedJaxpr[];
};

/** Apply cond to other branches, which may have constants. */
export type BindCond = (
  branches: readonly ClosedJaxpr[],
  index: NDArray,
  operands: readonly NDArray[],
) => readonly NDArray[];

const arraysOf = (list: readonly (MaybeZero | LinearOperand)[]): NDArray[] => list.filter((x) => x instanceof NDArray);

/** Results that move in one branch have a tangent in all. */
const jvpBranches = memoize((branches: readonly ClosedJaxpr[], nonzero: readonly boolean[]) => {
  const moving = union(branches.map((b) => jvpJaxpr(b, nonzero).nonzero));
  return { branches: branches.map((b) => jvpJaxpr(b, nonzero, moving).closed), moving };
});

export const condJvp =
  (bindCond: BindCond): JvpRule<CondParams> =>
  ([index, ...operands], [, ...tangents], { branches }) => {
    if (index === undefined) throw new Error('cond: no index');
    const made = jvpBranches(
      branches,
      tangents.map((t) => !(t instanceof Zero)),
    );
    const out = bindCond(made.branches, index, [...operands, ...arraysOf(tangents)]);
    const results = out.slice(0, made.moving.length);
    return { primals: results, tangents: tangentsWhere(made.moving, results, out.slice(results.length)) };
  };

interface SplitCond {
  /** From the operands to the results, then the slots. */
  readonly primal: readonly ClosedJaxpr[];
  readonly consts: readonly NDArray[];
  /** Which of the constants and operands the tangent programs read. */
  readonly kept: readonly number[];
  /** From those, the slots and tangents to tangents. */
  readonly tangent: readonly ClosedJaxpr[];
  readonly moving: readonly boolean[];
}

/**
 * Residuals of a branch are operands, which are there already, or values, which get slots: results of a type that each
 * branch uses for its own and fills with zeros if it has fewer.
 */
const splitCond = memoize((branches: readonly ClosedJaxpr[], nonzero: readonly boolean[]): SplitCond => {
  const moving = union(branches.map((b) => linearizeJaxpr(b, nonzero).nonzero));
  const splits = branches.map((b) => linearizeJaxpr(b, nonzero, moving));
  const { branches: values, consts } = shareConstants(splits.map((s) => s.primal));
  const n = moving.length;

  const kept: number[] = [];
  const slots: ShapedArray[] = [];
  // For each branch and residual: the number of a kept operand, or of a slot.
  const places = values.map(({ jaxpr }) => {
    const taken = new Map<Atom, number>();
    return jaxpr.outvars.slice(n).map((atom): { operand: boolean; at: number } => {
      const operand = jaxpr.invars.findIndex((v) => v === atom);
      if (operand >= 0) {
        if (!kept.includes(operand)) kept.push(operand);
        return { operand: true, at: kept.indexOf(operand) };
      }
      let slot = taken.get(atom);
      if (slot === undefined) {
        const used = [...taken.values()];
        slot = slots.findIndex((type, i) => type.equals(atom.aval) && !used.includes(i));
        if (slot < 0) slot = slots.push(atom.aval) - 1;
        taken.set(atom, slot);
      }
      return { operand: false, at: slot };
    });
  });
  const primal = values.map((value, b) =>
    traceToJaxpr(
      (...args) => {
        const out = evalClosed(value, args);
        const residuals = out.slice(n);
        const filled = slots.map((type, slot) => {
          const at = nth(places, b).findIndex((p) => !p.operand && p.at === slot);
          return at < 0 ? zerosOf(type) : nth(residuals, at);
        });
        return [...out.slice(0, n), ...filled];
      },
      value.inAvals,
      'grad',
    ),
  );
  const keptAvals = kept.map((i) => nth(nth(values, 0).inAvals, i));
  const tangent = splits.map((split, b) => {
    const own = nth(places, b);
    return traceToJaxpr(
      (...args) => {
        const given = own.map(({ operand, at }) => nth(args, operand ? at : kept.length + at));
        return evalClosed(split.tangent, [...given, ...args.slice(kept.length + slots.length)]);
      },
      [...keptAvals, ...slots, ...split.tangent.inAvals.slice(own.length)],
      'grad',
    );
  });
  return { primal, consts, kept, tangent, moving };
});

export const condLinearize =
  (bindCond: BindCond): LinearizeRule<CondParams> =>
  ([index, ...operands], nonzero, { branches }) => {
    if (index === undefined) throw new Error('cond: no index');
    const split = splitCond(branches, nonzero.slice(1));
    const all = [...split.consts, ...operands];
    const out = bindCond(split.primal, index, all);
    const results = out.slice(0, split.moving.length);
    const residuals = [...split.kept.map((i) => nth(all, i)), ...out.slice(results.length)];
    return {
      results,
      tangents: ([, ...tangents]) =>
        tangentsWhere(
          split.moving,
          results,
          split.moving.some((m) => m) ? bindCond(split.tangent, index, [...residuals, ...arraysOf(tangents)]) : [],
        ),
    };
  };

/** Operands that get a cotangent in one branch get one in all. */
const transposeBranches = memoize(
  (branches: readonly ClosedJaxpr[], isLinear: readonly boolean[], zeroCotangents: readonly boolean[]) => {
    const transposed = branches.map((b) => transposeJaxpr(b, isLinear, zeroCotangents));
    const nonzero = union(transposed.map((t) => t.nonzero));
    const { inAvals } = nth(branches, 0);
    return {
      nonzero,
      branches: transposed.map((t) =>
        traceToJaxpr(
          (...args) => {
            const out = evalClosed(t.closed, args);
            let next = 0;
            const cts = inAvals.map((a, i) => (t.nonzero[i] === true ? nth(out, next++) : zerosOf(a.strengthen())));
            return where(cts, nonzero);
          },
          t.closed.inAvals,
          'transpose',
        ),
      ),
    };
  },
);

export const condTranspose =
  (bindCond: BindCond): TransposeRule<CondParams> =>
  (cotangents, [index, ...operands], { branches }) => {
    if (!(index instanceof NDArray)) throw new Error('cond: the index is an integer and has no cotangent');
    const isLinear = operands.map((x) => x instanceof LinearOperand);
    const made = withoutBarriers(() =>
      transposeBranches(
        branches,
        isLinear,
        cotangents.map((ct) => ct instanceof Zero),
      ),
    );
    const out = bindCond(made.branches, index, [...arraysOf(operands), ...arraysOf(cotangents)]);
    let next = 0;
    return [null, ...made.nonzero.map((m) => (m ? nth(out, next++) : null))];
  };

/** `pred[b] ? onTrue[b] : onFalse`, for examples b along the first axis of `onTrue`. */
function selectExamples(pred: NDArray, onTrue: NDArray, onFalse: NDArray): NDArray {
  const { shape } = onTrue.aval;
  const other =
    onFalse.ndim === shape.length
      ? onFalse
      : broadcastInDim(
          onFalse,
          shape,
          range(onFalse.ndim).map((d) => d + 1),
        );
  return select(broadcastInDim(pred, shape, [0]), onTrue, other);
}

/**
 * Operands for a branch that all examples compute and only some (`pred`) take. Where an example does not take it, no
 * derivative may come back, for it may be NaN, and zero times NaN is NaN: there the operand is another value, which has
 * no derivative. For a scalar that all examples share it is its own. A larger shared operand would have to be repeated
 * for that; instead the examples that do not take the branch compute it for the operands of one that does, so that there
 * is no NaN that the function would not have.
 */
function guard(
  pred: NDArray,
  operands: readonly NDArray[],
  batched: readonly boolean[],
  size: number,
  separate: boolean,
): { operands: NDArray[]; batched: boolean[] } {
  const shared = operands.some((x, i) => batched[i] !== true && x.ndim > 0 && isFloat(x.dtype));
  if (separate || !shared || size === 0) {
    const masked = operands.map((x, i) => {
      if (!isFloat(x.dtype) || (batched[i] !== true && x.ndim > 0)) return x;
      const each = batched[i] === true ? x : batchOrRepeat(x, null, size);
      return selectExamples(pred, each, stopGradientArray(each));
    });
    return {
      operands: masked,
      batched: batched.map((b, i) => b || (nth(operands, i).ndim === 0 && isFloat(nth(operands, i).dtype))),
    };
  }
  const standIn = argmax(convertElementType(pred, 'int32'), 0);
  const taken = reduceOr(pred, [0]);
  const masked = operands.map((x, i) => {
    if (batched[i] === true) return selectExamples(pred, x, stopGradientArray(dynamicIndexInDim(x, standIn, 0, false)));
    return isFloat(x.dtype) ? select(taken, x, stopGradientArray(x)) : x;
  });
  return { operands: masked, batched: [...batched] };
}

export const condBatch =
  (bindCond: BindCond): BatchRule<CondParams> =>
  (size, [index, ...operands], [indexDim, ...dims], { branches }, axisName) => {
    if (index === undefined) throw new Error('cond: no index');
    const name = axisName ?? null;
    const batched = dims.map((d) => d !== null);
    const moved = operands.map((x, i) => (batched[i] === true ? moveaxis(x, nth(dims, i) ?? 0, 0) : x));
    if (indexDim === null || indexDim === undefined) {
      const out = union(branches.map((b) => batchJaxpr(b, size, batched, name, false).batched));
      const made = branches.map((b) => batchJaxpr(b, size, batched, name, out).closed);
      return { results: bindCond(made, index, moved), dims: out.map((b) => (b ? 0 : null)) };
    }
    // Every example computes all branches and takes the results of one.
    const which = clamp(0, index, branches.length - 1);
    const cases = branches.map((branch, i) => {
      const separate = axisName !== undefined && mentionsAxis({ branch }, axisName);
      const own = guard(eq(which, i), moved, batched, size, separate);
      const made = batchJaxpr(branch, size, own.batched, name, true);
      return evalClosed(made.closed, own.operands);
    });
    const results = nth(cases, 0).map((first, k) =>
      selectN(broadcastInDim(which, first.aval.shape, [0]), ...cases.map((out) => nth(out, k))),
    );
    return { results, dims: results.map(() => 0) };
  };

/** Rules of scan: forward mode, transposition and batching. Its linearization is in scan-linearize.ts. */
import { nth, range } from '../core/axes.js';
import { pruneResults } from '../core/dce.js';
import { evalClosed } from '../core/jaxpr-trace.js';
import { NDArray } from '../core/ndarray.js';
import {
  ClosedJaxpr,
  Jaxpr,
  LinearOperand,
  Zero,
  type BatchRule,
  type JvpRule,
  type MaybeZero,
  type TransposeRule,
} from '../core/primitive.js';
import { addTangents, batchOrRepeat, instantiate, zerosOf } from '../lax/broadcast.js';
import { moveaxis } from '../lax/reshape.js';
import { hoistConstants, tangentsWhere } from '../transforms/call.js';
import { withoutBarriers } from '../transforms/checkpoint.js';
import { jvpJaxpr } from '../transforms/jvp.js';
import { memoize } from '../transforms/memo.js';
import { dependentResults, transposeJaxpr } from '../transforms/transpose.js';
import { batchJaxpr } from '../transforms/vmap.js';
import {
  count,
  fixpoint,
  instantiated,
  merge,
  record,
  reorder,
  run,
  split3,
  where,
  whereNot,
  type Body,
} from './lists.js';

export type ScanParams = {
  /** `(constants, carry, x) -> (carry, y)`; it has no constants of its own. */
  readonly jaxpr: ClosedJaxpr;
  readonly length: number;
  readonly reverse: boolean;
  /** Steps in one turn of the loop. */
  readonly unroll: number;
  readonly numConsts: number;
  readonly numCarry: number;
};

/** How often and in which direction. */
export type Loop = Pick<ScanParams, 'length' | 'reverse' | 'unroll'>;

/** Apply scan to another body. Results are the carry, then ys. */
export type BindScan = (
  body: Body,
  operands: {
    readonly consts: readonly NDArray[];
    readonly carry: readonly NDArray[];
    readonly xs: readonly NDArray[];
  },
  loop: Loop,
) => readonly NDArray[];

/** The body on values and tangents, each group's values before its tangents; and which have tangents. */
const jvpBody = memoize(
  (
    closed: ClosedJaxpr,
    numConsts: number,
    numCarry: number,
    nonzero: readonly boolean[],
  ): { body: Body; carry: readonly boolean[]; ys: readonly boolean[] } => {
    const [c, k, x] = split3(nonzero, numConsts, numCarry);
    // A tangent that comes in through the carry once is there in every step.
    const carry = fixpoint(k, (marks) => jvpJaxpr(closed, [...c, ...marks, ...x], marks).nonzero);
    const made = jvpJaxpr(closed, [...c, ...carry, ...x], carry);
    const ys = made.nonzero.slice(numCarry);
    const [nc, nk, nx, n] = [count(c), count(carry), count(x), nonzero.length];
    const body = reorder(
      made.closed,
      [
        ...run(0, numConsts),
        ...run(n, nc),
        ...run(numConsts, numCarry),
        ...run(n + nc, nk),
        ...run(numConsts + numCarry, x.length),
        ...run(n + nc + nk, nx),
      ],
      [
        ...run(0, numCarry),
        ...run(made.nonzero.length, nk),
        ...run(numCarry, ys.length),
        ...run(made.nonzero.length + nk, count(ys)),
      ],
    );
    return { body, carry, ys };
  },
);

export const scanJvp =
  (bindScan: BindScan): JvpRule<ScanParams> =>
  (primals, tangents, params) => {
    const { jaxpr, numConsts, numCarry } = params;
    const nonzero = tangents.map((t) => !(t instanceof Zero));
    const made = jvpBody(jaxpr, numConsts, numCarry, nonzero);
    const [consts, init, xs] = split3(primals, numConsts, numCarry);
    const [dconsts, dinit, dxs] = split3(tangents, numConsts, numCarry);
    const [c, , x] = split3(nonzero, numConsts, numCarry);
    const out = bindScan(
      made.body,
      {
        consts: [...consts, ...instantiated(dconsts, c)],
        carry: [...init, ...instantiated(dinit, made.carry)],
        xs: [...xs, ...instantiated(dxs, x)],
      },
      params,
    );
    const [carry, dcarry, rest] = split3(out, numCarry, count(made.carry));
    const [ys, dys] = [rest.slice(0, made.ys.length), rest.slice(made.ys.length)];
    const results = [...carry, ...ys];
    return { primals: results, tangents: tangentsWhere([...made.carry, ...made.ys], results, [...dcarry, ...dys]) };
  };

/** The carry that is known of a body which is linear in the rest: its steps, and as ys its value before each step. */
const knownCarry = memoize(
  (closed: ClosedJaxpr, numConsts: number, numCarry: number, linear: readonly boolean[]): Body => {
    const { invars, outvars } = closed.jaxpr;
    const [, k] = split3(linear, numConsts, numCarry);
    // What is known does not read what is linear, so that those arguments can go.
    const { eqns, outvars: after } = pruneResults(
      closed.jaxpr,
      outvars.map((_, i) => k[i] === false),
    );
    const before = whereNot(invars.slice(numConsts, numConsts + numCarry), k);
    return {
      closed: new ClosedJaxpr(new Jaxpr([], whereNot(invars, linear), eqns, [...after, ...before]), []),
      consts: [],
    };
  },
);

interface TransposedBody {
  /** `(known constants, [cotangents of constants so far, cotangents of the carry], [known xs, known carry, cotangents of ys])`. */
  readonly body: Body;
  /** Which constants, linear carries and xs have a cotangent. */
  readonly consts: readonly boolean[];
  readonly carry: readonly boolean[];
  readonly xs: readonly boolean[];
}

const transposeBody = memoize(
  (
    closed: ClosedJaxpr,
    numConsts: number,
    numCarry: number,
    linear: readonly boolean[],
    carryCotangents: readonly boolean[],
    ysCotangents: readonly boolean[],
  ): TransposedBody => {
    const [c, k, x] = split3(linear, numConsts, numCarry);
    const [, carryAt, xsAt] = split3(range(linear.length), numConsts, numCarry);
    // A known carry is an x like others.
    const step = reorder(
      closed,
      [...run(0, numConsts), ...where(carryAt, k), ...xsAt, ...whereNot(carryAt, k)],
      [...where(range(numCarry), k), ...run(numCarry, ysCotangents.length)],
    ).closed;
    const marks = [...c, ...where(k, k), ...x, ...whereNot(k, k)];
    const transposed = (carry: readonly boolean[]) =>
      transposeJaxpr(
        step,
        marks,
        [...carry, ...ysCotangents].map((m) => !m),
      );
    const carry = fixpoint(carryCotangents, (m) => transposed(m).nonzero.slice(numConsts));
    const made = transposed(carry);
    const [consts, moving, xs] = split3(made.nonzero, numConsts, carry.length);
    const [constAvals, carryAvals, xsAvals] = split3(step.inAvals, numConsts, carry.length);
    const known = [...whereNot(constAvals, c), ...whereNot(xsAvals, [...x, ...whereNot(k, k)])];
    const numKnownConsts = constAvals.length - count(c);
    const numKnownXs = known.length - numKnownConsts;
    const sums = where(constAvals, consts).map((a) => a.strengthen());
    const through = where(carryAvals, carry).map((a) => a.strengthen());
    const ys = where(step.outAvals.slice(carry.length), ysCotangents).map((a) => a.strengthen());
    const body = record(
      (...args) => {
        const [knownConsts, rest, slices] = split3(args, numKnownConsts, sums.length + through.length);
        const [before, cts] = [rest.slice(0, sums.length), rest.slice(sums.length)];
        const [knownXs, ysCts] = [slices.slice(0, numKnownXs), slices.slice(numKnownXs)];
        const out = evalClosed(made.closed, [...knownConsts, ...knownXs, ...cts, ...ysCts]);
        const [dconsts, dcarry, dxs] = split3(out, count(consts), count(moving));
        const after = merge(
          where(moving, carry),
          dcarry,
          whereNot(carryAvals, moving).map((a) => zerosOf(a.strengthen())),
        );
        return [...before.map((sum, i) => instantiate(addTangents(sum, nth(dconsts, i)))), ...after, ...dxs];
      },
      [...known.slice(0, numKnownConsts), ...sums, ...through, ...known.slice(numKnownConsts), ...ys],
      'transpose',
    );
    return { body, consts, carry, xs: xs.slice(0, x.length) };
  },
);

/** The steps backwards: cotangents of the carry go through, those of constants add up, those of ys and xs are slices. */
export const scanTranspose =
  (bindScan: BindScan): TransposeRule<ScanParams> =>
  (cotangents, operands, params) => {
    const { jaxpr, numConsts, numCarry, reverse } = params;
    const [c, k, x] = split3(
      operands.map((o) => o instanceof LinearOperand),
      numConsts,
      numCarry,
    );
    const carried = fixpoint(k, (marks) => dependentResults(jaxpr.jaxpr, [...c, ...marks, ...x]));
    const linear = [...c, ...carried, ...x];
    const known = (group: readonly (NDArray | LinearOperand)[]): NDArray[] => group.filter((o) => o instanceof NDArray);
    const [consts, init, xs] = split3(operands, numConsts, numCarry);
    const knownInit = known(whereNot(init, carried));
    const stacked =
      knownInit.length === 0
        ? []
        : bindScan(
            knownCarry(jaxpr, numConsts, numCarry, linear),
            { consts: known(consts), carry: knownInit, xs: known(xs) },
            params,
          ).slice(knownInit.length);

    const [carryCts, ysCts] = [where(cotangents.slice(0, numCarry), carried), cotangents.slice(numCarry)];
    const isGiven = (ct: MaybeZero): boolean => !(ct instanceof Zero);
    const made = withoutBarriers(() =>
      transposeBody(jaxpr, numConsts, numCarry, linear, carryCts.map(isGiven), ysCts.map(isGiven)),
    );
    const out = bindScan(
      made.body,
      {
        consts: known(consts),
        carry: [
          ...where(consts, made.consts).map((o) => zerosOf(o.aval.strengthen())),
          ...instantiated(carryCts, made.carry),
        ],
        xs: [...known(xs), ...stacked, ...ysCts.filter((ct) => ct instanceof NDArray)],
      },
      { ...params, reverse: !reverse },
    );
    const [dconsts, dinit, dxs] = split3(out, count(made.consts), count(made.carry));
    const optional = (marks: readonly boolean[], values: readonly NDArray[]): (NDArray | null)[] =>
      merge(
        marks,
        values,
        marks.map(() => null),
      );
    return [
      ...optional(made.consts, dconsts),
      ...merge(
        carried,
        optional(made.carry, dinit),
        carried.map(() => null),
      ),
      ...optional(made.xs, dxs),
    ];
  };

export const scanBatch =
  (bindScan: BindScan): BatchRule<ScanParams> =>
  (size, operands, dims, params, axisName) => {
    const { jaxpr, numConsts, numCarry } = params;
    const [c, k, x] = split3(
      dims.map((d) => d !== null),
      numConsts,
      numCarry,
    );
    const batched = (marks: readonly boolean[], force: readonly boolean[]) =>
      batchJaxpr(jaxpr, size, [...c, ...marks, ...x], axisName ?? null, force);
    const carried = fixpoint(k, (marks) => batched(marks, []).batched);
    const made = batched(carried, carried);
    const moved = operands.map((o, i) => {
      const dim = nth(dims, i);
      if (i >= numConsts + numCarry) return dim === null ? o : moveaxis(o, dim, 1);
      return dim === null && carried[i - numConsts] !== true ? o : batchOrRepeat(o, dim, size);
    });
    const [consts, carry, xs] = split3(moved, numConsts, numCarry);
    const results = bindScan(hoistConstants(made.closed), { consts, carry, xs }, params);
    return { results, dims: made.batched.map((b, i) => (b ? (i < numCarry ? 0 : 1) : null)) };
  };

/** The primitive while: a loop whose number of steps is known only when it runs. */
import { ShapedArray } from '../core/aval.js';
import { nth } from '../core/axes.js';
import { JaxprTypeError } from '../core/errors.js';
import { evalClosed, traceToJaxpr } from '../core/jaxpr-trace.js';
import type { NDArray } from '../core/ndarray.js';
import {
  ClosedJaxpr,
  definePrimitive,
  Jaxpr,
  notLinear,
  Var,
  Zero,
  type BatchRule,
  type Example,
  type JvpRule,
  type LinearizeRule,
  type MaybeZero,
  type Primitive,
} from '../core/primitive.js';
import { bind } from '../core/trace.js';
import { add, mul, select } from '../lax/arithmetic.js';
import { batchOrRepeat, broadcastInDim, reduceSum } from '../lax/broadcast.js';
import { bitwiseAnd, lt } from '../lax/compare.js';
import { reduceOr } from '../lax/reductions.js';
import { sin } from '../lax/trigonometric.js';
import { hoistConstants, tangentsWhere } from '../transforms/call.js';
import { jvpJaxpr } from '../transforms/jvp.js';
import { memoize } from '../transforms/memo.js';
import { batchJaxpr } from '../transforms/vmap.js';
import { count, fixpoint, instantiated, record, reorder, run, split3, where, type Body } from './lists.js';

export type WhileParams = {
  /** `(constants, carry) -> (bool,)`; it has no constants of its own. */
  readonly condJaxpr: ClosedJaxpr;
  readonly condNconsts: number;
  /** `(constants, carry) -> carry`. */
  readonly bodyJaxpr: ClosedJaxpr;
  readonly bodyNconsts: number;
};

function resultTypes(operands: readonly ShapedArray[], params: WhileParams): ShapedArray[] {
  const { condJaxpr, bodyJaxpr, condNconsts, bodyNconsts } = params;
  const [condConsts, bodyConsts, carry] = split3(operands, condNconsts, bodyNconsts);
  const types = (list: readonly ShapedArray[]): string => list.map(String).join(', ');
  const fits =
    types(condJaxpr.inAvals) === types([...condConsts, ...carry]) &&
    types(condJaxpr.outAvals) === 'bool[]' &&
    types(bodyJaxpr.inAvals) === types([...bodyConsts, ...carry]) &&
    types(bodyJaxpr.outAvals) === types(carry);
  if (!fits) {
    const show = (j: ClosedJaxpr): string => `(${types(j.inAvals)}) -> (${types(j.outAvals)})`;
    throw new JaxprTypeError(
      `while: the condition is ${show(condJaxpr)} and the body ${show(bodyJaxpr)}, with ${String(condNconsts)} and ` +
        `${String(bodyNconsts)} constants, but the operands are ${types(operands)}`,
    );
  }
  return carry.map((a) => a.strengthen());
}

/** Apply the primitive. */
export function bindWhile(
  cond: Body,
  body: Body,
  {
    condConsts,
    bodyConsts,
    carry,
  }: { condConsts: readonly NDArray[]; bodyConsts: readonly NDArray[]; carry: readonly NDArray[] },
): readonly NDArray[] {
  return bind(whileP, [...cond.consts, ...condConsts, ...body.consts, ...bodyConsts, ...carry], {
    condJaxpr: cond.closed,
    condNconsts: cond.consts.length + condConsts.length,
    bodyJaxpr: body.closed,
    bodyNconsts: body.consts.length + bodyConsts.length,
  });
}

const open = (closed: ClosedJaxpr): Body => ({ closed, consts: [] });

/** The body on values and tangents, and which of the carry have tangents. */
const jvpBody = memoize(
  (closed: ClosedJaxpr, numConsts: number, nonzero: readonly boolean[]): { body: Body; carry: readonly boolean[] } => {
    const [c, k] = [nonzero.slice(0, numConsts), nonzero.slice(numConsts)];
    const carry = fixpoint(k, (marks) => jvpJaxpr(closed, [...c, ...marks], marks).nonzero);
    const made = jvpJaxpr(closed, [...c, ...carry], carry);
    const n = nonzero.length;
    const args = [
      ...run(0, numConsts),
      ...run(n, count(c)),
      ...run(numConsts, k.length),
      ...run(n + count(c), count(carry)),
    ];
    return { body: reorder(made.closed, args, run(0, k.length + count(carry))), carry };
  },
);

/** The condition of a loop that carries tangents too, which it does not read. */
const withTangents = memoize((closed: ClosedJaxpr, numConsts: number, carry: readonly boolean[]): Body => {
  const { invars, eqns, outvars } = closed.jaxpr;
  const tangents = where(invars.slice(numConsts), carry).map((v) => new Var(v.aval.strengthen()));
  return open(new ClosedJaxpr(new Jaxpr([], [...invars, ...tangents], eqns, outvars), []));
});

const jvpRule: JvpRule<WhileParams> = (primals, tangents, params) => {
  const { condJaxpr, condNconsts, bodyJaxpr, bodyNconsts } = params;
  const [condConsts, bodyConsts, carry] = split3(primals, condNconsts, bodyNconsts);
  const [, dconsts, dcarry] = split3(tangents, condNconsts, bodyNconsts);
  const moving = (list: readonly MaybeZero[]): boolean[] => list.map((t) => !(t instanceof Zero));
  const made = jvpBody(bodyJaxpr, bodyNconsts, [...moving(dconsts), ...moving(dcarry)]);
  const out = bindWhile(withTangents(condJaxpr, condNconsts, made.carry), made.body, {
    condConsts,
    bodyConsts: [...bodyConsts, ...instantiated(dconsts, moving(dconsts))],
    carry: [...carry, ...instantiated(dcarry, made.carry)],
  });
  const results = out.slice(0, carry.length);
  return { primals: results, tangents: tangentsWhere(made.carry, results, out.slice(carry.length)) };
};

/** Values by the loop itself; tangents by its forward mode, which runs it again. */
const linearizeRule: LinearizeRule<WhileParams> = (primals, _nonzero, params) => {
  const results = bind(whileP, primals, params);
  return { results, tangents: (tangents) => jvpRule(primals, tangents, params).tangents };
};

/**
 * A loop over examples that stop at different times: it carries which of them still run, runs while any does, and those
 * that are done keep their values.
 */
function maskedLoop(
  cond: ClosedJaxpr,
  body: ClosedJaxpr,
  size: number,
  numCondConsts: number,
  numBodyConsts: number,
): { cond: Body; body: Body } {
  const [condConsts, carry] = [cond.inAvals.slice(0, numCondConsts), cond.inAvals.slice(numCondConsts)];
  const bodyConsts = body.inAvals.slice(0, numBodyConsts);
  const running = new ShapedArray([size], 'bool');
  return {
    cond: record((...args) => [reduceOr(nth(args, 0), [0])], [running, ...carry], 'vmap'),
    body: record(
      (...args) => {
        const [first, second, rest] = split3(args, numCondConsts, numBodyConsts);
        const before = rest.slice(1);
        const after = evalClosed(body, [...second, ...before]).map((x, i) =>
          select(broadcastInDim(nth(rest, 0), x.aval.shape, [0]), x, nth(before, i)),
        );
        return [...evalClosed(cond, [...first, ...after]), ...after];
      },
      [...condConsts, ...bodyConsts, running, ...carry],
      'vmap',
    ),
  };
}

const batchRule: BatchRule<WhileParams> = (size, operands, dims, params, axisName) => {
  const { condJaxpr, condNconsts, bodyJaxpr, bodyNconsts } = params;
  const name = axisName ?? null;
  const [c, b, k] = split3(
    dims.map((d) => d !== null),
    condNconsts,
    bodyNconsts,
  );
  const growing = fixpoint(k, (marks) => batchJaxpr(bodyJaxpr, size, [...b, ...marks], name, false).batched);
  const stopsApart = nth(batchJaxpr(condJaxpr, size, [...c, ...growing], name, false).batched, 0);
  const carried = stopsApart ? k.map(() => true) : growing;
  const cond = hoistConstants(batchJaxpr(condJaxpr, size, [...c, ...carried], name, stopsApart).closed);
  const body = hoistConstants(batchJaxpr(bodyJaxpr, size, [...b, ...carried], name, carried).closed);
  const moved = operands.map((x, i) => {
    const dim = nth(dims, i);
    return dim === null && carried[i - condNconsts - bodyNconsts] !== true ? x : batchOrRepeat(x, dim, size);
  });
  const [ownCond, ownBody, carry] = split3(moved, condNconsts, bodyNconsts);
  const resultDims = carried.map((m) => (m ? 0 : null));
  if (!stopsApart) {
    return { results: bindWhile(cond, body, { condConsts: ownCond, bodyConsts: ownBody, carry }), dims: resultDims };
  }
  const [condConsts, bodyConsts] = [
    [...cond.consts, ...ownCond],
    [...body.consts, ...ownBody],
  ];
  const loop = maskedLoop(cond.closed, body.closed, size, condConsts.length, bodyConsts.length);
  const [, ...results] = bindWhile(loop.cond, loop.body, {
    condConsts: [],
    bodyConsts: [...condConsts, ...bodyConsts],
    carry: [...evalClosed(cond.closed, [...condConsts, ...carry]), ...carry],
  });
  return { results, dims: resultDims };
};

/** Examples for the laws: a loop that counts to an operand, and one that a float stops. */
function examples(): Example<WhileParams>[] {
  const float = new ShapedArray([3], 'float32');
  const int = new ShapedArray([], 'int32');
  const trace = (f: (...args: NDArray[]) => NDArray[], ...avals: ShapedArray[]): ClosedJaxpr =>
    traceToJaxpr(f, avals, 'while');
  return [
    {
      args: [
        { shape: [], dtype: 'int32', values: [2] },
        { shape: [3] },
        { shape: [], dtype: 'int32', values: [0] },
        { shape: [3] },
      ],
      params: {
        condJaxpr: trace((...args) => [lt(nth(args, 1), nth(args, 0))], int, int, float),
        condNconsts: 1,
        bodyJaxpr: trace((...args) => [add(nth(args, 1), 1), sin(mul(nth(args, 0), nth(args, 2)))], float, int, float),
        bodyNconsts: 1,
      },
    },
    {
      args: [
        { shape: [], dtype: 'int32', values: [0] },
        { shape: [3], domain: [0.5, 1.5] },
      ],
      params: {
        condJaxpr: trace((...args) => [bitwiseAnd(lt(reduceSum(nth(args, 1)), 40), lt(nth(args, 0), 6))], int, float),
        condNconsts: 0,
        bodyJaxpr: trace((...args) => [add(nth(args, 0), 1), mul(add(nth(args, 1), 1), nth(args, 1))], int, float),
        bodyNconsts: 0,
      },
    },
  ];
}

const whileP: Primitive<WhileParams> = definePrimitive<WhileParams>({
  name: 'while',
  abstract: resultTypes,
  jvp: jvpRule,
  linearize: linearizeRule,
  transpose: notLinear(
    'the number of its steps is known only when it runs, so that there is no room to keep what the way back needs. ' +
      'For reverse mode (grad, vjp) use foriLoop with bounds that are plain numbers, or scan',
  ),
  batch: batchRule,
  lower: (_avals, { condJaxpr, condNconsts, bodyJaxpr, bodyNconsts }) => ({
    kind: 'while',
    cond: condJaxpr,
    body: bodyJaxpr,
    numCondConsts: condNconsts,
    numBodyConsts: bodyNconsts,
  }),
  examples,
});

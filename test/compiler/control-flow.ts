/**
 * Loops and branches as the compiler sees them: primitives without rules of their own, and an interpreter of jaxprs
 * that runs them in JavaScript, one operation at a time.
 */
import { array } from '../helpers/arrays.js';
import { nth } from '../../src/core/axes.js';
import { constantsAsArguments, traceToJaxpr } from '../../src/core/jaxpr-trace.js';
import type { ShapedArray } from '../../src/core/aval.js';
import type { NDArray } from '../../src/core/ndarray.js';
import type { Lowering } from '../../src/core/lowering.js';
import type { Var } from '../../src/core/primitive.js';
import {
  ClosedJaxpr,
  forgetParams,
  Lit,
  notDifferentiable,
  notLinear,
  type Atom,
  type Params,
  type Primitive,
} from '../../src/core/primitive.js';
import { bind, currentTrace } from '../../src/core/trace.js';

type Results = readonly NDArray[];

const primitive = <P extends Params>(
  name: string,
  abstract: (params: P) => readonly ShapedArray[],
  lower: (params: P, operands: readonly ShapedArray[]) => Lowering<ClosedJaxpr>,
): Primitive<P> => ({
  name,
  abstract: (_, params) => abstract(params),
  lower: (operands, params) => lower(params, operands),
  jvp: notDifferentiable('only for tests of the compiler'),
  transpose: notLinear(),
  batch: () => {
    throw new Error('only for tests of the compiler');
  },
  examples: () => [],
});

type ScanParams = Readonly<{
  jaxpr: ClosedJaxpr;
  length: number;
  reverse: boolean;
  numConsts: number;
  numCarry: number;
}>;
const scanP = primitive<ScanParams>(
  'scan',
  ({ jaxpr, length, numCarry }) =>
    jaxpr.outAvals.map((a, i) => (i < numCarry ? a : a.with({ shape: [length, ...a.shape] }))),
  (params) => ({ kind: 'scan', ...params }),
);
type WhileParams = Readonly<{ cond: ClosedJaxpr; body: ClosedJaxpr; numCondConsts: number; numBodyConsts: number }>;
const whileP = primitive<WhileParams>(
  'while',
  ({ body }) => body.outAvals,
  (params) => ({ kind: 'while', ...params }),
);
type CondParams = Readonly<{ branches: readonly ClosedJaxpr[] }>;
const condP = primitive<CondParams>(
  'cond',
  ({ branches }) => nth(branches, 0).outAvals,
  (params) => ({ kind: 'cond', ...params }),
);

/** A traced function of which everything it closes over is an operand. */
function close(
  f: (...args: NDArray[]) => Results,
  avals: readonly ShapedArray[],
): { jaxpr: ClosedJaxpr; consts: Results } {
  const closed = traceToJaxpr(f, avals, 'test');
  return { jaxpr: new ClosedJaxpr(constantsAsArguments(closed), []), consts: closed.consts };
}

export function scan(
  f: (carry: Results, x: Results) => { carry: Results; y: Results },
  init: Results,
  xs: Results,
  { length, reverse = false }: { length: number; reverse?: boolean },
): { carry: Results; ys: Results } {
  const n = init.length;
  const avals = [...init.map((x) => x.aval), ...xs.map((x) => x.aval.with({ shape: x.shape.slice(1) }))];
  const { jaxpr, consts } = close((...args) => {
    const { carry, y } = f(args.slice(0, n), args.slice(n));
    return [...carry, ...y];
  }, avals);
  const params = { jaxpr, length, reverse, numConsts: consts.length, numCarry: n };
  const out = bind(scanP, [...consts, ...init, ...xs], params);
  return { carry: out.slice(0, n), ys: out.slice(n) };
}

export function whileLoop(
  cond: (carry: Results) => NDArray,
  body: (carry: Results) => Results,
  init: Results,
): Results {
  const avals = init.map((x) => x.aval);
  const c = close((...carry) => [cond(carry)], avals);
  const b = close((...carry) => body(carry), avals);
  const params = { cond: c.jaxpr, body: b.jaxpr, numCondConsts: c.consts.length, numBodyConsts: b.consts.length };
  return bind(whileP, [...c.consts, ...b.consts, ...init], params);
}

export function cond(
  index: NDArray,
  branches: readonly ((operands: Results) => Results)[],
  operands: Results,
): Results {
  const avals = operands.map((x) => x.aval);
  const closed = branches.map((f) => traceToJaxpr((...args) => f(args), avals, 'test'));
  // All branches take the constants of all.
  const all = closed.flatMap((c) => c.consts);
  let from = 0;
  const jaxprs = closed.map((c) => {
    const at = from;
    from += c.consts.length;
    return traceToJaxpr(
      (...args) => evaluate(c, args.slice(all.length), args.slice(at, at + c.consts.length)),
      [...all.map((x) => x.aval), ...avals],
      'test',
    );
  });
  return bind(condP, [index, ...all, ...operands], { branches: jaxprs });
}

/** Run a jaxpr under the current interpreter. */
function evaluate(closed: ClosedJaxpr, args: Results, consts: Results = closed.consts): NDArray[] {
  return run(closed, args, consts, (eqn, inputs) => currentTrace().process(eqn.primitive, inputs, eqn.params));
}

function run(
  { jaxpr }: ClosedJaxpr,
  args: Results,
  consts: Results,
  process: (eqn: ClosedJaxpr['jaxpr']['eqns'][number], inputs: NDArray[]) => Results,
): NDArray[] {
  const env = new Map<Var, NDArray>();
  const assign = (vars: readonly Var[], values: Results): void => vars.forEach((v, i) => env.set(v, nth(values, i)));
  const read = (a: Atom): NDArray => {
    if (a instanceof Lit) return array([a.value], [], a.aval.dtype);
    const value = env.get(a);
    if (value === undefined) throw new Error('unbound');
    return value;
  };
  assign(jaxpr.constvars, consts);
  assign(jaxpr.invars, args);
  for (const eqn of jaxpr.eqns) assign(eqn.outputs, process(eqn, eqn.inputs.map(read)));
  return jaxpr.outvars.map(read);
}

/** Run a jaxpr with concrete values: loops and branches in JavaScript, the rest eagerly. */
export function interpret(closed: ClosedJaxpr, args: Results): NDArray[] {
  return run(closed, args, closed.consts, (eqn, inputs) => {
    const lowering = eqn.primitive.lower(
      inputs.map((x) => x.aval),
      eqn.params,
    );
    switch (lowering.kind) {
      case 'call':
        return interpret(lowering.jaxpr, inputs);
      case 'scan': {
        const { jaxpr, length, reverse, numConsts, numCarry } = lowering;
        const consts = inputs.slice(0, numConsts);
        let carry: Results = inputs.slice(numConsts, numConsts + numCarry);
        const xs = inputs.slice(numConsts + numCarry);
        const ys: NDArray[][] = [];
        for (let n = 0; n < length; n++) {
          const i = reverse ? length - 1 - n : n;
          const out = interpret(jaxpr, [...consts, ...carry, ...xs.map((x) => sliceOf(x, i))]);
          carry = out.slice(0, numCarry);
          ys[i] = out.slice(numCarry);
        }
        const avals = jaxpr.outAvals.slice(numCarry);
        return [
          ...carry,
          ...avals.map((a, k) =>
            stack(
              ys.map((y) => nth(y, k)),
              a,
            ),
          ),
        ];
      }
      case 'while': {
        const { cond: test, body, numCondConsts, numBodyConsts } = lowering;
        const split = numCondConsts + numBodyConsts;
        let carry: Results = inputs.slice(split);
        while (interpret(test, [...inputs.slice(0, numCondConsts), ...carry])[0]?.item() === true)
          carry = interpret(body, [...inputs.slice(numCondConsts, split), ...carry]);
        return carry;
      }
      case 'cond': {
        const chosen = Math.min(Math.max(Number(nth(inputs, 0).item()), 0), lowering.branches.length - 1);
        return interpret(nth(lowering.branches, chosen), inputs.slice(1));
      }
      default:
        return bind({ ...eqn.primitive, ...forgetParams(eqn.primitive) }, inputs, eqn.params);
    }
  });
}

const flat = (x: NDArray): number[] => Array.from(x.dataSync());
function sliceOf(x: NDArray, i: number): NDArray {
  const shape = x.shape.slice(1);
  const size = shape.reduce((a, b) => a * b, 1);
  return array(flat(x).slice(i * size, (i + 1) * size), shape, x.dtype);
}
const stack = (list: readonly NDArray[], { shape, dtype }: ShapedArray): NDArray =>
  array(list.flatMap(flat), [list.length, ...shape], dtype);

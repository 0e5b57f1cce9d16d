/** The primitive scan: a loop over slices of arrays that carries values from step to step. */
import { ShapedArray } from '../core/aval.js';
import { nth, range } from '../core/axes.js';
import { JaxprTypeError } from '../core/errors.js';
import { evalClosed, traceToJaxpr } from '../core/jaxpr-trace.js';
import type { Lowering } from '../core/lowering.js';
import type { NDArray } from '../core/ndarray.js';
import type { ClosedJaxpr } from '../core/primitive.js';
import { definePrimitive, type Example, type Primitive } from '../core/primitive.js';
import { bind } from '../core/trace.js';
import { concatenate, sliceInDim } from '../lax/slicing.js';
import { add, mul } from '../lax/arithmetic.js';
import { reshape } from '../lax/reshape.js';
import { sin } from '../lax/trigonometric.js';
import { memoize } from '../transforms/memo.js';
import { split3 } from './lists.js';
import { scanBatch, scanJvp, scanTranspose, type BindScan, type Loop, type ScanParams } from './scan-rules.js';
import { scanLinearize } from './scan-linearize.js';

const sliceType = (a: ShapedArray): ShapedArray => a.with({ shape: a.shape.slice(1) });
const stackType = (a: ShapedArray, length: number): ShapedArray => a.strengthen().with({ shape: [length, ...a.shape] });

function resultTypes(operands: readonly ShapedArray[], params: ScanParams): ShapedArray[] {
  const { jaxpr, length, numConsts, numCarry } = params;
  const [consts, init, xs] = split3(operands, numConsts, numCarry);
  const given = [...consts, ...init, ...xs.map(sliceType)];
  const { inAvals, outAvals } = jaxpr;
  const [carry, ys] = [outAvals.slice(0, numCarry), outAvals.slice(numCarry)];
  const fits =
    given.length === inAvals.length &&
    given.every((a, i) => a.equals(nth(inAvals, i))) &&
    carry.every((a, i) => a.equals(nth(init, i))) &&
    xs.every((a) => a.shape[0] === length);
  if (!fits) {
    throw new JaxprTypeError(
      `scan: the body is (${inAvals.map(String).join(', ')}) -> (${outAvals.map(String).join(', ')}) with ${String(numConsts)} constants and ` +
        `${String(numCarry)} carried values, but the operands for ${String(length)} steps are ${operands.map(String).join(', ')}`,
    );
  }
  return [...carry.map((a) => a.strengthen()), ...ys.map((a) => stackType(a, length))];
}

/** Slice i of each array. */
const slicesAt = (xs: readonly NDArray[], i: number): NDArray[] =>
  xs.map((x) => reshape(sliceInDim(x, i, i + 1), x.aval.shape.slice(1)));

/** Run the body on slices one after another, as `count` steps without a loop. Results are the carry and stacked ys. */
function straight(
  body: ClosedJaxpr,
  consts: readonly NDArray[],
  init: readonly NDArray[],
  xs: readonly NDArray[],
  count: number,
  reverse: boolean,
): NDArray[] {
  let carry = init;
  const rows: NDArray[][] = [];
  for (const step of range(count)) {
    const i = reverse ? count - 1 - step : step;
    const out = evalClosed(body, [...consts, ...carry, ...slicesAt(xs, i)]);
    carry = out.slice(0, init.length);
    rows[i] = out.slice(init.length);
  }
  const ys = nth(rows, 0).map((first, k) =>
    concatenate(
      rows.map((row) => reshape(nth(row, k), [1, ...first.aval.shape])),
      0,
    ),
  );
  return [...carry, ...ys];
}

/** The same loop with several steps of the body in each turn, and the steps that are left over after it. */
const unrolled = memoize((jaxpr: ClosedJaxpr, params: Omit<ScanParams, 'jaxpr'>): ClosedJaxpr => {
  const { length, reverse, unroll, numConsts, numCarry } = params;
  const [constAvals, carryAvals, xAvals] = split3(jaxpr.inAvals, numConsts, numCarry);
  const turns = Math.floor(length / unroll);
  const rest = length - turns * unroll;
  // Backwards, the steps that are left over are the first ones.
  const [from, restFrom] = reverse ? [rest, 0] : [0, turns * unroll];
  const block = traceToJaxpr(
    (...args) => {
      const [consts, carry, xs] = split3(args, numConsts, numCarry);
      return straight(jaxpr, consts, carry, xs, unroll, reverse);
    },
    [...constAvals, ...carryAvals, ...xAvals.map((a) => stackType(a, unroll))],
    'scan',
  );
  return traceToJaxpr(
    (...args) => {
      const [consts, init, xs] = split3(args, numConsts, numCarry);
      const part = (start: number, n: number): NDArray[] => xs.map((x) => sliceInDim(x, start, start + n));
      const chunks = part(from, turns * unroll).map((x) => reshape(x, [turns, unroll, ...x.aval.shape.slice(1)]));
      const loop = { length: turns, reverse, unroll: 1 };
      const out = bindScan({ closed: block, consts: [] }, { consts, carry: init, xs: chunks }, loop);
      const ys = out.slice(numCarry).map((y) => reshape(y, [turns * unroll, ...y.aval.shape.slice(2)]));
      if (rest === 0) return [...out.slice(0, numCarry), ...ys];
      const last = straight(jaxpr, consts, out.slice(0, numCarry), part(restFrom, rest), rest, reverse);
      const lastYs = last.slice(numCarry);
      const joined = ys.map((y, i) => concatenate(reverse ? [nth(lastYs, i), y] : [y, nth(lastYs, i)], 0));
      return [...last.slice(0, numCarry), ...joined];
    },
    [...constAvals, ...carryAvals, ...xAvals.map((a) => stackType(a, length))],
    'scan',
  );
});

function lower(params: ScanParams): Lowering<ClosedJaxpr> {
  const { jaxpr, unroll, ...loop } = params;
  if (unroll === 1) return { kind: 'scan', jaxpr, ...loop };
  return { kind: 'call', jaxpr: unrolled(jaxpr, { ...loop, unroll }) };
}

/** Apply the primitive. A loop without results is none. */
export const bindScan: BindScan = (body, { consts, carry, xs }, { length, reverse, unroll }: Loop) => {
  if (body.closed.jaxpr.outvars.length === 0) return [];
  return bind(scanP, [...body.consts, ...consts, ...carry, ...xs], {
    jaxpr: body.closed,
    length,
    reverse,
    unroll: Math.max(1, Math.min(unroll, length)),
    numConsts: body.consts.length + consts.length,
    numCarry: carry.length,
  });
};

/** Examples for the laws: a nonlinear recurrence, an affine one with integers beside, no steps, several steps in a turn. */
function examples(): Example<ScanParams>[] {
  const float = new ShapedArray([3], 'float32');
  const int = new ShapedArray([], 'int32');
  const example = (
    f: (...args: NDArray[]) => NDArray[],
    [consts, carry, xs]: readonly [readonly ShapedArray[], readonly ShapedArray[], readonly ShapedArray[]],
    { length, reverse = false, unroll = 1 }: { length: number; reverse?: boolean; unroll?: number },
  ): Example<ScanParams> => ({
    args: [...consts, ...carry, ...xs.map((a) => stackType(a, length))],
    params: {
      jaxpr: traceToJaxpr(f, [...consts, ...carry, ...xs], 'scan'),
      length,
      reverse,
      unroll,
      numConsts: consts.length,
      numCarry: carry.length,
    },
  });
  const wave = (...args: NDArray[]): NDArray[] => {
    const [w, c, x] = [nth(args, 0), nth(args, 1), nth(args, 2)];
    const next = sin(add(mul(w, c), x));
    return [next, mul(next, c)];
  };
  const affine = (...args: NDArray[]): NDArray[] => {
    const [w, n, c, x] = [nth(args, 0), nth(args, 1), nth(args, 2), nth(args, 3)];
    return [add(n, 1), add(mul(w, c), x), c, n];
  };
  return [
    example(wave, [[float], [float], [float]], { length: 4 }),
    example(affine, [[float], [int, float], [float]], { length: 3, reverse: true }),
    example(affine, [[float], [int, float], [float]], { length: 0 }),
    example(affine, [[float], [int, float], [float]], { length: 5, unroll: 2 }),
    example(wave, [[float], [float], [float]], { length: 5, unroll: 3, reverse: true }),
  ];
}

const scanP: Primitive<ScanParams> = definePrimitive<ScanParams>({
  name: 'scan',
  abstract: resultTypes,
  jvp: scanJvp((...args) => bindScan(...args)),
  linearize: scanLinearize((...args) => bindScan(...args)),
  transpose: scanTranspose((...args) => bindScan(...args)),
  batch: scanBatch((...args) => bindScan(...args)),
  lower: (_avals, params) => lower(params),
  examples,
});

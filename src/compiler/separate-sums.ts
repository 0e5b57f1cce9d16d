/**
 * Sums of products leave loops. A carry to which every iteration adds a product, and which nothing else reads, is the
 * gradient of a weight that all steps share: instead of one small product and one pass over the sum for each step, the
 * factors are stacked and one product sums over steps as well. Memory for stacks that were not there is taken only
 * within a fraction of what the loop reads in slices anyway.
 */
import { computeType } from '../core/dtype.js';
import type { ShapedArray } from '../core/aval.js';
import { nth } from '../core/axes.js';
import { byteWidth } from '../core/dtype.js';
import { linearIndex } from '../core/index-expr.js';
import { Lit, Var, type Atom } from '../core/primitive.js';
import * as s from '../core/scalar.js';
import { widen } from './float16.js';
import { controlEqn, isControl, mapBodies, operandCount, type Body, type LoweredEqn, type Repeat } from './inline.js';
import { exprKey } from './key.js';
import { stackedMap, summedContract, summedReduce } from './lift.js';
import { isView } from './views.js';

/** New stacks may take this part of the bytes of the arrays that the loop slices. */
const STACK_FRACTION = 1 / 3;

/** Move sums out of all loops in a body, the innermost first. */
export function separateSums<B extends Body>(body: B): B {
  const producer = new Map<Var, LoweredEqn>();
  const eqns: LoweredEqn[] = [];
  for (const eqn of body.eqns) {
    let made = [eqn];
    if (isControl(eqn)) {
      const operands = eqn.inputs.slice(0, operandCount(eqn.lowering));
      const inner = controlEqn(eqn, operands, eqn.outputs, mapBodies(eqn.lowering, separateSums));
      made =
        inner.lowering.kind === 'repeat' && 'count' in inner.lowering.trips
          ? new LoopSplitter(inner, inner.lowering, inner.lowering.trips.count, producer).split()
          : [inner];
    }
    for (const e of made) e.outputs.forEach((v) => producer.set(v, e));
    eqns.push(...made);
  }
  return { ...body, eqns };
}

/** A value outside of the loop that stands for one inside: all iterations' values stacked, or the one of all. */
interface Outside {
  readonly atom: Atom;
  readonly stacked: boolean;
}

/** A carry that is a sum of terms, each a view of a product or of a sum. */
interface SummedCarry {
  readonly index: number;
  readonly add: LoweredEqn;
  /** Views from the term's inside out. */
  readonly views: readonly LoweredEqn[];
  readonly term: LoweredEqn;
}

const bytesOf = (a: ShapedArray): number => a.size * byteWidth(a.dtype);

class LoopSplitter {
  readonly #operands: readonly Atom[];
  readonly #producer = new Map<Atom, LoweredEqn>();
  readonly #uses = new Map<Atom, number>();
  /** Values that become stacked results of the loop. */
  readonly #stacks = new Map<Var, Var>();
  #budget: number;

  constructor(
    private readonly eqn: LoweredEqn,
    private readonly lowering: Repeat,
    private readonly length: number,
    private readonly around: ReadonlyMap<Var, LoweredEqn>,
  ) {
    const { body, numCarry } = lowering;
    this.#operands = eqn.inputs.slice(0, body.inputs.length);
    for (const e of body.eqns) e.outputs.forEach((v) => this.#producer.set(v, e));
    for (const a of [...body.eqns.flatMap((e) => e.inputs), ...body.outputs])
      this.#uses.set(a, (this.#uses.get(a) ?? 0) + 1);
    this.#budget = STACK_FRACTION * this.#operands.slice(numCarry).reduce((sum, a) => sum + bytesOf(a.aval), 0);
  }

  /** The loop without its sums, and the sums after it. */
  split(): LoweredEqn[] {
    const { body, numCarry } = this.lowering;
    const found = body.inputs
      .slice(0, numCarry)
      .map((_, i) => this.#summedCarry(i))
      .filter((x) => x !== undefined);
    // Products first: what they stack, other sums may read too.
    const kind = (carry: SummedCarry): number => (carry.term.lowering.kind === 'contract' ? 0 : 1);
    const after: LoweredEqn[] = [];
    const gone = new Set<number>();
    for (const carry of found.sort((a, b) => kind(a) - kind(b))) {
      const sum = this.#sumAfter(carry);
      if (sum === undefined) continue;
      gone.add(carry.index);
      after.push(...sum);
    }
    if (gone.size === 0) return [this.eqn];
    const keep = <T>(list: readonly T[]): T[] => list.filter((_, i) => !gone.has(i));
    const lowering: Repeat = {
      ...this.lowering,
      numCarry: numCarry - gone.size,
      body: { ...body, inputs: keep(body.inputs), outputs: [...keep(body.outputs), ...this.#stacks.keys()] },
    };
    const outputs = [...keep(this.eqn.outputs), ...this.#stacks.values()];
    // A loop of nothing but sums has no results left.
    const loop = outputs.length === 0 ? [] : [controlEqn(this.eqn, keep(this.#operands), outputs, lowering)];
    return [...loop, ...after];
  }

  #usedOnce(a: Atom): boolean {
    return this.#uses.get(a) === 1;
  }

  #summedCarry(index: number): SummedCarry | undefined {
    const { body } = this.lowering;
    const [start, end] = [nth(body.inputs, index), nth(body.outputs, index)];
    const add = this.#producer.get(end);
    if (add === undefined || !this.#usedOnce(start) || !this.#usedOnce(end) || !isSum(add)) return undefined;
    const views: LoweredEqn[] = [];
    let at = add.inputs.find((a) => a !== start);
    while (at !== undefined && this.#usedOnce(at)) {
      const made = this.#producer.get(at);
      if (made === undefined || !add.inputs.includes(start)) return undefined;
      if (made.lowering.kind === 'contract' || isPlainSum(made))
        return { index, add, views: views.reverse(), term: made };
      if (!isView(made) || made.inputs.length !== 1) return undefined;
      views.push(made);
      at = made.inputs[0];
    }
    return undefined;
  }

  /** Equations after the loop that compute a sum, or undefined where that would take too much memory. */
  #sumAfter({ index, add, views, term }: SummedCarry): LoweredEqn[] | undefined {
    const { lowering } = term;
    const stacks = new Map<Var, Var>();
    const eqns: LoweredEqn[] = [];
    const inputs = term.inputs.map((a) => this.#outside(a, stacks, eqns));
    const [left, right] = [inputs[0]?.stacked === true, inputs[1]?.stacked === true];
    if (!left && !right) return undefined;
    const added = [...stacks.keys()];
    const perStep = added.reduce((sum, v) => sum + bytesOf(v.aval), 0);
    const limit = lowering.kind === 'contract' ? 2 * bytesOf(nth(this.eqn.outputs, index).aval) : 0;
    if (perStep > limit || perStep * this.length > this.#budget) return undefined;
    this.#budget -= perStep * this.length;
    stacks.forEach((whole, v) => this.#stacks.set(v, whole));

    const summed =
      lowering.kind === 'contract'
        ? summedContract(lowering, this.length, [left, right])
        : lowering.kind === 'reduce'
          ? summedReduce(lowering)
          : undefined;
    if (summed === undefined) return undefined;
    const again = (
      eqn: LoweredEqn,
      from: readonly Atom[],
      to = eqn.outputs.map((v) => new Var(v.aval)),
    ): LoweredEqn => {
      const copy = { ...eqn, params: { ...eqn.params, steps: this.length }, inputs: from, outputs: to };
      eqns.push(copy);
      return copy;
    };
    let last = again(
      { ...term, lowering: summed },
      inputs.map((x) => x.atom),
    );
    for (const view of views) last = again(view, last.outputs);
    const initial = nth(this.#operands, index);
    const result = nth(this.eqn.outputs, index);
    if (isZero(initial, this.around)) eqns[eqns.length - 1] = { ...last, outputs: [result] };
    else again(add, [initial, nth(last.outputs, 0)], [result]);
    return eqns;
  }

  /** What stands for a value outside: `stacks` and `eqns` get what it takes. */
  #outside(a: Atom, stacks: Map<Var, Var>, eqns: LoweredEqn[]): Outside {
    if (!(a instanceof Var)) return { atom: a, stacked: false };
    const { body, numCarry } = this.lowering;
    const sliced = body.inputs.indexOf(a);
    if (sliced >= numCarry) return { atom: nth(this.#operands, sliced), stacked: true };
    const made = this.#producer.get(a);
    if (made === undefined && sliced < 0) return { atom: a, stacked: false };
    if (made !== undefined && isView(made) && made.lowering.kind === 'map') {
      const inputs = made.inputs.map((x) => this.#outside(x, stacks, eqns));
      const stacked = inputs.map((x) => x.stacked);
      const any = stacked.includes(true);
      const outputs = made.outputs.map((v) => new Var(any ? this.#stackedType(v) : v.aval));
      eqns.push({
        ...made,
        params: { ...made.params, steps: any ? this.length : 0, stacked },
        inputs: inputs.map((x) => x.atom),
        outputs,
        lowering: any ? stackedMap(made.lowering, stacked) : made.lowering,
      });
      return { atom: nth(outputs, made.outputs.indexOf(a)), stacked: any };
    }
    const result = body.outputs.findIndex((x, i) => i >= numCarry && x === a);
    let whole = result >= 0 ? nth(this.eqn.outputs, result) : (this.#stacks.get(a) ?? stacks.get(a));
    if (whole === undefined) stacks.set(a, (whole = new Var(this.#stackedType(a))));
    return { atom: whole, stacked: true };
  }

  #stackedType(v: Var): ShapedArray {
    return v.aval.with({ shape: [this.length, ...v.aval.shape] });
  }
}

/** Whether the result is the sum of two operands, element by element. */
function isSum({ lowering, inputs, outputs }: LoweredEqn): boolean {
  const out = outputs[0];
  if (lowering.kind !== 'map' || lowering.barrier === true || outputs.length !== 1 || out === undefined) return false;
  if (inputs.length !== 2 || inputs.some((a) => a.aval.shape.join() !== out.aval.shape.join())) return false;
  const index = out.aval.shape.map((n, d) => s.loopVar(d, n));
  const operands = inputs.map(({ aval }, i) => ({
    aval,
    at: (at: readonly s.Expr[]) => widen(s.load(aval.dtype, i, linearIndex(at, aval.shape))),
  }));
  const e = nth(lowering.at(operands, index), 0);
  const own = exprKey(linearIndex(index, out.aval.shape));
  const isOwn = (x: s.Expr): boolean => x.op === 'load' && exprKey(x.index) === own;
  return e.op === 'add' && isOwn(e.x) && isOwn(e.y);
}

/** Whether the equation is a reduction that adds up elements as they are. */
function isPlainSum({ lowering, inputs }: LoweredEqn): boolean {
  if (lowering.kind !== 'reduce' || lowering.reducers.length !== 1 || inputs.length !== 1) return false;
  const { dtype, init, update } = nth(lowering.reducers, 0);
  if (!('combine' in update) || update.combine !== 'add' || init.op !== 'const' || Number(init.value) !== 0)
    return false;
  const type = computeType(dtype);
  const [element, acc] = [s.load(type, 0, s.int(0)), s.accRef(type, 0)];
  return update.value([element]) === element && lowering.results([acc])[0] === acc;
}

/** Whether a value is a literal 0, or a view of one. */
function isZero(a: Atom, producer: ReadonlyMap<Var, LoweredEqn>): boolean {
  if (a instanceof Lit) return a.value === 0;
  const eqn = producer.get(a);
  return eqn !== undefined && isView(eqn) && eqn.inputs.length > 0 && eqn.inputs.every((x) => isZero(x, producer));
}

/**
 * An oracle for the code generator: scalar expressions and kernels interpreted one element at a time in plain
 * JavaScript, straight from the comments of core/scalar.ts and compiler/loop-ir.ts.
 */
import { hostArray } from '../../../src/core/dtype.js';
import type { DType, TypedArray } from '../../../src/core/dtype.js';
import type { CombineOp } from '../../../src/core/combine.js';
import type { Expr, ScalarType } from '../../../src/core/scalar.js';
import type {
  ContractAxis,
  ContractKernel,
  Kernel,
  LoopKernel,
  LoopStep,
  Program,
  SortKernel,
  Stage,
  Step,
} from '../../../src/compiler/loop-ir.js';

type Value = number | bigint;

export interface Environment {
  readonly buffers: readonly TypedArray[];
  readonly variables: Map<number, number>;
  readonly accumulators: Map<number, Value>;
}

/** `value` as an element of `type`: rounded or wrapped. */
export function wrap(type: ScalarType, value: Value): Value {
  switch (type) {
    case 'float32':
      return Math.fround(Number(value));
    case 'float64':
      return Number(value);
    case 'int32':
      return typeof value === 'bigint' ? Number(BigInt.asIntN(32, value)) : value | 0;
    case 'uint32':
      return typeof value === 'bigint' ? Number(BigInt.asUintN(32, value)) : value >>> 0;
    case 'bool':
      return Number(value) !== 0 ? 1 : 0;
    case 'int64':
      return BigInt.asIntN(64, BigInt(value));
  }
}

const isFloat = (type: ScalarType): boolean => type === 'float32' || type === 'float64';
const bits = new DataView(new ArrayBuffer(8));

function roundHalfEven(x: number): number {
  if (!Number.isFinite(x) || Math.abs(x) >= 2 ** 52) return x;
  const floor = Math.floor(x);
  const rest = x - floor;
  const result = rest < 0.5 ? floor : rest > 0.5 ? floor + 1 : floor % 2 === 0 ? floor : floor + 1;
  return result === 0 && (x < 0 || Object.is(x, -0)) ? -0 : result;
}

function saturate(x: number, min: number, max: number): number {
  // An integer has no negative zero.
  return Number.isNaN(x) ? 0 : Math.min(Math.max(Math.trunc(x), min), max) + 0;
}

function convert(from: ScalarType, to: ScalarType, x: Value): Value {
  if (to === 'bool') return Number(x) !== 0 ? 1 : 0; // NaN is not zero: Number.isNaN(x) gives 1 here
  if (isFloat(from)) {
    const v = Number(x);
    if (to === 'int32') return saturate(v, -(2 ** 31), 2 ** 31 - 1);
    if (to === 'uint32') return saturate(v, 0, 2 ** 32 - 1);
    if (to === 'int64') {
      if (Number.isNaN(v)) return 0n;
      if (v >= 2 ** 63) return 2n ** 63n - 1n;
      if (v <= -(2 ** 63)) return -(2n ** 63n);
      return BigInt(Math.trunc(v));
    }
  }
  if (from === 'int64' && to === 'float32') return int64ToFloat32(BigInt(x));
  return wrap(to, x);
}

/** Round an integer to float32 once (through float64 it would be rounded twice). */
function int64ToFloat32(x: bigint): number {
  const negative = x < 0n;
  const m = negative ? -x : x;
  const length = m.toString(2).length;
  if (length <= 24) return Number(x);
  const shift = BigInt(length - 24);
  let q = m >> shift;
  const rest = m & ((1n << shift) - 1n);
  const half = 1n << (shift - 1n);
  if (rest > half || (rest === half && (q & 1n) === 1n)) q += 1n;
  const result = Number(q << shift);
  return negative ? -result : result;
}

function bitcast(from: ScalarType, to: ScalarType, x: Value): Value {
  if (from === 'float32') bits.setFloat32(0, Number(x));
  else if (from === 'float64') bits.setFloat64(0, Number(x));
  else if (from === 'int64') bits.setBigInt64(0, BigInt(x));
  else bits.setUint32(0, Number(x) >>> 0);
  if (to === 'float32') return bits.getFloat32(0);
  if (to === 'float64') return bits.getFloat64(0);
  if (to === 'int64') return bits.getBigInt64(0);
  return to === 'int32' ? bits.getInt32(0) : bits.getUint32(0);
}

function unaryValue(op: string, type: ScalarType, x: Value): Value {
  const v = Number(x);
  switch (op) {
    case 'neg':
      return wrap(type, -x);
    case 'abs':
      return x < 0 ? wrap(type, -x) : isFloat(type) ? Math.abs(v) : x;
    case 'sqrt':
      return wrap(type, Math.sqrt(v));
    case 'floor':
      return Math.floor(v);
    case 'ceil':
      return Math.ceil(v);
    case 'trunc':
      return Math.trunc(v);
    case 'rint':
      return roundHalfEven(v);
    case 'not':
      return type === 'bool' ? 1 - v : wrap(type, ~x);
    case 'popcount':
      return (v >>> 0).toString(2).replaceAll('0', '').length;
    case 'clz':
      return Math.clz32(v);
    default:
      throw new Error(`oracle: ${op}`);
  }
}

function integerDivide(op: 'div' | 'rem', type: ScalarType, x: Value, y: Value): Value {
  const a = BigInt(x);
  const b = BigInt(y);
  if (b === 0n) return op === 'rem' ? x : wrap(type, -1n);
  return wrap(type, op === 'div' ? a / b : a % b);
}

export function binaryValue(op: string, type: ScalarType, x: Value, y: Value): Value {
  switch (op) {
    case 'add':
    case 'sub':
    case 'mul': {
      if (isFloat(type)) {
        const a = Number(x);
        const b = Number(y);
        return wrap(type, op === 'add' ? a + b : op === 'sub' ? a - b : a * b);
      }
      const a = BigInt(x);
      const b = BigInt(y);
      return wrap(type, op === 'add' ? a + b : op === 'sub' ? a - b : a * b);
    }
    case 'div':
      return isFloat(type) ? wrap(type, Number(x) / Number(y)) : integerDivide('div', type, x, y);
    case 'rem':
      return integerDivide('rem', type, x, y);
    case 'min':
      return isFloat(type) ? Math.min(Number(x), Number(y)) : x < y ? x : y;
    case 'max':
      return isFloat(type) ? Math.max(Number(x), Number(y)) : x > y ? x : y;
    case 'and':
      return wrap(type, BigInt(x) & BigInt(y));
    case 'or':
      return wrap(type, BigInt(x) | BigInt(y));
    case 'xor':
      return wrap(type, BigInt(x) ^ BigInt(y));
    case 'shl':
      return wrap(type, BigInt(x) << BigInt(y));
    case 'shrArithmetic':
      return wrap(type, BigInt.asIntN(type === 'int64' ? 64 : 32, BigInt(x)) >> BigInt(y));
    case 'shrLogical':
      return wrap(type, BigInt.asUintN(type === 'int64' ? 64 : 32, BigInt(x)) >> BigInt(y));
    case 'eq':
      return x === y ? 1 : 0;
    case 'ne':
      return x !== y ? 1 : 0;
    case 'lt':
      return x < y ? 1 : 0;
    case 'le':
      return x <= y ? 1 : 0;
    case 'gt':
      return x > y ? 1 : 0;
    case 'ge':
      return x >= y ? 1 : 0;
    default:
      throw new Error(`oracle: ${op}`);
  }
}

export function evaluate(e: Expr, env: Environment, memo = new Map<Expr, Value>()): Value {
  const known = memo.get(e);
  if (known !== undefined) return known;
  const of = (x: Expr): Value => evaluate(x, env, memo);
  const compute = (): Value => {
    switch (e.op) {
      case 'const':
        return wrap(e.type, e.value);
      case 'var':
        return env.variables.get(e.id) ?? NaN;
      case 'acc':
        return env.accumulators.get(e.id) ?? NaN;
      case 'load': {
        const value = env.buffers[e.buffer]?.[Number(of(e.index))];
        if (value === undefined) throw new Error(`oracle: load out of bounds of slot ${e.buffer}`);
        return value;
      }
      case 'select':
        return Number(of(e.cond)) !== 0 ? of(e.x) : of(e.y);
      case 'convert':
        return Number.isNaN(of(e.x)) && e.type === 'bool' ? 1 : convert(e.x.type, e.type, of(e.x));
      case 'bitcast':
        return bitcast(e.x.type, e.type, of(e.x));
      default:
        return 'y' in e ? binaryValue(e.op, e.x.type, of(e.x), of(e.y)) : unaryValue(e.op, e.type, of(e.x));
    }
  };
  const value = compute();
  memo.set(e, value);
  return value;
}

/** Run `body` for every point of `loops`. */
function forEachPoint(
  loops: readonly { id: number; extent: number }[],
  variables: Map<number, number>,
  body: () => void,
): void {
  const [first, ...rest] = loops;
  if (first === undefined) {
    body();
    return;
  }
  for (let i = 0; i < first.extent; i++) {
    variables.set(first.id, i);
    forEachPoint(rest, variables, body);
  }
}

export const combineValues = (op: CombineOp, type: DType, x: Value, y: Value): Value => {
  if (type !== 'bool') return binaryValue(op, type, x, y);
  const name = { add: 'or', mul: 'and', min: 'and', max: 'or', and: 'and', or: 'or', xor: 'xor' }[op];
  return binaryValue(name, type, x, y);
};

function runStage(stage: Stage, env: Environment, dtypes: readonly DType[]): void {
  for (const acc of stage.accumulators) env.accumulators.set(acc.id, evaluate(acc.init, env));
  forEachPoint(stage.loops, env.variables, () => {
    const memo = new Map<Expr, Value>();
    const next = stage.accumulators.map((acc): [number, Value] => {
      if ('next' in acc.update) return [acc.id, evaluate(acc.update.next, env, memo)];
      const before = env.accumulators.get(acc.id) ?? NaN;
      return [acc.id, combineValues(acc.update.combine, acc.dtype, before, evaluate(acc.update.value, env, memo))];
    });
    for (const [id, value] of next) env.accumulators.set(id, value);
    const after = new Map<Expr, Value>();
    const writes = stage.stores
      .filter((store) => store.mask === undefined || Number(evaluate(store.mask, env, after)) !== 0)
      .map((store) => ({
        store,
        index: Number(evaluate(store.index, env, after)),
        value: evaluate(store.value, env, after),
      }));
    for (const { store, index, value } of writes) {
      const buffer = env.buffers[store.buffer];
      const before = buffer?.[index];
      if (buffer === undefined || before === undefined)
        throw new Error(`oracle: store out of bounds of slot ${store.buffer}`);
      const dtype = dtypes[store.buffer] ?? 'float32';
      buffer[index] = Number(store.combine === undefined ? value : combineValues(store.combine, dtype, before, value));
    }
  });
}

export function runLoopKernel(kernel: LoopKernel, buffers: readonly TypedArray[]): void {
  const env: Environment = { buffers, variables: new Map(), accumulators: new Map() };
  const dtypes = kernel.buffers.map((b) => b.dtype);
  forEachPoint(kernel.loops, env.variables, () => {
    for (const stage of kernel.stages) runStage(stage, env, dtypes);
  });
}

/** Offsets of every point of a group of axes, in each operand. */
function offsets(axes: readonly ContractAxis[]): { lhs: number; rhs: number; out: number }[] {
  return axes.reduce(
    (points, axis) =>
      points.flatMap(({ lhs, rhs, out }) =>
        Array.from({ length: axis.extent }, (_, i) => ({
          lhs: lhs + i * axis.lhsStride,
          rhs: rhs + i * axis.rhsStride,
          out: out + i * axis.outStride,
        })),
      ),
    [{ lhs: 0, rhs: 0, out: 0 }],
  );
}

/** The contraction with sums in float64 (floats) or exactly (integers). */
export function runContract(kernel: ContractKernel, buffers: readonly TypedArray[]): void {
  const { lhs: left, rhs: right, out: to } = kernel;
  if ('value' in left || 'value' in right || to === undefined) throw new Error('oracle: only strided contractions');
  const lhs = buffers[left.buffer];
  const rhs = buffers[right.buffer];
  const out = buffers[to.buffer];
  if (lhs === undefined || rhs === undefined || out === undefined) throw new Error('oracle: missing operand');
  const floating = isFloat(kernel.dtype);
  const ks = offsets(kernel.k);
  for (const b of offsets(kernel.batch)) {
    for (const m of offsets(kernel.m)) {
      for (const n of offsets(kernel.n)) {
        const l = left.offset + b.lhs + m.lhs + n.lhs;
        const r = right.offset + b.rhs + m.rhs + n.rhs;
        let sum = 0;
        for (const k of ks) {
          const x = lhs[l + k.lhs];
          const y = rhs[r + k.rhs];
          if (x === undefined || y === undefined) throw new Error('oracle: contraction out of bounds');
          if (floating) sum += x * y;
          else if (kernel.dtype === 'bool') sum |= x & y;
          else sum = (sum + Math.imul(x, y)) | 0;
        }
        const at = to.offset + b.out + m.out + n.out;
        if (at >= out.length) throw new Error('oracle: contraction stores out of bounds');
        out[at] = sum;
      }
    }
  }
}

export function runSort(kernel: SortKernel, buffers: readonly TypedArray[]): void {
  const count = kernel.buffers.length / 2;
  const { outer, length, inner, numKeys } = kernel;
  const compare = (x: number, y: number): number =>
    Number.isNaN(x) ? (Number.isNaN(y) ? 0 : 1) : Number.isNaN(y) ? -1 : x < y ? -1 : x > y ? 1 : 0;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const at = (n: number): number => (o * length + n) * inner + i;
      const order = Array.from({ length }, (_, n) => n).sort((a, b) => {
        for (let key = 0; key < numKeys; key++) {
          const c = compare(buffers[key]?.[at(a)] ?? NaN, buffers[key]?.[at(b)] ?? NaN);
          if (c !== 0) return c;
        }
        return 0;
      });
      for (let operand = 0; operand < count; operand++) {
        const from = buffers[operand];
        const to = buffers[count + operand];
        if (from === undefined || to === undefined) throw new Error('oracle: missing operand');
        order.forEach((n, k) => (to[at(k)] = from[at(n)] ?? NaN));
      }
    }
  }
}

export function runKernel(kernel: Kernel, buffers: readonly TypedArray[]): void {
  if (kernel.kind === 'loop') runLoopKernel(kernel, buffers);
  else if (kernel.kind === 'contract') runContract(kernel, buffers);
  else runSort(kernel, buffers);
}

/** Runs the steps of a program on arrays of its own. */
class ProgramInterpreter {
  readonly buffers: TypedArray[];
  readonly #positions = new Map<number, number>();
  readonly #carries = new Map<string, number>();

  constructor(
    readonly program: Program,
    inputs: readonly TypedArray[],
    initial: readonly TypedArray[],
  ) {
    this.buffers = program.buffers.map(({ place, dtype, length }): TypedArray => {
      const given =
        place.kind === 'input'
          ? inputs[place.index]
          : place.kind === 'constant'
            ? program.constants[place.index]?.data
            : undefined;
      const copy = hostArray(dtype, length);
      const start = place.kind === 'output' ? initial[place.index] : given;
      if (start !== undefined) copy.set(start);
      return copy;
    });
  }

  buffer(id: number): TypedArray {
    const buffer = this.program.buffers[id];
    const own = this.buffers[id];
    if (buffer === undefined || own === undefined) throw new Error('oracle: missing buffer');
    const { place, length } = buffer;
    if (place.kind === 'slice') {
      const position = this.#positions.get(place.loop) ?? NaN;
      return this.buffer(place.of).subarray(position * length, (position + 1) * length);
    }
    if (place.kind === 'carry') return this.buffer(this.#carries.get(`${place.loop}.${place.index}.${place.at}`) ?? -1);
    return own;
  }

  run(steps: readonly Step[]): void {
    for (const step of steps) {
      if (step.kind === 'kernel') {
        const kernel = this.program.kernels[step.kernel];
        if (kernel === undefined) throw new Error('oracle: missing kernel');
        runKernel(
          kernel,
          step.args.map((i) => this.buffer(i)),
        );
      } else if (step.kind === 'branch') {
        const chosen = Math.min(Math.max(Number(this.buffer(step.index)[0]), 0), step.branches.length - 1);
        this.run(step.branches[chosen] ?? []);
      } else this.#loop(step);
    }
  }

  #loop({ id, trips, carries, steps }: LoopStep): void {
    const set = (index: number, at: 'start' | 'end', buffer: number): void => {
      this.#carries.set(`${id}.${index}.${at}`, buffer);
    };
    carries.forEach(({ initial }, i) => set(i, 'start', initial));
    for (let n = 0; ; n++) {
      carries.forEach(({ first, second }, i) => set(i, 'end', n % 2 === 0 ? first : second));
      if ('count' in trips) {
        if (n === trips.count) break;
        this.#positions.set(id, trips.reverse ? trips.count - 1 - n : n);
      } else {
        this.run(trips.condition);
        if (this.buffer(trips.holds)[0] === 0) break;
      }
      this.run(steps);
      carries.forEach(({ first, second }, i) => set(i, 'start', n % 2 === 0 ? first : second));
    }
    carries.forEach(({ copy, start, result }) => {
      if (copy !== undefined) this.buffer(result).set(this.buffer(start));
    });
  }
}

/** The outputs of a program, by the oracle. */
export function interpretProgram(
  program: Program,
  inputs: readonly TypedArray[],
  initial: readonly TypedArray[] = [],
): TypedArray[] {
  const interpreter = new ProgramInterpreter(program, inputs, initial);
  interpreter.run(program.steps);
  const outputs: TypedArray[] = [];
  program.buffers.forEach((buffer, i) => {
    const data = interpreter.buffers[i];
    if (buffer.place.kind === 'output' && data !== undefined) outputs[buffer.place.index] = data;
  });
  return outputs;
}

/**
 * Eager operations: one-primitive programs from the same compiler, cached. Elementwise ones serve every shape, so that
 * many shapes do not compile many modules.
 */
import type { ShapedArray } from '../core/aval.js';
import { nth } from '../core/axes.js';
import { ConcreteArray, getDefaultDevice } from '../core/concrete.js';
import type { Device, Storage } from '../core/device.js';
import type { DType } from '../core/dtype.js';
import { ClosedJaxpr, Jaxpr, Var, type AnyPrimitive, type Eqn, type Params } from '../core/primitive.js';
import type { Backend } from './backend.js';
import { checkSupported, CompiledFunction, deviceOf, isBackend } from './executor.js';
import { identityOf, paramsKey } from './key.js';
import { LruCache } from './lru.js';

/** Compiled eager operations that are kept. */
const CAPACITY = 2048;
/** The nominal length that shape-generic programs are compiled for. */
const NOMINAL_LENGTH = 1024;

type Cache = LruCache<CompiledFunction, string | number>;
const caches = new WeakMap<Backend, Cache>();
const cacheOf = (device: Backend): Cache => {
  let cache = caches.get(device);
  if (cache === undefined) caches.set(device, (cache = new LruCache(CAPACITY)));
  return cache;
};

/** Bits of an operand in a packed key: its dtype, and whether it is a scalar beside larger ones. */
const OPERAND_BITS = 4;
const DTYPE_CODE: Readonly<Record<DType, number>> = {
  float32: 1,
  float64: 2,
  int32: 3,
  uint32: 4,
  bool: 5,
  float16: 6,
};
const SCALAR = 8;
/** With so many operands a packed key is a small integer; no elementwise primitive has more. */
const MAX_PACKED = 3;

/** Scalars keep their place: a rank-0 operand of a larger result is read once. */
const staysScalar = (a: ShapedArray, out: ShapedArray): boolean => a.ndim === 0 && out.ndim > 0;

/**
 * The key of a program that serves any length. Without parameters it is a number, from the identity of the primitive
 * and the dtypes of its operands, because making and hashing a text takes longer than adding eight numbers.
 */
function genericKey(
  primitive: AnyPrimitive,
  avals: readonly ShapedArray[],
  out: ShapedArray,
  params: Params,
): string | number {
  if (avals.length <= MAX_PACKED && isEmpty(params)) {
    let code = 0;
    for (const a of avals) {
      code = code * 2 ** OPERAND_BITS + DTYPE_CODE[a.dtype] + (staysScalar(a, out) ? SCALAR : 0);
    }
    return identityOf(primitive) * 2 ** (OPERAND_BITS * MAX_PACKED) + code;
  }
  let key = `${primitive.name}[${paramsKey(params)}]`;
  for (const a of avals) key += `${a.dtype}${staysScalar(a, out) ? 's' : ''},`;
  return key;
}

/** The key of a program for these shapes, which are what sets it apart from a generic one. */
const exactKey = (primitive: AnyPrimitive, avals: readonly ShapedArray[], params: Params): string =>
  `${primitive.name}[${paramsKey(params)}]${avals.join(',')}`;

function isEmpty(params: Params): boolean {
  for (const _ in params) return false;
  return true;
}

/** A jaxpr of one equation. */
function singleEquation(primitive: AnyPrimitive, avals: readonly ShapedArray[], params: Params): ClosedJaxpr {
  const invars = avals.map((a) => new Var(a));
  const outputs = primitive.abstract(avals, params).map((a) => new Var(a));
  const eqn: Eqn = { primitive, inputs: invars, params, outputs, source: undefined };
  return new ClosedJaxpr(new Jaxpr([], invars, [eqn], outputs), []);
}

/** Operations on numbers alone that are done again where another device needs the result; one of more is where it was made. */
const MOST_STEPS = 8;

/** How many operations the results are from numbers alone; undefined if there are arrays among the operands, or they are too many. */
function stepsFrom(operands: readonly ConcreteArray[]): number | undefined {
  let most = 0;
  for (const { steps } of operands) {
    if (steps === undefined || steps >= MOST_STEPS) return undefined;
    most = Math.max(most, steps);
  }
  return most + 1;
}

/** Run one primitive on concrete operands. */
export function evaluate(primitive: AnyPrimitive, operands: readonly ConcreteArray[], params: Params): ConcreteArray[] {
  const results = evaluateOn(deviceOf(operands, getDefaultDevice(), primitive.name), primitive, operands, params);
  const steps = stepsFrom(operands);
  if (steps === undefined) return results;
  return results.map((y, i) => {
    if (y.steps !== undefined) return y;
    const on = (device: Device): Storage => {
      if (!isBackend(device)) throw new Error(`device ${device.kind} cannot run programs`);
      return nth(evaluateOn(device, primitive, operands, params), i).storage;
    };
    return new ConcreteArray(y.aval, y.storage, { on, steps });
  });
}

function evaluateOn(
  device: Backend,
  primitive: AnyPrimitive,
  operands: readonly ConcreteArray[],
  params: Params,
): ConcreteArray[] {
  const avals = operands.map((x) => x.aval);
  const outAvals = primitive.abstract(avals, params);
  checkSupported(device, outAvals, primitive.name);
  const cache = cacheOf(device);
  const out = nth(outAvals, 0);

  const generic = genericKey(primitive, avals, out, params);
  const known = cache.get(generic);
  if (known !== undefined) return known.run(operands, undefined, out.size, outAvals);
  const exact = exactKey(primitive, avals, params);
  const knownExact = cache.get(exact);
  if (knownExact !== undefined) return knownExact.run(operands, undefined, undefined, outAvals);

  const lowering = primitive.lower(avals, params);
  if (lowering.kind === 'map' && lowering.elementwise === true && outAvals.length === 1) {
    const nominal = avals.map((a) => (staysScalar(a, out) ? a : a.with({ shape: [NOMINAL_LENGTH] })));
    const closed = singleEquation(primitive, nominal, params);
    const compiled = new CompiledFunction(closed, device, outAvals, { name: primitive.name, dynamicExtent: true });
    cache.set(generic, compiled);
    return compiled.run(operands, undefined, out.size, outAvals);
  }
  const compiled = new CompiledFunction(singleEquation(primitive, avals, params), device, outAvals, {
    name: primitive.name,
  });
  cache.set(exact, compiled);
  return compiled.run(operands, undefined, undefined, outAvals);
}

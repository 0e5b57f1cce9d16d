/**
 * Eager operations: one-primitive programs from the same compiler, cached. Elementwise ones serve every shape, so that
 * many shapes do not compile many modules.
 */
import type { ShapedArray } from '../core/aval.js';
import { nth } from '../core/axes.js';
import type { ConcreteArray } from '../core/concrete.js';
import { getDefaultDevice } from '../core/concrete.js';
import { ClosedJaxpr, Jaxpr, Var, type AnyPrimitive, type Eqn, type Params } from '../core/primitive.js';
import type { Backend } from './backend.js';
import { checkSupported, CompiledFunction, deviceOf } from './executor.js';
import { paramsKey } from './key.js';
import { LruCache } from './lru.js';

/** Compiled eager operations that are kept. */
const CAPACITY = 2048;
/** The nominal length that shape-generic programs are compiled for. */
const NOMINAL_LENGTH = 1024;

const caches = new WeakMap<Backend, LruCache<CompiledFunction>>();
const cacheOf = (device: Backend): LruCache<CompiledFunction> => {
  let cache = caches.get(device);
  if (cache === undefined) caches.set(device, (cache = new LruCache(CAPACITY)));
  return cache;
};

/** A jaxpr of one equation. */
function singleEquation(primitive: AnyPrimitive, avals: readonly ShapedArray[], params: Params): ClosedJaxpr {
  const invars = avals.map((a) => new Var(a));
  const outputs = primitive.abstract(avals, params).map((a) => new Var(a));
  const eqn: Eqn = { primitive, inputs: invars, params, outputs, source: undefined };
  return new ClosedJaxpr(new Jaxpr([], invars, [eqn], outputs), []);
}

/** Run one primitive on concrete operands. */
export function evaluate(primitive: AnyPrimitive, operands: readonly ConcreteArray[], params: Params): ConcreteArray[] {
  const avals = operands.map((x) => x.aval);
  const outAvals = primitive.abstract(avals, params);
  const device = deviceOf(operands, getDefaultDevice(), primitive.name);
  checkSupported(device, outAvals, primitive.name);
  const cache = cacheOf(device);
  const out = nth(outAvals, 0);

  // Scalars keep their place: a rank-0 operand of a larger result is read once.
  const genericKey = (): string => {
    let key = `${primitive.name}[${paramsKey(params)}]`;
    for (const a of avals) key += `${a.dtype}${a.ndim === 0 && out.ndim > 0 ? 's' : ''},`;
    return key;
  };
  const exactKey = (): string => `${primitive.name}[${paramsKey(params)}]${avals.map((a) => a.toString()).join(',')}`;

  const generic = genericKey();
  const known = cache.get(generic);
  if (known !== undefined) return known.run(operands, undefined, out.size, outAvals);
  const exact = exactKey();
  const knownExact = cache.get(exact);
  if (knownExact !== undefined) return knownExact.run(operands, undefined, undefined, outAvals);

  const lowering = primitive.lower(avals, params);
  if (lowering.kind === 'map' && lowering.elementwise === true && outAvals.length === 1) {
    const nominal = avals.map((a) => (a.ndim === 0 && out.ndim > 0 ? a : a.with({ shape: [NOMINAL_LENGTH] })));
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

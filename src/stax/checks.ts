/** What layers ask of their arguments, said in the same words by all of them. */
import { showShape, type Shape } from '../core/aval.js';
import { ShapeError } from '../core/errors.js';
import { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { leaves } from '../core/tree.js';
import { promoteTypesOf } from '../numpy/promote.js';

const JOIN = 'stax.FanInSum or stax.FanInConcat()';

/** One shape, not several; throws naming the layer. */
export function checkShape(name: string, shape: Shape): Shape {
  if (Array.isArray(shape) && shape.every((n) => typeof n === 'number')) return shape;
  throw new ShapeError(
    `${name}: takes one array, got shapes ${JSON.stringify(shape)} of several. Join them with ${JOIN}.${userLine()}`,
  );
}

export function checkArray(name: string, x: NDArray): NDArray {
  if (x instanceof NDArray) return x;
  const list: unknown = x;
  const advice = leaves<unknown>(list).some((leaf) => leaf instanceof NDArray)
    ? `join it with ${JOIN}`
    : 'make an array of it by np.array';
  throw new ShapeError(
    `${name}: takes one array, got ${Array.isArray(list) ? `a list; ${advice}` : typeof list}.${userLine()}`,
  );
}

/** A shape of exactly, or at least, so many axes; `layout` names them. */
export function checkRank(name: string, shape: Shape, rank: number, layout: string, orMore = false): Shape {
  const { length } = checkShape(name, shape);
  if (length === rank || (orMore && length > rank)) return shape;
  throw new ShapeError(
    `${name}: takes ${layout}, ${orMore ? 'at least ' : ''}${rank} axes, got shape ${showShape(shape)}.${userLine()}`,
  );
}

/** The length of the last axis, which `init` must know. */
export function knownFeatures(name: string, inputShape: Shape): number {
  const features = checkShape(name, inputShape).at(-1);
  if (features !== undefined && features >= 0) return features;
  throw new ShapeError(
    `${name}: the number of features, the last of the input's shape, must be known, got ${showShape(inputShape)}.${userLine()}`,
  );
}

/** Arrays in their common float dtype, shapes as they are: as many as were given. */
export function promoteFloats<T extends readonly NDArray[]>(
  op: string,
  ...xs: T
): { readonly [K in keyof T]: NDArray } {
  // promoteTypesOf gives one array for each.
  return promoteTypesOf(op, xs, true) as unknown as { readonly [K in keyof T]: NDArray };
}

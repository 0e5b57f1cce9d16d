/** What the samplers do with their arguments: shapes, dtypes, and parameters that broadcast to the result. */
import { sameShape, showShape, type Shape } from '../core/aval.js';
import { scalar } from '../core/concrete.js';
import type { DType } from '../core/dtype.js';
import { ArgumentError, DTypeError, ShapeError } from '../core/errors.js';
import { NDArray, type ArrayLike } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { broadcastShapes, broadcastTo, convertElementType } from '../lax/index.js';
import { canonicalShape } from './key.js';

/** Options of a sampler of real numbers. */
export interface FloatOptions {
  /** float32 (the default) or float64. */
  dtype?: DType;
}

/** The dtypes of samples that are real numbers. */
export type FloatDType = 'float32' | 'float64';

/** Smallest positive normal number. */
export const TINY: Readonly<Record<FloatDType, number>> = { float32: 2 ** -126, float64: 2 ** -1022 };
/** Bits of the fraction of a float. */
export const FRACTION_BITS: Readonly<Record<FloatDType, number>> = { float32: 23, float64: 52 };

/** `options.dtype`, which must be a float. */
export function floatDType(op: string, options: FloatOptions): FloatDType {
  const { dtype = 'float32' } = options;
  if (dtype !== 'float32' && dtype !== 'float64')
    throw new DTypeError(
      `${op}: samples are float32 or float64, not ${dtype}; convert them: x.astype('${dtype}').${userLine()}`,
    );
  return dtype;
}

const shapeOfArgument = (x: ArrayLike): Shape => (x instanceof NDArray ? x.aval.shape : []);

/** The shape asked for, which the parameters must broadcast to; by default the shape they have together. */
export function sampleShape(op: string, shape: Shape | null | undefined, ...parameters: readonly ArrayLike[]): Shape {
  const own = broadcastShapes(op, ...parameters.map(shapeOfArgument));
  if (shape === null || shape === undefined) return own;
  const dims = canonicalShape(op, shape);
  if (!sameShape(broadcastShapes(op, dims, own), dims)) {
    throw new ShapeError(
      `${op}: parameters of shape ${showShape(own)} do not broadcast to the shape ${showShape(dims)} that was asked for. ` +
        `Put the shape of the parameters last in it.${userLine()}`,
    );
  }
  return dims;
}

/** A parameter as an array of `dtype`, either a scalar or of the shape of the result. */
export function parameter(op: string, x: ArrayLike, shape: Shape, dtype: DType): NDArray {
  if (typeof x === 'number') return scalar(x, dtype);
  if (!(x instanceof NDArray)) {
    throw new ArgumentError(`${op}: parameters are numbers or arrays, got ${typeof x}.${userLine()}`);
  }
  const array = convertElementType(x, dtype);
  return array.ndim === 0 ? array : broadcastTo(array, shape);
}

/** A shape, the length of a vector, or options that hold a shape: all are taken where JAX has the shape. */
export type ShapeOr<Options> = number | Shape | (Options & { shape?: Shape });

const isShape = (x: Shape | object): x is Shape => Array.isArray(x);

/** Shape and options from {@link ShapeOr} and the argument after it. Throws ArgumentError for a dtype in either place. */
export function shapeAndOptions<Options extends object>(
  given: ShapeOr<Options> | undefined,
  options: Options,
): { shape: Shape | undefined; options: Options } {
  for (const x of [given, options]) {
    if (typeof x !== 'string') continue;
    throw new ArgumentError(`random: a dtype is given in the options: write { dtype: '${String(x)}' }.${userLine()}`);
  }
  if (given === undefined) return { shape: undefined, options };
  if (typeof given === 'number') return { shape: [given], options };
  if (isShape(given)) return { shape: given, options };
  const { shape, ...rest } = given;
  return { shape, options: { ...options, ...rest } };
}

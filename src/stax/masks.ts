/** Masks of sequences: bool [batch, time], false where a step is padding. */
import { sameShape, showShape } from '../core/aval.js';
import { DTypeError, ShapeError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';

/** The mask of `x` [...batch, time, features], checked. */
export function checkMask(name: string, mask: NDArray, x: NDArray): NDArray {
  if (mask.dtype !== 'bool') {
    throw new DTypeError(
      `${name}: a mask is bool, true where a step is there, got ${mask.aval.toString()}. Make one by tokens.notEqual(0).${userLine()}`,
    );
  }
  if (sameShape(mask.aval.shape, x.aval.shape.slice(0, -1))) return mask;
  throw new ShapeError(
    `${name}: the mask has shape ${showShape(mask.shape)}, but x of shape ${showShape(x.shape)} needs one of ` +
      `${showShape(x.shape.slice(0, -1))}, a flag for each step.${userLine()}`,
  );
}

/** The mask of `x`, repeated for its features. */
export const maskSteps = (name: string, mask: NDArray, x: NDArray): NDArray =>
  lax.broadcastInDim(
    checkMask(name, mask, x),
    x.aval.shape,
    mask.aval.shape.map((_, d) => d),
  );

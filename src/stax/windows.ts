/** The windows of convolutions and pooling: what users may write for them, and how long the result is. */
import { nth } from '../core/axes.js';
import { showShape, type Shape } from '../core/aval.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import { userLine } from '../core/source.js';
import type { Padding } from '../lax/index.js';
import { namedPadding, windowCount, type WindowAxis } from '../lax/windows.js';

/** One number for every spatial axis, or one for each. */
export type PerAxis = number | readonly number[];

/** `rank` positive integers; throws ArgumentError naming the layer and what they are. */
export function perAxis(name: string, what: string, value: PerAxis, rank: number): readonly number[] {
  const list = typeof value === 'number' ? Array.from({ length: rank }, () => value) : value;
  if (list.length === rank && list.every((n) => Number.isInteger(n) && n >= 1)) return list;
  throw new ArgumentError(
    `${name}: ${what} must be a positive integer or ${rank} of them, got ${JSON.stringify(value)}.${userLine()}`,
  );
}

/** Lengths of spatial axes after a window went over them; -1 stays -1. Throws ShapeError where no window fits. */
export function windowedLengths(
  name: string,
  lengths: Shape,
  size: readonly number[],
  strides: readonly number[],
  padding: Padding,
  dilation: readonly number[] = size.map(() => 1),
): Shape {
  return lengths.map((n, i) => {
    if (n === -1) return -1;
    const axis = { size: nth(size, i), stride: nth(strides, i), windowDilation: nth(dilation, i) };
    const [low, high] = typeof padding === 'string' ? namedPadding(padding, n, axis) : nth(padding, i);
    const window: WindowAxis = { ...axis, low, high, baseDilation: 1 };
    const count = windowCount(n, window);
    if (count > 0) return count;
    throw new ShapeError(
      `${name}: a window of ${showShape(size)} does not fit in an image of ${showShape(lengths)}. Use a smaller window, ` +
        `less pooling before it, or padding: 'SAME'.${userLine()}`,
    );
  });
}

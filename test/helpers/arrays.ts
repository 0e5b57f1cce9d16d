/** Small helpers for tests of the layers below numpy. */
import '../../src/backends/install.js';
import { fromHost } from '../../src/core/concrete.js';
import type { DType } from '../../src/core/dtype.js';
import { hostArray } from '../../src/core/dtype.js';
import type { NDArray } from '../../src/core/ndarray.js';

/** An array of `shape` from a flat list. */
export function array(
  values: readonly number[],
  shape: readonly number[] = [values.length],
  dtype: DType = 'float32',
): NDArray {
  const data = hostArray(dtype, values.length);
  data.set(values);
  return fromHost(data, shape, dtype);
}

/** Flat elements as plain numbers. */
export const flat = (x: NDArray): number[] => Array.from(x.dataSync());

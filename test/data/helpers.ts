/** What tests of data files share. */
import fc from 'fast-check';
import { numpy as np } from 'cotangent';
import type { DType, NDArray } from 'cotangent';
import type { DecodeError, Either } from 'cotangent/data';

/** The error of a `Left`. */
export function errorOf(result: Either<DecodeError, unknown>): DecodeError {
  if (result._tag === 'Right') throw new Error('expected an error');
  return result.left;
}

export const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

/** The elements' bytes on the host: equal only if every bit is, of NaN and -0 too. */
export const bitsOf = (x: NDArray): Uint8Array => new Uint8Array(x.dataSync().buffer);

const elements: Readonly<Record<DType, (n: number) => fc.Arbitrary<NDArray>>> = {
  bool: (n) => fc.array(fc.nat(1), { minLength: n, maxLength: n }).map((v) => np.array(v, { dtype: 'bool' })),
  int32: (n) => fc.int32Array({ minLength: n, maxLength: n }).map((v) => np.array(v)),
  uint32: (n) => fc.uint32Array({ minLength: n, maxLength: n }).map((v) => np.array(v)),
  float16: (n) => fc.float32Array({ minLength: n, maxLength: n }).map((v) => np.array(v, { dtype: 'float16' })),
  float32: (n) => fc.float32Array({ minLength: n, maxLength: n }).map((v) => np.array(v)),
  float64: (n) => fc.float64Array({ minLength: n, maxLength: n }).map((v) => np.array(v)),
};

/** Arrays of every dtype, some without elements or axes. */
export const arrays: fc.Arbitrary<NDArray> = fc
  .tuple(fc.array(fc.nat(3), { maxLength: 4 }), fc.constantFrom(...Object.values(elements)))
  .chain(([shape, make]) => make(shape.reduce((a, b) => a * b, 1)).map((x) => x.reshape(shape)));

/**
 * Element types: names, sizes, host typed arrays, and JAX's promotion lattice with weak types
 * (JAX docs, "Type promotion semantics"; 64-bit integers do not exist here, so `uint32 + int32` is
 * `int32`, which is what JAX gives with 64-bit types off).
 */

/** The element type of an array. */
export type DType = 'float16' | 'float32' | 'float64' | 'int32' | 'uint32' | 'bool';

/**
 * A host typed array that can hold elements of some {@link DType}; `bool` uses one byte per element, and `float16` a float32, for
 * engines have no array of halves yet.
 */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

const BYTES: Record<DType, number> = { float16: 2, float32: 4, float64: 8, int32: 4, uint32: 4, bool: 1 };
const SHORT: Record<DType, string> = {
  float16: 'f16',
  float32: 'f32',
  float64: 'f64',
  int32: 'i32',
  uint32: 'u32',
  bool: 'bool',
};

/** Bytes per element. */
export const byteWidth = (dtype: DType): number => BYTES[dtype];

/** The short name used in jaxprs: `f32`, `i32`, `bool`, … */
export const shortName = (dtype: DType): string => SHORT[dtype];

export const isFloat = (dtype: DType): boolean => dtype === 'float16' || dtype === 'float32' || dtype === 'float64';
export const isInteger = (dtype: DType): boolean => dtype === 'int32' || dtype === 'uint32';

export const isDType = (value: unknown): value is DType => (DTYPES as readonly unknown[]).includes(value);

/** Dtypes that are computed with: halves are a format of memory. */
export type ComputeType = Exclude<DType, 'float16'>;

export const COMPUTE_TYPES: readonly ComputeType[] = ['float32', 'float64', 'int32', 'uint32', 'bool'];
export const DTYPES: readonly DType[] = ['float16', ...COMPUTE_TYPES];

/** The type in which values of a dtype are computed. */
export const computeType = (dtype: DType): ComputeType => (dtype === 'float16' ? 'float32' : dtype);

/** A zero-filled host array of `length` elements; values put into one of float16 are rounded when a device takes it. */
export function hostArray(dtype: DType, length: number): TypedArray {
  switch (dtype) {
    case 'float16':
    case 'float32':
      return new Float32Array(length);
    case 'float64':
      return new Float64Array(length);
    case 'int32':
      return new Int32Array(length);
    case 'uint32':
      return new Uint32Array(length);
    case 'bool':
      return new Uint8Array(length);
  }
}

/** A host view of `length` elements of `buffer` starting at `byteOffset` (no copy); engines have none of halves. */
export function hostView(dtype: ComputeType, buffer: ArrayBufferLike, byteOffset: number, length: number): TypedArray {
  switch (dtype) {
    case 'float32':
      return new Float32Array(buffer, byteOffset, length);
    case 'float64':
      return new Float64Array(buffer, byteOffset, length);
    case 'int32':
      return new Int32Array(buffer, byteOffset, length);
    case 'uint32':
      return new Uint32Array(buffer, byteOffset, length);
    case 'bool':
      return new Uint8Array(buffer, byteOffset, length);
  }
}

/** The dtype whose host representation `data` is, or `undefined` for other typed arrays. */
export function dtypeOfHost(data: ArrayBufferView): DType | undefined {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Float64Array) return 'float64';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof Uint32Array) return 'uint32';
  return undefined;
}

/**
 * A node of the promotion lattice: a dtype, or one of the weak types a bare JS number has.
 * `int*` is a JS integer, `float*` any other JS number; a weak type never decides the width of the result.
 */
export type LatticeType = DType | 'int*' | 'float*';

// Immediate successors in JAX's lattice, restricted to the dtypes that exist here (bfloat16 does not).
const UP: Record<LatticeType, readonly LatticeType[]> = {
  bool: ['int*'],
  'int*': ['uint32', 'int32'],
  uint32: ['int32'],
  int32: ['float*'],
  'float*': ['float16'],
  float16: ['float32'],
  float32: ['float64'],
  float64: [],
};

const upperBounds = (type: LatticeType): Set<LatticeType> => {
  const seen = new Set<LatticeType>([type]);
  for (const t of seen) for (const up of UP[t]) seen.add(up);
  return seen;
};
const UPPER = Object.fromEntries((Object.keys(UP) as LatticeType[]).map((t) => [t, upperBounds(t)])) as Record<
  LatticeType,
  Set<LatticeType>
>;

/** Least upper bound of two lattice nodes. It is commutative, associative and idempotent (tested as laws). */
export function joinTypes(a: LatticeType, b: LatticeType): LatticeType {
  if (a === b) return a;
  const common = [...UPPER[a]].filter((t) => UPPER[b].has(t));
  // The least element of the common upper bounds is the one that has all of them above it.
  const least = common.find((t) => common.every((other) => UPPER[t].has(other)));
  if (least === undefined) throw new Error(`no common dtype for ${a} and ${b}`);
  return least;
}

/** The concrete dtype of a lattice node: `int*` is int32 and `float*` is float32. */
export const latticeDType = (type: LatticeType): DType =>
  type === 'int*' ? 'int32' : type === 'float*' ? 'float32' : type;

/** The lattice node of a value of `dtype`; weakly typed values sit at the weak node of their kind. */
export const latticeType = (dtype: DType, weak: boolean): LatticeType =>
  !weak ? dtype : isFloat(dtype) ? 'float*' : isInteger(dtype) ? 'int*' : dtype;

/** Promote dtypes (all strong) as `jax.numpy.promote_types` does. */
export const promoteTypes = (...dtypes: readonly DType[]): DType =>
  latticeDType(dtypes.reduce<LatticeType>((acc, t) => joinTypes(acc, t), dtypes[0] ?? 'float32'));

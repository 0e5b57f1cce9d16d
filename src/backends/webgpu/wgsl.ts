/** The pieces of WGSL text: types, literals, and helper functions where WGSL's own semantics are looser than ours. */
import { DTypeError } from '../../core/errors.js';
import type { DType } from '../../core/dtype.js';
import type { ScalarType } from '../../core/scalar.js';

/** Types of values. A float16 is a float32 that is a half; only memory has `f16`. */
export type WgslType = 'f32' | 'i32' | 'u32' | 'bool';

/** Types of elements in memory, if they are no atomics. */
export type StoredType = 'f16' | 'f32' | 'i32' | 'u32';

/** The type of a value; WGSL has no 64-bit types. */
export function wgslType(type: ScalarType): WgslType {
  switch (type) {
    case 'float16':
    case 'float32':
      return 'f32';
    case 'int32':
      return 'i32';
    case 'uint32':
      return 'u32';
    case 'bool':
      return 'bool';
    case 'float64':
    case 'int64':
      throw new DTypeError(`webgpu: WGSL has no ${type}`);
  }
}

/** How an element lies in a buffer: WGSL cannot store bool, and halves only where `f16` says so. */
export function storedType(dtype: DType, f16: boolean): StoredType {
  if (dtype === 'float16' && f16) return 'f16';
  const type = wgslType(dtype);
  return type === 'bool' ? 'u32' : type;
}

const FLOAT_BITS = new Uint32Array(1);
const FLOAT = new Float32Array(FLOAT_BITS.buffer);

/** A literal. Infinities and NaN may not occur in constant expressions (WGSL §8.18), so that they come from bits at run time. */
export function literal(type: ScalarType, value: number | bigint): string {
  const x = Number(value);
  switch (wgslType(type)) {
    case 'bool':
      return x !== 0 ? 'true' : 'false';
    case 'i32':
      return x === -0x80000000 ? 'i32(-2147483648)' : `${x | 0}i`;
    case 'u32':
      return `${x >>> 0}u`;
    case 'f32': {
      FLOAT[0] = x;
      const [bits = 0] = FLOAT_BITS;
      // Nor is a constant vector of -0 kept: Tint makes zeros of it.
      if (!Number.isFinite(FLOAT[0]) || Object.is(FLOAT[0], -0)) return `bitcast<f32>(runtime_zero | ${bits}u)`;
      // Decimal text of subnormal numbers is not read alike everywhere; their bits are.
      if (x !== 0 && Math.abs(FLOAT[0]) < 2 ** -126) return `bitcast<f32>(${bits}u)`;
      return `${String(FLOAT[0])}f`;
    }
  }
}

/** Values of one invocation: a scalar, or four of them as a vector. */
export type Width = 1 | 4;

/** The text of a type at a width. */
export const typeText = (type: WgslType | StoredType, width: Width): string => (width === 1 ? type : `vec4<${type}>`);

/** One value for all lanes of a width. */
export const splat = (type: WgslType, width: Width, value: string): string =>
  width === 1 ? value : `vec4<${type}>(${value})`;

/** A helper at a width: types, values of every lane and the names of other helpers at that width. */
interface HelperText {
  readonly f32: string;
  readonly i32: string;
  readonly u32: string;
  readonly bool: string;
  readonly name: (helper: string) => string;
}

/** Functions that a shader contains if it calls them, with those they call: selects, so that they are the same for vectors. */
const HELPERS = {
  is_nan: {
    // A comparison of x with itself may be optimised away where NaN is assumed not to exist.
    code: ({ f32, u32, bool, name }) =>
      `fn ${name('is_nan')}(x: ${f32}) -> ${bool} { return (bitcast<${u32}>(x) & ${u32}(0x7fffffffu)) > ${u32}(0x7f800000u); }`,
    calls: [],
  },
  // WGSL's min and max may return either operand if one is NaN or both are zeros. Comparisons with NaN are false.
  min_f32: {
    code: ({ f32, u32, name }) => `fn ${name('min_f32')}(x: ${f32}, y: ${f32}) -> ${f32} {
  let either = bitcast<${f32}>(bitcast<${u32}>(x) | bitcast<${u32}>(y));
  return select(select(select(y, x, x < y), either, x == y), x, ${name('is_nan')}(x));
}`,
    calls: ['is_nan'],
  },
  max_f32: {
    code: ({ f32, u32, name }) => `fn ${name('max_f32')}(x: ${f32}, y: ${f32}) -> ${f32} {
  let both = bitcast<${f32}>(bitcast<${u32}>(x) & bitcast<${u32}>(y));
  return select(select(select(y, x, x > y), both, x == y), x, ${name('is_nan')}(x));
}`,
    calls: ['is_nan'],
  },
  // Integers in the order of the floats they are made of, -0 before 0; the same function makes floats of them again.
  ordered_f32: {
    code: ({ i32, u32, name }) =>
      `fn ${name('ordered_f32')}(bits: ${i32}) -> ${i32} { return bits ^ ((bits >> ${u32}(31u)) & ${i32}(0x7fffffff)); }`,
    calls: [],
  },
  subgroup_min_f32: {
    code: ({ f32, i32, name }) => `fn ${name('subgroup_min_f32')}(x: ${f32}) -> ${f32} {
  let ordered = ${name('ordered_f32')}(bitcast<${i32}>(x));
  return bitcast<${f32}>(${name('ordered_f32')}(subgroupMin(select(ordered, ${i32}(-2147483647 - 1), ${name('is_nan')}(x)))));
}`,
    calls: ['is_nan', 'ordered_f32'],
  },
  subgroup_max_f32: {
    code: ({ f32, i32, name }) => `fn ${name('subgroup_max_f32')}(x: ${f32}) -> ${f32} {
  let ordered = ${name('ordered_f32')}(bitcast<${i32}>(x));
  return bitcast<${f32}>(${name('ordered_f32')}(subgroupMax(select(ordered, ${i32}(2147483647), ${name('is_nan')}(x)))));
}`,
    calls: ['is_nan', 'ordered_f32'],
  },
  // XLA: x / 0 has all bits set, x % 0 is x; WGSL's are x and 0.
  div_i32: {
    code: ({ i32, name }) =>
      `fn ${name('div_i32')}(x: ${i32}, y: ${i32}) -> ${i32} { return select(x / y, ${i32}(-1), y == ${i32}(0)); }`,
    calls: [],
  },
  div_u32: {
    code: ({ u32, name }) =>
      `fn ${name('div_u32')}(x: ${u32}, y: ${u32}) -> ${u32} { return select(x / y, ${u32}(0xffffffffu), y == ${u32}(0u)); }`,
    calls: [],
  },
  rem_i32: {
    code: ({ i32, name }) =>
      `fn ${name('rem_i32')}(x: ${i32}, y: ${i32}) -> ${i32} { return select(x % y, x, y == ${i32}(0)); }`,
    calls: [],
  },
  rem_u32: {
    code: ({ u32, name }) =>
      `fn ${name('rem_u32')}(x: ${u32}, y: ${u32}) -> ${u32} { return select(x % y, x, y == ${u32}(0u)); }`,
    calls: [],
  },
  // XLA: truncates, saturates, NaN is 0. What is out of range is replaced before it is converted.
  f32_to_i32: {
    code: ({ f32, i32, name }) => `fn ${name('f32_to_i32')}(x: ${f32}) -> ${i32} {
  let isLarge = x >= ${f32}(2147483648.0);
  let inside = select(x, ${f32}(0.0), isLarge | (x < ${f32}(-2147483648.0)) | ${name('is_nan')}(x));
  let low = select(${i32}(inside), ${i32}(-2147483647 - 1), x < ${f32}(-2147483648.0));
  return select(low, ${i32}(2147483647), isLarge);
}`,
    calls: ['is_nan'],
  },
  // The nearest half, ties to even: fractions have 13 bits fewer, and 0.5 has the unit 2^-24 of subnormal halves. Integers keep drivers
  // from merging the steps.
  round_f16: {
    code: ({ f32, u32, name }) => `fn ${name('round_f16')}(x: ${f32}) -> ${f32} {
  let bits = bitcast<${u32}>(x);
  let size = bits & ${u32}(0x7fffffffu);
  let normal = (size + ${u32}(0xfffu) + ((size >> ${u32}(13u)) & ${u32}(1u))) & ${u32}(0xffffe000u);
  let units = bitcast<${u32}>(bitcast<${f32}>(size) + ${f32}(0.5)) - ${u32}(0x3f000000u);
  let finite = select(normal, bitcast<${u32}>(${f32}(units) * ${f32}(5.9604644775390625e-08)), size < ${u32}(0x38800000u));
  let magnitude = select(finite, ${u32}(0x7f800000u), finite >= ${u32}(0x47800000u));
  let kept = select(magnitude, ${u32}(0x7fc00000u), size > ${u32}(0x7f800000u));
  return bitcast<${f32}>(kept | (bits & ${u32}(0x80000000u)));
}`,
    calls: [],
  },
  f32_to_u32: {
    code: ({ f32, u32, name }) => `fn ${name('f32_to_u32')}(x: ${f32}) -> ${u32} {
  let isLarge = x >= ${f32}(4294967296.0);
  let inside = select(x, ${f32}(0.0), isLarge | (x <= ${f32}(0.0)) | ${name('is_nan')}(x));
  return select(${u32}(inside), ${u32}(0xffffffffu), isLarge);
}`,
    calls: ['is_nan'],
  },
} as const satisfies Record<string, { readonly code: (text: HelperText) => string; readonly calls: readonly string[] }>;

export type Helper = keyof typeof HELPERS;

const WIDTHS: readonly Width[] = [1, 4];

/** The name of a helper at a width. */
export const helperName = (helper: string, width: Width): string => (width === 1 ? helper : `${helper}_x${width}`);

/** The text of the helpers of these names, each once. */
export function helperText(used: ReadonlySet<string>): string {
  return WIDTHS.flatMap((width) => {
    const all = new Set(used);
    for (const [helper, { calls }] of Object.entries(HELPERS))
      if (used.has(helperName(helper, width))) for (const callee of calls) all.add(helperName(callee, width));
    const [f32 = '', i32 = '', u32 = '', bool = ''] = (['f32', 'i32', 'u32', 'bool'] as const).map((t) =>
      typeText(t, width),
    );
    return Object.entries(HELPERS)
      .filter(([helper]) => all.has(helperName(helper, width)))
      .map(([, { code }]) => code({ f32, i32, u32, bool, name: (helper) => helperName(helper, width) }));
  }).join('\n');
}

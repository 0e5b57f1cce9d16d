/** The pieces of WGSL text: types, literals, and helper functions where WGSL's own semantics are looser than ours. */
import { DTypeError } from '../../core/errors.js';
import type { DType } from '../../core/dtype.js';
import type { ScalarType } from '../../core/scalar.js';

export type WgslType = 'f32' | 'i32' | 'u32' | 'bool';

/** The type of a value; WGSL has no 64-bit types. */
export function wgslType(type: ScalarType): WgslType {
  switch (type) {
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

/** How an element lies in a buffer; WGSL cannot store bool. */
export const storedType = (dtype: DType): WgslType => (dtype === 'bool' ? 'u32' : wgslType(dtype));

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
      if (!Number.isFinite(FLOAT[0])) return `bitcast<f32>(runtime_zero | ${bits}u)`;
      // Decimal text of subnormal numbers and of -0 is not read alike everywhere; their bits are.
      if (x !== 0 ? Math.abs(FLOAT[0]) < 2 ** -126 : Object.is(FLOAT[0], -0)) return `bitcast<f32>(${bits}u)`;
      return `${String(FLOAT[0])}f`;
    }
  }
}

/** Functions that a shader contains if it calls them, with those they call. */
const HELPERS = {
  is_nan: {
    // A comparison of x with itself may be optimised away where NaN is assumed not to exist.
    code: 'fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }',
    calls: [],
  },
  // WGSL's min and max may return either operand if one is NaN or both are zeros.
  min_f32: {
    code: `fn min_f32(x: f32, y: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (is_nan(y)) { return y; }
  if (x == y) { return bitcast<f32>(bitcast<u32>(x) | bitcast<u32>(y)); }
  return select(y, x, x < y);
}`,
    calls: ['is_nan'],
  },
  max_f32: {
    code: `fn max_f32(x: f32, y: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (is_nan(y)) { return y; }
  if (x == y) { return bitcast<f32>(bitcast<u32>(x) & bitcast<u32>(y)); }
  return select(y, x, x > y);
}`,
    calls: ['is_nan'],
  },
  // XLA: x / 0 has all bits set, x % 0 is x.
  div_i32: { code: 'fn div_i32(x: i32, y: i32) -> i32 { if (y == 0) { return -1; } return x / y; }', calls: [] },
  div_u32: {
    code: 'fn div_u32(x: u32, y: u32) -> u32 { if (y == 0) { return 0xffffffffu; } return x / y; }',
    calls: [],
  },
  rem_i32: { code: 'fn rem_i32(x: i32, y: i32) -> i32 { if (y == 0) { return x; } return x % y; }', calls: [] },
  rem_u32: { code: 'fn rem_u32(x: u32, y: u32) -> u32 { if (y == 0) { return x; } return x % y; }', calls: [] },
  // XLA: truncates, saturates, NaN is 0.
  f32_to_i32: {
    code: `fn f32_to_i32(x: f32) -> i32 {
  if (is_nan(x)) { return 0; }
  if (x >= 2147483648.0) { return 2147483647; }
  if (x <= -2147483648.0) { return i32(-2147483648); }
  return i32(x);
}`,
    calls: ['is_nan'],
  },
  f32_to_u32: {
    code: `fn f32_to_u32(x: f32) -> u32 {
  if (is_nan(x) || x <= 0.0) { return 0u; }
  if (x >= 4294967296.0) { return 0xffffffffu; }
  return u32(x);
}`,
    calls: ['is_nan'],
  },
} as const satisfies Record<string, { readonly code: string; readonly calls: readonly string[] }>;

export type Helper = keyof typeof HELPERS;

/** The text of the helpers, each once. */
export function helperText(used: ReadonlySet<Helper>): string {
  const all = new Set<string>(used);
  for (const name of used) for (const callee of HELPERS[name].calls) all.add(callee);
  return Object.entries(HELPERS)
    .filter(([name]) => all.has(name))
    .map(([, { code }]) => code)
    .join('\n');
}

/**
 * WebAssembly opcodes by their text name (WebAssembly core specification 2.0, "Index of Instructions", and
 * the relaxed SIMD proposal). One-byte opcodes are themselves; instructions behind a prefix byte are
 * `prefix << 12 | number`. Tables are split by the immediates an instruction takes, so that the assembler's
 * methods accept only names whose immediates they encode.
 */

const FC = 0xfc000;
const FD = 0xfd000;

/** Instructions without immediates. */
export const PLAIN = {
  unreachable: 0x00,
  return: 0x0f,
  drop: 0x1a,
  select: 0x1b,
  'i32.eqz': 0x45, 'i32.eq': 0x46, 'i32.ne': 0x47, 'i32.lt_s': 0x48, 'i32.lt_u': 0x49, 'i32.gt_s': 0x4a,
  'i32.gt_u': 0x4b, 'i32.le_s': 0x4c, 'i32.le_u': 0x4d, 'i32.ge_s': 0x4e, 'i32.ge_u': 0x4f,
  'i64.eqz': 0x50, 'i64.eq': 0x51, 'i64.ne': 0x52, 'i64.lt_s': 0x53, 'i64.lt_u': 0x54, 'i64.gt_s': 0x55,
  'i64.gt_u': 0x56, 'i64.le_s': 0x57, 'i64.le_u': 0x58, 'i64.ge_s': 0x59, 'i64.ge_u': 0x5a,
  'f32.eq': 0x5b, 'f32.ne': 0x5c, 'f32.lt': 0x5d, 'f32.gt': 0x5e, 'f32.le': 0x5f, 'f32.ge': 0x60,
  'f64.eq': 0x61, 'f64.ne': 0x62, 'f64.lt': 0x63, 'f64.gt': 0x64, 'f64.le': 0x65, 'f64.ge': 0x66,
  'i32.clz': 0x67, 'i32.ctz': 0x68, 'i32.popcnt': 0x69, 'i32.add': 0x6a, 'i32.sub': 0x6b, 'i32.mul': 0x6c,
  'i32.div_s': 0x6d, 'i32.div_u': 0x6e, 'i32.rem_s': 0x6f, 'i32.rem_u': 0x70, 'i32.and': 0x71, 'i32.or': 0x72,
  'i32.xor': 0x73, 'i32.shl': 0x74, 'i32.shr_s': 0x75, 'i32.shr_u': 0x76, 'i32.rotl': 0x77, 'i32.rotr': 0x78,
  'i64.clz': 0x79, 'i64.ctz': 0x7a, 'i64.popcnt': 0x7b, 'i64.add': 0x7c, 'i64.sub': 0x7d, 'i64.mul': 0x7e,
  'i64.div_s': 0x7f, 'i64.div_u': 0x80, 'i64.rem_s': 0x81, 'i64.rem_u': 0x82, 'i64.and': 0x83, 'i64.or': 0x84,
  'i64.xor': 0x85, 'i64.shl': 0x86, 'i64.shr_s': 0x87, 'i64.shr_u': 0x88, 'i64.rotl': 0x89, 'i64.rotr': 0x8a,
  'f32.abs': 0x8b, 'f32.neg': 0x8c, 'f32.ceil': 0x8d, 'f32.floor': 0x8e, 'f32.trunc': 0x8f, 'f32.nearest': 0x90,
  'f32.sqrt': 0x91, 'f32.add': 0x92, 'f32.sub': 0x93, 'f32.mul': 0x94, 'f32.div': 0x95, 'f32.min': 0x96,
  'f32.max': 0x97, 'f32.copysign': 0x98,
  'f64.abs': 0x99, 'f64.neg': 0x9a, 'f64.ceil': 0x9b, 'f64.floor': 0x9c, 'f64.trunc': 0x9d, 'f64.nearest': 0x9e,
  'f64.sqrt': 0x9f, 'f64.add': 0xa0, 'f64.sub': 0xa1, 'f64.mul': 0xa2, 'f64.div': 0xa3, 'f64.min': 0xa4,
  'f64.max': 0xa5, 'f64.copysign': 0xa6,
  'i32.wrap_i64': 0xa7, 'i64.extend_i32_s': 0xac, 'i64.extend_i32_u': 0xad,
  'f32.convert_i32_s': 0xb2, 'f32.convert_i32_u': 0xb3, 'f32.convert_i64_s': 0xb4, 'f32.convert_i64_u': 0xb5,
  'f32.demote_f64': 0xb6, 'f64.convert_i32_s': 0xb7, 'f64.convert_i32_u': 0xb8, 'f64.convert_i64_s': 0xb9,
  'f64.convert_i64_u': 0xba, 'f64.promote_f32': 0xbb,
  'i32.reinterpret_f32': 0xbc, 'i64.reinterpret_f64': 0xbd, 'f32.reinterpret_i32': 0xbe, 'f64.reinterpret_i64': 0xbf,
  'i32.trunc_sat_f32_s': FC | 0, 'i32.trunc_sat_f32_u': FC | 1, 'i32.trunc_sat_f64_s': FC | 2,
  'i32.trunc_sat_f64_u': FC | 3, 'i64.trunc_sat_f32_s': FC | 4, 'i64.trunc_sat_f64_s': FC | 6,
  'i8x16.swizzle': FD | 0x0e, 'i8x16.splat': FD | 0x0f, 'i16x8.splat': FD | 0x10, 'i32x4.splat': FD | 0x11,
  'i64x2.splat': FD | 0x12, 'f32x4.splat': FD | 0x13, 'f64x2.splat': FD | 0x14,
  'i8x16.eq': FD | 0x23, 'i8x16.ne': FD | 0x24,
  'i32x4.eq': FD | 0x37, 'i32x4.ne': FD | 0x38, 'i32x4.lt_s': FD | 0x39, 'i32x4.lt_u': FD | 0x3a,
  'i32x4.gt_s': FD | 0x3b, 'i32x4.gt_u': FD | 0x3c, 'i32x4.le_s': FD | 0x3d, 'i32x4.le_u': FD | 0x3e,
  'i32x4.ge_s': FD | 0x3f, 'i32x4.ge_u': FD | 0x40,
  'f32x4.eq': FD | 0x41, 'f32x4.ne': FD | 0x42, 'f32x4.lt': FD | 0x43, 'f32x4.gt': FD | 0x44,
  'f32x4.le': FD | 0x45, 'f32x4.ge': FD | 0x46,
  'f64x2.eq': FD | 0x47, 'f64x2.ne': FD | 0x48, 'f64x2.lt': FD | 0x49, 'f64x2.gt': FD | 0x4a,
  'f64x2.le': FD | 0x4b, 'f64x2.ge': FD | 0x4c,
  'v128.not': FD | 0x4d, 'v128.and': FD | 0x4e, 'v128.andnot': FD | 0x4f, 'v128.or': FD | 0x50,
  'v128.xor': FD | 0x51, 'v128.bitselect': FD | 0x52, 'v128.any_true': FD | 0x53,
  'f32x4.demote_f64x2_zero': FD | 0x5e, 'f64x2.promote_low_f32x4': FD | 0x5f,
  'i8x16.popcnt': FD | 0x62, 'i8x16.narrow_i16x8_s': FD | 0x65, 'i8x16.narrow_i16x8_u': FD | 0x66,
  'f32x4.ceil': FD | 0x67, 'f32x4.floor': FD | 0x68, 'f32x4.trunc': FD | 0x69, 'f32x4.nearest': FD | 0x6a,
  'f64x2.ceil': FD | 0x74, 'f64x2.floor': FD | 0x75, 'f64x2.trunc': FD | 0x7a, 'f64x2.nearest': FD | 0x94,
  'i16x8.extadd_pairwise_i8x16_u': FD | 0x7d, 'i32x4.extadd_pairwise_i16x8_u': FD | 0x7f,
  'i16x8.narrow_i32x4_s': FD | 0x85, 'i16x8.narrow_i32x4_u': FD | 0x86,
  'i16x8.extend_low_i8x16_u': FD | 0x89, 'i32x4.extend_low_i16x8_u': FD | 0xa9,
  'i32x4.abs': FD | 0xa0, 'i32x4.neg': FD | 0xa1, 'i32x4.all_true': FD | 0xa3, 'i32x4.bitmask': FD | 0xa4,
  'i32x4.shl': FD | 0xab, 'i32x4.shr_s': FD | 0xac, 'i32x4.shr_u': FD | 0xad, 'i32x4.add': FD | 0xae,
  'i32x4.sub': FD | 0xb1, 'i32x4.mul': FD | 0xb5, 'i32x4.min_s': FD | 0xb6, 'i32x4.min_u': FD | 0xb7,
  'i32x4.max_s': FD | 0xb8, 'i32x4.max_u': FD | 0xb9,
  'i64x2.abs': FD | 0xc0, 'i64x2.neg': FD | 0xc1, 'i64x2.all_true': FD | 0xc3, 'i64x2.bitmask': FD | 0xc4,
  'i64x2.extend_low_i32x4_s': FD | 0xc7, 'i64x2.extend_low_i32x4_u': FD | 0xc9,
  'i64x2.shl': FD | 0xcb, 'i64x2.shr_s': FD | 0xcc, 'i64x2.shr_u': FD | 0xcd, 'i64x2.add': FD | 0xce,
  'i64x2.sub': FD | 0xd1, 'i64x2.mul': FD | 0xd5, 'i64x2.eq': FD | 0xd6, 'i64x2.ne': FD | 0xd7,
  'i64x2.lt_s': FD | 0xd8, 'i64x2.gt_s': FD | 0xd9, 'i64x2.le_s': FD | 0xda, 'i64x2.ge_s': FD | 0xdb,
  'f32x4.abs': FD | 0xe0, 'f32x4.neg': FD | 0xe1, 'f32x4.sqrt': FD | 0xe3, 'f32x4.add': FD | 0xe4,
  'f32x4.sub': FD | 0xe5, 'f32x4.mul': FD | 0xe6, 'f32x4.div': FD | 0xe7, 'f32x4.min': FD | 0xe8,
  'f32x4.max': FD | 0xe9,
  'f64x2.abs': FD | 0xec, 'f64x2.neg': FD | 0xed, 'f64x2.sqrt': FD | 0xef, 'f64x2.add': FD | 0xf0,
  'f64x2.sub': FD | 0xf1, 'f64x2.mul': FD | 0xf2, 'f64x2.div': FD | 0xf3, 'f64x2.min': FD | 0xf4,
  'f64x2.max': FD | 0xf5,
  'i32x4.trunc_sat_f32x4_s': FD | 0xf8, 'i32x4.trunc_sat_f32x4_u': FD | 0xf9,
  'f32x4.convert_i32x4_s': FD | 0xfa, 'f32x4.convert_i32x4_u': FD | 0xfb,
  'i32x4.trunc_sat_f64x2_s_zero': FD | 0xfc, 'i32x4.trunc_sat_f64x2_u_zero': FD | 0xfd,
  'f64x2.convert_low_i32x4_s': FD | 0xfe, 'f64x2.convert_low_i32x4_u': FD | 0xff,
  'f32x4.relaxed_madd': FD | 0x105, 'f64x2.relaxed_madd': FD | 0x107,
} as const;

/** Loads and stores: a memory argument, with the natural alignment as a power of two. */
export const MEMORY = {
  'i32.load': [0x28, 2], 'i64.load': [0x29, 3], 'f32.load': [0x2a, 2], 'f64.load': [0x2b, 3], 'i32.load8_u': [0x2d, 0],
  'i32.store': [0x36, 2], 'i64.store': [0x37, 3], 'f32.store': [0x38, 2], 'f64.store': [0x39, 3], 'i32.store8': [0x3a, 0],
  'v128.load': [FD | 0x00, 4], 'v128.load32_splat': [FD | 0x09, 2], 'v128.load64_splat': [FD | 0x0a, 3],
  'v128.load32_zero': [FD | 0x5c, 2], 'v128.load64_zero': [FD | 0x5d, 3], 'v128.store': [FD | 0x0b, 4],
} as const;

/** Loads and stores of one lane: a memory argument and a lane. */
export const MEMORY_LANE = {
  'v128.load8_lane': [FD | 0x54, 0], 'v128.load16_lane': [FD | 0x55, 1], 'v128.load32_lane': [FD | 0x56, 2],
  'v128.load64_lane': [FD | 0x57, 3], 'v128.store8_lane': [FD | 0x58, 0], 'v128.store16_lane': [FD | 0x59, 1],
  'v128.store32_lane': [FD | 0x5a, 2], 'v128.store64_lane': [FD | 0x5b, 3],
} as const;

/** Instructions whose only immediate is a lane. */
export const LANE = {
  'i8x16.extract_lane_u': FD | 0x16, 'i32x4.extract_lane': FD | 0x1b, 'i32x4.replace_lane': FD | 0x1c,
  'i64x2.extract_lane': FD | 0x1d, 'i64x2.replace_lane': FD | 0x1e, 'f32x4.extract_lane': FD | 0x1f,
  'f32x4.replace_lane': FD | 0x20, 'f64x2.extract_lane': FD | 0x21, 'f64x2.replace_lane': FD | 0x22,
} as const;

/** Control flow, variables, constants: encoded by methods of their own. */
export const CONTROL = {
  block: 0x02, loop: 0x03, if: 0x04, else: 0x05, end: 0x0b, br: 0x0c, br_if: 0x0d, call: 0x10,
  'local.get': 0x20, 'local.set': 0x21, 'local.tee': 0x22,
  'i32.const': 0x41, 'i64.const': 0x42, 'f32.const': 0x43, 'f64.const': 0x44,
  'v128.const': FD | 0x0c, 'i8x16.shuffle': FD | 0x0d,
} as const;

export type PlainOp = keyof typeof PLAIN;
export type MemoryOp = keyof typeof MEMORY;
export type MemoryLaneOp = keyof typeof MEMORY_LANE;
export type LaneOp = keyof typeof LANE;

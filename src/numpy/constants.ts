/** Constants of `np`: the names of dtypes, and numbers. */

/** 32-bit floating point, the default dtype. */
export const float32 = 'float32' as const;
/** 64-bit floating point. */
export const float16 = 'float16' as const;
export const float64 = 'float64' as const;
/** 32-bit signed integers. */
export const int32 = 'int32' as const;
/** 32-bit unsigned integers. */
export const uint32 = 'uint32' as const;
/** Booleans, one byte each. */
export const bool = 'bool' as const;
/** NumPy's name for {@link bool}. */
export const bool_ = bool;

/** The circumference of a circle over its diameter. */
export const pi = Math.PI;
/** The base of the natural logarithm. */
export const e = Math.E;
/** Euler's constant γ, the limit of Σ 1/k - ln n. */
export const eulerGamma = 0.5772156649015329;
/** Positive infinity. */
export const inf = Infinity;
/** Not a number. */
export const nan = NaN;
/** In an index, a new axis of length 1: `x.slice('...', np.newaxis)`. */
export const newaxis = null;

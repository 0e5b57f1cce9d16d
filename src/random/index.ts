/**
 * Random numbers as pure functions of a key, bit for bit those of `jax.random` (JAX 0.5 and later, where
 * `jax_threefry_partitionable` is on): `key`, `split` and `foldIn` make keys, the others sample.
 */
export { key, split, spawn, foldIn, bits, type Keys } from './key.js';
export { uniform, bernoulli, type UniformOptions, type BernoulliOptions } from './uniform.js';
export { normal, truncatedNormal, lognormal, maxwell } from './normal.js';
export { randint, rademacher, type IntegerOptions, type RandintOptions } from './integers.js';
export { gumbel, categorical, type GumbelMode, type GumbelOptions, type CategoricalOptions } from './categorical.js';
export { permutation, choice, type PermutationOptions, type ChoiceOptions } from './permutation.js';
export {
  exponential,
  laplace,
  logistic,
  cauchy,
  pareto,
  rayleigh,
  weibullMin,
  triangular,
  doubleSidedMaxwell,
  geometric,
  type GeometricOptions,
} from './continuous.js';
export type { FloatOptions, ShapeOr } from './arguments.js';

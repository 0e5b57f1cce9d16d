/**
 * Pseudo-random numbers on the host, for drawing data one number at a time: sfc32 ("small fast counter", C. Doty-Humphrey,
 * PractRand 0.95), 32-bit arithmetic only, so that a seed gives the same numbers everywhere. Arrays of random numbers are
 * what `random` is for.
 */

/** A stream of random numbers. */
export interface Prng {
  /** Uniform in [min, max), with 32 random bits. */
  uniform(min?: number, max?: number): number;
  /** Normal with mean 0. */
  normal(deviation?: number): number;
  /** A uniformly drawn integer in [0, n). */
  below(n: number): number;
}

/** The stream of a seed and a sub-stream number; equal numbers give equal streams. */
export function prng(seed: number, stream = 0): Prng {
  let a = seed | 0;
  // Beyond 32 bits too, seeds differ.
  let b = Math.floor(seed / 2 ** 32) | 0;
  let c = stream | 0;
  let counter = 1;
  const next = (): number => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + t) | 0;
    return (t >>> 0) / 2 ** 32;
  };
  // The author's advice for mixing a seed in.
  for (let i = 0; i < 15; i++) next();

  const uniform = (min = 0, max = 1): number => min + (max - min) * next();
  return {
    uniform,
    // Box and Muller, "A note on the generation of random normal deviates", 1958; 1 - u keeps the logarithm finite.
    normal: (deviation = 1) => deviation * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    below: (n) => Math.floor(uniform(0, n)),
  };
}

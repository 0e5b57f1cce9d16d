/**
 * What the Euler-Maclaurin sums of the Hurwitz zeta function share (Abramowitz & Stegun 23.1.4, NIST DLMF 25.11.5):
 * the number of terms before the tail, and the coefficients B_2j/(2j)! of the tail.
 */
export const TERMS = 10;
export const BERNOULLI_OVER_FACTORIAL = [
  1 / 12,
  -1 / 720,
  1 / 30240,
  -1 / 1209600,
  1 / 47900160,
  -691 / 1307674368000,
  1 / 74724249600,
];

export const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1));

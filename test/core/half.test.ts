/** Halves on the host: their bits and the rounding to them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { halfBits, halfFromBits, packHalves, roundToHalf, unpackHalves } from '../../src/core/half.js';

test('all 65,536 bits are numbers, and the bits of these', () => {
  const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const values = unpackHalves(bits);
  const again = new Uint16Array(bits.length);
  packHalves(values, again);
  bits.forEach((b, i) => {
    const isNaN = (b & 0x7fff) > 0x7c00;
    if (isNaN ? Number.isNaN(values[i]) && again[i] === 0x7e00 : again[i] === b && values[i] === halfFromBits(b))
      return;
    throw new Error(`bits ${b}: value ${String(values[i])}, bits again ${String(again[i])}`);
  });
  expect([0x3c00, 0x0001, 0x7bff, 0xfc00, 0x3555].map(halfFromBits)).toEqual([
    1,
    2 ** -24,
    65504,
    -Infinity,
    0.333251953125,
  ]);
});

test('a number is rounded to the nearest, between two to the even one', () => {
  const neighbour = fc.nat(0x7bfe);
  fc.assert(
    fc.property(neighbour, fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean(), (b, part, negative) => {
      const [low, high] = [halfFromBits(b), halfFromBits(b + 1)];
      const x = low + part * (high - low);
      const nearest = x - low < high - x ? low : x - low > high - x ? high : b % 2 === 0 ? low : high;
      const sign = negative ? -1 : 1;
      return roundToHalf(sign * x) === sign * nearest && halfBits(x) === (nearest === low ? b : b + 1);
    }),
    { numRuns: 2000 },
  );
  expect([65519.99, 65520, 2 ** -25, 2 ** -25 * 1.0001, 1e300, NaN].map(roundToHalf)).toEqual([
    65504,
    Infinity,
    0,
    2 ** -24,
    Infinity,
    NaN,
  ]);
  expect(Object.is(roundToHalf(-1e-300), -0)).toBe(true);
});

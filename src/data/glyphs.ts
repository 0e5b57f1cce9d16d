/**
 * How people write the ten digits: for each a few variants, a variant being the strokes of a pen. A stroke is a list of
 * points `x,y` in percent of the glyph's box (x to the right, y down), joined by a smooth curve; `!` marks a corner, and
 * `|` separates strokes.
 */

/** A point in the plane. */
export type Point = readonly [x: number, y: number];

/** The points a stroke goes through, in pieces that are smooth; the next piece begins where the last one ends. */
export type Stroke = readonly (readonly Point[])[];

const HAND: readonly (readonly string[])[] = [
  // 0: around from the top, closed, overshot or narrow
  [
    '55,1 26,13 12,50 26,88 50,99 76,87 88,50 77,14 50,1',
    '66,10 44,1 21,22 14,58 30,93 55,98 80,72 86,35 70,8 52,3',
    '48,2 30,20 24,55 34,92 52,98 68,84 76,48 68,14 46,1',
    '72,12 50,0 22,16 10,52 28,92 58,98 85,74 88,36 72,6 54,6 42,16',
  ],
  // 1: a bar, upright or slanted; with a flag; with a foot
  ['50,0 50,100', '66,0 36,100', '58,0 46,50 42,100', '28,24 54,0! 52,100', '26,28 56,0! 50,98! | 22,98 80,97'],
  // 2: with a corner at the foot, a loop, or a wave
  [
    '14,26 28,6 56,0 80,18 74,44 44,74 12,97! 48,95 90,96',
    '16,22 42,1 76,14 70,46 36,82 14,96 8,84 26,78 56,94 92,92',
    '18,18 46,1 78,16 76,40 50,68 16,94! 36,86 64,96 92,86',
    '12,12 50,2 82,18 72,48 40,78 10,98! 88,98',
  ],
  // 3: round, with a flat top, or with a loop in the middle
  [
    '14,14 44,0 76,14 72,38 38,47! 76,56 86,78 56,99 10,90',
    '14,3 80,2! 44,40! 78,52 84,80 50,100 10,90',
    '18,10 48,0 76,16 64,40 44,50 36,46 46,44 78,60 82,84 50,100 12,86',
    '12,16 40,2 74,10 78,30 52,46! 82,62 78,90 42,100 8,92',
  ],
  // 4: open, closed, or begun like a u
  [
    '26,2 14,54! 86,54 | 68,12 62,100',
    '64,0 10,64! 92,63 | 64,0 63,100',
    '20,4 16,34 30,52 58,48 80,28 | 84,0 76,48 70,100',
    '30,0 12,50 30,58 88,50 | 74,4 60,100',
  ],
  // 5: cap and belly in one go or in two, or like an s
  [
    '82,3 30,3! 22,42! 50,35 80,52 80,84 48,100 12,90',
    '30,6 22,46! 54,38 82,60 74,92 40,100 12,88 | 30,6 86,2',
    '86,4 42,6 22,26 44,46 76,62 74,88 42,100 10,90',
    '78,0 32,4! 26,44! 60,42 78,66 66,94 36,100 14,94',
  ],
  // 6: one long stroke into a loop
  [
    '70,2 36,26 14,66 30,96 64,97 82,75 62,54 32,60 16,76',
    '52,0 26,38 14,74 38,100 74,90 76,62 46,54 20,74',
    '80,6 44,18 18,56 22,88 52,100 80,84 74,60 46,58 26,80',
    '44,0 24,44 22,84 48,100 74,86 70,64 46,60 26,78',
  ],
  // 7: with a corner; with a bar; with a serif
  [
    '10,6 90,4! 62,46 40,100',
    '12,4 86,6! 34,100',
    '12,6 88,4! 60,48 44,100 | 28,52 80,48',
    '10,20 12,4! 50,8 90,2! 64,40 52,100',
  ],
  // 8: one stroke that crosses itself, or a ring on a ring
  [
    '74,12 48,0 22,14 34,38 66,58 80,80 50,100 20,82 34,58 64,38 78,14 62,4',
    '80,8 44,2 26,22 46,44 72,64 70,92 44,100 24,86 36,60 62,42 82,12',
    '50,0 28,12 30,36 50,46 72,34 72,12 50,0 | 50,46 22,60 20,88 50,100 80,88 78,60 50,46',
    '64,6 38,4 28,24 46,44 62,60 66,86 46,100 26,88 32,64 54,44 70,24 60,4',
  ],
  // 9: a ring and a stem, straight or hooked
  [
    '80,14 50,0 20,20 28,46 58,48 80,18! 76,100',
    '82,18 54,0 20,18 24,46 56,50 82,20 80,60 56,96 18,94',
    '76,10 44,2 20,26 38,48 66,40 80,10! 62,56 48,100',
    '74,20 52,2 26,14 22,38 46,48 72,32 76,10! 80,56 70,100',
  ],
];

function parseStroke(text: string): Stroke {
  const pieces: Point[][] = [[]];
  for (const word of text.trim().split(/\s+/)) {
    const [x = 0, y = 0] = word.replace('!', '').split(',').map(Number);
    const point: Point = [x / 100, y / 100];
    pieces.at(-1)?.push(point);
    if (word.endsWith('!')) pieces.push([point]);
  }
  return pieces.filter((piece) => piece.length > 1);
}

/** `GLYPHS[digit]` are the variants of a digit, each a list of strokes in the unit square. */
export const GLYPHS: readonly (readonly (readonly Stroke[])[])[] = HAND.map((variants) =>
  variants.map((variant) => variant.split('|').map(parseStroke)),
);

/**
 * Points along the smooth curve through `points`, `perSpan` to each span, ends included: the uniform Catmull-Rom spline
 * (E. Catmull, R. Rom, "A class of local interpolating splines", 1974) with the end points doubled.
 */
export function spline(points: readonly Point[], perSpan: number): Point[] {
  const [first] = points;
  if (first === undefined) return [];
  const curve: Point[] = [first];
  for (let i = 0; i + 1 < points.length; i++) {
    const p1 = points[i] ?? first;
    const p2 = points[i + 1] ?? p1;
    const p0 = points[i - 1] ?? p1;
    const p3 = points[i + 2] ?? p2;
    for (let k = 1; k <= perSpan; k++) {
      const t = k / perSpan;
      curve.push([hermite(p0[0], p1[0], p2[0], p3[0], t), hermite(p0[1], p1[1], p2[1], p3[1], t)]);
    }
  }
  return curve;
}

/** The span from `b` to `c`, whose slopes are (c - a) / 2 and (d - b) / 2, at `t` in [0, 1]. */
const hermite = (a: number, b: number, c: number, d: number, t: number): number =>
  b + (t / 2) * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));

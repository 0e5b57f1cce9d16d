/**
 * Handwriting-like digits, drawn: a set to learn from where none can be downloaded. A pen follows the strokes of
 * `glyphs.ts`, each image under its own jitter of the points, affine map, elastic deformation, pen width, pressure, blur
 * and noise. Image `i` of a seed is the same in every set drawn with that seed.
 */
import { checkCount } from '../core/counts.js';
import { GLYPHS, spline } from './glyphs.js';
import type { Point } from './glyphs.js';
import type { LabelledImages } from './images.js';
import { prng } from './prng.js';
import type { Prng } from './prng.js';

/** Options of {@link drawDigits}. */
export interface DrawDigitsOptions {
  /** Number of images. */
  count: number;
  /** A non-negative integer; equal seeds give equal images. */
  seed?: number;
  /** Height and width in pixels; 28 by default, as MNIST's. */
  size?: number;
}

/** A point of the pen's way, with half the width of its line there. */
type Dab = readonly [x: number, y: number, radius: number];
type Map2d = (point: Point) => Point;

/**
 * Draws labelled images of digits.
 *
 * @throws ArgumentError unless `count` and `seed` are whole numbers from 0, and `size` one from 8.
 *
 * @example
 * ```ts
 * import { drawDigits } from 'cotangent/data';
 *
 * const digits = drawDigits({ count: 3, seed: 1 });
 * [digits.count, digits.height, digits.width, digits.pixels.length]; // => [3, 28, 28, 2352]
 * ```
 */
export function drawDigits({ count, seed = 0, size = 28 }: DrawDigitsOptions): LabelledImages {
  checkCount('drawDigits', 'count', count, 0);
  checkCount('drawDigits', 'seed', seed, 0);
  checkCount('drawDigits', 'size', size, 8);
  const pixels = new Uint8Array(count * size * size);
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const random = prng(seed, i);
    const digit = random.below(10);
    labels[i] = digit;
    const ink = rasterize(penWay(digit, random, size), random.uniform(0.9, 1.7) * (size / 28), size);
    develop(ink, random, pixels.subarray(i * size * size, (i + 1) * size * size));
  }
  return { count, height: size, width: size, classes: 10, pixels, labels };
}

/** How far the pen strays from the glyph's points, in parts of its box. */
const ROAM = 0.03;
const POINTS_PER_SPAN = 6;

/** The lines the pen draws for a digit, in pixels. */
function penWay(digit: number, random: Prng, size: number): Dab[][] {
  const variants = GLYPHS[digit] ?? [];
  const glyph = variants[random.below(variants.length)] ?? [];
  const place = placement(random, size);
  const bend = elastic(random, size);
  const radius = random.uniform(0.85, 1.75) * (size / 28);
  const pressure = random.uniform(0, 0.3);
  const rhythm = random.uniform(0.5, 1.5);
  const phase = random.uniform(0, 2 * Math.PI);

  const lines = glyph.map((stroke) => {
    // A corner belongs to two pieces and must move with both.
    const moved = new Map<Point, Point>();
    const jitter = (point: Point): Point => {
      const to = moved.get(point) ?? [point[0] + random.normal(ROAM), point[1] + random.normal(ROAM)];
      moved.set(point, to);
      return to;
    };
    const points = stroke.flatMap((piece) => spline(piece.map(jitter), POINTS_PER_SPAN)).map(place);
    return points.map((point, k): Dab => {
      const along = k / points.length;
      return [...bend(point), radius * (1 + pressure * Math.sin(phase + 2 * Math.PI * rhythm * along))];
    });
  });
  return centre(lines, random, size);
}

/** The affine map from the glyph's box into the image: size, slant, rotation. */
function placement(random: Prng, size: number): Map2d {
  const box = (20 / 28) * size;
  const width = box * random.uniform(0.6, 0.95);
  const height = box * random.uniform(0.85, 1.02);
  const slant = 0.08 + random.normal(0.14);
  const angle = random.normal(0.1);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return ([px, py]) => {
    const y = (py - 0.5) * height;
    const x = (px - 0.5) * width - slant * y;
    return [size / 2 + cos * x - sin * y, size / 2 + sin * x + cos * y];
  };
}

/**
 * Elastic deformation: a random displacement at every place, smoothed (P. Simard, D. Steinkraus, J. Platt, "Best
 * practices for convolutional neural networks applied to visual document analysis", 2003). The smoothing is that of a
 * uniform cubic B-spline over a coarse lattice of random vectors.
 */
function elastic(random: Prng, size: number): Map2d {
  const CELLS = 4;
  // Lattice points one cell beyond the image on each side, and one more for the spline's support.
  const side = CELLS + 3;
  const strength = random.uniform(0.8, 3) * (size / 28);
  const field = Array.from({ length: 2 * side * side }, () => random.normal(strength));
  return ([x, y]) => {
    const [column, weightsX] = support((x / size) * CELLS, CELLS);
    const [row, weightsY] = support((y / size) * CELLS, CELLS);
    let dx = 0;
    let dy = 0;
    for (const [j, wy] of weightsY.entries()) {
      for (const [i, wx] of weightsX.entries()) {
        const at = 2 * ((row + j) * side + column + i);
        dx += wx * wy * (field[at] ?? 0);
        dy += wx * wy * (field[at + 1] ?? 0);
      }
    }
    return [x + dx, y + dy];
  };
}

/** The four lattice points around `u` that a cubic B-spline is made of, and their weights, which sum to 1. */
function support(u: number, cells: number): readonly [first: number, weights: readonly number[]] {
  const cell = Math.min(Math.max(Math.floor(u), 0), cells - 1);
  const t = Math.min(Math.max(u - cell, 0), 1);
  const s = 1 - t;
  return [cell, [s ** 3 / 6, (3 * t ** 3 - 6 * t ** 2 + 4) / 6, (3 * s ** 3 - 6 * s ** 2 + 4) / 6, t ** 3 / 6]];
}

/** The lines with the middle of their extent near the middle of the image, as in MNIST, give or take a pixel. */
function centre(lines: readonly (readonly Dab[])[], random: Prng, size: number): Dab[][] {
  const dabs = lines.flat();
  const middle = (values: readonly number[]): number => (Math.min(...values) + Math.max(...values)) / 2;
  const dx = size / 2 - middle(dabs.map(([x]) => x)) + random.normal(size / 40);
  const dy = size / 2 - middle(dabs.map(([, y]) => y)) + random.normal(size / 40);
  return lines.map((line) => line.map(([x, y, radius]): Dab => [x + dx, y + dy, radius]));
}

/** How much of each pixel is ink, in [0, 1]; the edge of a line fades over `blur` pixels. */
function rasterize(lines: readonly (readonly Dab[])[], blur: number, size: number): Float32Array {
  const ink = new Float32Array(size * size);
  for (const line of lines) {
    for (const [k, to] of line.entries()) dab(ink, size, line[k - 1] ?? to, to, blur);
  }
  return ink;
}

/** One straight piece of line: each pixel by its distance from it. */
function dab(ink: Float32Array, size: number, [ax, ay]: Dab, [bx, by, radius]: Dab, blur: number): void {
  const reach = radius + blur / 2;
  const [dx, dy] = [bx - ax, by - ay];
  const length2 = dx * dx + dy * dy;
  const first = (u: number): number => Math.max(0, Math.ceil(u - reach - 0.5));
  const last = (u: number): number => Math.min(size - 1, Math.floor(u + reach - 0.5));
  for (let row = first(Math.min(ay, by)); row <= last(Math.max(ay, by)); row++) {
    for (let column = first(Math.min(ax, bx)); column <= last(Math.max(ax, bx)); column++) {
      const [x, y] = [column + 0.5 - ax, row + 0.5 - ay];
      const t = length2 === 0 ? 0 : Math.min(1, Math.max(0, (x * dx + y * dy) / length2));
      // Not Math.hypot, which guards against overflow at ten times the cost.
      const distance = Math.sqrt((x - t * dx) ** 2 + (y - t * dy) ** 2);
      const depth = Math.min(1, Math.max(0, (radius - distance) / blur + 0.5));
      const at = row * size + column;
      ink[at] = Math.max(ink[at] ?? 0, depth * depth * (3 - 2 * depth));
    }
  }
}

/** Ink to grey values: how dark the pen is, and the noise of the scan. */
function develop(ink: Float32Array, random: Prng, into: Uint8Array): void {
  const dark = random.uniform(0.88, 1);
  const grain = random.uniform(0.01, 0.06);
  for (const [i, depth] of ink.entries()) {
    into[i] = Math.round(255 * Math.min(1, Math.max(0, depth * dark + random.normal(grain))));
  }
}

/** Pictures of paths on the mountain: bands of height as an image, the paths as lines. */
import { encode } from 'fast-png';
import { numpy as np } from 'cotangent';
import type { NDArray } from 'cotangent';
import type { TopLevelSpec } from 'vega-lite';
import { toSvg } from '../lib/plot.js';
import { EAST, height, NORTH, SOUTH, WEST } from './landscape.js';

type Panel = Extract<TopLevelSpec, { hconcat: unknown }>['hconcat'][number];

/** A path and its color. */
export interface Drawn {
  readonly points: readonly (readonly number[])[];
  readonly color: string;
}

/** Bands of height, each √2 times as high as the one below, dark in the valleys. */
function bands(columns: number): string {
  const rows = Math.round((columns * (NORTH - SOUTH)) / (EAST - WEST));
  const grid = np.meshgrid([np.linspace(WEST, EAST, columns), np.linspace(NORTH, SOUTH, rows)]);
  const heights = height(np.stack(grid, -1)).dataSync();
  const data = Uint8Array.from(heights, (h) => {
    const band = Math.floor(2 * Math.log2(Math.max(h, 0) + 0.03));
    return Math.min(252, 190 + 8 * band);
  });
  return `data:image/png;base64,${Buffer.from(encode({ width: columns, height: rows, data, channels: 1, depth: 8 })).toString('base64')}`;
}

function panel(title: string, drawn: readonly Drawn[], width: number, image: string): Panel {
  const tall = (width * (NORTH - SOUTH)) / (EAST - WEST);
  // Points that the eye cannot tell from the one before are left out.
  const apart = (EAST - WEST) / width;
  const lines = drawn.flatMap(({ points, color }, of) => {
    let [px, py] = [NaN, NaN];
    return points.flatMap(([x = 0, y = 0], step) => {
      if (Math.hypot(x - px, y - py) < 2 * apart) return [];
      [px, py] = [x, y];
      return [{ of, step, color, x, y }];
    });
  });
  const ends = drawn.flatMap(({ points, color }) => points.slice(-1).map(([x, y]) => ({ color, x, y })));
  const starts = drawn.flatMap(({ points, color }) => points.slice(0, 1).map(([x, y]) => ({ color, x, y })));
  return {
    title: { text: title, fontSize: 12, anchor: 'start', offset: 4 },
    width,
    height: tall,
    encoding: {
      x: { field: 'x', type: 'quantitative', scale: { domain: [WEST, EAST], nice: false }, axis: null },
      y: { field: 'y', type: 'quantitative', scale: { domain: [SOUTH, NORTH], nice: false }, axis: null },
      color: { field: 'color', type: 'nominal', scale: null },
    },
    layer: [
      {
        data: { values: [{}] },
        mark: { type: 'image', width, height: tall, url: image },
        encoding: { x: { value: width / 2 }, y: { value: tall / 2 }, color: { value: 'white' } },
      },
      {
        data: { values: lines },
        mark: { type: 'line', clip: true, strokeWidth: 1.2 },
        encoding: { order: { field: 'step' }, detail: { field: 'of' } },
      },
      { data: { values: starts }, mark: { type: 'point', filled: false, size: 20, strokeWidth: 1.2 } },
      { data: { values: ends }, mark: { type: 'point', filled: true, size: 24, opacity: 1 } },
    ],
  };
}

/** Points [n, 2] as lists. */
export const listOf = (points: NDArray): number[][] => points.js() as number[][];

/** Small multiples, a path in each. */
export function pathsSvg(paths: ReadonlyMap<string, NDArray>, columns = 4): Promise<string> {
  const image = bands(220);
  return toSvg({
    columns,
    spacing: 10,
    concat: [...paths].map(([name, points]) => panel(name, [{ points: listOf(points), color: '#d7301f' }], 220, image)),
  });
}

/** Many paths on one mountain. */
export const hikersSvg = (title: string, paths: readonly Drawn[]): Promise<string> =>
  toSvg({ hconcat: [panel(title, paths, 540, bands(270))] });

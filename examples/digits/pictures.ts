/** Pictures of a training run: the loss curve in the terminal, and SVGs of the curves and of some predictions. */
import { plot } from 'asciichart';
import { encode } from 'fast-png';
import type { LabelledImages } from 'cotangent/data';
import { toSvg } from '../lib/plot.js';

/** What was measured at a step; accuracies at the end of an epoch. */
export interface Measured {
  readonly [name: string]: number;
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  readonly smoothedLoss: number;
}

/** Accuracies after an epoch. */
export interface Evaluated {
  readonly [name: string]: number;
  readonly epoch: number;
  readonly train: number;
  readonly test: number;
}

/** The smoothed loss as text, on a logarithmic scale, `width` columns wide. */
export function lossInTerminal(rows: readonly Measured[], width: number, height = 12): string {
  const columns = Math.min(width, rows.length);
  const logs = Array.from({ length: columns }, (_, i) => {
    const at = Math.round((i * (rows.length - 1)) / Math.max(1, columns - 1));
    return Math.log10(rows[at]?.smoothedLoss ?? 1);
  });
  return plot(logs, { height, format: (log: number) => (10 ** log).toFixed(4).padStart(9) });
}

/** Loss of each step, and accuracy after each epoch, as two panels. */
export function curvesSvg(rows: readonly Measured[], evaluations: readonly Evaluated[]): Promise<string> {
  const points = rows.flatMap(({ step, loss, smoothedLoss }) => [
    { step, loss, of: 'each step' },
    { step, loss: smoothedLoss, of: 'smoothed' },
  ]);
  const accuracies = evaluations.flatMap(({ epoch, train, test }) => [
    { epoch, error: 100 * (1 - train), of: 'training images' },
    { epoch, error: 100 * (1 - test), of: 'test images' },
  ]);
  return toSvg({
    hconcat: [
      {
        title: 'Cross-entropy',
        width: 420,
        height: 260,
        data: { values: points },
        mark: { type: 'line', clip: true },
        encoding: {
          x: { field: 'step', type: 'quantitative', title: 'step' },
          y: { field: 'loss', type: 'quantitative', title: 'loss (nats)', scale: { type: 'log' } },
          color: { field: 'of', type: 'nominal', title: null, scale: { range: ['#c6dbef', '#08519c'] } },
        },
      },
      {
        title: 'Wrong answers',
        width: 300,
        height: 260,
        data: { values: accuracies },
        mark: { type: 'line', point: true },
        encoding: {
          x: { field: 'epoch', type: 'quantitative', title: 'epoch', axis: { tickMinStep: 1, format: 'd' } },
          y: { field: 'error', type: 'quantitative', title: 'error (%)' },
          color: { field: 'of', type: 'nominal', title: null, scale: { range: ['#d95f02', '#1b9e77'] } },
        },
      },
    ],
    resolve: { scale: { color: 'independent' } },
  });
}

/** Images with what they were taken for: all the mistakes that there is room for, then others. */
export function predictionsSvg(
  set: LabelledImages,
  predicted: ArrayLike<number>,
  columns = 12,
  rows = 4,
): Promise<string> {
  const all = Array.from({ length: set.count }, (_, i) => i);
  const wrong = all.filter((i) => predicted[i] !== set.labels[i]).slice(0, (columns * rows) / 2);
  const right = all.filter((i) => predicted[i] === set.labels[i]).slice(0, columns * rows - wrong.length);
  const values = [...wrong, ...right].map((i, n) => ({
    column: n % columns,
    row: Math.floor(n / columns),
    image: pngOf(set, i),
    answer:
      predicted[i] === set.labels[i] ? `${predicted[i] ?? ''}` : `${predicted[i] ?? ''}, not ${set.labels[i] ?? ''}`,
    right: predicted[i] === set.labels[i],
  }));
  const [cell, picture] = [64, 44];
  const x = { field: 'column', type: 'ordinal', axis: null } as const;
  const y = { field: 'row', type: 'ordinal', axis: null } as const;
  return toSvg({
    title: 'Test images and what they were taken for, mistakes first',
    data: { values },
    width: cell * columns,
    height: cell * rows,
    view: { stroke: null },
    layer: [
      {
        mark: { type: 'image', width: picture, height: picture, yOffset: -6 },
        encoding: { x, y, url: { field: 'image', type: 'nominal' } },
      },
      {
        mark: { type: 'text', dy: picture / 2 + 4, fontSize: 12, fontWeight: 'bold' },
        encoding: {
          x,
          y,
          text: { field: 'answer', type: 'nominal' },
          color: { condition: { test: 'datum.right', value: '#1b9e77' }, value: '#d95f02' },
        },
      },
    ],
  });
}

/** One image as a data URL, ink dark on light. */
function pngOf({ width, height, pixels }: LabelledImages, i: number): string {
  const data = pixels.subarray(i * width * height, (i + 1) * width * height).map((grey) => 255 - grey);
  const png = encode({ width, height, data, channels: 1, depth: 8 });
  return `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
}

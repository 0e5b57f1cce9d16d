/** Small pictures of pixels on a canvas, transparent where there is nothing, so that they suit a light page and a dark one. */

/** A picture of `side` × `side` pixels, each `[red, green, blue, alpha]`. */
function paint(context: CanvasRenderingContext2D, left: number, top: number, side: number, rgba: number[][]): void {
  const image = new ImageData(side, side);
  image.data.set(rgba.flat());
  context.putImageData(image, left, top);
}

/** The context of a canvas; every browser has one. */
export function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) throw new Error('this browser draws on no canvas');
  return context;
}

/** Ink: grey values from 0 (paper) to `most` (ink). */
export function paintInk(canvas: HTMLCanvasElement, grey: ArrayLike<number>, most: number): void {
  paint(
    contextOf(canvas),
    0,
    0,
    canvas.width,
    Array.from(grey, (value) => [0, 0, 0, (255 * value) / most]),
  );
}

/** Weights of units beside each other, `columns` in a row: blue is positive, orange negative, as strong as the weight. */
export function paintWeights(canvas: HTMLCanvasElement, weights: Float32Array, units: number, columns: number): void {
  const size = weights.length / units;
  const side = Math.sqrt(size);
  canvas.width = columns * (side + 1) - 1;
  canvas.height = Math.ceil(units / columns) * (side + 1) - 1;
  for (let unit = 0; unit < units; unit++) {
    const own = Array.from(weights.subarray(unit * size, (unit + 1) * size));
    const most = Math.max(...own.map(Math.abs), 1e-6);
    const rgba = own.map((w) => [...(w > 0 ? [30, 120, 230] : [235, 120, 20]), (255 * Math.abs(w)) / most]);
    paint(contextOf(canvas), (unit % columns) * (side + 1), Math.floor(unit / columns) * (side + 1), side, rgba);
  }
}

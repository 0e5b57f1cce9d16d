/** A curve that grows, as SVG: a title, grid lines with their values, and the line. */

export interface CurveOptions {
  readonly title: string;
  readonly format: (value: number) => string;
  /** Values of the grid lines, from the lowest to the highest; they are the scale too. */
  readonly grid: readonly number[];
  readonly scale?: (value: number) => number;
}

export interface Curve {
  add(x: number, y: number): void;
  clear(): void;
}

const [WIDTH, HEIGHT] = [400, 190];
const [LEFT, RIGHT, TOP, BOTTOM] = [44, 392, 10, 164];
/** More points than this are thinned to half. */
const POINTS = 600;

export function curve(figure: HTMLElement, { title, format, grid, scale = (y) => y }: CurveOptions): Curve {
  const [low, high] = [scale(grid[0] ?? 0), scale(grid.at(-1) ?? 1)];
  const up = (y: number): string => {
    const part = Math.min(1, Math.max(0, (scale(y) - low) / (high - low)));
    return (BOTTOM - (BOTTOM - TOP) * part).toFixed(1);
  };
  const lines = grid.map((y) => {
    const at = up(y);
    return `<path class="grid" d="M${LEFT} ${at}H${RIGHT}"/><text x="${LEFT - 6}" y="${at}" dy="4">${format(y)}</text>`;
  });
  figure.innerHTML = `<figcaption>${title}</figcaption>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title} over the images trained on">
      ${lines.join('')}<path class="line"/><text class="end" x="${RIGHT}" y="${HEIGHT - 6}"></text>
    </svg>`;
  const [line, end] = [figure.querySelector('.line'), figure.querySelector('.end')];

  let points: (readonly [x: number, y: number])[] = [];
  let frame = 0;
  const draw = (): void => {
    frame = 0;
    const most = points.at(-1)?.[0] ?? 0;
    const across = (x: number): string => (LEFT + ((RIGHT - LEFT) * x) / Math.max(most, 1)).toFixed(1);
    line?.setAttribute('d', points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${across(x)} ${up(y)}`).join(''));
    if (end !== null) end.textContent = points.length === 0 ? '' : `${most.toLocaleString('en')} images`;
  };
  // However many points come, it is drawn once for each frame on the screen.
  const redraw = (): void => {
    frame ||= requestAnimationFrame(draw);
  };
  return {
    add(x, y) {
      points.push([x, y]);
      if (points.length > POINTS) points = points.filter((_, i) => i % 2 === 1);
      redraw();
    },
    clear() {
      points = [];
      redraw();
    },
  };
}

/**
 * A pad to draw a digit on, with mouse, finger or pen, or with the arrow keys. Strokes are kept as lines, so that they can be
 * drawn again as the training images are: 20 pixels high or wide in the middle of 28, with a pen 2.6 pixels wide.
 */
import { contextOf } from './pictures.js';
import { SIDE } from './messages.js';

type Point = readonly [x: number, y: number];
/** The pad in its own units, whatever its size on the screen. */
const SIZE = 280;
const BOX = 20;
const PEN = 2.6;
/** How far an arrow key moves the pen. */
const STEP = SIZE / 28;

function stroke(context: CanvasRenderingContext2D, lines: readonly (readonly Point[])[], width: number): void {
  context.lineWidth = width;
  context.lineCap = context.lineJoin = 'round';
  for (const line of lines) {
    context.beginPath();
    for (const [x, y] of line) context.lineTo(x, y);
    // A point alone is a dot.
    if (line.length === 1) context.lineTo((line[0]?.[0] ?? 0) + 0.01, line[0]?.[1] ?? 0);
    context.stroke();
  }
}

/** Grey values of the lines, moved and scaled to where the digits of the training images are. */
function asImage(lines: readonly (readonly Point[])[]): Float32Array | null {
  const points = lines.flat();
  if (points.length === 0) return null;
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const scale = (BOX - PEN) / Math.max(right - left, bottom - top, SIZE / 10);
  const place = ([x, y]: Point): Point => [
    SIDE / 2 + scale * (x - (left + right) / 2),
    SIDE / 2 + scale * (y - (top + bottom) / 2),
  ];
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = SIDE;
  const context = contextOf(canvas);
  stroke(
    context,
    lines.map((line) => line.map(place)),
    PEN,
  );
  const { data } = context.getImageData(0, 0, SIDE, SIDE);
  return Float32Array.from({ length: SIDE * SIDE }, (_, i) => (data[4 * i + 3] ?? 0) / 255);
}

export interface Pad {
  clear(): void;
}

/** `onChange` gets the digit as an image, or null when the pad is empty. */
export function pad(canvas: HTMLCanvasElement, onChange: (image: Float32Array | null) => void): Pad {
  canvas.width = canvas.height = SIZE;
  const context = contextOf(canvas);
  let lines: Point[][] = [];
  /** Where the pen of the keyboard is, and whether it is down. */
  let pen: Point = [SIZE / 2, SIZE / 2];
  let [isDown, hasKeyboard] = [false, false];

  const draw = (): void => {
    context.clearRect(0, 0, SIZE, SIZE);
    stroke(context, lines, (PEN * SIZE) / SIDE);
    if (hasKeyboard) {
      context.globalAlpha = isDown ? 1 : 0.4;
      context.beginPath();
      context.arc(...pen, 18, 0, 2 * Math.PI);
      context.lineWidth = 3;
      context.stroke();
      context.globalAlpha = 1;
    }
  };
  const changed = (): void => {
    draw();
    onChange(asImage(lines));
  };
  const at = ({ clientX, clientY }: PointerEvent): Point => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return [((clientX - left) / width) * SIZE, ((clientY - top) / height) * SIZE];
  };

  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    hasKeyboard = false;
    lines.push([at(event)]);
    changed();
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    lines.at(-1)?.push(at(event));
    changed();
  });

  const ARROWS: Readonly<Record<string, Point>> = {
    ArrowLeft: [-STEP, 0],
    ArrowRight: [STEP, 0],
    ArrowUp: [0, -STEP],
    ArrowDown: [0, STEP],
  };
  canvas.addEventListener('keydown', (event) => {
    const arrow = ARROWS[event.key];
    if (arrow !== undefined) {
      const within = (u: number): number => Math.min(SIZE - STEP, Math.max(STEP, u));
      pen = [within(pen[0] + arrow[0]), within(pen[1] + arrow[1])];
      if (isDown) lines.at(-1)?.push(pen);
    } else if (event.key === ' ') {
      isDown = !isDown;
      if (isDown) lines.push([pen]);
    } else return;
    event.preventDefault();
    hasKeyboard = true;
    changed();
  });
  canvas.addEventListener('blur', () => {
    [isDown, hasKeyboard] = [false, false];
    draw();
  });

  return {
    clear() {
      lines = [];
      isDown = false;
      changed();
    },
  };
}

/** A progress bar for training: steps done, throughput, time left, loss. In a log, where nothing can be redrawn, a line now and then. */
import { Presets, SingleBar } from 'cli-progress';
import { tap } from 'cotangent/train';
import type { Meter } from 'cotangent/train';

/** What to show of a step. */
export interface Shown extends Meter {
  readonly epoch: number;
}

export interface ProgressOptions {
  steps: number;
  epochs: number;
  /** What items are called: "images". */
  unit: string;
}

const REDRAW_MS = 100;
const REDRAW_IN_LOG_MS = 2000;

/** A bar on stderr; `stop` gives the terminal back, also when training failed. */
export function progressBar({ steps, epochs, unit }: ProgressOptions): { show: (at: Shown) => void; stop: () => void } {
  const bar = new SingleBar(
    {
      format: ` {bar} {percentage}%  epoch {epoch}/${epochs}  {rate} ${unit}/s  ETA {left} s  loss {loss}`,
      barsize: 24,
      fps: 1000 / REDRAW_MS,
      hideCursor: true,
      noTTYOutput: true,
      notTTYSchedule: REDRAW_IN_LOG_MS,
    },
    Presets.shades_classic,
  );
  bar.start(steps, 0, { epoch: 1, rate: '…', left: '…', loss: '…' });
  return {
    show: ({ step, epoch, rate, eta, loss }) => {
      bar.update(step, { epoch, rate: rate.toFixed(0), left: Math.ceil(eta), loss: loss.toFixed(4) });
    },
    stop: () => {
      bar.stop();
    },
  };
}

/**
 * Lets timers, and finalizers of arrays, run now and then: a loop that never waits for anything would hold them up.
 */
export function breathe<T>(everyMs = 50): ReturnType<typeof tap<T>> {
  let last = performance.now();
  return tap<T>(async () => {
    if (performance.now() - last < everyMs) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
    last = performance.now();
  });
}

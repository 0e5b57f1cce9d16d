/** A progress bar for training, drawn by cli-progress: steps, epochs, throughput, time left, loss. */
import { readMetrics } from './measures.js';
import { meter } from './meter.js';
import type { LookAtSteps, Trained } from './loop.js';

/** Options of {@link progressBar}. */
export interface ProgressOptions {
  /** Number of steps there will be, where the batches do not know it. */
  steps?: number;
  /** How many items a step takes, for the throughput; without it steps are counted. */
  batchSize?: number;
  /** What items are called: "images". */
  unit?: string;
}

const REDRAW_MS = 100;
const REDRAW_IN_LOG_MS = 2000;

interface Bar {
  readonly update: (step: number, payload: object) => void;
  readonly stop: () => void;
}

/** Where a bar stands: what was drawn last, and what has happened since. */
interface Drawn {
  readonly bar: Bar | undefined;
  readonly read: ReturnType<typeof meter>;
  /** Number of the last step that was drawn, or that there was before this run. */
  readonly step: number;
  readonly time: number;
}

/** A bar on stderr; in a log, where nothing can be redrawn, a line now and then. None in a page. */
async function start(total: number): Promise<Bar | undefined> {
  if (typeof process === 'undefined') return undefined;
  const { default: cliProgress } = await import('cli-progress');
  const bar = new cliProgress.SingleBar(
    {
      format: ' {bar} {percentage}% {epoch} {rate}  ETA {left} s  {metrics}',
      barsize: 24,
      fps: 1000 / REDRAW_MS,
      hideCursor: true,
      noTTYOutput: true,
      notTTYSchedule: REDRAW_IN_LOG_MS,
    },
    cliProgress.Presets.shades_classic,
  );
  bar.start(total, 0, { epoch: '', rate: '…', left: '…', metrics: '' });
  return bar;
}

/**
 * A progress bar to {@link tap} a stream of steps with: how far, which epoch, throughput, time left and the metrics, the loss smoothed.
 *
 * @example
 * ```ts
 * import { progressBar, run, tap, trainWith } from 'cotangent/train';
 *
 * const steps = trainWith((n: number, loss: number) => [n + 1, loss], 0)([0.5, 0.25]);
 * (await run(tap(progressBar())(steps))).state; // => 2
 * ```
 */
export function progressBar(options: ProgressOptions = {}): LookAtSteps {
  const { batchSize, unit = batchSize === undefined ? 'steps' : 'items' } = options;
  const now = (): number => performance.now() / 1000;
  const created = now();
  let drawn: Drawn | undefined;
  let last: Trained<unknown, unknown> | undefined;

  async function draw({ step, steps, perEpoch, epoch, metrics }: Trained<unknown, unknown>): Promise<void> {
    const total = options.steps ?? steps ?? 0;
    // Of a run that goes on from a checkpoint, the steps before are done, but took no time here.
    const {
      bar,
      read,
      step: before,
    } = drawn ?? {
      bar: await start(total),
      read: meter({ steps: total - (step - 1), start: created }),
      step: step - 1,
    };
    const { loss, ...others } = await readMetrics(metrics);
    const time = now();
    const taken = step - before;
    const at = read({ steps: taken, items: taken * (batchSize ?? 1), time, loss: loss ?? NaN });
    bar?.update(step, {
      epoch: epoch === undefined ? '' : ` epoch ${epoch}/${Math.ceil(total / (perEpoch ?? total))} `,
      rate: `${at.rate.toFixed(0)} ${unit}/s`,
      left: total === 0 ? '?' : Math.max(0, Math.ceil(at.eta)),
      metrics: [...(loss === undefined ? [] : [['loss', at.loss] as const]), ...Object.entries(others)]
        .map(([name, value]) => `${name} ${value.toFixed(4)}`)
        .join('  '),
    });
    drawn = { bar, read, step, time };
  }

  // Metrics are read when they are drawn, and not in between: a GPU would have to wait each time.
  const look = async (element: Trained<unknown, unknown>): Promise<void> => {
    last = element;
    if (drawn === undefined || now() - drawn.time >= REDRAW_MS / 1000) await draw(element);
  };
  const end = async (): Promise<void> => {
    try {
      if (last !== undefined && last.step !== drawn?.step) await draw(last);
    } finally {
      drawn?.bar?.stop();
    }
  };
  return Object.assign(look, { anySteps: true as const, end });
}

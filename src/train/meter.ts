/** How a loop is getting on: throughput, time left and a smoothed loss, as a pure function of what was seen. */

/** Where a loop stands. Times are in seconds. */
export interface Meter {
  readonly step: number;
  /** Items (examples, say) seen so far. */
  readonly items: number;
  readonly elapsed: number;
  /** Items per second, recent ones counting most. */
  readonly rate: number;
  /** Seconds until all steps are done, at the present rate; Infinity before the first step. */
  readonly eta: number;
  /** Exponential moving average of the loss. */
  readonly loss: number;
}

/** A step, or several since the reading before: how many items they took, when they ended (in seconds, by any clock), and the loss of the last. */
export interface Reading {
  /** How many steps; 1 by default. */
  readonly steps?: number;
  readonly items: number;
  readonly time: number;
  readonly loss: number;
}

/** Options of {@link meter}. */
export interface MeterOptions {
  /** Number of steps there will be. */
  steps: number;
  /** When the loop began, by the clock of the readings. */
  start: number;
  /** Weight of the past in the moving averages, a step; 0.95 by default, about the last 20 steps. */
  decay?: number;
}

/**
 * A function that takes readings in their order and says where the loop stands. The averages are corrected for their
 * empty start, as Adam's are (D. Kingma, J. Ba, "Adam", 2015, section 3): after the first reading they are that reading.
 *
 * @example
 * ```ts
 * import { meter } from 'cotangent/train';
 *
 * const read = meter({ steps: 4, start: 0 });
 * read({ items: 32, time: 0.5, loss: 2 }); // => {"step": 1, "items": 32, "elapsed": 0.5, "rate": 64, "eta": 1.5, "loss": 2}
 * ```
 */
export function meter({ steps, start, decay = 0.95 }: MeterOptions): (reading: Reading) => Meter {
  let [step, items, previous] = [0, 0, start];
  // Exponentially weighted sums; the ratio of two of them needs no correction.
  let [weight, taken, seconds, seen, losses] = [0, 0, 0, 0, 0];
  return ({ steps: more = 1, items: count, time, loss }) => {
    step += more;
    items += count;
    const kept = decay ** more;
    weight = kept * weight + 1;
    taken = kept * taken + more;
    seconds = kept * seconds + (time - previous);
    seen = kept * seen + count;
    losses = kept * losses + loss;
    previous = time;
    const eta = ((steps - step) * seconds) / taken;
    return { step, items, elapsed: time - start, rate: seen / seconds, eta, loss: losses / weight };
  };
}

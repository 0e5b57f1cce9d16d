/**
 * Which memory holds what it should. A driver answers late: an error may belong to anything that was written since the
 * last time all was known to be well, so that all of it is suspect, and what is computed from it.
 */
import type { Block } from './buffers.js';
import type { DeviceLostError } from './errors.js';

/** Answers that are remembered; what is older was read long ago. */
const REMEMBERED = 64;

export class Failures {
  #now = 0;
  /** Everything written until then is known to be well, or to have failed. */
  #settled = 0;
  readonly #intervals: { readonly after: number; readonly until: number; readonly error: Error }[] = [];
  lost: DeviceLostError | undefined;

  get now(): number {
    return this.#now;
  }

  /** Note that a block is written now. */
  write(block: Block): void {
    block.written = ++this.#now;
  }

  /** Something that was written since the last time all was well failed. */
  report(error: Error): void {
    if (this.#settled === this.#now) return;
    this.#intervals.push({ after: this.#settled, until: this.#now, error });
    if (this.#intervals.length > REMEMBERED) this.#intervals.shift();
    this.#settled = this.#now;
  }

  /** The device has answered for all that was written until `time`. */
  settle(time: number): void {
    this.#settled = Math.max(this.#settled, time);
  }

  of({ failure, written }: Block): Error | undefined {
    if (this.lost !== undefined) return this.lost;
    if (failure !== undefined || this.#intervals.length === 0) return failure;
    return this.#intervals.find(({ after, until }) => after < written && written <= until)?.error;
  }
}

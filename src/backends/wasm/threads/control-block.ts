/**
 * The control block: one page of the shared memory through which the threads talk. The calling thread is thread 0;
 * worker i is thread i + 1. Numbers here are positions of i32 words in the block; what different threads write at the
 * same time is on cache lines of its own.
 */

/** Threads at most, the calling one included. */
export const MAX_THREADS = 64;

/** Programs that a worker keeps instances of. */
export const SLOTS = 256;

/** Bytes of text that a failing worker can leave. */
const MESSAGE_CHARS = 200;

export const CONTROL_WORDS = {
  /** The number of barriers passed: what threads at a barrier wait to see change. */
  barrier: 0,
  /** Threads asleep at a barrier. */
  sleepers: 1,
  /** 1 once a thread has failed: barriers trap from then on. */
  failed: 2,
  /** Whether thread 0 may sleep; the main thread of a page may not. */
  callerSleeps: 3,
  /** Threads that have come to the present barrier. */
  arrived: 16,
  /** Workers that have ended a job, ever. */
  ended: 32,
  // The job, written by thread 0 before the mailboxes.
  kind: 48,
  slot: 49,
  address: 50,
  bytes: 51,
  table: 52,
  extent: 53,
  threads: 54,
  /** Length of the message of the thread that failed, and its UTF-16 units. */
  messageLength: 64,
  message: 65,
  messageChars: MESSAGE_CHARS,
  /** Per worker: 0 until it runs, then whether it looks at its mailbox, or sleeps until it is notified. */
  states: 272,
  /** Per worker, a cache line: the number of jobs it was given. */
  mailboxes: 336,
  mailboxStride: 16,
} as const;

export type ControlWords = typeof CONTROL_WORDS;

export const CONTROL_BYTES = 4 * (CONTROL_WORDS.mailboxes + MAX_THREADS * CONTROL_WORDS.mailboxStride);

/** What a job is. */
export const JOB = { stop: 0, load: 1, run: 2 } as const;

/** What a worker is; 0 before it has started. */
export const STATE = { awake: 1, asleep: 2 } as const;

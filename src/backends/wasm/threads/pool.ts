/**
 * The threads that large programs are split over. Workers start when the first such program runs, which does not wait
 * for them; from then on a call writes a job into the control block, wakes the workers it needs, and takes part as thread
 * 0. Nothing here needs a turn of an event loop. Whatever goes wrong with a worker, programs run on the threads there are.
 */
import { HeapExhaustedError } from '../heap.js';
import type { CellStore } from '../storage.js';
import { CONTROL_BYTES, CONTROL_WORDS, JOB, MAX_THREADS, SLOTS, STATE } from './control-block.js';
import { spawnWorker, type Spawn } from './spawn.js';
import { workOf, type SharedWork } from './split.js';

const words = CONTROL_WORDS;

/** Operations (see split.ts) from which a program runs on several threads, if they are awake: some 100 µs. */
export const PARALLEL_FROM = 400_000;
/** From here on it waits for threads that sleep: to wake one takes 50 to 300 µs. */
const WAKE_FROM = 4_000_000;
/** The operations of all such programs so far, from which workers are started. One takes 30 ms of another core. */
const START_FROM = 10_000_000;

/** Looks at its mailbox before a worker sleeps: some 300 µs, so that calls in quick succession find it awake. */
const IDLE_SPINS = 60_000;

/** The longest that a worker may take to compile a program. */
const LOAD_MILLISECONDS = 10_000;

/** `run(table, extent, thread, threads, control)` of a program that can be split. */
export type ThreadedRun = (table: number, extent: number, thread: number, threads: number, control: number) => void;

/** A program as the workers know it. */
export class SharedModule {
  /** The slot of the workers' tables it is in. */
  slot = -1;
  /** Workers that have it there. */
  loaded = 0;

  constructor(
    readonly bytes: Uint8Array,
    readonly work: SharedWork,
  ) {}
}

/** A thread other than the caller's failed while it ran a program. */
export class WorkerTrap extends Error {
  override name = 'WorkerTrap';
}

export class ThreadPool {
  /** 0 until the control block is there. */
  #control = 0;
  /** Workers started so far. */
  #started = 0;
  /** Operations that workers could have shared, until they were started. */
  #work = 0;
  /** Jobs given to workers, ever; compared with the count of those ended. */
  #given = 0;
  readonly #mail = new Int32Array(MAX_THREADS);
  #failure: string | undefined;
  #closed = false;
  /** Programs in slots, the least recently loaded first. */
  readonly #slots: SharedModule[] = [];
  #nextSlot = 0;
  readonly #mayWait: boolean;

  constructor(
    private readonly store: CellStore,
    private readonly spawn: Spawn = spawnWorker,
  ) {
    this.#mayWait = callerMayWait();
  }

  /** Why there is one thread only, if something went wrong. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /**
   * On how many threads to run `module` now, at most `wanted`. Starts workers that are missing, without waiting for them,
   * and has those that are ready load the module.
   */
  prepare(module: SharedModule, extent: number, wanted: number): number {
    if (wanted <= 1 || this.#failure !== undefined || this.#closed) return 1;
    const work = workOf(module.work, extent);
    if (work < PARALLEL_FROM) return 1;
    const workers = Math.min(wanted, MAX_THREADS) - 1;
    if (this.#started < workers) {
      this.#work += work;
      if (this.#work >= START_FROM) this.#start(workers);
    }
    if (this.#control === 0) return 1;
    const ready = this.#readyWorkers(workers, work >= WAKE_FROM);
    if (ready === 0) return 1;
    if (module.loaded < ready) this.#load(module, ready);
    return Math.min(ready, module.loaded) + 1;
  }

  /** Run a prepared module on `threads` threads. */
  run(module: SharedModule, entry: ThreadedRun, table: number, extent: number, threads: number): void {
    const workers = threads - 1;
    this.#post(JOB.run, workers, module.slot, table, extent);
    try {
      entry(table, extent, 0, threads, this.#control);
    } catch (error) {
      // Either this thread failed, and the others must be told, or another did.
      const { i32 } = this.store.heap;
      const base = this.#control >>> 2;
      const mine = Atomics.compareExchange(i32, base + words.failed, 0, 1) === 0;
      Atomics.add(i32, base + words.barrier, 1);
      Atomics.notify(i32, base + words.barrier);
      // Wherever they are, they still may write.
      this.#awaitWorkers(Infinity);
      const message = this.#reset();
      throw mine ? error : new WorkerTrap(message);
    }
  }

  /** Wait until `threads` threads are ready, or `milliseconds` have passed; for tests and measurements. */
  async ready(threads: number, milliseconds = 30_000): Promise<boolean> {
    const workers = Math.min(threads, MAX_THREADS) - 1;
    this.#start(workers);
    const until = performance.now() + milliseconds;
    while (this.#failure === undefined && this.#readyWorkers(workers, true) < workers) {
      if (performance.now() > until) return false;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return this.#failure === undefined;
  }

  /** End all workers. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#control === 0) return;
    // One that is still starting finds the letter when it looks.
    this.#post(JOB.stop, this.#started, 0, 0, 0);
  }

  #start(workers: number): void {
    if (this.#control === 0 && !this.#makeControl()) return;
    while (this.#started < workers && this.#failure === undefined) {
      this.#started += 1;
      const thread = this.#started;
      this.spawn(
        {
          memory: this.store.heap.memory,
          control: this.#control,
          thread,
          words,
          loadJob: JOB.load,
          runJob: JOB.run,
          awake: STATE.awake,
          asleep: STATE.asleep,
          spins: IDLE_SPINS,
        },
        (reason) => {
          if (!this.#closed) this.#failure ??= `thread ${thread}: ${reason}`;
        },
      );
    }
  }

  #makeControl(): boolean {
    try {
      this.#control = this.store.allocateBlock(CONTROL_BYTES);
    } catch (error) {
      if (error instanceof HeapExhaustedError) return false;
      throw error;
    }
    const { i32 } = this.store.heap;
    const base = this.#control >>> 2;
    i32.fill(0, base, base + CONTROL_BYTES / 4);
    Atomics.store(i32, base + words.callerSleeps, this.#mayWait ? 1 : 0);
    return true;
  }

  /** How many workers, in order, are there; without `asleep`, those that sleep are not, and are woken for the next time. */
  #readyWorkers(limit: number, asleep: boolean): number {
    const { i32 } = this.store.heap;
    const base = this.#control >>> 2;
    let ready = 0;
    for (let worker = 0; worker < limit; worker++) {
      const state = Atomics.load(i32, base + words.states + worker);
      const there = state === STATE.awake || (state === STATE.asleep && asleep);
      if (there && ready === worker) ready += 1;
      if (state === STATE.asleep && !there) Atomics.notify(i32, base + words.mailboxes + worker * words.mailboxStride);
    }
    return ready;
  }

  #load(module: SharedModule, workers: number): void {
    let address: number;
    try {
      address = this.store.allocateBlock(module.bytes.length);
    } catch (error) {
      // The call itself is going to need less or say what is wrong.
      if (error instanceof HeapExhaustedError) return;
      throw error;
    }
    const { heap } = this.store;
    heap.u8.set(module.bytes, address);
    if (module.slot < 0) this.#takeSlot(module);
    const base = this.#control >>> 2;
    Atomics.store(heap.i32, base + words.address, address);
    Atomics.store(heap.i32, base + words.bytes, module.bytes.length);
    this.#post(JOB.load, workers, module.slot, 0, 0);
    if (!this.#awaitWorkers(LOAD_MILLISECONDS)) {
      this.#failure = `workers did not answer for ${LOAD_MILLISECONDS / 1000} s`;
      return; // The block stays theirs.
    }
    heap.free(address, module.bytes.length);
    if (Atomics.load(heap.i32, base + words.failed) !== 0) this.#failure = this.#reset();
    else module.loaded = workers;
  }

  #takeSlot(module: SharedModule): void {
    const slot = this.#nextSlot;
    this.#nextSlot = (slot + 1) % SLOTS;
    const before = this.#slots[slot];
    if (before !== undefined) {
      before.slot = -1;
      before.loaded = 0;
    }
    this.#slots[slot] = module;
    module.slot = slot;
  }

  /** Write a job and wake the first `workers` workers. Only they look at it, and they end it before the next. */
  #post(kind: number, workers: number, slot: number, table: number, extent: number): void {
    const { i32 } = this.store.heap;
    const base = this.#control >>> 2;
    Atomics.store(i32, base + words.kind, kind);
    Atomics.store(i32, base + words.slot, slot);
    Atomics.store(i32, base + words.table, table);
    Atomics.store(i32, base + words.extent, extent);
    Atomics.store(i32, base + words.threads, workers + 1);
    this.#given += workers;
    for (let worker = 0; worker < workers; worker++) {
      const mailbox = base + words.mailboxes + worker * words.mailboxStride;
      const mail = ((this.#mail[worker] ?? 0) + 1) | 0;
      this.#mail[worker] = mail;
      Atomics.store(i32, mailbox, mail);
      Atomics.notify(i32, mailbox);
    }
  }

  /** Wait until the workers have ended all their jobs; says whether they did in time. */
  #awaitWorkers(milliseconds: number): boolean {
    const { i32 } = this.store.heap;
    const ended = (this.#control >>> 2) + words.ended;
    const until = performance.now() + milliseconds;
    for (;;) {
      const now = Atomics.load(i32, ended);
      if (now === (this.#given | 0)) return true;
      if (this.#mayWait) Atomics.wait(i32, ended, now, 100);
      if (performance.now() > until) return false;
    }
  }

  /** After a failure, when all workers have come back: make the block as new, and tell what the first to fail said. */
  #reset(): string {
    const { i32 } = this.store.heap;
    const base = this.#control >>> 2;
    const start = base + words.message;
    const length = Atomics.load(i32, base + words.messageLength);
    const message = String.fromCharCode(...i32.subarray(start, start + length));
    Atomics.store(i32, base + words.messageLength, 0);
    Atomics.store(i32, base + words.arrived, 0);
    Atomics.store(i32, base + words.sleepers, 0);
    Atomics.store(i32, base + words.failed, 0);
    return message;
  }
}

/** Whether this thread may sleep: the main thread of a page may not. */
function callerMayWait(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0);
    return true;
  } catch {
    return false;
  }
}

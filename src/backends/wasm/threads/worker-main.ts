/**
 * What a worker runs. It is sent as text (`Function.prototype.toString`), which needs no file of its own beside
 * the bundle and so survives every bundler, in ESM, in CommonJS and in pages; the compiler and the linter see code all
 * the same. It therefore refers to nothing outside, and has no inner functions (esbuild's `keepNames` would wrap them
 * in a helper of the bundle).
 */
import type { ControlWords } from './control-block.js';

/** What a worker is given at the start; structured-cloneable. */
export interface WorkerStart {
  readonly memory: WebAssembly.Memory;
  /** Address of the control block. */
  readonly control: number;
  /** Thread number; 0 is the calling thread. */
  readonly thread: number;
  readonly words: ControlWords;
  readonly loadJob: number;
  readonly runJob: number;
  readonly awake: number;
  readonly asleep: number;
  /** Looks at the mailbox before the worker goes to sleep. */
  readonly spins: number;
}

/**
 * Wait for jobs and do them, until told to stop. Everything is synchronous, so a worker needs no turn of an event
 * loop, neither its own nor the caller's.
 */
export function workerMain(start: WorkerStart): void {
  const { memory, words, thread } = start;
  const base = start.control >>> 2;
  // The block stays where it is; a view made before the memory has grown still reaches it.
  const control = new Int32Array(memory.buffer);
  const mailbox = base + words.mailboxes + (thread - 1) * words.mailboxStride;
  const programs: unknown[] = [];
  let seen = 0;
  const state = base + words.states + thread - 1;
  Atomics.store(control, state, start.awake);
  for (;;) {
    let spins = start.spins;
    while (Atomics.load(control, mailbox) === seen) {
      if (spins > 0) spins -= 1;
      else {
        Atomics.store(control, state, start.asleep);
        Atomics.wait(control, mailbox, seen);
        Atomics.store(control, state, start.awake);
        spins = start.spins;
      }
    }
    seen = Atomics.load(control, mailbox);
    const kind = Atomics.load(control, base + words.kind);
    const slot = Atomics.load(control, base + words.slot);
    if (kind !== start.loadJob && kind !== start.runJob) return;
    try {
      if (kind === start.loadJob) {
        programs[slot] = undefined;
        const address = Atomics.load(control, base + words.address) >>> 0;
        const bytes = Atomics.load(control, base + words.bytes);
        // Growing by nothing brings a view of the memory up to date.
        if (memory.buffer.byteLength < address + bytes) memory.grow(0);
        const code = new Uint8Array(bytes);
        code.set(new Uint8Array(memory.buffer, address, bytes));
        programs[slot] = new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory } }).exports.run;
      } else {
        const run = programs[slot];
        if (typeof run !== 'function') throw new Error('the program was not loaded');
        Reflect.apply(run, undefined, [
          Atomics.load(control, base + words.table),
          Atomics.load(control, base + words.extent),
          thread,
          Atomics.load(control, base + words.threads),
          start.control,
        ]);
      }
    } catch (error) {
      // The first to fail says why; the others only notice.
      if (Atomics.compareExchange(control, base + words.failed, 0, 1) === 0) {
        const message = String(error);
        const length = Math.min(message.length, words.messageChars);
        for (let i = 0; i < length; i++) control[base + words.message + i] = message.charCodeAt(i);
        Atomics.store(control, base + words.messageLength, length);
      }
      Atomics.add(control, base + words.barrier, 1);
      Atomics.notify(control, base + words.barrier);
    }
    Atomics.add(control, base + words.ended, 1);
    Atomics.notify(control, base + words.ended);
  }
}

/**
 * The barrier as a WebAssembly function. Threads count themselves in; the last one moves the barrier on, the others spin
 * for some microseconds, because most waits are short, and then sleep. A thread that may not sleep (the main thread of a
 * page) goes on spinning. After a failure every barrier traps, so that all threads come out.
 */
import type { FunctionRef, ModuleBuilder } from '../assembler.js';
import { CONTROL_WORDS } from './control-block.js';

/**
 * Looks at the barrier before a thread sleeps; half a nanosecond each. To spin for about as long as waking takes (50 µs, up
 * to 300 µs in a virtual machine) is never worse than twice the best that could have been done.
 */
const SPINS = 100_000;

const byte = (word: number): number => 4 * word;

/** `(thread, threads, control)`: return when all threads have called it. */
export function barrierFunction(module: ModuleBuilder): FunctionRef {
  const words = CONTROL_WORDS;
  const f = module.function('barrier', ['i32', 'i32', 'i32']);
  const [thread, threads, control] = [0, 1, 2] as const;
  const before = f.local('i32');
  const spins = f.local('i32');
  const trapIfFailed = (): void => {
    f.get(control).memory('i32.atomic.load', byte(words.failed)).if();
    f.op('unreachable').end();
  };
  const alone = f.block();
  f.get(threads).i32(1).op('i32.le_u').brIf(alone);
  f.get(control).memory('i32.atomic.load', byte(words.barrier)).set(before);
  // In this order: a failure after this look moves the barrier on from `before`.
  trapIfFailed();
  f.get(control).i32(1).memory('i32.atomic.rmw.add', byte(words.arrived));
  f.i32(1).op('i32.add').get(threads).op('i32.eq').if();
  {
    f.get(control).i32(0).memory('i32.atomic.store', byte(words.arrived));
    f.get(control).i32(1).memory('i32.atomic.rmw.add', byte(words.barrier)).op('drop');
    f.get(control).memory('i32.atomic.load', byte(words.sleepers)).if();
    f.get(control).i32(-1).memory('memory.atomic.notify', byte(words.barrier)).op('drop');
    f.end();
  }
  f.else();
  {
    const passed = f.block();
    const moved = (): void => {
      f.get(control).memory('i32.atomic.load', byte(words.barrier)).get(before).op('i32.ne').brIf(passed);
    };
    f.i32(SPINS).set(spins);
    const spin = f.loop();
    moved();
    f.get(spins).i32(1).op('i32.sub').tee(spins).brIf(spin);
    f.end();
    const sleep = f.loop();
    moved();
    f.get(thread).get(control).memory('i32.atomic.load', byte(words.callerSleeps)).op('i32.or').if();
    // Counted before the sleep begins, and a barrier that has moved meanwhile does not put it to sleep.
    f.get(control).i32(1).memory('i32.atomic.rmw.add', byte(words.sleepers)).op('drop');
    f.get(control).get(before).i64(-1n).memory('memory.atomic.wait32', byte(words.barrier)).op('drop');
    f.get(control).i32(-1).memory('i32.atomic.rmw.add', byte(words.sleepers)).op('drop');
    f.end();
    f.br(sleep);
    f.end();
    f.end();
  }
  f.end();
  trapIfFailed();
  f.end();
  return f;
}

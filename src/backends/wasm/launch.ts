/** A kernel launch on one thread: the functions of the kernel one after the other, each tile by tile. */
import type { KernelCall } from '../../compiler/loop-ir.js';
import type { Addresses } from './addresses.js';
import type { FunctionBuilder } from './assembler.js';
import type { EmittedKernel, KernelStep } from './kernel-step.js';
import { at } from './util.js';

/** Emit a launch of an emitted kernel; `extent` is the local that holds the length of a program that serves any. */
export function emitLaunch(
  f: FunctionBuilder,
  kernel: EmittedKernel,
  call: KernelCall,
  addresses: Addresses,
  extent: number,
): void {
  for (const step of kernel.steps) emitStep(f, step, call, addresses, extent);
}

function emitStep(
  f: FunctionBuilder,
  step: KernelStep,
  call: KernelCall,
  addresses: Addresses,
  dynamicExtent: number,
): void {
  const pushArgs = (): void => {
    for (const arg of step.args) {
      if ('slot' in arg) addresses.push(f, at(call.args, arg.slot, 'argument'));
      else addresses.pushScratch(f, arg.scratch);
    }
  };
  const { extent, tile } = step;
  if (extent === 0) return;
  if (extent !== 'dynamic' && extent <= tile) {
    pushArgs();
    f.i32(0).i32(extent).call(step.target);
    return;
  }
  const pushExtent = (): void => {
    if (extent === 'dynamic') f.get(dynamicExtent);
    else f.i32(extent);
  };
  const lo = f.local('i32');
  const hi = f.local('i32');
  f.i32(0).set(lo);
  const exit = f.block();
  const again = f.loop();
  f.get(lo);
  pushExtent();
  f.op('i32.ge_u').brIf(exit);
  // hi = lo + min(tile, extent - lo)
  f.get(lo).i32(tile);
  pushExtent();
  f.get(lo).op('i32.sub').i32(tile);
  pushExtent();
  f.get(lo).op('i32.sub').op('i32.lt_u').op('select').op('i32.add').set(hi);
  pushArgs();
  f.get(lo).get(hi).call(step.target);
  f.get(hi).set(lo).br(again);
  f.end().end();
  f.release('i32', lo);
  f.release('i32', hi);
}

/** What the WebAssembly engine can do beyond version 2.0 of the specification. */
import { ModuleBuilder } from './assembler.js';

let fused: boolean | undefined;

/**
 * Whether the engine has the fused multiply-add of relaxed SIMD. Matrix products use it, whose sums are then the same for
 * eager and jitted calls. Loop kernels do not: whether a product and a sum meet in one kernel depends on fusion, and
 * results must not.
 */
export function hasFusedMultiplyAdd(): boolean {
  if (fused === undefined) {
    const module = new ModuleBuilder({ module: 'env', name: 'memory', shared: false });
    const zero = new Uint8Array(16);
    module.function('probe', []).v128(zero).v128(zero).v128(zero).op('f32x4.relaxed_madd').op('drop');
    fused = WebAssembly.validate(new Uint8Array(module.finish()));
  }
  return fused;
}

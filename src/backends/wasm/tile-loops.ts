/**
 * Cache blocking of maps that read and write in different orders (transposes): where some accesses are contiguous
 * in the innermost loop and others in another one, that other loop is cut into strips of a cache line or two and
 * the strip becomes the innermost loop, so that every line fetched is used whole before it is evicted.
 */
import { byteWidth } from '../../core/dtype.js';
import { binary, int, loopVar, operandsOf } from '../../core/scalar.js';
import type { Expr } from '../../core/scalar.js';
import type { Loop, LoopKernel } from '../../compiler/loop-ir.js';
import { mapStage, stageRoots } from '../../compiler/stages.js';
import type { PreparedKernel } from './prepare.js';
import { at, product } from './util.js';

/** Elements per strip: with power-of-two strides all lines of a strip fall into one set of the cache, which has 8 ways or more. */
const STRIP = 8;
/** Kernels of fewer points stay in the cache in any order. */
const MIN_POINTS = 8192;
const CACHE_LINE = 64;

/** Kernels that together do what the given one does, or undefined where its order is fine. */
export function tileLoops({ kernel, exprs, dynamic }: PreparedKernel): LoopKernel[] | undefined {
  const { loops } = kernel;
  const inner = loops.at(-1);
  if (dynamic || inner === undefined || loops.length < 2 || inner.extent < 2 * STRIP) return undefined;
  if (kernel.stages.some((s) => s.loops.length > 0) || product(loops.map((l) => l.extent)) < MIN_POINTS)
    return undefined;
  const other = crossing({ kernel, exprs, dynamic }, inner);
  if (other === undefined) return undefined;

  const used = loops.map((l) => l.id);
  for (const stage of kernel.stages) for (const l of stage.loops) used.push(l.id);
  const strip: Loop = { id: Math.max(...used) + 1, extent: Math.floor(other.extent / STRIP) };
  const rest = other.extent - strip.extent * STRIP;
  const around = loops.filter((l) => l !== other);
  const within = (name: string, outer: readonly Loop[], extent: number, index: Expr): LoopKernel => ({
    ...kernel,
    name,
    loops: [...outer, ...around, { id: other.id, extent }],
    stages: kernel.stages.map((stage) => mapStage(stage, (e) => exprs.substitute(e, new Map([[other.id, index]])))),
  });
  const strips = within(
    kernel.name,
    [strip],
    STRIP,
    binary('add', binary('mul', loopVar(strip.id, strip.extent), int(STRIP)), loopVar(other.id, STRIP)),
  );
  if (rest === 0) return [strips];
  return [
    strips,
    within(`${kernel.name}.rest`, [], rest, binary('add', loopVar(other.id, rest), int(strip.extent * STRIP))),
  ];
}

/** The loop in which the accesses that jump in `inner` are contiguous, if there are both kinds of access. */
function crossing({ kernel, exprs }: PreparedKernel, inner: Loop): Loop | undefined {
  const accesses = elementAccesses(kernel).map(({ buffer, index }) => {
    const strides = new Map<number, number>();
    for (const [term, k] of exprs.affine(index).terms) if (term.op === 'var') strides.set(term.id, k);
    return { width: byteWidth(at(kernel.buffers, buffer, 'slot').dtype), strides };
  });
  const step = (strides: ReadonlyMap<number, number>): number => Math.abs(strides.get(inner.id) ?? 0);
  if (!accesses.some(({ strides }) => step(strides) === 1)) return undefined;
  const jumping = accesses.filter(({ width, strides }) => step(strides) * width >= CACHE_LINE);
  return kernel.loops.find(
    (l) => l !== inner && l.extent >= 2 * STRIP && jumping.some(({ strides }) => strides.get(l.id) === 1),
  );
}

/** Everything a kernel loads and stores. */
function elementAccesses(kernel: LoopKernel): { buffer: number; index: Expr }[] {
  const accesses: { buffer: number; index: Expr }[] = kernel.stages.flatMap((stage) => [...stage.stores]);
  const seen = new Set<Expr>();
  const visit = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    if (e.op === 'load') accesses.push(e);
    operandsOf(e).forEach(visit);
  };
  kernel.stages.flatMap(stageRoots).forEach(visit);
  return accesses;
}

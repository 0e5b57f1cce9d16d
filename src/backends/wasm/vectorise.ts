/**
 * Which loops of a kernel run several iterations at a time, decided by a count of instructions. Either the
 * innermost outer loop is vectorised and everything inside it runs in lanes (elementwise maps, sums over
 * columns), or the innermost loop of each stage is, where its iterations are independent or only combine into
 * accumulators (sums over rows).
 */
import { byteWidth } from '../../core/dtype.js';
import { operandsOf } from '../../core/scalar.js';
import type { Expr } from '../../core/scalar.js';
import type { Loop, Stage } from '../../compiler/loop-ir.js';
import { bodyRoots } from '../../compiler/stages.js';
import { asBasicBinary, asBasicUnary } from './basic-ops.js';
import type { Exprs } from './exprs.js';
import type { PreparedKernel } from './prepare.js';
import { nextOf } from './prepare.js';
import { at, product } from './util.js';
import { classify } from './vector-memory.js';
import type { Lanes } from './vector-ops.js';
import { isVectorOp } from './vector-ops.js';

/** A vectorised loop: lanes per vector, vectors per iteration. */
export interface LanePlan {
  readonly lanes: Lanes;
  readonly copies: number;
}

export interface VectorPlan {
  /** The innermost outer loop, if it is vectorised; then no stage loop is. */
  readonly outer: LanePlan | undefined;
  /** The innermost loop of each stage, if it is vectorised. */
  readonly stages: readonly (LanePlan | undefined)[];
  readonly dynamic: boolean;
}

/** Use vectors where they pay, nowhere, or wherever the loop allows it (which tests the vector code more). */
export type VectorMode = 'auto' | 'never' | 'always' | 'always-inner';

/** Assumed extent of a loop whose extent is given at run time. */
const LONG = 1 << 20;

/** The roots of a stage's body as they are evaluated, and what it writes. */
interface Body {
  readonly roots: readonly Expr[];
  readonly stage: Stage;
}

const bodyOf = (exprs: Exprs, stage: Stage, withUpdates: boolean): Body => ({
  stage,
  roots: withUpdates
    ? [...bodyRoots(stage), ...stage.accumulators.map((acc) => exprs.canon(nextOf(acc)))]
    : bodyRoots(stage),
});

/** Visit every distinct node below `roots`; index expressions of loads only where `visit` returns true for the load. */
function forEachNode(roots: readonly Expr[], visit: (e: Expr) => boolean): void {
  const seen = new Set<Expr>();
  const walk = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    if (visit(e)) operandsOf(e).forEach(walk);
  };
  roots.forEach(walk);
}

/** Cost of one iteration in scalar code. */
function scalarCost({ roots, stage }: Body): number {
  let cost = stage.stores.length + 1;
  forEachNode([...roots.filter((r) => !stage.stores.some((s) => s.index === r))], (e) => {
    if (e.op === 'const' || e.op === 'var' || e.op === 'acc') return false;
    cost += e.op === 'div' || e.op === 'sqrt' ? 4 : e.op === 'rem' ? 6 : 1;
    return e.op !== 'load';
  });
  return cost;
}

/** Cost of lanes some elements apart: short strides are two loads and a shuffle. */
const stridedCost = (stride: number, laneByLane: boolean, lanes: Lanes): number =>
  !laneByLane && lanes === 4 && Math.abs(stride) <= 3 ? 3 : 2 * lanes;

/** Cost of `lanes` iterations at once. */
function vectorCost(
  exprs: Exprs,
  { roots, stage }: Body,
  loop: number,
  varyingAccs: ReadonlySet<number>,
  lanes: Lanes,
): number {
  const varying = (e: Expr): boolean => {
    const needs = exprs.needs(e);
    return needs.loops.has(loop) || [...needs.accumulators].some((id) => varyingAccs.has(id));
  };
  let cost = 1;
  const indices: Expr[] = [];
  const access = (index: Expr, isBool: boolean, isStore = false): void => {
    const kind = classify(exprs, index, loop, varying);
    if (kind.kind === 'gather') {
      cost += 5 * lanes;
      indices.push(index);
    } else
      cost +=
        kind.stride === 1
          ? isBool
            ? lanes === 16
              ? 2
              : 4
            : 1
          : kind.stride === 0
            ? 1
            : stridedCost(kind.stride, isBool || isStore, lanes);
  };
  const visit = (e: Expr): boolean => {
    if (e.op === 'const' || e.op === 'var' || e.op === 'acc') {
      if (e.op === 'var' && varying(e)) cost += 2;
      return false;
    }
    if (e.op === 'load') {
      access(e.index, e.type === 'bool');
      return false;
    }
    if (!varying(e)) {
      cost += 1;
      return true;
    }
    if (e.op === 'select' || e.op === 'bitcast') cost += 1;
    else if (e.op === 'convert')
      cost +=
        (e.x.type === 'int64') === (e.type === 'int64') || e.x.type === 'bool' || e.type === 'bool' ? 1 : 4 * lanes;
    else if ('y' in e) {
      const op = asBasicBinary(e.op);
      const isShift = op === 'shl' || op === 'shrLogical' || op === 'shrArithmetic';
      const native = isShift ? !varying(e.y) || (op === 'shl' && e.type !== 'int64') : isVectorOp(op, e.x.type);
      cost += native ? (e.op === 'div' || e.op === 'rem' ? 4 : 1) : 5 * lanes;
    } else cost += isVectorOp(asBasicUnary(e.op), e.type) ? (e.op === 'sqrt' ? 4 : 1) : 4 * lanes;
    return true;
  };
  const storeIndices = new Set(stage.stores.map((s) => s.index));
  for (const store of stage.stores) {
    access(store.index, false, true);
    if (store.mask !== undefined) cost += 4;
  }
  forEachNode(
    roots.filter((r) => !storeIndices.has(r)),
    visit,
  );
  forEachNode(indices, visit);
  return cost;
}

/** Iterations from which bytes are worth it: what is left over runs one by one. */
const MANY = 64;

/** Whether all that differs from lane to lane are bools next to each other. */
function onlyBools(exprs: Exprs, bodies: readonly Body[], loop: number, varyingAccs: ReadonlySet<number>): boolean {
  const varying = (e: Expr): boolean => {
    const needs = exprs.needs(e);
    return needs.loops.has(loop) || [...needs.accumulators].some((id) => varyingAccs.has(id));
  };
  const adjacent = (index: Expr): boolean => {
    const access = classify(exprs, index, loop, varying);
    return access.kind === 'strided' && access.stride === 1;
  };
  let only = true;
  for (const { roots, stage } of bodies) {
    for (const { index, value, mask } of stage.stores)
      only &&= mask === undefined && value.type === 'bool' && adjacent(index);
    only &&= stage.accumulators.every((acc) => acc.dtype === 'bool' && 'combine' in acc.update);
    const indices = new Set(stage.stores.map((s) => s.index));
    forEachNode(
      roots.filter((r) => !indices.has(r)),
      (e) => {
        if (!only || !varying(e)) return false;
        only = e.type === 'bool' && (e.op !== 'load' || adjacent(e.index));
        return e.op !== 'load';
      },
    );
  }
  return only;
}

/** Lanes by the widest type computed: 2 where there is one of 8 bytes, 16 where there are only bools. */
function lanesOf(
  exprs: Exprs,
  bodies: readonly Body[],
  { id: loop, extent }: Loop,
  varyingAccs: ReadonlySet<number>,
): Lanes {
  if (extent >= MANY && onlyBools(exprs, bodies, loop, varyingAccs)) return 16;
  let wide = false;
  for (const { roots, stage } of bodies) {
    forEachNode(roots, (e) => {
      const needs = exprs.needs(e);
      const varies = needs.loops.has(loop) || [...needs.accumulators].some((id) => varyingAccs.has(id));
      if (varies && (e.type === 'int64' || e.type === 'float64')) wide = true;
      return varies;
    });
    if (stage.accumulators.some((acc) => byteWidth(acc.dtype) === 8)) wide = true;
    // A uniform value is splat as its own type where it is stored.
    if (stage.stores.some((store) => store.value.type === 'float64')) wide = true;
  }
  return wide ? 2 : 4;
}

/** Whether the innermost loop of a stage may run in lanes. */
function stageIsParallel(exprs: Exprs, stage: Stage): boolean {
  if (stage.loops.length === 0) return false;
  if (stage.ordered) return false;
  const own = new Set(stage.accumulators.map((acc) => acc.id));
  // Neither what is accumulated nor what is stored may depend on the sums so far.
  return (
    stage.accumulators.every((acc) => 'combine' in acc.update) &&
    !bodyRoots(stage).some((e) => [...exprs.needs(e).accumulators].some((id) => own.has(id)))
  );
}

interface Choice {
  readonly cost: number;
  readonly plan: LanePlan | undefined;
}

const NO_ACCUMULATORS: ReadonlySet<number> = new Set();

function chooseForStage(exprs: Exprs, stage: Stage, mode: VectorMode): Choice {
  const body = bodyOf(exprs, stage, true);
  const outer = product(stage.loops.slice(0, -1).map((l) => l.extent));
  const innermost = stage.loops.at(-1);
  const perPoint = scalarCost(body);
  if (innermost === undefined) return { cost: perPoint, plan: undefined };
  const scalar = perPoint * outer * innermost.extent;
  if (!stageIsParallel(exprs, stage)) return { cost: scalar, plan: undefined };
  const plain = bodyOf(exprs, stage, false);
  const lanes = lanesOf(exprs, [plain], innermost, NO_ACCUMULATORS);
  if (innermost.extent < lanes) return { cost: scalar, plan: undefined };
  const perVector = vectorCost(exprs, plain, innermost.id, NO_ACCUMULATORS, lanes) + stage.accumulators.length;
  const reduction = 10 * stage.accumulators.length;
  const vectors = Math.floor(innermost.extent / lanes);
  const cost = outer * (vectors * perVector + (innermost.extent % lanes) * perPoint + reduction);
  if (mode === 'auto' && cost >= scalar) return { cost: scalar, plan: undefined };
  const reducing = stage.accumulators.length > 0;
  const wanted = reducing ? (perVector <= 45 ? 4 : perVector <= 60 ? 2 : 1) : mapCopies(perVector);
  return { cost, plan: { lanes, copies: fitCopies(wanted, vectors) } };
}

/**
 * Vectors per iteration of a map. What one function of one vector computes is a chain of operations that wait for each
 * other: two or four of them interleaved keep the machine busy (exp: 1.2 ms a million alone, 0.9 by four). Memory bounds
 * the shortest kernels, registers the long ones.
 */
function mapCopies(cost: number): number {
  if (cost <= 8) return 2;
  return cost <= 45 ? 4 : cost <= 300 ? 2 : 1;
}

/** At most `wanted` copies, such that the unrolled loop runs at least twice. */
function fitCopies(wanted: number, vectors: number): number {
  let copies = wanted;
  while (copies > 1 && copies * 2 > vectors) copies /= 2;
  return copies;
}

export function planVectors({ kernel, exprs, dynamic }: PreparedKernel, mode: VectorMode): VectorPlan {
  const none = kernel.stages.map(() => undefined);
  if (mode === 'never') return { outer: undefined, stages: none, dynamic };
  const innermost = kernel.loops.at(-1);
  const byStage = kernel.stages.map((stage) => chooseForStage(exprs, stage, mode));
  const inner: VectorPlan = { outer: undefined, stages: byStage.map((c) => c.plan), dynamic };
  if (innermost === undefined || mode === 'always-inner') return inner;
  const extent = dynamic ? LONG : innermost.extent;
  const innerCost = extent * byStage.reduce((sum, c) => sum + c.cost, 0);
  const bodies = kernel.stages.map((stage) => bodyOf(exprs, stage, true));
  const accs = new Set(kernel.stages.flatMap((s) => s.accumulators.map((acc) => acc.id)));
  const lanes = lanesOf(exprs, bodies, { id: innermost.id, extent }, accs);
  if (extent < lanes) return inner;
  let perVector = 0;
  let perPoint = 0;
  let largest = 0;
  bodies.forEach((body, i) => {
    const { loops } = at(kernel.stages, i, 'stage');
    const points = product(loops.map((l) => l.extent));
    const once = vectorCost(exprs, body, innermost.id, accs, lanes);
    largest = Math.max(largest, once);
    perVector += points * once;
    perPoint += points * scalarCost(body);
  });
  const vectors = Math.floor(extent / lanes);
  const outerCost = vectors * perVector + (extent % lanes) * perPoint;
  if (mode === 'auto' && outerCost >= innerCost) return inner;
  const reducing = kernel.stages.some((stage) => product(stage.loops.map((l) => l.extent)) > 1);
  const wanted = reducing ? (largest <= 8 ? 4 : largest <= 20 ? 2 : 1) : mapCopies(largest);
  return { outer: { lanes, copies: fitCopies(wanted, vectors) }, stages: none, dynamic };
}

/**
 * Loop kernels of few points and long stages, as several launches that keep a device busy. The iterations of a stage are
 * divided into chunks, which are points of a launch of their own; what each has accumulated is brought together by
 * the next. A scan goes over its chunks twice: for what they accumulate, and with what those before them did.
 */
import { addIndex, linearIndex, mulIndex } from '../../core/index-expr.js';
import { accRef, binary, int, select, type Expr, type LoopVar } from '../../core/scalar.js';
import {
  laterPart,
  type Accumulator,
  type Loop,
  type LoopKernel,
  type Stage,
  type Store,
} from '../../compiler/loop-ir.js';
import { bodyRoots, mapStage, mapStore } from '../../compiler/stages.js';
import { PieceMaker, type Pieces } from './pieces.js';
import { atPosition, freshLoops, loopOf, replacing } from './rewrite.js';
import { accumulatorsIn, kindOf, readsAlong, sizeOf, startOf } from './stage-kind.js';

/** Workgroups that keep a device busy, and iterations that are worth one. */
const GROUPS = 1024;
const GROUP_WORK = 4096;
/** The same for single invocations. */
const INVOCATIONS = 16384;
const INVOCATION_WORK = 64;

/** Into how many chunks to divide a stage of `points` points. */
function chunksOf(stage: Stage, points: number): number {
  const total = sizeOf(stage.loops);
  const kind = kindOf(stage);
  if (kind === 'serial' || (kind === 'shared' && stage.accumulators.length === 0)) return 1;
  // Points beside each other are invocations beside each other, where those of a workgroup would read apart.
  const [wanted, work] = readsAlong(stage) ? [GROUPS, GROUP_WORK] : [INVOCATIONS, INVOCATION_WORK];
  return Math.max(1, Math.min(Math.ceil(wanted / points), Math.floor(total / work)));
}

/** Whether a stage only stores and is long enough that its iterations should be points. */
const isWide = (stage: Stage, points: number): boolean =>
  stage.accumulators.length === 0 && !stage.ordered && sizeOf(stage.loops) >= GROUP_WORK && points < GROUPS;

interface Chunks {
  readonly chunk: LoopVar;
  /** Outer loops, the chunks among them. */
  readonly loops: readonly Loop[];
  /** A loop over a chunk, and the stage's expressions at its iterations. */
  readonly inner: LoopVar;
  readonly rewrite: (e: Expr) => Expr;
  /** False at iterations beyond the end; undefined if there are none. */
  readonly inside?: Expr;
}

function mergeOf({ update }: Accumulator): Expr {
  if ('combine' in update || update.merge === undefined)
    throw new Error('internal error: a stage that must run in order was divided');
  return update.merge;
}

export function splitStages(kernel: LoopKernel): Pieces | undefined {
  const points = sizeOf(kernel.loops);
  if (points === 0 || kernel.stages.every((s) => chunksOf(s, points) < 2)) return undefined;
  return new StageSplitter(kernel, points).split();
}

class StageSplitter {
  readonly #maker: PieceMaker;
  readonly #fresh: (extent: number) => LoopVar;
  /** Stages of the launch that is being put together. */
  #stages: Stage[] = [];
  /** Values of accumulators that earlier launches have stored. */
  readonly #stored = new Map<number, Expr>();
  readonly #point: Expr;

  constructor(
    private readonly kernel: LoopKernel,
    private readonly points: number,
  ) {
    this.#maker = new PieceMaker(kernel);
    this.#fresh = freshLoops(kernel);
    this.#point = linearIndex(
      kernel.loops.map(({ id, extent }): Expr => ({ op: 'var', type: 'int32', id, extent })),
      kernel.loops.map((l) => l.extent),
    );
  }

  split(): Pieces {
    const { kernel, points } = this;
    kernel.stages.forEach((stage, i) => {
      const chunks = chunksOf(stage, points);
      if (chunks >= 2 || isWide(stage, points)) this.#flush(kernel.stages.slice(i));
      const own = mapStage(stage, this.#withStored());
      if (chunks >= 2) {
        if (kindOf(stage) === 'scan') this.#scan(own, chunks);
        else this.#reduce(own, chunks);
      } else if (isWide(stage, points)) this.#maker.loop([...kernel.loops, ...own.loops], [{ ...own, loops: [] }]);
      else this.#stages.push(own);
    });
    this.#flush([]);
    return this.#maker.pieces;
  }

  /** A launch of the stages so far; what the rest reads of their accumulators is stored. */
  #flush(rest: readonly Stage[]): void {
    if (this.#stages.length === 0) return;
    const needed = accumulatorsIn([
      ...rest.flatMap(bodyRoots),
      ...rest.flatMap((s) => s.accumulators.map((a) => a.init)),
    ]);
    const stores = this.#stages
      .flatMap((s) => s.accumulators)
      .filter((a) => needed.has(a.id))
      .map(({ id, dtype }): Store => {
        const { slot, at } = this.#maker.scratch(dtype, this.points);
        this.#stored.set(id, at(this.#point));
        return { buffer: slot, index: this.#point, value: accRef(dtype, id) };
      });
    const store: Stage[] = stores.length === 0 ? [] : [{ loops: [], accumulators: [], stores, ordered: false }];
    this.#maker.loop(this.kernel.loops, [...this.#stages, ...store]);
    this.#stages = [];
  }

  #withStored(): (e: Expr) => Expr {
    return replacing((e) => (e.op === 'acc' ? this.#stored.get(e.id) : undefined));
  }

  #chunked(stage: Stage, wanted: number): Chunks {
    const total = sizeOf(stage.loops);
    const size = Math.ceil(total / wanted);
    const chunk = this.#fresh(Math.ceil(total / size));
    const inner = this.#fresh(size);
    const position = addIndex(mulIndex(chunk, size), inner);
    const isRagged = total % size !== 0;
    const held = isRagged ? binary('min', position, int(total - 1)) : position;
    const { loops } = this.kernel;
    return {
      chunk,
      inner,
      loops: readsAlong(stage) ? [...loops, loopOf(chunk)] : [loopOf(chunk), ...loops],
      rewrite: atPosition(stage.loops, held),
      ...(isRagged && { inside: binary('lt', position, int(total)) }),
    };
  }

  /** A launch over the chunks of a stage, which stores what each has accumulated; the stage that reads those, in order. */
  #partials(stage: Stage, { chunk, loops, inner, rewrite, inside }: Chunks, stores: readonly Store[]): Stage {
    const along = loops.at(-1)?.id === chunk.id;
    const indexOf = (at: Expr): Expr =>
      along ? addIndex(mulIndex(this.#point, chunk.extent), at) : addIndex(mulIndex(at, this.points), this.#point);
    const skip = (value: Expr, otherwise: Expr): Expr =>
      inside === undefined ? value : select(inside, value, otherwise);
    const parts = stage.accumulators.map((acc) => ({
      acc,
      scratch: this.#maker.scratch(acc.dtype, this.points * chunk.extent),
    }));
    const accumulators = parts.map(({ acc }): Accumulator => {
      const { update, id, dtype } = acc;
      const start = startOf(acc);
      return {
        ...acc,
        init: start,
        update:
          'combine' in update
            ? { combine: update.combine, value: skip(rewrite(update.value), start) }
            : {
                next: skip(rewrite(update.next), accRef(dtype, id)),
                ...(update.merge !== undefined && { merge: update.merge }),
              },
      };
    });
    this.#maker.loop(loops, [
      { loops: [loopOf(inner)], accumulators, stores, ordered: stage.ordered },
      {
        loops: [],
        accumulators: [],
        stores: parts.map(({ acc: { id, dtype }, scratch }) => ({
          buffer: scratch.slot,
          index: indexOf(chunk),
          value: accRef(dtype, id),
        })),
        ordered: false,
      },
    ]);
    const at = this.#fresh(chunk.extent);
    const later = new Map(parts.map(({ acc, scratch }) => [laterPart(acc.id), scratch.at(indexOf(at))]));
    const withLater = replacing((e) => (e.op === 'acc' ? later.get(e.id) : undefined));
    return {
      loops: [loopOf(at)],
      accumulators: parts.map(({ acc, scratch }): Accumulator => {
        const { update } = acc;
        if ('combine' in update) return { ...acc, update: { combine: update.combine, value: scratch.at(indexOf(at)) } };
        return { ...acc, update: { next: withLater(mergeOf(acc)), merge: mergeOf(acc) } };
      }),
      stores: [],
      ordered: stage.ordered,
    };
  }

  #masked(stores: readonly Store[], { rewrite, inside }: Chunks): Store[] {
    return stores.map((t) => {
      const masks = [t.mask === undefined ? undefined : rewrite(t.mask), inside].filter((m) => m !== undefined);
      const mask = masks.length === 2 && masks[0] && masks[1] ? binary('and', masks[0], masks[1]) : masks[0];
      return {
        ...t,
        index: rewrite(t.index),
        value: rewrite(t.value),
        ...(mask !== undefined && { mask }),
      };
    });
  }

  #reduce(stage: Stage, wanted: number): void {
    const chunks = this.#chunked(stage, wanted);
    this.#stages.push(this.#partials(stage, chunks, this.#masked(stage.stores, chunks)));
  }

  #scan(stage: Stage, wanted: number): void {
    const chunks = this.#chunked(stage, wanted);
    const { chunk, loops, inner, rewrite, inside } = chunks;
    const sums = this.#partials(stage, chunks, []);
    // What there is after each chunk.
    const [at] = sums.loops;
    if (at === undefined) throw new Error('internal error: no chunks');
    const after = stage.accumulators.map(({ dtype }) => this.#maker.scratch(dtype, this.points * chunk.extent));
    const indexOf = (position: Expr): Expr => addIndex(mulIndex(this.#point, chunk.extent), position);
    this.#maker.loop(this.kernel.loops, [
      {
        ...sums,
        stores: stage.accumulators.map(({ id, dtype }, i) => ({
          buffer: after[i]?.slot ?? -1,
          index: indexOf({ op: 'var', type: 'int32', id: at.id, extent: at.extent }),
          value: accRef(dtype, id),
        })),
      },
    ]);
    const isFirst = binary('eq', chunk, int(0));
    const previous = binary('max', binary('sub', chunk, int(1)), int(0));
    const before = new Map(
      stage.accumulators.map(({ id, init }, i) => [id, select(isFirst, init, after[i]?.at(indexOf(previous)) ?? init)]),
    );
    // A chunk accumulates from the start again; its stores see that merged with what was before it.
    const withBefore = replacing((e) =>
      e.op !== 'acc' ? undefined : e.id < 0 ? accRef(e.type, laterPart(e.id)) : before.get(e.id),
    );
    const merged = new Map(stage.accumulators.map((acc) => [acc.id, withBefore(mergeOf(acc))]));
    const seen = replacing((e) => (e.op === 'acc' ? merged.get(e.id) : undefined));
    this.#maker.loop(loops, [
      {
        loops: [loopOf(inner)],
        accumulators: stage.accumulators.map((acc): Accumulator => {
          if (!('next' in acc.update)) throw new Error('internal error: a scan that combines');
          const next = rewrite(acc.update.next);
          return {
            ...acc,
            update: {
              next: inside === undefined ? next : select(inside, next, accRef(acc.dtype, acc.id)),
              merge: mergeOf(acc),
            },
          };
        }),
        stores: this.#masked(
          stage.stores.map((t) => mapStore(t, seen)),
          chunks,
        ),
        ordered: true,
      },
    ]);
    stage.accumulators.forEach((acc, i) => {
      this.#stored.set(acc.id, after[i]?.at(indexOf(int(chunk.extent - 1))) ?? acc.init);
    });
  }
}

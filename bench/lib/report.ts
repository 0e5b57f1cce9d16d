/** What a run found, as data and as tables. */
import Table from 'cli-table3';
import type { Failure, Measurement } from './compare.js';
import type { Limits } from './limits.js';
import type { Contender } from './protocol.js';
import type { Goal, Row } from './row.js';

export interface RowResult {
  readonly row: string;
  readonly title: string;
  readonly measured: readonly Measurement[];
  readonly failed: readonly Failure[];
  readonly goals: readonly { readonly text: string; readonly reached: number | null; readonly met: boolean | null }[];
  /** GFLOP/s or GB/s of one thread, and the fraction of the machine's limit. */
  readonly rate: { readonly value: number; readonly unit: 'GFLOP/s' | 'GB/s'; readonly fraction: number } | null;
}

export interface EngineResult {
  readonly engine: string;
  readonly limits: Limits;
  readonly rows: readonly RowResult[];
}

export interface Report {
  readonly date: string;
  readonly commit: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly memoryGiB: number; readonly os: string };
  readonly engines: readonly EngineResult[];
}

const find = (list: readonly Measurement[], want: Omit<Contender, 'device'>): Measurement | undefined =>
  list.find((m) => m.peer === want.peer && m.mode === want.mode && m.threads === want.threads);

export function judge(row: Row, measured: readonly Measurement[], limits: Limits): Pick<RowResult, 'goals' | 'rate'> {
  const mode = row.modes[0] ?? 'jit';
  const ours = (threads: 1 | 2): Measurement | undefined => find(measured, { peer: 'cotangent', mode, threads });
  const one = ours(1);
  const perSecond = (work: number | undefined): number | undefined =>
    one === undefined || work === undefined ? undefined : work / (one.median / 1e3) / 1e9;
  const gflops = perSecond(row.flops);
  const bytes = perSecond(row.bytes);
  const rate =
    gflops !== undefined
      ? { value: gflops, unit: 'GFLOP/s' as const, fraction: gflops / limits.mulAdd }
      : bytes !== undefined
        ? { value: bytes, unit: 'GB/s' as const, fraction: bytes / limits.stream }
        : null;

  const goal = (g: Goal): RowResult['goals'][number] => {
    const say = (text: string, reached: number | undefined, met: boolean): RowResult['goals'][number] =>
      reached === undefined ? { text, reached: null, met: null } : { text, reached, met };
    switch (g.kind) {
      case 'ratio': {
        const theirs = find(measured, {
          peer: g.to,
          mode: g.to === 'cotangent' || g.to === 'jax-js' ? mode : 'eager',
          threads: g.theirs ?? 1,
        });
        const mine = ours(g.threads);
        const ratio = mine === undefined || theirs === undefined ? undefined : theirs.median / mine.median;
        const threads = g.threads === 2 ? ' on 2 threads' : '';
        return say(
          `>= ${String(g.atLeast)}x ${g.to}${g.theirs === 2 ? ' x2' : ''}${threads}`,
          ratio,
          (ratio ?? 0) >= g.atLeast,
        );
      }
      case 'fraction': {
        const fraction =
          g.of === 'mulAdd'
            ? gflops === undefined
              ? undefined
              : gflops / limits.mulAdd
            : bytes === undefined
              ? undefined
              : bytes / limits.stream;
        return say(
          `>= ${String(g.atLeast * 100)} % of the ${g.of === 'mulAdd' ? 'mul+add peak' : 'stream'}`,
          fraction,
          (fraction ?? 0) >= g.atLeast,
        );
      }
      case 'first':
        return say(`first call <= ${String(g.atMostMs)} ms`, one?.first, (one?.first ?? Infinity) <= g.atMostMs);
      case 'time':
        return say(`<= ${showTime(g.atMostMs)}`, one?.median, (one?.median ?? Infinity) <= g.atMostMs);
    }
  };
  return { goals: row.goals.map(goal), rate };
}

export const showTime = (ms: number): string =>
  ms >= 100 ? `${ms.toFixed(0)} ms` : ms >= 0.1 ? `${ms.toPrecision(3)} ms` : `${(ms * 1e3).toPrecision(3)} µs`;

const showReached = (text: string, reached: number): string =>
  text.includes('x ')
    ? `${reached.toFixed(2)}x`
    : text.includes('%')
      ? `${(reached * 100).toFixed(0)} %`
      : showTime(reached);

/** The table of one row. */
export function rowTable({ title, measured, failed, goals, rate }: RowResult, whose = 'one thread'): string {
  const base = measured.find(({ peer }) => peer === 'cotangent');
  const table = new Table({
    head: [title, 'a step', 'least … most', 'cotangent is', 'first call'],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'right', 'right', 'right', 'right'],
  });
  for (const m of measured) {
    const ratio = base === undefined || m === base ? '' : `${(m.median / base.median).toFixed(2)}x`;
    table.push([m.name, showTime(m.median), `${showTime(m.least)} … ${showTime(m.most)}`, ratio, showTime(m.first)]);
  }
  for (const f of failed) table.push([f.name, 'fails', { colSpan: 3, content: f.error.slice(0, 90), hAlign: 'left' }]);
  const lines = goals.map(
    ({ text, reached, met }) =>
      `  ${met === null ? '?' : met ? 'met   ' : 'MISSED'} ${text}: ${reached === null ? 'not measured' : showReached(text, reached)}`,
  );
  if (rate !== null) {
    const of = rate.unit === 'GFLOP/s' ? 'mul+add peak' : 'stream';
    lines.push(
      `  ${rate.value.toPrecision(3)} ${rate.unit}, ${(rate.fraction * 100).toFixed(0)} % of the ${of} of ${whose}`,
    );
  }
  return [table.toString(), ...lines].join('\n');
}

export const limitsText = ({ mulAdd, fma, stream, cache }: Limits): string =>
  `one thread: mul+add ${mulAdd.toFixed(1)} GFLOP/s, fused ${fma === null ? 'not in this engine' : `${fma.toFixed(1)} GFLOP/s`}, ` +
  `stream ${stream.toFixed(1)} GB/s, in cache ${cache.toFixed(1)} GB/s`;

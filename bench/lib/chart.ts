/** The picture of a run: how many times as fast as each peer, row by row. */
import { compile, type TopLevelSpec } from 'vega-lite';
import { parse, View } from 'vega';
import type { EngineResult, Report } from './report.js';

interface Bar {
  readonly row: string;
  readonly peer: string;
  readonly ratio: number;
}

const bars = ({ rows }: EngineResult): Bar[] =>
  rows.flatMap(({ title, measured }) => {
    const ours = measured.find(({ peer, threads }) => peer === 'cotangent' && threads === 1);
    if (ours === undefined) return [];
    return measured
      .filter(
        ({ peer, mode, threads }) => peer !== 'cotangent' && threads === 1 && (peer !== 'jax-js' || mode === ours.mode),
      )
      .map((m) => ({ row: title, peer: m.peer, ratio: m.median / ours.median }));
  });

export async function chart(report: Report, engine: EngineResult, what = 'one thread'): Promise<string> {
  const spec: TopLevelSpec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: {
      text: `Time of other libraries relative to Cotangent, ${what}`,
      subtitle: `${engine.engine}, ${report.machine.cpu}, ${report.date.slice(0, 10)}; right of the line: Cotangent is faster`,
    },
    background: 'white',
    data: { values: bars(engine) },
    width: 420,
    encoding: { y: { field: 'row', type: 'nominal', sort: null, title: null, axis: { labelLimit: 320 } } },
    layer: [
      { mark: 'rule', encoding: { x: { datum: 1 }, y: { value: 0 }, y2: { value: 'height' } } as never },
      {
        mark: { type: 'point', filled: true, size: 70, tooltip: true },
        encoding: {
          x: {
            field: 'ratio',
            type: 'quantitative',
            scale: { type: 'log' },
            title: 'times as long as Cotangent (log scale)',
          },
          color: { field: 'peer', type: 'nominal', title: 'library' },
          shape: { field: 'peer', type: 'nominal', title: 'library' },
        },
      },
    ],
  };
  return new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG();
}

/** The curves of all topics as small multiples. */
import { toSvg } from '../lib/plot.js';
import type { Panel } from './topic.js';

const COLORS = ['#08519c', '#d95f02', '#1b9e77', '#7570b3', '#e7298a', '#66a61e'];
const [COLUMNS, WIDTH, HEIGHT] = [3, 230, 170];

/** All panels in one picture, three in a row; the legend of each is below it. */
export function panelsSvg(panels: readonly Panel[]): Promise<string> {
  return toSvg({
    columns: COLUMNS,
    spacing: { column: 40, row: 30 },
    concat: panels.map(({ title, x, y, points, log = [], range }) => {
      const names = [...new Set(points.map(({ of }) => of))];
      const scale = (axis: 'x' | 'y') => ({
        type: log.includes(axis) ? ('log' as const) : ('linear' as const),
        nice: false,
        zero: false,
      });
      return {
        title,
        width: WIDTH,
        height: HEIGHT,
        data: { values: [...points] },
        mark: { type: 'line', clip: true, strokeWidth: 1.5 },
        encoding: {
          x: { field: 'x', type: 'quantitative', title: x, scale: scale('x'), axis: { tickCount: 5, grid: false } },
          y: {
            field: 'y',
            type: 'quantitative',
            title: y,
            scale: { ...scale('y'), ...(range === undefined ? {} : { domain: [...range] }) },
            axis: { tickCount: 5 },
          },
          color: {
            field: 'of',
            type: 'nominal',
            title: null,
            sort: names,
            scale: { domain: names, range: COLORS },
            legend: { orient: 'bottom', columns: 1, symbolType: 'stroke', labelLimit: WIDTH },
          },
        },
      };
    }),
    resolve: { scale: { color: 'independent' } },
    config: { view: { stroke: '#ddd' } },
  });
}

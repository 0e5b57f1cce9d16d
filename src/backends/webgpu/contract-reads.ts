/**
 * The sums of a product whose operands are read where they are: for each term an element of every row and a vector of every four
 * columns. Positions beyond the edges read the last one, whose sums nobody stores.
 */
import type { Expr } from '../../core/scalar.js';
import { lanesOf, type ContractPlan } from './contract-plan.js';
import { printProducts } from './contract-sums.js';
import { LANES, type Lanes } from './lanes.js';
import type { Printer } from './printer.js';
import { replacing } from './rewrite.js';
import { typeText, wgslType } from './wgsl.js';

/** A vector of four columns: its expression in lanes, or one for each column. */
interface Columns {
  readonly lanes: Lanes | undefined;
  readonly values: readonly Expr[];
}

export function contractReads(
  p: Printer,
  plan: ContractPlan,
  columns: readonly string[],
): { readonly rows: readonly string[] } {
  const { kernel, tile, m, n, terms, fresh } = plan;
  const count = tile.height / tile.gridRows;
  const rows = Array.from({ length: count }, (_, i) => p.declare(`m0 + row * ${count}i + ${i}i`));
  const held = (at: string, extent: number, size: number): string =>
    extent % size === 0 ? at : p.declare(`min(${at}, ${extent - 1}i)`);
  const lhs = rows.map((at) => {
    const own = fresh(m.extent);
    p.bind(own.id, held(at, m.extent, tile.height));
    return replacing((e) => (e.op === 'var' && e.id === m.id ? own : undefined))(plan.lhs);
  });
  const rhs = columns.map((first): Columns => {
    const column = (): { own: ReturnType<typeof fresh>; value: Expr } => {
      const own = fresh(n.extent);
      return { own, value: replacing((e) => (e.op === 'var' && e.id === n.id ? own : undefined))(plan.rhs) };
    };
    if (plan.rhsReading === 'outer') {
      const { own, value } = column();
      const lanes = lanesOf(own, fresh);
      if (lanes !== undefined) {
        p.bind(lanes.quad.id, held(p.declare(`${first} / ${LANES}`), lanes.quad.extent, tile.width / LANES));
        return { lanes, values: [value] };
      }
    }
    const values = Array.from({ length: LANES }, (_, lane) => {
      const { own, value } = column();
      p.bind(own.id, held(lane === 0 ? first : p.declare(`${first} + ${lane}i`), n.extent, tile.width));
      return value;
    });
    return { lanes: undefined, values };
  });

  const vector = typeText(wgslType(kernel.dtype), LANES);
  const nest = (depth: number): void => {
    const loop = terms[depth];
    if (loop === undefined) {
      const x = lhs.map((e) => p.value(e));
      const y = rhs.map(({ lanes, values }) => {
        let texts: string[] = [];
        p.withLanes(lanes, () => {
          texts = values.map((e) => (lanes === undefined ? p.value(e) : p.wide(e, LANES)));
        });
        return texts.length === 1 ? (texts[0] ?? '') : p.declare(`${vector}(${texts.join(', ')})`);
      });
      printProducts(p, kernel.dtype === 'bool', x, y);
      return;
    }
    const k = p.name('k');
    p.loop(`for (var ${k} = 0i; ${k} < ${loop.extent}i; ${k}++)`, () => {
      p.bind(loop.id, k);
      nest(depth + 1);
    });
  };
  nest(0);
  return { rows };
}

/**
 * Matrix products as compute shaders. A workgroup computes a tile of the product, and each invocation of it some rows of
 * some vectors of four columns, which it keeps in registers until the epilogue goes over them. Operands are read wherever
 * they are, so that transposes and convolutions cost no copy.
 */
import { storeRoots } from '../../compiler/stages.js';
import { lazySelects } from './branch.js';
import type { GpuCapabilities } from './capabilities.js';
import { contractBlocks } from './contract-blocks.js';
import { lanesOf, type ContractPlan } from './contract-plan.js';
import { contractReads } from './contract-reads.js';
import { sumName } from './contract-sums.js';
import { invocationsOf } from './tile.js';
import { LANES } from './lanes.js';
import type { KernelShader } from './loop-kernel.js';
import { printStores } from './print.js';
import { Printer, type SlotAccess } from './printer.js';
import { literal, typeText, wgslType } from './wgsl.js';

export function contractShader(
  plan: ContractPlan,
  slots: readonly SlotAccess[],
  capabilities: GpuCapabilities,
): KernelShader & { readonly prelude: string } {
  const { kernel, tile, batch, m, n } = plan;
  const p = new Printer(slots, lazySelects([plan.lhs, plan.rhs, ...plan.stores.flatMap(storeRoots)], capabilities));
  const [down, across] = [Math.ceil(m.extent / tile.height), Math.ceil(n.extent / tile.width)];
  const groups = batch.extent * down * across;
  let declarations = '';
  p.line(`if (group >= ${groups}u) { return; }`);
  if (groups > 0) {
    p.line(`let n0 = i32(group % ${across}u) * ${tile.width}i;`);
    p.line(`let m0 = i32((group / ${across}u) % ${down}u) * ${tile.height}i;`);
    p.line(`let batch = i32(group / ${down * across}u);`);
    p.line(`let row = i32(local / ${tile.gridColumns}u);`);
    p.line(`let column = i32(local % ${tile.gridColumns}u);`);
    p.bind(batch.id, 'batch');
    const type = typeText(wgslType(kernel.dtype), LANES);
    const [rows, vectors] = [tile.height / tile.gridRows, tile.width / tile.gridColumns / LANES];
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < vectors; j++) p.line(`var ${sumName(i, j)} = ${type}(${literal(kernel.dtype, 0)});`);
    const columns = Array.from({ length: vectors }, (_, j) =>
      p.declare(`n0 + (column + ${j * tile.gridColumns}i) * ${LANES}i`),
    );
    const blocks = tile.memory === 'workgroup' ? contractBlocks(p, plan) : undefined;
    declarations = blocks?.declarations ?? '';
    printResults(p, plan, (blocks ?? contractReads(p, plan, columns)).rows, columns);
  }
  return {
    workgroupSize: invocationsOf(tile),
    declarations,
    prelude: p.prelude,
    body: p.text,
    usesSubgroups: false,
    groups: () => groups,
  };
}

/** Stores of all results that are inside the product. */
function printResults(p: Printer, plan: ContractPlan, rows: readonly string[], columns: readonly string[]): void {
  const { tile, m, n, stores, storesVectors, fresh } = plan;
  const lanes = storesVectors ? lanesOf(n, fresh) : undefined;
  const inside = (extent: number, size: number, at: string, body: () => void): void => {
    if (extent % size === 0) p.scope(body);
    else p.block(`if (${at} < ${extent}i)`, body);
  };
  const eachRow = (vector: number, lane: string): void => {
    rows.forEach((row, i) => {
      inside(m.extent, tile.height, row, () => {
        p.bind(m.id, row);
        p.accumulate(0, `${sumName(i, vector)}${lane}`);
        p.settle(0);
        p.withLanes(lanes, () => {
          printStores(p, stores);
        });
      });
    });
  };
  columns.forEach((first, j) => {
    if (lanes !== undefined)
      inside(n.extent, tile.width, first, () => {
        p.bind(lanes.quad.id, p.declare(`${first} / ${LANES}`));
        eachRow(j, '');
      });
    else
      for (let lane = 0; lane < LANES; lane++) {
        const column = lane === 0 ? first : p.declare(`${first} + ${lane}i`);
        inside(n.extent, tile.width, column, () => {
          p.bind(n.id, column);
          eachRow(j, `[${lane}]`);
        });
      }
  });
}

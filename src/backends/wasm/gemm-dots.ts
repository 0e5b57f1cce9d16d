/**
 * Products with few rows and an adjacent k: every element is a dot product, summed in lanes. Four columns of the right
 * operand go together, so that the rows of the left are loaded once for all, and one transposition of the four sums
 * gives four results.
 */
import type { FunctionBuilder, FunctionRef, ModuleBuilder } from './assembler.js';
import type { FewFormat } from './gemm-few.js';
import { loadOne, multiplyAdd } from './gemm-few.js';
import { SHAPE, widthOf } from './gemm-micro.js';
import type { Blocks } from './gemm-blocks.js';
import { blockSizes } from './gemm-blocks.js';
import { reduceLanes } from './vector-ops.js';

/** Columns of the right operand at a time. */
const COLUMNS = 4;

/**
 * `(a, b, c, m, n, k, accumulate)` for `rows` rows: the block at `c` becomes, or is increased by, the product of the rows
 * at `a` and the n columns at `b`, which are `column` bytes apart.
 */
export function dotsFunction(
  module: ModuleBuilder,
  name: string,
  format: FewFormat,
  rows: number,
  column: number,
  ks: Blocks,
): FunctionRef {
  const { leftRow, rowBytes, dtype } = format;
  const f = module.function(
    `${name}.dots`,
    Array.from({ length: 7 }, () => 'i32' as const),
  );
  const [a, b, c, , n, k, accumulate] = [0, 1, 2, 3, 4, 5, 6] as const;
  const pairs = Array.from({ length: Math.ceil(rows / 2) }, (_, p) => ({
    from: 2 * p,
    count: Math.min(2, rows - 2 * p),
  }));
  for (const columns of [COLUMNS, 1]) {
    const targets = pairs.map(({ from, count }) => ({
      from,
      target: dots(module, format, count, columns, column, ks),
    }));
    f.get(n).i32(columns).op('i32.ge_u').if();
    const top = f.loop();
    for (const { from, target } of targets) {
      f.get(a);
      if (from > 0) f.i32(from * leftRow).op('i32.add');
      f.get(b).get(c);
      if (from > 0) f.i32(from * rowBytes).op('i32.add');
      f.get(k).get(accumulate).call(target);
    }
    f.get(b)
      .i32(columns * column)
      .op('i32.add')
      .set(b);
    f.get(c)
      .i32(columns * widthOf(dtype))
      .op('i32.add')
      .set(c);
    f.get(n).i32(columns).op('i32.sub').tee(n).i32(columns).op('i32.ge_u').brIf(top);
    f.end().end();
  }
  return f;
}

/** `(a, b, c, k, accumulate)`: the dot products of `rows` rows and `columns` columns. */
function dots(
  module: ModuleBuilder,
  format: FewFormat,
  rows: number,
  columns: number,
  column: number,
  ks: Blocks,
): FunctionRef {
  const { dtype, leftRow, rowBytes, fused } = format;
  const width = widthOf(dtype);
  const lanes = 16 / width;
  const rests = [...new Set(blockSizes(ks).map((size) => size % lanes))].filter((rest) => rest > 0);
  const short = blockSizes(ks).some((size) => size < lanes);
  const tail = short ? 'one by one' : rests.join('.');
  const name = `gemm.dots.${SHAPE[dtype]}.${rows}x${columns}.${leftRow}.${column}.${rowBytes}.${tail}${fused ? '.fma' : ''}`;
  const known = module.functions.find((g) => g.name === name);
  if (known !== undefined) return known;
  const f = module.function(name, ['i32', 'i32', 'i32', 'i32', 'i32']);
  const [a, b, c, k, accumulate] = [0, 1, 2, 3, 4] as const;
  const sums = Array.from({ length: rows }, () => Array.from({ length: columns }, () => f.local('v128')));
  for (const row of sums) for (const sum of row) f.v128(new Uint8Array(16)).set(sum);
  const left = Array.from({ length: rows }, () => f.local('v128'));
  const right = f.local('v128');
  const multiply = (load: (pointer: number, offset: number) => void): void => {
    left.forEach((local, r) => {
      load(a, r * leftRow);
      f.set(local);
    });
    for (let j = 0; j < columns; j++) {
      load(b, j * column);
      f.set(right);
      left.forEach((local, r) => {
        multiplyAdd(f, format, sums[r]?.[j] ?? 0, local, right);
      });
    }
  };
  const move = (elements: number): void => {
    for (const pointer of [a, b])
      f.get(pointer)
        .i32(elements * width)
        .op('i32.add')
        .set(pointer);
  };
  const span = (step: number): void => {
    f.get(k).i32(step).op('i32.ge_u').if();
    const top = f.loop();
    multiply((pointer, offset) => {
      f.get(pointer);
      if (step === 1) loadOne(f, dtype, offset);
      else f.memory('v128.load', offset, 2);
    });
    move(step);
    f.get(k).i32(step).op('i32.sub').tee(k).i32(step).op('i32.ge_u').brIf(top);
    f.end().end();
  };
  span(lanes);
  if (short) span(1);
  else
    for (const rest of rests) {
      // The last whole vector again, its first lanes cleared in both operands.
      f.get(k).i32(rest).op('i32.eq').if();
      move(rest - lanes);
      const mask = new Uint8Array(16).fill(0xff, (lanes - rest) * width);
      multiply((pointer, offset) => f.get(pointer).memory('v128.load', offset, 2).v128(mask).op('v128.and'));
      f.end();
    }
  storeSums(f, format, sums, c, accumulate);
  return f;
}

const halves = (odd: 0 | 1): number[] => {
  const half = [0, 1, 2, 3, 4, 5, 6, 7].map((b) => 8 * odd + b);
  return [...half, ...half.map((b) => 16 + b)];
};
/** Lanes 0 (or 2) of one vector and of another, then lanes 1 (or 3). */
const interleave = (from: 0 | 2): number[] =>
  [from, from + 4, from + 1, from + 5].flatMap((lane) => [0, 1, 2, 3].map((b) => 4 * lane + b));

/** Add up the lanes of each sum, always in the same order, and store or add the totals at `c`. */
function storeSums(
  f: FunctionBuilder,
  { dtype, rowBytes }: FewFormat,
  sums: readonly (readonly number[])[],
  c: number,
  accumulate: number,
): void {
  const shape = SHAPE[dtype];
  const width = widthOf(dtype);
  const lanes = width === 4 ? 4 : 2;
  const type = dtype === 'float32' ? 'f32' : dtype === 'float64' ? 'f64' : 'i32';
  /** Push the sums of the lanes of as many vectors as there are lanes, side by side. */
  const pushTotals = (vectors: readonly number[]): void => {
    const [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = vectors;
    if (width === 8) {
      f.get(s0).get(s1).shuffle(halves(0)).get(s0).get(s1).shuffle(halves(1)).op(`${shape}.add`);
      return;
    }
    const [x, y] = [f.local('v128'), f.local('v128')];
    for (const [p, q, to] of [
      [s0, s1, x],
      [s2, s3, y],
    ] as const)
      f.get(p).get(q).shuffle(interleave(0)).get(p).get(q).shuffle(interleave(2)).op(`${shape}.add`).set(to);
    f.get(x).get(y).shuffle(halves(0)).get(x).get(y).shuffle(halves(1)).op(`${shape}.add`);
    f.release('v128', x);
    f.release('v128', y);
  };
  const total = f.local(type);
  const totals = f.local('v128');
  sums.forEach((row, r) => {
    let j = 0;
    for (; j + lanes <= row.length; j += lanes) {
      const offset = r * rowBytes + j * width;
      pushTotals(row.slice(j, j + lanes));
      f.set(totals);
      f.get(accumulate).if();
      f.get(c).memory('v128.load', offset, 2).get(totals).op(`${shape}.add`).set(totals);
      f.end();
      f.get(c).get(totals).memory('v128.store', offset, 2);
    }
    for (; j < row.length; j++) {
      const offset = r * rowBytes + j * width;
      f.get(row[j] ?? 0);
      reduceLanes(f, 'add', dtype, lanes);
      f.set(total);
      f.get(c);
      f.get(accumulate).if(type);
      f.get(c).memory(`${type}.load`, offset).get(total).op(`${type}.add`);
      f.else().get(total).end();
      f.memory(`${type}.store`, offset);
    }
  });
}

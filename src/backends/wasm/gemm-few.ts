/**
 * Products with few rows, for which packing the right operand would cost more than multiplying it: it is read once,
 * where it is. Where its columns are adjacent, some rows of it at a time are added to the rows of the result; where k
 * is, see gemm-dots.ts.
 */
import type { FunctionBuilder, FunctionRef, ModuleBuilder } from './assembler.js';
import { countedLoop } from './control.js';
import type { GemmType, TileFormat } from './gemm-micro.js';
import { SHAPE, widthOf } from './gemm-micro.js';

/** Products of a scalar and a vector per step: as many broadcasts as fit the registers. */
const BROADCASTS = 8;

export type FewFormat = Pick<TileFormat, 'dtype' | 'leftRow' | 'leftStep' | 'rightStep' | 'rowBytes' | 'fused'>;

/** `sum += x * y` of vectors. */
export function multiplyAdd(
  f: FunctionBuilder,
  { dtype, fused }: Pick<FewFormat, 'dtype' | 'fused'>,
  sum: number,
  x: number,
  y: number,
): void {
  const shape = SHAPE[dtype];
  if (fused && (shape === 'f32x4' || shape === 'f64x2')) f.get(x).get(y).get(sum).op(`${shape}.relaxed_madd`).set(sum);
  else f.get(sum).get(x).get(y).op(`${shape}.mul`).op(`${shape}.add`).set(sum);
}

const splatLoad = (dtype: GemmType): 'v128.load32_splat' | 'v128.load64_splat' =>
  widthOf(dtype) === 4 ? 'v128.load32_splat' : 'v128.load64_splat';

/** Load, or store, one element into the first lane of a vector; the others are zero. */
export function loadOne(f: FunctionBuilder, dtype: GemmType, offset: number): void {
  f.memory(widthOf(dtype) === 4 ? 'v128.load32_zero' : 'v128.load64_zero', offset);
}
function storeOne(f: FunctionBuilder, dtype: GemmType, offset: number): void {
  f.memoryLane(widthOf(dtype) === 4 ? 'v128.store32_lane' : 'v128.store64_lane', 0, offset);
}

/** Rows in groups of at most 4, about equal. */
function rowGroups(rows: number): { from: number; count: number }[] {
  const groups = Math.ceil(rows / 4);
  return Array.from({ length: groups }, (_, g) => {
    const from = Math.floor((rows * g) / groups);
    return { from, count: Math.floor((rows * (g + 1)) / groups) - from };
  });
}

/**
 * `(a, b, c, m, n, k, accumulate)` for `rows` rows: the block at `c` becomes, or is increased by, the product of the
 * rows at `a` and the n adjacent columns at `b`.
 */
export function rowsFunction(module: ModuleBuilder, name: string, format: FewFormat, rows: number): FunctionRef {
  const { dtype, leftRow, leftStep, rightStep, rowBytes } = format;
  const width = widthOf(dtype);
  const f = module.function(
    `${name}.rows`,
    Array.from({ length: 7 }, () => 'i32' as const),
  );
  const [a, b, c, , n, k, accumulate] = [0, 1, 2, 3, 4, 5, 6] as const;
  const bytes = f.local('i32');
  f.get(n).i32(width).op('i32.mul').set(bytes);
  f.get(accumulate).op('i32.eqz').if();
  for (let r = 0; r < rows; r++) {
    f.get(c);
    if (r > 0) f.i32(r * rowBytes).op('i32.add');
    f.i32(0).get(bytes).memoryFill();
  }
  f.end();
  const groups = rowGroups(rows);
  const most = Math.floor(BROADCASTS / Math.max(...groups.map((g) => g.count)));
  for (const depth of most === 1 ? [1] : [most, 1]) {
    const steps = groups.map(({ from, count }) => ({
      from,
      target: addRows(module, format, count, depth),
    }));
    f.get(k).i32(depth).op('i32.ge_u').if();
    const top = f.loop();
    for (const { from, target } of steps) {
      f.get(a);
      if (from > 0) f.i32(from * leftRow).op('i32.add');
      f.get(b).get(c);
      if (from > 0) f.i32(from * rowBytes).op('i32.add');
      f.get(bytes).call(target);
    }
    f.get(a)
      .i32(depth * leftStep)
      .op('i32.add')
      .set(a);
    f.get(b)
      .i32(depth * rightStep)
      .op('i32.add')
      .set(b);
    f.get(k).i32(depth).op('i32.sub').tee(k).i32(depth).op('i32.ge_u').brIf(top);
    f.end().end();
  }
  return f;
}

/** `(a, b, c, bytes)`: add `depth` rows of the right operand, times values of the left, to `rows` rows of the result. */
function addRows(module: ModuleBuilder, format: FewFormat, rows: number, depth: number): FunctionRef {
  const { dtype, leftRow, leftStep, rightStep, rowBytes, fused } = format;
  const name = `gemm.rows.${SHAPE[dtype]}.${rows}x${depth}.${leftRow}.${leftStep}.${rightStep}.${rowBytes}${fused ? '.fma' : ''}`;
  const known = module.functions.find((g) => g.name === name);
  if (known !== undefined) return known;
  const f = module.function(name, ['i32', 'i32', 'i32', 'i32']);
  const [a, b, c, bytes] = [0, 1, 2, 3] as const;
  const factors = Array.from({ length: rows }, (_, r) =>
    Array.from({ length: depth }, (__, d) => {
      const local = f.local('v128');
      f.get(a)
        .memory(splatLoad(dtype), r * leftRow + d * leftStep)
        .set(local);
      return local;
    }),
  );
  const sums = factors.map(() => f.local('v128'));
  const right = f.local('v128');
  const at = f.local('i32');
  const whole = f.local('i32');
  f.get(bytes).i32(-16).op('i32.and').set(whole);
  const span = (to: number, step: number): void => {
    const vector = step === 16;
    countedLoop(f, at, { local: to }, step, () => {
      sums.forEach((sum, r) => {
        f.get(c);
        if (vector) f.memory('v128.load', r * rowBytes, 2);
        else loadOne(f, dtype, r * rowBytes);
        f.set(sum);
      });
      for (let d = 0; d < depth; d++) {
        f.get(b);
        if (vector) f.memory('v128.load', d * rightStep, 2);
        else loadOne(f, dtype, d * rightStep);
        f.set(right);
        sums.forEach((sum, r) => {
          multiplyAdd(f, format, sum, factors[r]?.[d] ?? 0, right);
        });
      }
      sums.forEach((sum, r) => {
        f.get(c).get(sum);
        if (vector) f.memory('v128.store', r * rowBytes, 2);
        else storeOne(f, dtype, r * rowBytes);
      });
      f.get(b).i32(step).op('i32.add').set(b);
      f.get(c).i32(step).op('i32.add').set(c);
    });
  };
  span(whole, 16);
  span(bytes, widthOf(dtype));
  return f;
}

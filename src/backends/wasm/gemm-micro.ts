/**
 * The register block of the packed matrix product: a tile of 4 rows by two vectors of columns is accumulated over
 * k from packed panels (Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008). Eight
 * accumulators, two vectors of the right panel and one broadcast of the left fit the 16 vector registers of
 * x86-64 and leave room for the engine; larger blocks spill in V8.
 */
import type { DType } from '../../core/dtype.js';
import type { FunctionRef, ModuleBuilder } from './assembler.js';

/** Rows of a tile. */
export const MR = 4;

/** Element types that have a packed kernel. */
export type GemmType = Exclude<DType, 'bool'>;

/** Bytes per element. */
export const widthOf = (dtype: GemmType): 4 | 8 => (dtype === 'float64' ? 8 : 4);

/** Columns of a tile: two vectors. */
export const columnsOf = (dtype: GemmType): number => 32 / widthOf(dtype);

const SHAPE = { float32: 'f32x4', float64: 'f64x2', int32: 'i32x4', uint32: 'i32x4' } as const;

/**
 * `(a, b, c, rowBytes, k, accumulate)`: the tile at `c`, whose rows are `rowBytes` apart, becomes (or, with
 * `accumulate`, is increased by) the product of the packed panels `a` (4 values per k) and `b` (two vectors per k).
 */
export function microKernel(module: ModuleBuilder, dtype: GemmType): FunctionRef {
  const shape = SHAPE[dtype];
  const name = `gemm.tile.${shape}`;
  const known = module.functions.find((f) => f.name === name);
  if (known !== undefined) return known;
  const f = module.function(name, ['i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
  const [a, b, c, rowBytes, k, accumulate] = [0, 1, 2, 3, 4, 5] as const;
  const width = widthOf(dtype);
  const sums = Array.from({ length: MR }, () => [f.local('v128'), f.local('v128')] as const);
  const b0 = f.local('v128');
  const b1 = f.local('v128');
  const left = f.local('v128');
  const end = f.local('i32');
  const zero = new Uint8Array(16);
  for (const row of sums) for (const sum of row) f.v128(zero).set(sum);
  f.get(b).get(k).i32(32).op('i32.mul').op('i32.add').set(end);
  const exit = f.block();
  f.get(b).get(end).op('i32.ge_u').brIf(exit);
  const top = f.loop();
  f.get(b).memory('v128.load', 0).set(b0);
  f.get(b).memory('v128.load', 16).set(b1);
  sums.forEach(([s0, s1], row) => {
    f.get(a)
      .memory(width === 4 ? 'v128.load32_splat' : 'v128.load64_splat', row * width)
      .set(left);
    f.get(s0).get(left).get(b0).op(`${shape}.mul`).op(`${shape}.add`).set(s0);
    f.get(s1).get(left).get(b1).op(`${shape}.mul`).op(`${shape}.add`).set(s1);
  });
  f.get(a)
    .i32(MR * width)
    .op('i32.add')
    .set(a);
  f.get(b).i32(32).op('i32.add').tee(b).get(end).op('i32.lt_u').brIf(top);
  f.end().end();
  f.get(accumulate).if();
  sums.forEach((row, r) => {
    row.forEach((sum, half) => {
      f.get(c)
        .memory('v128.load', half * 16, 2)
        .get(sum)
        .op(`${shape}.add`)
        .set(sum);
    });
    if (r < MR - 1) f.get(c).get(rowBytes).op('i32.add').set(c);
  });
  f.get(c)
    .get(rowBytes)
    .i32(MR - 1)
    .op('i32.mul')
    .op('i32.sub')
    .set(c);
  f.end();
  sums.forEach((row, r) => {
    row.forEach((sum, half) =>
      f
        .get(c)
        .get(sum)
        .memory('v128.store', half * 16, 2),
    );
    if (r < MR - 1) f.get(c).get(rowBytes).op('i32.add').set(c);
  });
  return f;
}

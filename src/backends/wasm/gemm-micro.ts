/**
 * The register block of the matrix product: a tile of up to 4 rows by two vectors of columns is accumulated over k
 * (Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008). Eight accumulators, two
 * vectors of the right operand and one broadcast of the left fit the 16 vector registers of x86-64 and leave room for
 * the engine; larger blocks spill in V8. Operands are read from packed panels or where they are.
 */
import type { DType } from '../../core/dtype.js';
import type { FunctionBuilder, FunctionRef, ModuleBuilder } from './assembler.js';

/** Rows of a tile. */
export const MR = 4;

/** Element types that have a packed kernel. */
export type GemmType = Exclude<DType, 'bool'>;

/** Bytes per element. */
export const widthOf = (dtype: GemmType): 4 | 8 => (dtype === 'float64' ? 8 : 4);

/** Columns of a tile: two vectors. */
export const columnsOf = (dtype: GemmType): number => 32 / widthOf(dtype);

const SHAPE = { float32: 'f32x4', float64: 'f64x2', int32: 'i32x4', uint32: 'i32x4' } as const;

/** Values of k per iteration. */
const UNROLL = 4;

/** How a tile is read and written. */
export interface TileFormat {
  readonly dtype: GemmType;
  readonly rows: number;
  readonly columns: number;
  /** Rows of the left operand adjacent in memory at one address (`panel`), or at an address of their own each. */
  readonly left: 'panel' | 'rows';
  /** Bytes from one k to the next in the left operand, at least 0. */
  readonly leftStep: number;
  /** The same in the right one. */
  readonly rightStep: number;
  /** Whether the right operand can be read past the columns, in whole vectors. */
  readonly padded: boolean;
  /** Bytes from one row of the result to the next, at least 0. */
  readonly rowBytes: number;
  /** Whether a product and its sum may be one fused operation. */
  readonly fused: boolean;
}

/**
 * `(a, b, c, k, accumulate)`, or `(a0, …, b, c, k, accumulate)` with an address for every row: the tile at `c` becomes
 * (or, with `accumulate`, is increased by) the product over k of the rows at `a` and the columns at `b`.
 */
export function tileFunction(module: ModuleBuilder, format: TileFormat): FunctionRef {
  const { dtype, rows, columns, left, leftStep, rightStep, padded, rowBytes, fused } = format;
  const name = `gemm.tile.${SHAPE[dtype]}.${rows}x${columns}.${left}${leftStep}.${rightStep}${padded ? 'p' : ''}.${rowBytes}${fused ? '.fma' : ''}`;
  const known = module.functions.find((f) => f.name === name);
  if (known !== undefined) return known;
  const pointers = left === 'rows' ? rows : 1;
  const f = module.function(
    name,
    Array.from({ length: pointers + 4 }, () => 'i32' as const),
  );
  new TileEmitter(f, format, pointers).emit();
  return f;
}

class TileEmitter {
  private readonly width: 4 | 8;
  private readonly lanes: number;
  /** Columns in each vector of a row. */
  private readonly parts: readonly number[];
  private readonly sums: readonly (readonly number[])[];
  private readonly right: readonly number[];
  private readonly leftValue: number;
  private readonly b: number;
  private readonly c: number;
  private readonly k: number;
  private readonly accumulate: number;

  constructor(
    private readonly f: FunctionBuilder,
    private readonly format: TileFormat,
    private readonly pointers: number,
  ) {
    this.width = widthOf(format.dtype);
    this.lanes = 16 / this.width;
    const { lanes } = this;
    this.parts = Array.from({ length: Math.ceil(format.columns / lanes) }, (_, i) =>
      Math.min(lanes, format.columns - i * lanes),
    );
    const vectors = (): number[] => this.parts.map(() => f.local('v128'));
    this.sums = Array.from({ length: format.rows }, vectors);
    this.right = vectors();
    this.leftValue = f.local('v128');
    [this.b, this.c, this.k, this.accumulate] = [pointers, pointers + 1, pointers + 2, pointers + 3];
  }

  emit(): void {
    const { f } = this;
    const zero = new Uint8Array(16);
    for (const row of this.sums) for (const sum of row) f.v128(zero).set(sum);
    this.repeat(UNROLL);
    this.repeat(1);
    f.get(this.accumulate).if();
    this.eachSum((sum, row, part) => {
      this.load(this.c, row * this.format.rowBytes + part * 16, this.parts[part] ?? 0);
      f.get(sum).op(`${SHAPE[this.format.dtype]}.add`).set(sum);
    });
    f.end();
    this.eachSum((sum, row, part) => {
      this.store(sum, row * this.format.rowBytes + part * 16, this.parts[part] ?? 0);
    });
  }

  private eachSum(visit: (sum: number, row: number, part: number) => void): void {
    this.sums.forEach((row, r) => {
      row.forEach((sum, part) => {
        visit(sum, r, part);
      });
    });
  }

  /** `while (k >= steps) { … k -= steps }` */
  private repeat(steps: number): void {
    const { f, k, format } = this;
    f.get(k).i32(steps).op('i32.ge_u').if();
    const top = f.loop();
    for (let step = 0; step < steps; step++) this.step(step);
    for (let p = 0; p < this.pointers; p++)
      f.get(p)
        .i32(format.leftStep * steps)
        .op('i32.add')
        .set(p);
    f.get(this.b)
      .i32(format.rightStep * steps)
      .op('i32.add')
      .set(this.b);
    f.get(k).i32(steps).op('i32.sub').tee(k).i32(steps).op('i32.ge_u').brIf(top);
    f.end().end();
  }

  /** One value of k, `step` after the one the pointers are at. */
  private step(step: number): void {
    const { f, format, width, leftValue } = this;
    const shape = SHAPE[format.dtype];
    this.right.forEach((local, part) => {
      const columns = format.padded ? this.lanes : (this.parts[part] ?? 0);
      this.load(this.b, step * format.rightStep + part * 16, columns);
      f.set(local);
    });
    this.sums.forEach((row, r) => {
      const at = step * format.leftStep;
      f.get(format.left === 'rows' ? r : 0);
      f.memory(width === 4 ? 'v128.load32_splat' : 'v128.load64_splat', format.left === 'rows' ? at : at + r * width);
      f.set(leftValue);
      row.forEach((sum, part) => {
        const right = this.right[part] ?? 0;
        if (format.fused && (shape === 'f32x4' || shape === 'f64x2'))
          f.get(leftValue).get(right).get(sum).op(`${shape}.relaxed_madd`).set(sum);
        else f.get(sum).get(leftValue).get(right).op(`${shape}.mul`).op(`${shape}.add`).set(sum);
      });
    });
  }

  /** Push the vector of `columns` elements at `pointer + offset`; no byte beyond them is read. */
  private load(pointer: number, offset: number, columns: number): void {
    const { f, width } = this;
    f.get(pointer);
    const bytes = columns * width;
    if (bytes === 16) f.memory('v128.load', offset, 2);
    else if (bytes === 4) f.memory('v128.load32_zero', offset);
    else if (bytes === 8) f.memory('v128.load64_zero', offset, 2);
    else {
      f.get(pointer).memory('v128.load64_zero', offset, 2);
      f.memoryLane('v128.load32_lane', 2, offset + 8);
    }
  }

  private store(vector: number, offset: number, columns: number): void {
    const { f, c, width } = this;
    const bytes = columns * width;
    f.get(c).get(vector);
    if (bytes === 16) f.memory('v128.store', offset, 2);
    else if (bytes === 4) f.memoryLane('v128.store32_lane', 0, offset);
    else f.memoryLane('v128.store64_lane', 0, offset);
    if (bytes === 12)
      f.get(c)
        .get(vector)
        .memoryLane('v128.store32_lane', 2, offset + 8);
  }
}

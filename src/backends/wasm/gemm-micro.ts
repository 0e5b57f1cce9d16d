/**
 * The register block of the matrix product: a tile of up to 4 rows by two vectors of columns is accumulated over k
 * (Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008). Eight accumulators, two
 * vectors of the right operand and one broadcast of the left fit the 16 vector registers of x86-64 and leave room for
 * the engine; larger blocks spill in V8. Operands are read from packed panels or where they are.
 */
import type { ComputeType } from '../../core/dtype.js';
import type { FunctionBuilder, FunctionRef, ModuleBuilder } from './assembler.js';

/** Rows of a tile. */
export const MR = 4;

/** Element types that have a packed kernel. */
export type GemmType = Exclude<ComputeType, 'bool'>;

/** Bytes per element. */
export const widthOf = (dtype: GemmType): 4 | 8 => (dtype === 'float64' ? 8 : 4);

/** Columns of a tile: two vectors. */
export const columnsOf = (dtype: GemmType): number => 32 / widthOf(dtype);

export const SHAPE = { float32: 'f32x4', float64: 'f64x2', int32: 'i32x4', uint32: 'i32x4' } as const;

/** How a tile is read and written. */
export interface TileFormat {
  readonly dtype: GemmType;
  readonly rows: number;
  readonly columns: number;
  /** Bytes from one row to the next in the left operand, and from one k to the next; at least 0. */
  readonly leftRow: number;
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
 * `(a, b, c, k, accumulate)`: the tile at `c` becomes (or, with `accumulate`, is increased by) the product over k of the
 * rows at `a` and the columns at `b`.
 */
export function tileFunction(module: ModuleBuilder, format: TileFormat): FunctionRef {
  const { dtype, rows, columns, leftRow, leftStep, rightStep, padded, rowBytes, fused } = format;
  const name =
    `gemm.tile.${SHAPE[dtype]}.${rows}x${columns}.${leftRow}.${leftStep}.${rightStep}${padded ? 'p' : ''}` +
    `.${rowBytes}${fused ? '.fma' : ''}`;
  const known = module.functions.find((f) => f.name === name);
  if (known !== undefined) return known;
  const f = module.function(name, ['i32', 'i32', 'i32', 'i32', 'i32']);
  new TileEmitter(f, format).emit();
  return f;
}

const [A, B, C, K, ACCUMULATE] = [0, 1, 2, 3, 4] as const;

class TileEmitter {
  private readonly width: 4 | 8;
  private readonly lanes: number;
  /** Columns in each vector of a row. */
  private readonly parts: readonly number[];
  private readonly sums: readonly (readonly number[])[];
  private readonly right: readonly number[];
  private readonly leftValue: number;

  constructor(
    private readonly f: FunctionBuilder,
    private readonly format: TileFormat,
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
  }

  emit(): void {
    const { f } = this;
    const zero = new Uint8Array(16);
    for (const row of this.sums) for (const sum of row) f.v128(zero).set(sum);
    // One k per iteration: unrolled, V8 runs out of registers.
    f.get(K).if();
    const top = f.loop();
    this.step();
    f.get(A).i32(this.format.leftStep).op('i32.add').set(A);
    f.get(B).i32(this.format.rightStep).op('i32.add').set(B);
    f.get(K).i32(1).op('i32.sub').tee(K).brIf(top);
    f.end().end();
    f.get(ACCUMULATE).if();
    this.eachSum((sum, row, part) => {
      loadColumns(f, C, row * this.format.rowBytes + part * 16, (this.parts[part] ?? 0) * this.width);
      f.get(sum).op(`${SHAPE[this.format.dtype]}.add`).set(sum);
    });
    f.end();
    this.eachSum((sum, row, part) => {
      storeColumns(f, C, sum, row * this.format.rowBytes + part * 16, (this.parts[part] ?? 0) * this.width);
    });
  }

  private eachSum(visit: (sum: number, row: number, part: number) => void): void {
    this.sums.forEach((row, r) => {
      row.forEach((sum, part) => {
        visit(sum, r, part);
      });
    });
  }

  /** Multiply the values at the pointers. */
  private step(): void {
    const { f, format, width, leftValue } = this;
    const shape = SHAPE[format.dtype];
    this.right.forEach((local, part) => {
      loadColumns(f, B, part * 16, (format.padded ? this.lanes : (this.parts[part] ?? 0)) * width);
      f.set(local);
    });
    this.sums.forEach((row, r) => {
      f.get(A).memory(width === 4 ? 'v128.load32_splat' : 'v128.load64_splat', r * format.leftRow);
      f.set(leftValue);
      row.forEach((sum, part) => {
        const right = this.right[part] ?? 0;
        if (format.fused && (shape === 'f32x4' || shape === 'f64x2'))
          f.get(leftValue).get(right).get(sum).op(`${shape}.relaxed_madd`).set(sum);
        else f.get(sum).get(leftValue).get(right).op(`${shape}.mul`).op(`${shape}.add`).set(sum);
      });
    });
  }
}

/** Push the vector of `bytes` bytes at `pointer + offset`; no byte beyond them is read. */
export function loadColumns(f: FunctionBuilder, pointer: number, offset: number, bytes: number): void {
  f.get(pointer);
  if (bytes === 16) f.memory('v128.load', offset, 2);
  else if (bytes === 4) f.memory('v128.load32_zero', offset);
  else if (bytes === 8) f.memory('v128.load64_zero', offset, 2);
  else {
    f.get(pointer).memory('v128.load64_zero', offset, 2);
    f.memoryLane('v128.load32_lane', 2, offset + 8);
  }
}

/** Store as many bytes of a vector. */
export function storeColumns(f: FunctionBuilder, pointer: number, vector: number, offset: number, bytes: number): void {
  f.get(pointer).get(vector);
  if (bytes === 16) f.memory('v128.store', offset, 2);
  else if (bytes === 4) f.memoryLane('v128.store32_lane', 0, offset);
  else f.memoryLane('v128.store64_lane', 0, offset);
  if (bytes === 12)
    f.get(pointer)
      .get(vector)
      .memoryLane('v128.store32_lane', 2, offset + 8);
}

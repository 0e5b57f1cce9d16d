/**
 * Packing: a strip of rows (of the left operand) or columns (of the right) is copied so that the values a tile
 * needs for one k lie side by side. Any strides: where the strip runs along memory it is copied by vectors, where
 * k does, four lines are transposed in registers, otherwise it goes value by value.
 */
import type { FunctionBuilder, FunctionRef, ModuleBuilder } from './assembler.js';
import { countedLoop, pushMin } from './control.js';
import type { Offsets } from './gemm-offsets.js';
import { pushOffset } from './gemm-offsets.js';

/** How lines are packed: the element width, and how k moves in memory. */
export interface PackFormat {
  readonly width: 4 | 8;
  /** Bytes from one k to the next in the packed strip. */
  readonly packedStep: number;
  /** Elements from one k to the next in memory, or `table` where offsets (in bytes) come from a table. */
  readonly kStride: number | 'table';
}

function named(module: ModuleBuilder, name: string, params: number, emit: (f: FunctionBuilder) => void): FunctionRef {
  const known = module.functions.find((f) => f.name === name);
  if (known !== undefined) return known;
  const f = module.function(
    name,
    Array.from({ length: params }, () => 'i32' as const),
  );
  emit(f);
  return f;
}

/** Byte shuffles that interleave two vectors of 4-byte or 8-byte lanes. */
const lanes4 = (...picks: readonly number[]): number[] => picks.flatMap((p) => [0, 1, 2, 3].map((b) => p * 4 + b));
const lanes8 = (...picks: readonly number[]): number[] =>
  picks.flatMap((p) => [0, 1, 2, 3, 4, 5, 6, 7].map((b) => p * 8 + b));

/** `(to, line0, line1, line2, line3, k, table)`: pack k values of four lines. */
export function packFourLines(module: ModuleBuilder, format: PackFormat): FunctionRef {
  const { width, packedStep, kStride } = format;
  return named(module, `gemm.pack4.w${width}.to${packedStep}.by${kStride}`, 7, (f) => {
    const [to, line0, k, table] = [0, 1, 5, 6] as const;
    const lines = [line0, 2, 3, 4];
    const n = f.local('i32');
    f.i32(0).set(n);
    if (kStride === 1) transposeLines(f, format, to, lines, k, n);
    const offset = f.local('i32');
    countedLoop(f, n, { local: k }, 1, () => {
      if (kStride === 'table') f.get(table).memory('i32.load').set(offset);
      lines.forEach((line, i) => {
        f.get(to).get(line);
        if (kStride === 'table') f.get(offset).op('i32.add');
        if (width === 4) f.memory('i32.load').memory('i32.store', i * 4);
        else f.memory('i64.load').memory('i64.store', i * 8);
      });
      if (kStride === 'table') f.get(table).i32(4).op('i32.add').set(table);
      else
        for (const line of lines)
          f.get(line)
            .i32(kStride * width)
            .op('i32.add')
            .set(line);
      f.get(to).i32(packedStep).op('i32.add').set(to);
    });
  });
}

/** As many whole vectors of k as there are: 4 lines by 4 (or 2) k, transposed in registers. */
function transposeLines(
  f: FunctionBuilder,
  { width, packedStep }: PackFormat,
  to: number,
  lines: readonly number[],
  k: number,
  n: number,
): void {
  const perVector = 16 / width;
  const end = f.local('i32');
  f.get(k).i32(-perVector).op('i32.and').set(end);
  const rows = lines.map(() => f.local('v128'));
  const [r0 = 0, r1 = 0, r2 = 0, r3 = 0] = rows;
  const halves = rows.map(() => f.local('v128'));
  const [low01 = 0, low23 = 0, high01 = 0, high23 = 0] = halves;
  countedLoop(f, n, { local: end }, perVector, () => {
    lines.forEach((line, i) =>
      f
        .get(line)
        .memory('v128.load', 0, 2)
        .set(rows[i] ?? 0),
    );
    if (width === 4) {
      f.get(r0)
        .get(r1)
        .shuffle(lanes4(0, 4, 1, 5))
        .set(low01);
      f.get(r2)
        .get(r3)
        .shuffle(lanes4(0, 4, 1, 5))
        .set(low23);
      f.get(r0)
        .get(r1)
        .shuffle(lanes4(2, 6, 3, 7))
        .set(high01);
      f.get(r2)
        .get(r3)
        .shuffle(lanes4(2, 6, 3, 7))
        .set(high23);
      [low01, high01].forEach((left, half) => {
        const right = half === 0 ? low23 : high23;
        f.get(to)
          .get(left)
          .get(right)
          .shuffle(lanes8(0, 2))
          .memory('v128.store', 2 * half * packedStep, 2);
        f.get(to)
          .get(left)
          .get(right)
          .shuffle(lanes8(1, 3))
          .memory('v128.store', (2 * half + 1) * packedStep, 2);
      });
    } else {
      for (const odd of [0, 1]) {
        f.get(to)
          .get(r0)
          .get(r1)
          .shuffle(lanes8(odd, 2 + odd))
          .memory('v128.store', odd * packedStep, 2);
        f.get(to)
          .get(r2)
          .get(r3)
          .shuffle(lanes8(odd, 2 + odd))
          .memory('v128.store', odd * packedStep + 16, 2);
      }
    }
    for (const line of lines) f.get(line).i32(16).op('i32.add').set(line);
    f.get(to)
      .i32(perVector * packedStep)
      .op('i32.add')
      .set(to);
  });
}

/** `(to, from, k, table)`: pack k values of as many adjacent lines as the packed step holds. */
export function packAdjacentLines(module: ModuleBuilder, format: PackFormat): FunctionRef {
  const { width, packedStep, kStride } = format;
  return named(module, `gemm.packrow.w${width}.to${packedStep}.by${kStride}`, 4, (f) => {
    const [to, from, k, table] = [0, 1, 2, 3] as const;
    const n = f.local('i32');
    const source = f.local('i32');
    f.i32(0).set(n);
    countedLoop(f, n, { local: k }, 1, () => {
      f.get(from);
      if (kStride === 'table') f.get(table).memory('i32.load').op('i32.add');
      f.set(source);
      for (let at = 0; at < packedStep; at += 16)
        f.get(to).get(source).memory('v128.load', at, 2).memory('v128.store', at, 2);
      if (kStride === 'table') f.get(table).i32(4).op('i32.add').set(table);
      else
        f.get(from)
          .i32(kStride * width)
          .op('i32.add')
          .set(from);
      f.get(to).i32(packedStep).op('i32.add').set(to);
    });
  });
}

/** The operand to pack: its lines (rows, or columns of a right operand) and how they run along k. */
export interface PackSource {
  readonly lines: Offsets;
  readonly ks: Offsets;
  readonly width: 4 | 8;
  /** Lines of a strip. */
  readonly strip: number;
}

/**
 * `(from, to, scratch, line0, lines, k0, k)`: pack lines [line0, line0 + lines) of the operand at `from`, for k values
 * from k0 on, in strips. A strip that is not full repeats the last line; what is computed from that is dropped.
 */
export function packFunction(
  module: ModuleBuilder,
  name: string,
  { lines, ks, width, strip }: PackSource,
): FunctionRef {
  const kStride = ks.steps.kind === 'stride' ? ks.steps.stride : ('table' as const);
  const format = { width, packedStep: strip * width, kStride };
  const four = packFourLines(module, format);
  const adjacent =
    lines.steps.kind === 'stride' && lines.steps.stride === 1 ? packAdjacentLines(module, format) : undefined;
  const f = module.function(
    name,
    Array.from({ length: 7 }, () => 'i32' as const),
  );
  const [from, to, scratch, line0, count, k0, k] = [0, 1, 2, 3, 4, 5, 6] as const;
  const i = f.local('i32');
  const table = f.local('i32');
  if (ks.table === undefined) {
    f.get(from);
    pushOffset(f, ks, scratch, () => f.get(k0));
    f.op('i32.add').set(from);
  } else f.get(scratch).i32(ks.table).op('i32.add').get(k0).i32(4).op('i32.mul').op('i32.add').set(table);
  f.i32(0).set(i);
  /** Push the address of line `line0 + i + n`, or of the last one. */
  const pushLine = (n: number): void => {
    f.get(from);
    pushOffset(f, lines, scratch, () => {
      f.get(line0);
      pushMin(
        f,
        () => f.get(i).i32(n).op('i32.add'),
        () => f.get(count).i32(1).op('i32.sub'),
      );
      f.op('i32.add');
    });
    f.op('i32.add');
  };
  countedLoop(f, i, { local: count }, strip, () => {
    if (adjacent !== undefined) {
      f.get(i).i32(strip).op('i32.add').get(count).op('i32.le_u').if();
      f.get(to);
      pushLine(0);
      f.get(k).get(table).call(adjacent);
      f.else();
    }
    for (let group = 0; group < strip; group += 4) {
      f.get(to);
      if (group > 0) f.i32(group * width).op('i32.add');
      for (let n = group; n < group + 4; n++) pushLine(n);
      f.get(k).get(table).call(four);
    }
    if (adjacent !== undefined) f.end();
    f.get(to)
      .get(k)
      .i32(strip * width)
      .op('i32.mul')
      .op('i32.add')
      .set(to);
  });
  return f;
}

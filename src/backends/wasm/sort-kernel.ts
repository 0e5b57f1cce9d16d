/**
 * Stable sort along the middle axis of (outer, length, inner): the indices of a row are merge sorted in scratch
 * memory (insertion sorted runs, then bottom-up merges between two index arrays), with the comparison of all
 * keys inlined, then every operand is copied in that order. NaN sorts last, and -0 equals 0.
 * The outputs must not share memory with the inputs.
 */
import { byteWidth } from '../../core/dtype.js';
import type { DType } from '../../core/dtype.js';
import type { SortKernel } from '../../compiler/loop-ir.js';
import type { FunctionBuilder, FunctionRef, ModuleBuilder } from './assembler.js';
import { countedLoop } from './control.js';
import type { EmittedKernel } from './kernel-step.js';
import { tileFor } from './kernel-step.js';
import { scalarLoad, scalarStore, valueType } from './scalar-ops.js';
import { at, roundUp } from './util.js';

/** Length of the runs that are insertion sorted. */
const RUN = 8;

/** The comparison of two rows' elements given by their indices. */
class Comparator {
  constructor(
    private readonly f: FunctionBuilder,
    /** For each key: its dtype and the local with the address of the row's first element. */
    private readonly keys: readonly { readonly dtype: DType; readonly base: number }[],
    /** Elements between neighbours in a row. */
    private readonly inner: number,
  ) {}

  private loadKey(dtype: DType, base: number, index: number): void {
    const { f } = this;
    f.get(base)
      .get(index)
      .i32(this.inner * byteWidth(dtype))
      .op('i32.mul')
      .op('i32.add');
    scalarLoad(f, dtype, 0);
  }

  /** Push whether x < y, NaN last. */
  private less(dtype: DType, x: number, y: number): void {
    const { f } = this;
    if (dtype === 'float32' || dtype === 'float64') {
      const w = dtype === 'float32' ? 'f32' : 'f64';
      f.get(x).get(y).op(`${w}.lt`);
      f.get(x).get(x).op(`${w}.eq`).get(y).get(y).op(`${w}.ne`).op('i32.and').op('i32.or');
    } else
      f.get(x)
        .get(y)
        .op(dtype === 'int32' ? 'i32.lt_s' : 'i32.lt_u');
  }

  /** Push whether element `i` (a local) sorts strictly before element `j`. */
  before(i: number, j: number): void {
    const { f } = this;
    const done = f.block('i32');
    this.keys.forEach(({ dtype, base }, n) => {
      const type = valueType(dtype);
      const x = f.local(type);
      const y = f.local(type);
      this.loadKey(dtype, base, i);
      f.set(x);
      this.loadKey(dtype, base, j);
      f.set(y);
      if (n === this.keys.length - 1) this.less(dtype, x, y);
      else {
        f.i32(1);
        this.less(dtype, x, y);
        f.brIf(done).op('drop').i32(0);
        this.less(dtype, y, x);
        f.brIf(done).op('drop');
      }
      f.release(type, x);
      f.release(type, y);
    });
    f.end();
  }
}

/** Push the address of the i32 numbered by local `index` in the array at local `base`. */
const indexAddress = (f: FunctionBuilder, base: number, index: number): FunctionBuilder =>
  f.get(base).get(index).i32(2).op('i32.shl').op('i32.add');

/** `(key bases…, array, lo, hi)`: insertion sort of array[lo, hi). */
function insertionFunction(module: ModuleBuilder, kernel: SortKernel, keys: readonly DType[]): FunctionRef {
  const f = module.function(`${kernel.name}.run`, [...keys.map(() => 'i32' as const), 'i32', 'i32', 'i32']);
  const compare = new Comparator(
    f,
    keys.map((dtype, base) => ({ dtype, base })),
    kernel.inner,
  );
  const array = keys.length;
  const lo = array + 1;
  const hi = array + 2;
  const i = f.local('i32');
  const j = f.local('i32');
  const moving = f.local('i32');
  const other = f.local('i32');
  f.get(lo).i32(1).op('i32.add').set(i);
  countedLoop(f, i, { local: hi }, 1, () => {
    indexAddress(f, array, i).memory('i32.load').set(moving);
    f.get(i).set(j);
    const stop = f.block();
    const top = f.loop();
    f.get(j).get(lo).op('i32.le_u').brIf(stop);
    f.get(array).get(j).i32(1).op('i32.sub').i32(2).op('i32.shl').op('i32.add').memory('i32.load').set(other);
    compare.before(moving, other);
    f.op('i32.eqz').brIf(stop);
    indexAddress(f, array, j).get(other).memory('i32.store');
    f.get(j).i32(1).op('i32.sub').set(j).br(top);
    f.end().end();
    indexAddress(f, array, j).get(moving).memory('i32.store');
  });
  return f;
}

/** `(key bases…, from, to, lo, middle, hi)`: merge from[lo, middle) and from[middle, hi) into to[lo, hi). */
function mergeFunction(module: ModuleBuilder, kernel: SortKernel, keys: readonly DType[]): FunctionRef {
  const f = module.function(`${kernel.name}.merge`, [
    ...keys.map(() => 'i32' as const),
    'i32',
    'i32',
    'i32',
    'i32',
    'i32',
  ]);
  const compare = new Comparator(
    f,
    keys.map((dtype, base) => ({ dtype, base })),
    kernel.inner,
  );
  const from = keys.length;
  const to = from + 1;
  const lo = from + 2;
  const middle = from + 3;
  const hi = from + 4;
  const i = f.local('i32');
  const j = f.local('i32');
  const k = f.local('i32');
  const left = f.local('i32');
  const right = f.local('i32');
  f.get(lo).set(i).get(middle).set(j).get(lo).set(k);
  const copyRest = (index: number, end: number): void => {
    countedLoop(f, index, { local: end }, 1, () => {
      indexAddress(f, to, k);
      indexAddress(f, from, index).memory('i32.load').memory('i32.store');
      f.get(k).i32(1).op('i32.add').set(k);
    });
  };
  const rest = f.block();
  f.get(i).get(middle).op('i32.ge_u').brIf(rest);
  f.get(j).get(hi).op('i32.ge_u').brIf(rest);
  indexAddress(f, from, i).memory('i32.load').set(left);
  indexAddress(f, from, j).memory('i32.load').set(right);
  const top = f.loop();
  compare.before(right, left);
  f.if();
  {
    indexAddress(f, to, k).get(right).memory('i32.store');
    f.get(k).i32(1).op('i32.add').set(k).get(j).i32(1).op('i32.add').tee(j).get(hi).op('i32.ge_u').brIf(rest);
    indexAddress(f, from, j).memory('i32.load').set(right);
  }
  f.else();
  {
    indexAddress(f, to, k).get(left).memory('i32.store');
    f.get(k).i32(1).op('i32.add').set(k).get(i).i32(1).op('i32.add').tee(i).get(middle).op('i32.ge_u').brIf(rest);
    indexAddress(f, from, i).memory('i32.load').set(left);
  }
  f.end();
  f.br(top);
  f.end().end();
  copyRest(i, middle);
  copyRest(j, hi);
  return f;
}

export function emitSortKernel(module: ModuleBuilder, kernel: SortKernel): EmittedKernel {
  const count = kernel.buffers.length / 2;
  const dtypes = kernel.buffers.slice(0, count).map((slot) => slot.dtype);
  const keys = dtypes.slice(0, kernel.numKeys);
  const run = insertionFunction(module, kernel, keys);
  const merge = mergeFunction(module, kernel, keys);
  const { length, inner } = kernel;
  const slots = kernel.buffers.length;
  const f = module.function(kernel.name, [...kernel.buffers.map(() => 'i32' as const), 'i32', 'i32', 'i32']);
  const scratch = slots;
  const hi = slots + 2;
  const row = slots + 1;
  const first = f.local('i32');
  const bases = kernel.buffers.map(() => f.local('i32'));
  const from = f.local('i32');
  const to = f.local('i32');
  const swap = f.local('i32');
  const width = f.local('i32');
  const lo = f.local('i32');
  const n = f.local('i32');
  const indexBytes = roundUp(length * 4, 64);

  /** Push min(x + step, length). */
  const clampedSum = (x: number, step: () => void): void => {
    f.get(x);
    step();
    f.op('i32.add').i32(length).get(x);
    step();
    f.op('i32.add').i32(length).op('i32.lt_u').op('select');
  };
  const pushKeys = (): void => keys.forEach((_, key) => f.get(at(bases, key, 'key')));

  countedLoop(f, row, { local: hi }, 1, () => {
    // first = (row / inner) * length * inner + row % inner
    f.get(row)
      .i32(inner)
      .op('i32.div_u')
      .i32(length * inner)
      .op('i32.mul')
      .get(row)
      .i32(inner)
      .op('i32.rem_u')
      .op('i32.add')
      .set(first);
    bases.forEach((base, slot) => {
      const w = byteWidth(at(kernel.buffers, slot, 'slot').dtype);
      f.get(slot).get(first).i32(w).op('i32.mul').op('i32.add').set(base);
    });
    f.get(scratch).set(from).get(scratch).i32(indexBytes).op('i32.add').set(to);
    f.i32(0).set(n);
    countedLoop(f, n, { value: length }, 1, () => {
      indexAddress(f, from, n).get(n).memory('i32.store');
    });
    f.i32(0).set(lo);
    countedLoop(f, lo, { value: length }, RUN, () => {
      pushKeys();
      f.get(from).get(lo);
      clampedSum(lo, () => f.i32(RUN));
      f.call(run);
    });
    f.i32(RUN).set(width);
    const sorted = f.block();
    const pass = f.loop();
    f.get(width).i32(length).op('i32.ge_u').brIf(sorted);
    f.i32(0).set(lo);
    const passDone = f.block();
    const nextPair = f.loop();
    f.get(lo).i32(length).op('i32.ge_u').brIf(passDone);
    pushKeys();
    f.get(from).get(to).get(lo);
    clampedSum(lo, () => f.get(width));
    clampedSum(lo, () => f.get(width).i32(1).op('i32.shl'));
    f.call(merge);
    f.get(lo).get(width).i32(1).op('i32.shl').op('i32.add').set(lo).br(nextPair);
    f.end().end();
    f.get(from).set(swap).get(to).set(from).get(swap).set(to);
    f.get(width).i32(1).op('i32.shl').set(width).br(pass);
    f.end().end();
    dtypes.forEach((dtype, operand) => {
      const w = byteWidth(dtype) * inner;
      f.i32(0).set(n);
      countedLoop(f, n, { value: length }, 1, () => {
        f.get(at(bases, count + operand, 'slot'))
          .get(n)
          .i32(w)
          .op('i32.mul')
          .op('i32.add');
        f.get(at(bases, operand, 'slot'));
        indexAddress(f, from, n).memory('i32.load').i32(w).op('i32.mul').op('i32.add');
        scalarLoad(f, dtype, 0);
        scalarStore(f, dtype, 0);
      });
    });
  });

  return {
    steps: [
      {
        target: f,
        args: [...kernel.buffers.map((_, slot) => ({ slot })), { private: 0 }],
        extent: length === 0 ? 0 : kernel.outer * inner,
        tile: tileFor(length * 32),
        operations: length * 32,
      },
    ],
    scratchBytes: 0,
    privateBytes: 2 * indexBytes,
    listing: () =>
      `sort ${kernel.name}: ${kernel.outer} x ${inner} rows of ${length}, keys ${keys.join(', ')}, ${count} operands`,
  };
}

/** Reads the cases of test/fixtures/numpy-a.json (made by scripts/fixtures/numpy_a.py) and compares results with them. */
import { readFileSync } from 'node:fs';
import { jit, NDArray, numpy as np, tree, vmap, type DType } from 'cotangent';
import { expect, test } from 'vitest';

type Number_ = number | boolean | 'nan' | 'inf' | '-inf' | '-0';
interface EncodedArray {
  shape: number[];
  dtype: DType;
  data: Number_[];
}
type Encoded =
  | { array: EncodedArray }
  | { object: Record<string, Encoded> }
  | { list: Encoded[] }
  | { value: string | null }
  | { number: Number_ };
type Result = { array: EncodedArray } | { list: Result[] };

export interface Case {
  group: string;
  fn: string;
  args: Encoded[];
  expected: Result;
  rtol?: number;
  atol?: number;
  /** Compare the signs of zeros. */
  signs?: boolean;
}

const url = new URL('../fixtures/numpy-a.json', import.meta.url);
export const cases = JSON.parse(readFileSync(url, 'utf8')) as Case[];

const NAMED = new Map<Number_, number>([
  ['nan', NaN],
  ['inf', Infinity],
  ['-inf', -Infinity],
  ['-0', -0],
]);
const numberOf = (x: Number_): number => NAMED.get(x) ?? Number(x);

const arrayOf = ({ shape, dtype, data }: EncodedArray): NDArray => np.array(data.map(numberOf), { dtype, shape });

/** An argument of the library from its JSON. */
export function decode(x: Encoded): unknown {
  if ('array' in x) return arrayOf(x.array);
  if ('list' in x) return x.list.map(decode);
  if ('object' in x) return Object.fromEntries(Object.entries(x.object).map(([key, value]) => [key, decode(value)]));
  if ('value' in x) return x.value ?? null;
  return typeof x.number === 'boolean' ? x.number : numberOf(x.number);
}

// Tolerances in units of what float32 can hold: 2⁻²⁴ = 6e-8, and a function of float32 numbers is right to a few of these.
const RTOL: Record<DType, number> = { float16: 1e-3, float32: 1e-5, float64: 1e-12, int32: 0, uint32: 0, bool: 0 };
const ATOL: Record<DType, number> = { float16: 1e-4, float32: 1e-7, float64: 1e-15, int32: 0, uint32: 0, bool: 0 };

function isClose(
  got: number,
  want: number,
  { rtol, atol, signs = false }: { rtol: number; atol: number; signs?: boolean },
): boolean {
  if (!Number.isFinite(want)) return Object.is(got, want);
  if (signs && want === 0) return Object.is(got, want);
  return Math.abs(got - want) <= atol + rtol * Math.abs(want);
}

/** Compare a result with the expected one: shape, dtype, then every element. */
export function check(got: unknown, want: Result, settings: Pick<Case, 'rtol' | 'atol' | 'signs'>): void {
  if ('list' in want) {
    expect(Array.isArray(got) ? got.length : 'no list').toBe(want.list.length);
    want.list.forEach((w, i) => check((got as unknown[])[i], w, settings));
    return;
  }
  const { shape, dtype, data } = want.array;
  if (!(got instanceof NDArray)) throw new Error(`expected an array, got ${typeof got}`);
  expect({ shape: got.shape, dtype: got.dtype }).toEqual({ shape, dtype });
  const values = got.dataSync();
  const tolerance = { rtol: settings.rtol ?? RTOL[dtype], atol: settings.atol ?? ATOL[dtype], ...settings };
  data.forEach((encoded, i) => {
    const expected = dtype === 'float32' ? Math.fround(numberOf(encoded)) : numberOf(encoded);
    const value = values[i] ?? NaN;
    if (!isClose(value, expected, tolerance)) {
      expect.fail(`element ${i} of shape [${shape.join(', ')}]: got ${value}, expected ${expected}`);
    }
  });
}

/** Call a function of `np` by name. */
export function call(fn: string, args: readonly unknown[]): unknown {
  const f = (np as Record<string, unknown>)[fn];
  if (typeof f !== 'function') throw new Error(`np.${fn} does not exist`);
  return (f as (...args: readonly unknown[]) => unknown)(...args);
}

/** `f32[2,3]`, for the names of tests. */
function show(x: Encoded): string {
  if ('array' in x) return `${x.array.dtype}[${x.array.shape.join(',')}]`;
  if ('list' in x) return `[${x.list.map(show).join(', ')}]`;
  if ('object' in x)
    return `{${Object.entries(x.object)
      .map(([k, v]) => `${k}: ${show(v)}`)
      .join(', ')}}`;
  return 'value' in x ? String(x.value) : String(x.number);
}

const isArray = (x: unknown): x is NDArray => x instanceof NDArray;

/** A call as a function of the arrays among its arguments, wherever they stand. */
function asFunction(c: Case): { f: (arrays: NDArray[]) => unknown; arrays: NDArray[] } {
  const [leaves, structure] = tree.flatten<unknown>(c.args.map(decode), (x) => x === null);
  const places = leaves.flatMap((leaf, i) => (isArray(leaf) ? [i] : []));
  const f = (arrays: NDArray[]): unknown => {
    const given = leaves.map((leaf, i) => (isArray(leaf) ? arrays[places.indexOf(i)] : leaf));
    return call(c.fn, tree.unflatten(structure, given) as unknown[]);
  };
  return { f, arrays: leaves.filter(isArray) };
}

/** The elements of an array in another order, so that a batch has two different examples. */
const rotated = (x: NDArray): NDArray => np.roll(x.ravel(), 1).reshape(x.shape);

/** Results of arrays in lists compared with each other; fusion may round differently by a few ulps. */
function checkSame(got: unknown, want: unknown): void {
  const [g, w] = [tree.leaves<NDArray>(got as NDArray[]), tree.leaves<NDArray>(want as NDArray[])];
  expect(g.length).toBe(w.length);
  w.forEach((expected, i) => {
    const { shape, dtype } = expected;
    const data = Array.from(expected.dataSync(), (v): Number_ => (Number.isNaN(v) ? 'nan' : v));
    check(g[i], { array: { shape, dtype, data } }, { atol: 1e-5 });
  });
}

/** One test per case of a group, and one per function for jit and for vmap over two examples. */
export function testGroup(group: string): void {
  const own = cases.filter((c) => c.group === group);
  const functions = [...new Set(own.map((c) => c.fn))];
  const casesOf = (fn: string): Case[] => own.filter((c) => c.fn === fn);

  test('there are cases', () => {
    expect(own.length).toBeGreaterThan(40);
  });
  test.each(own.map((c) => [`${c.fn}(${c.args.map(show).join(', ')})`, c] as const))('%s', (_name, c) => {
    check(call(c.fn, c.args.map(decode)), c.expected, c);
  });
  test.each(functions)('%s under jit', (fn) => {
    for (const c of casesOf(fn)) {
      const { f, arrays } = asFunction(c);
      check(jit((xs: NDArray[]) => f(xs) as NDArray)(arrays), c.expected, c);
    }
  });
  test.each(functions)('%s under vmap', (fn) => {
    for (const c of casesOf(fn)) {
      const { f, arrays } = asFunction(c);
      if (arrays.length === 0) continue;
      const others = arrays.map(rotated);
      const batch = arrays.map((x, i) => np.stack([x, others[i] ?? x]));
      const results = vmap((xs: NDArray[]) => f(xs) as NDArray[])(batch);
      const at = (example: number): unknown => tree.map((r: NDArray) => r.slice(example), results);
      checkSame(at(0), f(arrays));
      checkSame(at(1), f(others));
    }
  });
}

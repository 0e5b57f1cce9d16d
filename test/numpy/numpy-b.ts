/** Reads test/fixtures/numpy-b.json and compares what the library gives, eagerly, under jit and under vmap. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import '../../src/backends/install.js';
import { fromHost } from '../../src/core/concrete.js';
import { hostArray, isFloat, type DType } from '../../src/core/dtype.js';
import { NDArray } from '../../src/core/ndarray.js';
import * as np from '../../src/numpy/index.js';
import { jit, vmap } from '../../src/transforms/index.js';

/** Array, list, options object, or plain value, as the generator writes them. */
export type Encoded =
  | { a: DType; s: number[]; d: (number | boolean | string)[] }
  | { o: Record<string, Encoded> }
  | Encoded[]
  | number
  | boolean
  | string
  | null;
interface CaseOptions {
  rtol?: number;
  atol?: number;
  host?: boolean;
}
type Case = [group: string, fn: string, args: Encoded[], result: Encoded, options: CaseOptions];
export interface Expression {
  shape: number[];
  index: Encoded[];
  get: Encoded;
  updates: Record<string, [values: Encoded, result: Encoded]>;
}

const path = fileURLToPath(new URL('../fixtures/numpy-b.json', import.meta.url));
const file = JSON.parse(readFileSync(path, 'utf8')) as { cases: Case[]; expressions: Expression[] };
export const { expressions } = file;

const numberOf = (e: number | boolean | string): number =>
  e === 'nan' ? NaN : e === 'inf' ? Infinity : e === '-inf' ? -Infinity : Number(e);

export function arrayOf(e: { a: DType; s: number[]; d: (number | boolean | string)[] }): NDArray {
  const data = hostArray(e.a, e.d.length);
  data.set(e.d.map(numberOf));
  return fromHost(data, e.s, e.a);
}

/** A decoded value; arrays go through `make`. */
export function decode(e: Encoded, make: (x: NDArray) => unknown = (x) => x): unknown {
  if (Array.isArray(e)) return e.map((child) => decode(child, make));
  if (typeof e !== 'object' || e === null) return e;
  if ('a' in e) return make(arrayOf(e));
  return Object.fromEntries(Object.entries(e.o).map(([key, child]) => [key, decode(child, make)]));
}

/** Where `got` is not `want`, or undefined. */
export function difference(
  got: unknown,
  want: Encoded,
  { rtol = 0, atol = 0 }: CaseOptions,
  at = 'result',
): string | undefined {
  if (Array.isArray(want)) {
    if (!Array.isArray(got) || got.length !== want.length) return `${at}: a list of ${want.length}, got ${String(got)}`;
    return firstOf(want.map((w, i) => () => difference(got[i], w, { rtol, atol }, `${at}[${i}]`)));
  }
  if (typeof want === 'object' && want !== null) {
    if ('o' in want) {
      const object = got as Record<string, unknown>;
      return firstOf(
        Object.entries(want.o).map(
          ([k, w]) =>
            () =>
              difference(object[k], w, { rtol, atol }, `${at}.${k}`),
        ),
      );
    }
    return arrayDifference(got, want, rtol, atol, at);
  }
  return Object.is(got, want) ? undefined : `${at}: ${String(want)}, got ${String(got)}`;
}

const firstOf = (checks: readonly (() => string | undefined)[]): string | undefined => {
  for (const check of checks) {
    const found = check();
    if (found !== undefined) return found;
  }
  return undefined;
};

function arrayDifference(
  got: unknown,
  want: { a: DType; s: number[]; d: (number | boolean | string)[] },
  rtol: number,
  atol: number,
  at: string,
): string | undefined {
  if (!(got instanceof NDArray)) return `${at}: an array, got ${String(got)}`;
  const type = `${want.a}[${want.s.join(',')}]`;
  if (`${got.dtype}[${got.shape.join(',')}]` !== type)
    return `${at}: ${type}, got ${got.dtype}[${got.shape.join(',')}]`;
  const expected = want.d.map((e) => (want.a === 'float32' ? Math.fround(numberOf(e)) : numberOf(e)));
  const data = got.dataSync();
  const wrong = expected.findIndex((w, i) => {
    const g = data[i] ?? NaN;
    if (Object.is(g, w) || g === w || (g !== g && w !== w)) return false;
    return !isFloat(want.a) || !(Math.abs(g - w) <= atol + rtol * Math.abs(w));
  });
  return wrong < 0 ? undefined : `${at}: [${expected.join(', ')}], got [${Array.from(data).join(', ')}]`;
}

type Functions = Record<string, (...args: unknown[]) => unknown>;
const call = (fn: string, args: readonly unknown[]): unknown => {
  const f = (np as unknown as Functions)[fn];
  if (f === undefined) throw new Error(`np.${fn} does not exist`);
  return f(...args);
};

/** The function of the arrays among the arguments, and these arrays. */
function closeOver(fn: string, args: Encoded[]): { f: (...arrays: NDArray[]) => unknown; arrays: NDArray[] } {
  const arrays: NDArray[] = [];
  decode(args, (x) => arrays.push(x));
  const f = (...given: NDArray[]): unknown => {
    let next = 0;
    return call(fn, decode(args, () => given[next++]) as unknown[]);
  };
  return { f, arrays };
}

const isTraceable = (result: Encoded): boolean =>
  typeof result === 'object' &&
  result !== null &&
  (Array.isArray(result) ? result.length > 0 && result.every(isTraceable) : true);

/** The array with its elements in opposite order. */
function reversed(x: NDArray): NDArray {
  const data = x.dataSync();
  return fromHost(data.reverse(), x.shape, x.dtype);
}

const encodeResult = (x: unknown): Encoded => {
  if (x instanceof NDArray) return { a: x.dtype, s: x.shape, d: Array.from(x.dataSync()) };
  if (Array.isArray(x)) return x.map(encodeResult);
  return { o: Object.fromEntries(Object.entries(x as object).map(([k, v]) => [k, encodeResult(v)])) };
};

/** Index 0 or 1 of every array of a result. */
function pick(x: unknown, i: number): unknown {
  if (x instanceof NDArray) {
    const n = x.size / 2;
    return fromHost(x.dataSync().slice(i * n, (i + 1) * n), x.shape.slice(1), x.dtype);
  }
  if (Array.isArray(x)) return x.map((child) => pick(child, i));
  return Object.fromEntries(Object.entries(x as object).map(([k, v]) => [k, pick(v, i)]));
}

function pairUp(x: NDArray): NDArray {
  const [a, b] = [x.dataSync(), reversed(x).dataSync()];
  const data = hostArray(x.dtype, 2 * x.size);
  data.set(a, 0);
  data.set(b, x.size);
  return fromHost(data, [2, ...x.shape], x.dtype);
}

export type Way = 'eager' | 'jit' | 'vmap';

/** Names of the functions of a group. */
export const functionsOf = (group: string): string[] => [
  ...new Set(file.cases.flatMap(([g, fn]) => (g === group ? [fn] : []))),
];

/** What is wrong with the cases of one function, at most a few. */
export function failures(group: string, fn: string, way: Way): string[] {
  const found: string[] = [];
  for (const [g, name, args, result, options] of file.cases) {
    if (g !== group || name !== fn) continue;
    if (way !== 'eager' && (options.host === true || !isTraceable(result))) continue;
    const { f, arrays } = closeOver(fn, args);
    if (way !== 'eager' && arrays.length === 0) continue;
    let wrong: string | undefined;
    try {
      wrong = check(way, f, arrays, result, options);
    } catch (error) {
      wrong = `threw ${error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 6).join('\n') : String(error)}`;
    }
    if (wrong !== undefined) found.push(`np.${fn}(${JSON.stringify(args)})\n  wanted ${wrong}`);
    if (found.length >= 3) break;
  }
  return found;
}

// Compiled together, sums may be added in another order than one operation at a time.
const looser = ({ rtol = 0, atol = 0 }: CaseOptions): CaseOptions =>
  rtol === 0 ? {} : { rtol: 4 * rtol, atol: Math.max(atol, 1e-6) };

function check(
  way: Way,
  f: (...arrays: NDArray[]) => unknown,
  arrays: NDArray[],
  result: Encoded,
  options: CaseOptions,
): string | undefined {
  if (way === 'eager') return difference(f(...arrays), result, options);
  if (way === 'jit') return difference(jit(f as (...xs: NDArray[]) => NDArray)(...arrays), result, looser(options));
  const both = vmap(f as (...xs: NDArray[]) => NDArray)(...arrays.map(pairUp)) as unknown;
  return (
    difference(pick(both, 0), result, looser(options)) ??
    difference(pick(both, 1), encodeResult(f(...arrays.map(reversed))), looser(options), 'reversed result')
  );
}

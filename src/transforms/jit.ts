/** `jit`: a function traced once per argument type and compiled as one program. A primitive, so every transform goes through it. */
import { ShapedArray } from '../core/aval.js';
import { ConcreteArray, getDefaultDevice } from '../core/concrete.js';
import type { Device } from '../core/device.js';
import { ArgumentError } from '../core/errors.js';
import { traceToJaxpr } from '../core/jaxpr-trace.js';
import type { NDArray } from '../core/ndarray.js';
import { printJaxpr } from '../core/print.js';
import { definePrimitive, type ClosedJaxpr, type Primitive } from '../core/primitive.js';
import { userLine } from '../core/source.js';
import { bind, currentTrace, evalTrace, Tracer } from '../core/trace.js';
import { unflatten, type TreeDef } from '../core/tree.js';
import type { TextStage } from '../compiler/backend.js';
import { compileJaxpr } from '../compiler/compile.js';
import { costLines, programCost, type Cost } from '../compiler/cost.js';
import type { Program } from '../compiler/loop-ir.js';
import { CompiledFunction, checkSupported, deviceOf } from '../compiler/executor.js';
import { LruCache } from '../compiler/lru.js';
import {
  flatFunction,
  flattenArguments,
  type ArgumentsLike,
  type ArrayTree,
  type FlatArguments,
  type ToArrays,
  type TreesLike,
} from './arguments.js';
import { callRules, calledTypes, hoistConstants } from './call.js';
import { add, mul } from '../lax/arithmetic.js';
import { sin } from '../lax/trigonometric.js';
import { take2 } from '../core/tuple.js';

type JitParams = { readonly jaxpr: ClosedJaxpr; readonly name: string };

const jitP: Primitive<JitParams> = definePrimitive<JitParams>({
  name: 'jit',
  abstract: (operands, { jaxpr }) => calledTypes('jit', operands, jaxpr),
  ...callRules<JitParams>((jaxpr, operands, { name }) => bind(jitP, operands, { jaxpr, name })),
  lower: (_avals, { jaxpr }) => ({ kind: 'call', jaxpr }),
  examples: () => {
    const aval = new ShapedArray([3], 'float32');
    const f = (...args: NDArray[]): NDArray[] => {
      const [x, y] = take2(args);
      return [mul(sin(x), y), add(x, y)];
    };
    return [
      { args: [{ shape: [3] }, { shape: [3] }], params: { jaxpr: traceToJaxpr(f, [aval, aval], 'jit'), name: 'f' } },
    ];
  },
});

export interface JitOptions {
  /** Arguments that are plain JS values: they are compiled in, and another value compiles again. */
  staticArgnums?: number | readonly number[];
  /** Arguments whose arrays are given up, so that results may take their memory. Using them afterwards is an error. */
  donate?: number | readonly number[];
  /** The device to run on, when the arguments do not say. */
  device?: Device;
  /** The name shown in jaxprs and profiles; by default the function's. */
  name?: string;
}

/** Variants (structures, shapes, dtypes, static values) of one function that are kept. */
const MAX_TRACES = 512;

let jitDisabled = false;

/** Whether the code that runs now is inside of {@link disableJit}. */
export const isJitDisabled = (): boolean => jitDisabled;

/**
 * Run `f` with `jit` doing nothing, so that every operation runs eagerly and values can be looked at.
 *
 * @example
 * ```ts
 * import { disableJit, jit, numpy as np } from 'cotangent';
 * disableJit(() => jit((x) => x.add(1))(np.array(2)).item()); // => 3
 * ```
 */
export function disableJit<R>(f: () => R): R {
  const before = jitDisabled;
  jitDisabled = true;
  try {
    return f();
  } finally {
    jitDisabled = before;
  }
}

interface Traced {
  readonly closed: ClosedJaxpr;
  readonly consts: readonly NDArray[];
  readonly outDef: TreeDef;
  /** Which operands (constants first) are given up; undefined when none is. */
  readonly donate: readonly boolean[] | undefined;
  /** Compiled per device. */
  readonly compiled: Map<Device, CompiledFunction>;
}

/** A function that closes over values of an outer trace is good for that trace only. */
const isCached = ({ consts }: Traced): boolean => !consts.some((c) => c instanceof Tracer);

const numbers = (value: number | readonly number[] | undefined): readonly number[] =>
  value === undefined ? [] : typeof value === 'number' ? [value] : value;

const staticIds = new WeakMap<object, number>();
let nextStaticId = 0;
/** Static values are compared by identity if they are objects or functions, else by value. */
function staticKey(value: unknown): string {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null)
    return `${typeof value}:${String(value)}`;
  let id = staticIds.get(value);
  if (id === undefined) staticIds.set(value, (id = nextStaticId++));
  return `#${String(id)}`;
}

/** A jitted function; `lower` looks inside. */
export type JittedFunction<
  A extends readonly unknown[],
  R,
  Arguments extends readonly unknown[] = ArgumentsLike<A>,
  Result = ToArrays<R>,
> = ((...args: Arguments) => Result) & {
  /** What `f` traces to for these arguments. */
  readonly lower: (...args: Arguments) => Lowered;
};

/** One traced and compiled variant of a jitted function. */
export interface Lowered {
  readonly jaxpr: ClosedJaxpr;
  /**
   * A stage of compilation, readable: `jaxpr`, what was traced; `kernels`, the loops and expressions that are left after
   * fusion, with the bytes each kernel reads and writes; the code in the backend's own language, `wat` of the cpu and
   * `wgsl` of a webgpu device.
   *
   * @example
   * ```ts
   * import { jit, nn, numpy as np } from 'cotangent';
   * const lowered = jit((x) => nn.softmax(x)).lower(np.zeros([8, 16]));
   * lowered.asText('jaxpr').startsWith('{ lambda ; a:f32[8,16]. let'); // => true
   * lowered.asText('kernels').split('kernel ').length - 1; // => 1
   * ```
   */
  asText(stage?: 'jaxpr' | TextStage): string;
  /**
   * What a run does, counted from the kernels: `kernels` launched, `bytesRead` and `bytesWritten` by them and the sum
   * `bytesMoved`, `arenaBytes` of scratch memory, `flops`.
   *
   * @example
   * ```ts
   * import { jit, nn, numpy as np } from 'cotangent';
   * const { kernels, bytesMoved } = jit((x) => nn.softmax(x)).lower(np.zeros([8, 16])).cost();
   * [kernels, bytesMoved]; // => [1, 1024]
   * ```
   */
  cost(): Cost;
}

/**
 * Compile `f` into one program of fused kernels, once per structure, shape and dtype of its arguments.
 *
 * `f` must be pure: it is traced, so its side effects happen at trace time only, and JS conditions cannot depend on
 * array values (see ConcretizationError).
 *
 * @throws ArgumentError for arguments that are no trees of arrays; DeletedArrayError when a donated array is used again.
 * @example
 * ```ts
 * import { jit, numpy as np } from 'cotangent';
 * const f = jit((x, y) => np.sum(np.exp(x).mul(y)));
 * f(np.zeros([3]), np.array([1, 2, 3])).item(); // => 6
 * ```
 */
export function jit<A extends readonly NDArray[], R>(f: (...args: A) => R, options?: JitOptions): JittedFunction<A, R>;
export function jit<A extends readonly unknown[], R extends ArrayTree>(
  f: (...args: A) => R,
  options?: JitOptions,
): JittedFunction<A, R, TreesLike<A>, R>;
export function jit<A extends readonly unknown[], R>(f: (...args: A) => R, options?: JitOptions): JittedFunction<A, R>;
export function jit<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  options: JitOptions = {},
): JittedFunction<A, R> {
  const statics = new Set(numbers(options.staticArgnums));
  const donated = new Set(numbers(options.donate));
  const name = options.name ?? (f.name === '' ? '<lambda>' : f.name);
  const traces = new LruCache<Traced>(MAX_TRACES);

  // The last call whose arguments were arrays and nothing else: one like it is known by the identity of their types,
  // which results of the same program share, without flattening anything or making a key.
  let last: { readonly avals: readonly ShapedArray[]; readonly traced: Traced } | undefined;
  const likeLast = (args: readonly unknown[]): args is readonly ConcreteArray[] => {
    if (args.length !== last?.avals.length) return false;
    for (let i = 0; i < args.length; i++) {
      const x = args[i];
      if (!(x instanceof ConcreteArray) || x.aval !== last.avals[i]) return false;
    }
    return true;
  };

  const prepare = (args: readonly unknown[]): { arrays: readonly NDArray[]; traced: Traced } => {
    if (last !== undefined && likeLast(args)) return { arrays: args, traced: last.traced };
    const flat = flattenArguments(
      args.filter((_, i) => !statics.has(i)),
      `jit(${name})`,
    );
    const { arrays, def } = flat;
    let key = def.toString();
    for (const x of arrays) key += `|${x.aval.toString()}${x.weakType ? '*' : ''}`;
    for (const i of statics) key += `|${staticKey(args[i])}`;
    const traced = traces.get(key) ?? trace(args, flat, key);
    if (statics.size === 0 && isCached(traced) && args.every((x) => x instanceof ConcreteArray))
      last = { avals: args.map((x) => x.aval), traced };
    return { arrays, traced };
  };
  // Positions count all arguments, but the flattened ones are without the static.
  const isDonated = (dynamicIndex: number): boolean => {
    let position = -1;
    for (let seen = -1; seen < dynamicIndex;) if (!statics.has(++position)) seen++;
    return donated.has(position);
  };

  const trace = (args: readonly unknown[], { arrays, def, labels }: FlatArguments, key: string): Traced => {
    const withStatics = (...dynamic: never[]): unknown => {
      let next = 0;
      const all = args.map((a, i) => (statics.has(i) ? a : dynamic[next++]));
      return f(...(all as unknown as A));
    };
    const flat = flatFunction(withStatics, def, `jit(${name})`);
    const closed = traceToJaxpr(
      flat.run,
      arrays.map((x) => x.aval),
      `jit(${name})`,
      labels,
    );
    const hoisted = hoistConstants(closed);
    const traced: Traced = {
      closed: hoisted.closed,
      consts: hoisted.consts,
      outDef: flat.outDef(),
      donate:
        donated.size === 0
          ? undefined
          : [
              ...hoisted.consts.map(() => false),
              ...def.children.flatMap((child, i) => new Array<boolean>(child.numLeaves).fill(isDonated(i))),
            ],
      compiled: new Map(),
    };
    if (isCached(traced)) traces.set(key, traced);
    return traced;
  };

  const compiledFor = (traced: Traced, operands: readonly ConcreteArray[]): CompiledFunction => {
    const device = deviceOf(operands, options.device ?? getDefaultDevice(), `jit(${name})`);
    let compiled = traced.compiled.get(device);
    if (compiled === undefined) {
      checkSupported(device, [...traced.closed.inAvals, ...traced.closed.outAvals], `jit(${name})`);
      const { closed, donate = [] } = traced;
      compiled = new CompiledFunction(closed, device, closed.outAvals, { name, donate });
      traced.compiled.set(device, compiled);
    }
    return compiled;
  };

  /** What `disableJit` asks for; arguments are arrays all the same. */
  const runEagerly = (args: readonly unknown[]): unknown => {
    const dynamic = flattenArguments(
      args.filter((_, i) => !statics.has(i)),
      `jit(${name})`,
    );
    const rebuilt = unflatten(dynamic.def, dynamic.arrays) as readonly unknown[];
    let next = 0;
    return f(...(args.map((a, i) => (statics.has(i) ? a : rebuilt[next++])) as unknown as A));
  };

  const call = (args: readonly unknown[]): unknown => {
    if (jitDisabled) return runEagerly(args);
    const { arrays, traced } = prepare(args);
    const operands = traced.consts.length === 0 ? arrays : [...traced.consts, ...arrays];
    if (currentTrace() !== evalTrace || !operands.every((x) => x instanceof ConcreteArray)) {
      return unflatten(traced.outDef, bind(jitP, operands, { jaxpr: traced.closed, name }));
    }
    return unflatten(traced.outDef, compiledFor(traced, operands).run(operands, traced.donate));
  };

  const lower = (args: readonly unknown[]): Lowered => {
    const { traced, arrays } = prepare(args);
    const concrete = [...traced.consts, ...arrays].filter((x) => x instanceof ConcreteArray);
    if (concrete.length !== traced.consts.length + arrays.length)
      throw new ArgumentError(`jit(${name}).lower: arguments must be concrete arrays.${userLine()}`);
    const { closed, donate = [] } = traced;
    const program = (): Program => compileJaxpr(closed, { name, donate }).program;
    return {
      jaxpr: closed,
      asText: (stage = 'kernels') => {
        if (stage === 'jaxpr') return printJaxpr(closed);
        const text = compiledFor(traced, concrete).asText(stage);
        return stage !== 'kernels' ? text : [text, ...costLines(program())].join('\n');
      },
      cost: () => programCost(program()),
    };
  };

  return Object.assign((...args: ArgumentsLike<A>) => call(args as readonly unknown[]) as ToArrays<R>, {
    lower: (...args: ArgumentsLike<A>) => lower(args as readonly unknown[]),
  });
}

/**
 * What the laws of a primitive run over: its examples, the same in float64 for finite differences, and the same with
 * axes of length 0 and 1.
 */
import { nth } from '../core/axes.js';
import { ShapedArray } from '../core/aval.js';
import { isFloat, type DType } from '../core/dtype.js';
import { CotangentError, DTypeError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import {
  ClosedJaxpr,
  Jaxpr,
  Lit,
  Var,
  type AnyPrimitive,
  type ArgSpec,
  type Atom,
  type Example,
  type Params,
  type ParamValue,
} from '../core/primitive.js';
import { bind } from '../core/trace.js';
import { convertElementType } from '../lax/convert.js';
import { drawOperands, type HostArray } from './host.js';
import { isNarrow, roundings, EXACT, type Tolerance } from './compare.js';
import type { Rng } from './prng.js';

/** One example of a primitive, as a function of its operands. */
export interface Subject {
  /** `mul f32[2,3] f32[]`. */
  readonly name: string;
  readonly primitive: AnyPrimitive;
  readonly args: readonly ArgSpec[];
  readonly params: Params;
  readonly avals: readonly ShapedArray[];
  readonly outAvals: readonly ShapedArray[];
  readonly apply: (...xs: NDArray[]) => readonly NDArray[];
  /** Whether each element of the results depends on the same element of the operands alone. */
  readonly isElementwise: boolean;
  /** Whether it runs jaxprs of its parameters. */
  readonly isCall: boolean;
  /** How far two evaluations may differ: not at all, unless the order of summation is free. */
  readonly tolerance: (dtype: DType) => Tolerance;
}

/** Roundings that a reordered sum of the few elements of an example may differ by. */
const REORDERED = 64;

const typeOf = (spec: ArgSpec): ShapedArray => new ShapedArray(spec.shape, spec.dtype ?? 'float32');

/** Parameters in few characters: jaxprs and functions by kind. */
function showParams(params: Params): string {
  const show = (value: ParamValue): string => {
    if (value instanceof ClosedJaxpr || value instanceof Jaxpr) return 'jaxpr';
    if (typeof value === 'function') return 'function';
    if (Array.isArray(value)) return `[${value.map((v: ParamValue) => show(v)).join(',')}]`;
    if (typeof value === 'object' && value !== null)
      return `{${Object.entries(value)
        .map(([k, v]: [string, ParamValue]) => `${k}:${show(v)}`)
        .join(',')}}`;
    return String(value);
  };
  const entries = Object.entries(params);
  return entries.length === 0 ? '' : `[${entries.map(([k, v]) => `${k}=${show(v)}`).join(' ')}]`;
}

export function subject(primitive: AnyPrimitive, { args, params }: Example<Params>): Subject {
  const avals = args.map(typeOf);
  const lowering = primitive.lower(avals, params);
  const { kind } = lowering;
  const runsJaxprs = kind === 'call' || kind === 'scan' || kind === 'while' || kind === 'cond';
  const free = kind === 'reduce' || kind === 'contract' || runsJaxprs;
  return {
    name: `${primitive.name}${showParams(params)} ${avals.map(String).join(' ')}`.trim(),
    primitive,
    args,
    params,
    avals,
    outAvals: primitive.abstract(avals, params),
    isElementwise: lowering.kind === 'map' && lowering.elementwise === true,
    isCall: runsJaxprs,
    apply: (...xs) => bind(primitive, xs, params),
    tolerance: (dtype) => (free ? roundings(dtype, REORDERED) : EXACT),
  };
}

export const draw = (s: Subject, rng: Rng): HostArray[] => drawOperands(s.args, rng);

/** Operands that vary: lists of indices rotate, single indices move, everything else is drawn again. */
export function drawBatch(s: Subject, size: number, rng: Rng): HostArray[][] {
  return Array.from({ length: size }, (_, b) =>
    drawOperands(
      s.args.map((spec) => {
        const { values } = spec;
        if (values === undefined) return spec;
        if (values.length === 1) return { ...spec, values: [nth(values, 0) + b] };
        const shift = (b * (spec.shape[spec.shape.length - 1] ?? 1)) % values.length;
        return { ...spec, values: [...values.slice(shift), ...values.slice(0, shift)] };
      }),
      rng,
    ),
  );
}

const wideType = (a: ShapedArray): ShapedArray => (isNarrow(a.dtype) ? a.with({ dtype: 'float64' }) : a);

function wideJaxpr(jaxpr: Jaxpr): Jaxpr {
  const variables = new Map<Var, Var>();
  const variable = (v: Var): Var => {
    let wide = variables.get(v);
    if (wide === undefined) variables.set(v, (wide = new Var(wideType(v.aval))));
    return wide;
  };
  const atom = (a: Atom): Atom => (a instanceof Lit ? new Lit(a.value, wideType(a.aval)) : variable(a));
  return new Jaxpr(
    jaxpr.constvars.map(variable),
    jaxpr.invars.map(variable),
    jaxpr.eqns.map((e) => ({
      ...e,
      inputs: e.inputs.map(atom),
      outputs: e.outputs.map(variable),
      params: wideParams(e.params),
    })),
    jaxpr.outvars.map(atom),
  );
}

function wideValue(value: ParamValue): ParamValue {
  if (value === 'float16' || value === 'float32') return 'float64';
  if (value instanceof Jaxpr) return wideJaxpr(value);
  if (value instanceof ClosedJaxpr) {
    const consts = value.consts.map((c) => (isNarrow(c.dtype) ? convertElementType(c, 'float64') : c));
    return new ClosedJaxpr(wideJaxpr(value.jaxpr), consts);
  }
  if (Array.isArray(value)) return value.map(wideValue);
  return value;
}

const wideParams = (params: Params): Params =>
  Object.fromEntries(Object.entries(params).map(([k, v]) => [k, wideValue(v)]));

/**
 * The subject with float64 in place of float32, in operands, parameters and the jaxprs among them. One that has no such
 * form (a bit cast to 32 bits) stays as it is.
 */
export function widened(s: Subject): Subject {
  const args = s.args.map((spec) =>
    isNarrow(spec.dtype ?? 'float32') ? { ...spec, dtype: 'float64' as const } : spec,
  );
  try {
    return subject(s.primitive, { args, params: wideParams(s.params) });
  } catch (error) {
    if (error instanceof DTypeError) return s;
    throw error;
  }
}

/** Lengths at the edges: of nothing, and of one element. */
export const SMALL = [0, 1];
/** A length that is a few vector registers and a rest. */
export const LONG = [19];

/**
 * The subject with one of its lengths replaced by another wherever it occurs, as far as the primitive takes that.
 * Operands with given values keep their shape, so a subject that has some is left out.
 */
export function resized(s: Subject, targets: readonly number[]): Subject[] {
  if (s.args.some((spec) => spec.values !== undefined)) return [];
  const lengths = new Set(s.avals.flatMap((a) => a.shape));
  return [...lengths].flatMap((from) =>
    targets.flatMap((to) => {
      if (from === to) return [];
      const args = s.args.map((spec) => ({ ...spec, shape: spec.shape.map((n) => (n === from ? to : n)) }));
      try {
        return [{ ...subject(s.primitive, { args, params: s.params }), tolerance: s.tolerance }];
      } catch (error) {
        // This primitive's parameters belong to its shapes.
        if (error instanceof CotangentError) return [];
        throw error;
      }
    }),
  );
}

export const hasFloatOperand = (s: Subject): boolean => s.avals.some((a) => isFloat(a.dtype));
export const hasFloatResult = (s: Subject): boolean => s.outAvals.some((a) => isFloat(a.dtype));

/** Structural keys: equal keys mean equal structure (they are full serialisations, not hashes). */
import { ClosedJaxpr, Jaxpr, Var, type Atom, type ParamValue, type Params } from '../core/primitive.js';
import { operandsOf, type Expr } from '../core/scalar.js';
import { bodiesOf, type Body } from './inline.js';
import type { ContractKernel, ContractOperand, Kernel, Program, Stage, Store } from './loop-ir.js';

const ids = new WeakMap<object, number>();
let nextId = 0;
/** A number for an object that is compared by identity. */
export function identityOf(value: object): number {
  let id = ids.get(value);
  if (id === undefined) {
    id = nextId++;
    ids.set(value, id);
  }
  return id;
}

const number = (x: number): string => (Object.is(x, -0) ? '-0' : String(x));

/** Key of one parameter; functions and closed-over arrays count by identity. */
export function paramKey(value: ParamValue): string {
  if (value instanceof ClosedJaxpr)
    return `${jaxprKey(value.jaxpr)}/${value.consts.map((c) => String(identityOf(c))).join(',')}`;
  if (value instanceof Jaxpr) return jaxprKey(value);
  if (typeof value === 'number') return number(value);
  if (typeof value === 'function') return `f${String(identityOf(value))}`;
  if (Array.isArray(value)) return `[${value.map((v: ParamValue) => paramKey(v)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([k, v]: [string, ParamValue]) => `${k}:${paramKey(v)}`)
      .join(',')}}`;
  }
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

export function paramsKey(params: Params): string {
  let key = '';
  for (const name in params) key += `${name}=${paramKey(params[name])};`;
  return key;
}

const jaxprKeys = new WeakMap<Jaxpr, string>();

/** Key of a jaxpr: variables are numbered in order of appearance. Long ones are asked for again and again. */
export function jaxprKey(jaxpr: Jaxpr): string {
  let key = jaxprKeys.get(jaxpr);
  if (key === undefined) jaxprKeys.set(jaxpr, (key = writeJaxpr(jaxpr)));
  return key;
}

function writeJaxpr(jaxpr: Jaxpr): string {
  const numbers = new Map<Var, number>();
  const atom = (a: Atom): string => {
    if (!(a instanceof Var)) return `${number(a.value)}:${a.aval.toString()}`;
    let n = numbers.get(a);
    if (n === undefined) numbers.set(a, (n = numbers.size));
    return `v${String(n)}`;
  };
  const typed = (v: Var): string => `${atom(v)}:${v.aval.toString()}`;
  const head = `${jaxpr.constvars.map(typed).join(' ')};${jaxpr.invars.map(typed).join(' ')}`;
  const body = jaxpr.eqns.map(
    (e) =>
      `${e.outputs.map(typed).join(' ')}=${e.primitive.name}[${paramsKey(e.params)}]${e.inputs.map(atom).join(' ')}`,
  );
  return `${head}.${body.join('\n')}.${jaxpr.outvars.map(atom).join(' ')}`;
}

/** Key of a body: its own variables are numbered in order, `outer` names those of what is around. */
export function bodyKey(body: Body, outer: (a: Atom) => string): string {
  const own = new Map<Atom, string>();
  const define = (v: Var): string => {
    const name = `b${String(own.size)}`;
    own.set(v, name);
    return `${name}:${v.aval.toString()}`;
  };
  const atom = (a: Atom): string => own.get(a) ?? outer(a);
  const head = body.inputs.map(define).join(' ');
  const eqns = body.eqns.map(({ primitive, params, inputs, outputs, lowering }) => {
    const inner =
      lowering.kind === 'repeat' || lowering.kind === 'branch'
        ? `{${bodiesOf(lowering)
            .map((b) => bodyKey(b, atom))
            .join(
              '}{',
            )}}${lowering.kind === 'repeat' ? JSON.stringify([lowering.numCarry, 'cond' in lowering.trips || lowering.trips]) : ''}`
        : '';
    const read = inputs.map(atom).join(' ');
    return `${outputs.map(define).join(' ')}=${primitive.name}[${paramsKey(params)}]${inner}${read}`;
  });
  return `${head};${eqns.join('\n')};${body.outputs.map(atom).join(' ')}`;
}

/** Serialises expressions as a DAG: a shared node is written once. */
class ExprWriter {
  readonly #numbers = new Map<Expr, number>();
  text = '';

  write(e: Expr): number {
    const known = this.#numbers.get(e);
    if (known !== undefined) return known;
    const operands = operandsOf(e).map((x) => this.write(x));
    const n = this.#numbers.size;
    this.#numbers.set(e, n);
    const extra =
      e.op === 'const'
        ? typeof e.value === 'number'
          ? number(e.value)
          : `${String(e.value)}n`
        : e.op === 'var'
          ? `${String(e.id)}<${String(e.extent)}`
          : e.op === 'load'
            ? String(e.buffer)
            : e.op === 'acc'
              ? String(e.id)
              : '';
    this.text += `${String(n)}=${e.op}:${e.type}(${extra}${operands.length > 0 ? `;${operands.join(',')}` : ''}) `;
    return n;
  }
}

/** Key of an expression on its own. */
export function exprKey(e: Expr): string {
  const writer = new ExprWriter();
  writer.write(e);
  return writer.text;
}

const storeKey = (writer: ExprWriter, t: Store): string =>
  `${String(t.buffer)}[${String(writer.write(t.index))}]${t.combine ?? ''}=${String(writer.write(t.value))}?${t.mask === undefined ? '' : String(writer.write(t.mask))}`;

function stageKey(writer: ExprWriter, stage: Stage): string {
  const accumulators = stage.accumulators.map((a) => {
    const update =
      'combine' in a.update
        ? `${a.update.combine} ${String(writer.write(a.update.value))}`
        : `${String(writer.write(a.update.next))}${a.update.merge === undefined ? '' : `&${String(writer.write(a.update.merge))}`}`;
    return `${String(a.id)}:${a.dtype}=${String(writer.write(a.init))},${update}`;
  });
  const stores = stage.stores.map((t) => storeKey(writer, t));
  return `${JSON.stringify(stage.loops)}${String(stage.ordered)}{${accumulators.join(';')}|${stores.join(';')}}`;
}

/** Key of a kernel, its name left out. */
export function kernelKey(kernel: Kernel): string {
  switch (kernel.kind) {
    case 'sort':
      return JSON.stringify({ ...kernel, name: '' });
    case 'contract':
      return contractKey(kernel);
    case 'loop': {
      const writer = new ExprWriter();
      const stages = kernel.stages.map((stage) => stageKey(writer, stage));
      return `${JSON.stringify(kernel.buffers)}${JSON.stringify(kernel.loops)}${writer.text}${stages.join('')}`;
    }
  }
}

/** Expressions are not for JSON, which has no bigints, one zero, and no sharing. */
function contractKey({ lhs, rhs, epilogue, beside = [], ...rest }: ContractKernel): string {
  const writer = new ExprWriter();
  const operand = (x: ContractOperand): string =>
    'value' in x ? `=${String(writer.write(x.value))}` : `${String(x.buffer)}+${String(x.offset)}`;
  const parts = [operand(lhs), operand(rhs), ...(epilogue ?? []).map((t) => storeKey(writer, t))];
  const stages = beside.map((b) => `${b.of}${b.stages.map((stage) => stageKey(writer, stage)).join('')}`);
  return `${JSON.stringify({ ...rest, name: '' })}${writer.text}${parts.join('|')}${epilogue === undefined ? '' : '*'}${stages.join('+')}`;
}

/** Key of a program, names left out: programs of equal keys compute the same. */
export function programKey({ name: _, kernels, constants, ...rest }: Program): string {
  const data = constants.map(
    ({ dtype, data: { buffer, byteOffset, byteLength } }) =>
      `${dtype}:${new Uint8Array(buffer, byteOffset, byteLength).toString()}`,
  );
  return `${JSON.stringify(rest)}${JSON.stringify(data)}\n${kernels.map(kernelKey).join('\n')}`;
}

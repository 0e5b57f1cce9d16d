/** The text of a jaxpr, exactly as JAX prints it: one line if it fits, shared sub-jaxprs hoisted. */
import { isFloat } from './dtype.js';
import { brk, concat, group, join, nest, render, type Doc } from './pretty.js';
import { ClosedJaxpr, Jaxpr, setJaxprPrinter, Var, type Atom, type Eqn } from './primitive.js';

const WIDTH = 80;

/** JAX's names: a … z, then ba, bb, … (base 26 with a as zero). */
export function variableName(i: number): string {
  let name = '';
  do {
    name = String.fromCharCode(97 + (i % 26)) + name;
    i = Math.floor(i / 26);
  } while (i > 0);
  return name;
}

/** A float as Python prints it. */
export function pythonFloat(x: number): string {
  if (Number.isNaN(x)) return 'nan';
  if (!Number.isFinite(x)) return x > 0 ? 'inf' : '-inf';
  if (Object.is(x, -0)) return '-0.0';
  const magnitude = Math.abs(x);
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e16)) {
    return x.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  }
  const text = String(x);
  return text.includes('.') ? text : `${text}.0`;
}

/** The shortest decimal that rounds to the float32 `x`: what NumPy prints for it. */
export function float32Text(x: number): string {
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(x.toPrecision(digits));
    if (Math.fround(short) === x) return pythonFloat(short);
  }
  return pythonFloat(x);
}

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);

/** Python's named tuples among the parameters, by a field that only they have. */
const RECORDS = [
  ['lhsSpec', 'ConvDimensionNumbers'],
  ['offsetDims', 'GatherDimensionNumbers'],
  ['updateWindowDims', 'ScatterDimensionNumbers'],
] as const;

class Printer {
  readonly #names = new Map<Var, string>();
  readonly #hoisted = new Map<Jaxpr, string>();

  constructor(private readonly root: Jaxpr) {}

  print(): string {
    const shared = this.#sharedJaxprs();
    if (shared.length === 0) return render(this.#jaxpr(this.root), WIDTH);
    const used = new Set<string>();
    const bindings = shared.map(({ jaxpr, name }) => {
      let unique = name;
      for (let i = 0; used.has(unique); i++) unique = `${name}${String(i)}`;
      used.add(unique);
      const doc = concat(`let ${unique} = `, this.#jaxpr(jaxpr), ' in');
      this.#hoisted.set(jaxpr, unique);
      return render(doc, WIDTH);
    });
    return [...bindings, render(this.#jaxpr(this.root), WIDTH)].join('\n');
  }

  /** Sub-jaxprs that more than one equation carries, innermost first. */
  #sharedJaxprs(): { jaxpr: Jaxpr; name: string }[] {
    const count = new Map<Jaxpr, number>();
    const order: { jaxpr: Jaxpr; name: string }[] = [];
    const visit = (jaxpr: Jaxpr): void => {
      for (const eqn of jaxpr.eqns) {
        for (const value of Object.values(eqn.params)) {
          for (const part of Array.isArray(value) ? (value as readonly unknown[]) : [value]) {
            const sub = part instanceof ClosedJaxpr ? part.jaxpr : part;
            if (!(sub instanceof Jaxpr)) continue;
            const seen = count.get(sub) ?? 0;
            count.set(sub, seen + 1);
            if (seen > 0) continue;
            visit(sub);
            const name = eqn.params['name'];
            order.push({ jaxpr: sub, name: typeof name === 'string' && name !== '' ? name : '_where' });
          }
        }
      }
    };
    visit(this.root);
    return order.filter(({ jaxpr }) => (count.get(jaxpr) ?? 0) > 1);
  }

  #name(v: Var): string {
    let name = this.#names.get(v);
    if (name === undefined) {
      name = variableName(this.#names.size);
      this.#names.set(v, name);
    }
    return name;
  }

  #typed(v: Var): string {
    return `${this.#name(v)}:${v.aval.toString()}`;
  }

  #atom(a: Atom): string {
    if (a instanceof Var) return this.#name(a);
    const { dtype } = a.aval;
    const text =
      dtype === 'bool'
        ? a.value === 0
          ? 'False'
          : 'True'
        : dtype === 'float32'
          ? float32Text(a.value)
          : isFloat(dtype)
            ? pythonFloat(a.value)
            : String(a.value);
    return `${text}:${a.aval.toString()}`;
  }

  /** dot_general's `(([1], [0]), ([], []))`: tuples of pairs of lists. */
  #dimensionNumbers(value: readonly unknown[]): Doc {
    const list = (axes: unknown): string => (Array.isArray(axes) ? `[${axes.join(', ')}]` : String(axes));
    return `(${value.map((pair) => (Array.isArray(pair) ? `(${pair.map(list).join(', ')})` : list(pair))).join(', ')})`;
  }

  #value(value: unknown): Doc {
    if (value instanceof ClosedJaxpr) return this.#value(value.jaxpr);
    if (value instanceof Jaxpr) return this.#hoisted.get(value) ?? this.#jaxpr(value);
    if (value === null || value === undefined) return 'None';
    if (typeof value === 'boolean') return value ? 'True' : 'False';
    if (typeof value === 'number') return String(value);
    if (typeof value === 'string') return value;
    if (typeof value === 'function') return value.name === '' ? '<function>' : value.name;
    if (
      Array.isArray(value) &&
      value.length > 0 &&
      value.every((v) => v instanceof ClosedJaxpr || v instanceof Jaxpr)
    ) {
      const jaxprs = value.map((v: unknown) => this.#value(v));
      return group(concat(nest(2, concat('(', brk(''), join(brk(), jaxprs))), brk(''), ')'));
    }
    if (Array.isArray(value)) {
      return concat(
        '(',
        join(
          ', ',
          value.map((v: unknown) => this.#value(v)),
        ),
        value.length === 1 ? ',)' : ')',
      );
    }
    if (typeof value !== 'object') return '?';
    const entries = join(
      ', ',
      Object.entries(value).map(([k, v]) => concat(`${snakeCase(k)}=`, this.#value(v))),
    );
    const record = RECORDS.find(([key]) => key in value);
    return record === undefined ? concat('{', entries, '}') : concat(`${record[1]}(`, entries, ')');
  }

  #eqn(eqn: Eqn, used: ReadonlySet<Var>): Doc {
    const left = eqn.outputs.map((v) => (used.has(v) ? this.#typed(v) : `_:${v.aval.toString()}`)).join(' ');
    const params = Object.entries(eqn.params)
      .filter(([, v]) => v !== undefined)
      // Alphabetical, but a call's name comes before its jaxpr.
      .sort(([a], [b]) => (a === 'name' || (b !== 'name' && a < b) ? -1 : 1));
    const inputs = eqn.inputs.map((a) => ` ${this.#atom(a)}`).join('');
    const pairs = params.map(([k, v]) =>
      concat(
        `${snakeCase(k)}=`,
        k === 'dimensionNumbers' && Array.isArray(v) ? this.#dimensionNumbers(v) : this.#value(v),
      ),
    );
    const bracket =
      pairs.length === 0 ? '' : group(concat('[', nest(2, concat(brk(''), join(brk(), pairs))), brk(''), ']'));
    return concat(`${left}${left === '' ? '' : ' '}= ${eqn.primitive.name}`, bracket, inputs);
  }

  #jaxpr(jaxpr: Jaxpr): Doc {
    const used = new Set<Var>();
    for (const atom of [...jaxpr.eqns.flatMap((e) => e.inputs), ...jaxpr.outvars])
      if (atom instanceof Var) used.add(atom);
    const constants = jaxpr.constvars.map((v) => ` ${this.#typed(v)}`).join('');
    const args = jaxpr.invars.map((v) => this.#typed(v)).join(' ');
    const eqns = jaxpr.eqns.map((e) => this.#eqn(e, used));
    const outs = `(${jaxpr.outvars.map((a) => this.#atom(a)).join(', ')}${jaxpr.outvars.length === 1 ? ',' : ''})`;
    const body = concat(nest(2, concat(brk(), join(eqnBreak, eqns))), brk());
    return group(concat(nest(2, concat(`{ lambda${constants} ; ${args}. let`, body, `in ${outs}`)), ' }'));
  }
}
const eqnBreak: Doc = brk('; ');

/** Text of a jaxpr as JAX prints it. */
export const printJaxpr = (jaxpr: Jaxpr | ClosedJaxpr): string =>
  new Printer(jaxpr instanceof ClosedJaxpr ? jaxpr.jaxpr : jaxpr).print();

setJaxprPrinter(printJaxpr);

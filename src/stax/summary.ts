/** The table of a network that Keras prints: its layers, the shapes of their outputs, how many parameters they have. */
import type { Shape } from '../core/aval.js';
import type { NDArray } from '../core/ndarray.js';
import { leaves } from '../core/tree.js';
import { key as makeKey } from '../random/key.js';
import { evalShape, ShapeDtypeStruct } from '../transforms/make-jaxpr.js';
import { infoOf, nameOf, untyped, type AnyLayer, type InputOf, type ShapeOf } from './layer.js';

/** Number of parameters of a layer: all elements of all arrays of its parameters. */
interface Count {
  readonly outputShape: unknown;
  readonly params: number;
  readonly state: number;
}

const sizeOf = (tree: unknown): number =>
  leaves<unknown>([tree]).reduce<number>(
    (n, x) => n + (x instanceof ShapeDtypeStruct ? x.shape.reduce((a, b) => a * b, 1) : 0),
    0,
  );

/** What `init` would make, without making it. */
function count(layer: AnyLayer, inputShape: unknown): Count {
  let outputShape: unknown;
  const made = evalShape((key: NDArray) => {
    const { params, state = null, ...rest } = untyped(layer).init(key, inputShape);
    outputShape = rest.outputShape;
    return { params, state } as { params: NDArray; state: NDArray };
  }, makeKey(0));
  return { outputShape, params: sizeOf(made.params), state: sizeOf(made.state) };
}

/**
 * How many parameters a layer has for inputs of this shape. Nothing is computed or allocated.
 *
 * @example
 * ```ts
 * import { stax } from 'cotangent';
 * stax.countParams(stax.Dense(10), [-1, 784]); // => 7850
 * ```
 */
export const countParams = <L extends AnyLayer>(layer: L, inputShape: ShapeOf<InputOf<L>>): number =>
  count(layer, inputShape).params;

interface Row {
  readonly name: string;
  readonly depth: number;
  readonly shape: string;
  readonly params: number;
}

/** Options of {@link summary}. */
export interface SummaryOptions {
  /** How deep to go into layers inside layers: 0 for the layers of the network alone; 1 by default. */
  depth?: number;
}

const showDims = (shape: unknown): string => {
  const list = shape as Shape | readonly unknown[];
  if (list.every((n) => typeof n === 'number')) return `[${list.map((n) => (n === -1 ? 'batch' : n)).join(', ')}]`;
  return list.map(showDims).join(' ');
};

const outputOf = (layer: AnyLayer, inputShape: unknown): unknown => count(layer, inputShape).outputShape;

/** The layers in a layer; those of a nested serial stand where it stands. */
function insideOf(layer: AnyLayer, inputShape: unknown): readonly (readonly [AnyLayer, unknown])[] {
  const own = infoOf(layer).inside?.(inputShape, outputOf) ?? [];
  return own.flatMap(([each, shape]) =>
    infoOf(each).parts === undefined ? [[each, shape] as const] : insideOf(each, shape),
  );
}

/** Rows of a layer and those inside it. A composition's name in a row is the word before its list. */
function rowsOf(layer: AnyLayer, inputShape: unknown, depth: number, limit: number): Row[] {
  const { outputShape, params } = count(layer, inputShape);
  const inside = depth < limit ? insideOf(layer, inputShape) : [];
  const name =
    infoOf(layer).inside === undefined ? nameOf(layer) : (/^[\w]+/.exec(nameOf(layer))?.[0] ?? nameOf(layer));
  return [
    { name, depth, shape: showDims(outputShape), params },
    ...inside.flatMap(([each, shape]) => rowsOf(each, shape, depth + 1, limit)),
  ];
}

/** Parameters that no gradient reaches. */
function frozen(layer: AnyLayer, inputShape: unknown): number {
  const { trainable, wrapped, inside: within } = infoOf(layer);
  if (trainable === false) return count(layer, inputShape).params;
  if (wrapped !== undefined) return frozen(wrapped, inputShape);
  const inside = within?.(inputShape, outputOf) ?? [];
  return inside.reduce((n, [each, shape]) => n + frozen(each, shape), 0);
}

const group = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',');

/**
 * A table of a network for inputs of this shape: a row for each layer with the shape of its output (`batch` where the length is
 * -1) and the number of its parameters, those inside of a layer indented; then the totals. Nothing is computed or allocated,
 * so that it is quick for networks of any size.
 *
 * @example
 * ```ts
 * import { stax } from 'cotangent';
 * const text = stax.summary(stax.serial(stax.Dense(64), stax.Relu, stax.Dense(1)), [-1, 20]);
 * text.includes('Total params: 1,409'); // => true
 * ```
 */
export function summary<L extends AnyLayer>(
  layer: L,
  inputShape: ShapeOf<InputOf<L>>,
  { depth = 1 }: SummaryOptions = {},
): string {
  const top = infoOf(layer).parts === undefined ? [[layer, inputShape] as const] : insideOf(layer, inputShape);
  const rows = top.flatMap(([each, shape]) => rowsOf(each, shape, 0, depth));
  const total = count(layer, inputShape);
  const fixed = frozen(layer, inputShape);
  const cells = [
    ['Layer', 'Output shape', 'Params'],
    ...rows.map((row) => [`${'  '.repeat(row.depth)}${row.name}`, row.shape, group(row.params)]),
  ];
  const widths = [0, 1, 2].map((c) => Math.max(...cells.map((row) => row[c]?.length ?? 0)));
  const [w0 = 0, w1 = 0, w2 = 0] = widths;
  const line = ([name = '', shape = '', params = '']: readonly string[]): string =>
    `${name.padEnd(w0)}  ${shape.padEnd(w1)}  ${params.padStart(w2)}`;
  const [head = [], ...body] = cells;
  const rule = '-'.repeat(w0 + w1 + w2 + 4);
  return [
    line(head),
    rule,
    ...body.map(line),
    rule,
    `Total params: ${group(total.params)}`,
    `Trainable params: ${group(total.params - fixed)}`,
    `Non-trainable params: ${group(fixed)}`,
    ...(total.state === 0 ? [] : [`State (running averages): ${group(total.state)}`]),
    '',
  ].join('\n');
}

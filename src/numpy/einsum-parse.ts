/**
 * The notation of einsum: subscripts as text (`'...ij,jk->...ik'`) or as lists of numbers after each operand. Labels
 * are single letters; the axes of an ellipsis get labels `.0`, `.1`, … counted from the last, so that they align as
 * broadcasting does.
 */
import { nth, range } from '../core/axes.js';
import { showShape, type Shape } from '../core/aval.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { single } from './promote.js';

/** Subscripts of one operand in list form: a number per axis, and `'...'` for an ellipsis. */
export type LabelList = readonly (number | '...')[];

/** The arguments of einsum: text and operands, or operands each followed by its list, and perhaps one for the result. */
export type EinsumArguments =
  readonly [subscripts: string, ...operands: ArrayLike[]] | readonly (ArrayLike | LabelList)[];

/** What the subscripts say. */
export interface EinsumTerms {
  readonly operands: readonly NDArray[];
  /** Labels of the axes of each operand; one may occur twice (a diagonal). */
  readonly inputs: readonly (readonly string[])[];
  readonly output: readonly string[];
  /** Length of the axes with each label. */
  readonly sizes: ReadonlyMap<string, number>;
}

const ELLIPSIS = '...';
// NumPy's alphabet of list form: upper case first.
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

const wrong = (text: string, what: string): ArgumentError =>
  new ArgumentError(
    `einsum: ${what} in '${text}'. Write one letter per axis, commas between operands, '...' for any axes in front, and ` +
      `'->' before the result, as in 'ij,jk->ik'.${userLine()}`,
  );

/** The text of the list form. */
function fromLists(args: readonly (ArrayLike | LabelList)[]): { text: string; operands: ArrayLike[] } {
  const letters = (list: LabelList): string =>
    list
      .map((label) => {
        const letter = label === ELLIPSIS ? ELLIPSIS : LETTERS[label];
        if (letter !== undefined) return letter;
        throw new ArgumentError(
          `einsum: labels are integers from 0 to ${LETTERS.length - 1}, got ${label}.${userLine()}`,
        );
      })
      .join('');
  const isList = (x: ArrayLike | LabelList | undefined): x is LabelList => Array.isArray(x);
  const operands: ArrayLike[] = [];
  const inputs: string[] = [];
  const pairs = Math.floor(args.length / 2);
  for (let i = 0; i < pairs; i++) {
    const [operand, list] = [args[2 * i], args[2 * i + 1]];
    if (operand === undefined || isList(operand) || !isList(list)) {
      throw new ArgumentError(
        `einsum: expected subscripts as text first, or operands each followed by a list of labels: ` +
          `einsum('ij,jk->ik', x, y) or einsum(x, [0, 1], y, [1, 2], [0, 2]).${userLine()}`,
      );
    }
    operands.push(operand);
    inputs.push(letters(list));
  }
  const output = args.length % 2 === 1 ? args[args.length - 1] : undefined;
  if (output !== undefined && !isList(output)) {
    throw new ArgumentError(`einsum: the last operand has no list of labels.${userLine()}`);
  }
  return { text: inputs.join(',') + (output === undefined ? '' : `->${letters(output)}`), operands };
}

/** Letters of one term, with `...` as one entry. */
function tokens(text: string, term: string): string[] {
  const parts = term.split(ELLIPSIS);
  if (parts.length > 2) throw wrong(text, 'more than one ellipsis');
  const list = parts.map((part) => Array.from(part));
  for (const letter of list.flat()) if (!/[A-Za-z]/.test(letter)) throw wrong(text, `'${letter}'`);
  const [before = [], after] = list;
  return after === undefined ? before : [...before, ELLIPSIS, ...after];
}

/** Labels of the axes of an operand of shape `shape`. */
function labelsOf(text: string, term: string, shape: Shape): string[] {
  const list = tokens(text, term);
  const letters = list.filter((t) => t !== ELLIPSIS).length;
  const rest = shape.length - letters;
  if (rest < 0 || (rest > 0 && !list.includes(ELLIPSIS))) {
    throw new ShapeError(
      `einsum: the subscripts '${term}' name ${letters} axes, but the operand has shape ${showShape(shape)}. ` +
        `Name each axis, or use '...' for those in front.${userLine()}`,
    );
  }
  return list.flatMap((t) => (t === ELLIPSIS ? ellipsisLabels(rest) : [t]));
}

const ellipsisLabels = (n: number): string[] => range(n).map((i) => `.${n - 1 - i}`);

/** Lengths of the labels; 1 gives way to any other length. */
function sizesOf(
  text: string,
  operands: readonly NDArray[],
  inputs: readonly (readonly string[])[],
): Map<string, number> {
  const sizes = new Map<string, number>();
  inputs.forEach((labels, i) => {
    const { shape } = nth(operands, i).aval;
    labels.forEach((label, d) => {
      const n = nth(shape, d);
      const known = sizes.get(label);
      if (labels.indexOf(label) !== d && n !== nth(shape, labels.indexOf(label))) {
        throw new ShapeError(
          `einsum: '${label}' stands twice on operand ${i} of shape ${showShape(shape)}, a diagonal, but those axes differ in length.${userLine()}`,
        );
      }
      if (known !== undefined && known !== n && known !== 1 && n !== 1) {
        throw new ShapeError(
          `einsum: ${label.startsWith('.') ? "an axis of '...'" : `'${label}'`} in '${text}' has length ${known} and, on operand ${i} of ` +
            `shape ${showShape(shape)}, ${n}.${userLine()}`,
        );
      }
      if (known === undefined || known === 1) sizes.set(label, n);
    });
  });
  return sizes;
}

/** Labels of the result: as written, or those that occur once, sorted, after the ellipsis. */
function outputLabels(text: string, term: string | undefined, inputs: readonly (readonly string[])[]): string[] {
  const all = inputs.flat();
  const broadcast = ellipsisLabels(
    Math.max(0, ...inputs.map((labels) => labels.filter((l) => l.startsWith('.')).length)),
  );
  if (term === undefined) {
    const once = [...new Set(all)].filter((l) => !l.startsWith('.') && all.indexOf(l) === all.lastIndexOf(l));
    return [...broadcast, ...once.sort()];
  }
  const list = tokens(text, term);
  if (broadcast.length > 0 && !list.includes(ELLIPSIS)) throw wrong(text, "an ellipsis, but none after '->',");
  const labels = list.flatMap((t) => (t === ELLIPSIS ? broadcast : [t]));
  for (const label of labels) {
    if (!all.includes(label)) throw wrong(text, `'${label}' of the result, which no operand has,`);
    if (labels.indexOf(label) !== labels.lastIndexOf(label)) throw wrong(text, `'${label}' twice in the result`);
  }
  return labels;
}

/** Read the arguments of einsum. */
export function parseEinsum(args: EinsumArguments): EinsumTerms {
  const [first, ...rest] = args;
  const form =
    typeof first === 'string'
      ? { text: first, operands: rest as readonly ArrayLike[] }
      : fromLists(args as readonly (ArrayLike | LabelList)[]);
  const text = form.text.replace(/\s+/g, '');
  const [left = '', right, ...more] = text.split('->');
  if (more.length > 0) throw wrong(text, "more than one '->'");
  const terms = left.split(',');
  const operands = form.operands.map((x) => single('einsum', x));
  if (terms.length !== operands.length) {
    throw new ArgumentError(
      `einsum: '${text}' names ${terms.length} operand${terms.length === 1 ? '' : 's'}, but ${operands.length} were given.${userLine()}`,
    );
  }
  const inputs = terms.map((term, i) => labelsOf(text, term, nth(operands, i).aval.shape));
  return { operands, inputs, output: outputLabels(text, right, inputs), sizes: sizesOf(text, operands, inputs) };
}

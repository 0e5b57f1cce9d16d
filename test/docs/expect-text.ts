/** What `// => text` in an example asserts. */
import { inspect } from 'node:util';

const NUMBER = /-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/g;

/** Arrays as nested JS arrays, wherever they sit in a pytree. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('js' in value && typeof value.js === 'function') return (value as { js(): unknown }).js();
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number>);
  if (Array.isArray(value)) return value.map(plain);
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, plain(child)]));
}

/** Spaces and quotes are layout, not content. */
function squeeze(text: string): string {
  return text.replace(/[\s"'`]+/g, '');
}

/**
 * Whether `got` says what `want` says. Spaces and quotes do not count; a number written with d decimals matches one
 * that rounds to it, an integer only itself.
 */
export function textMatches(got: string, want: string): boolean {
  const [a, b] = [squeeze(got), squeeze(want)];
  if (a.replace(NUMBER, '#') !== b.replace(NUMBER, '#')) return false;
  const numbers = a.match(NUMBER) ?? [];
  return (b.match(NUMBER) ?? []).every((written, n) => numberMatches(Number(numbers[n]), written));
}

function numberMatches(got: number, written: string): boolean {
  const [, decimals = '', exponent = '0'] = /^-?\d+(?:\.(\d+))?(?:e([+-]?\d+))?$/.exec(written) ?? [];
  const want = Number(written);
  // Half a unit of the last decimal written, and an ulp or so for the decimal-to-binary step.
  const unit = decimals === '' ? 0 : 10 ** (Number(exponent) - decimals.length);
  return Math.abs(got - want) <= unit / 2 + Math.abs(want) * 1e-12;
}

/** The forms a value may be written in: as a string, and as nested JS arrays and objects. */
function formsOf(value: unknown): string[] {
  const data = plain(value);
  const text = inspect(data, { depth: null, maxArrayLength: null, breakLength: Infinity, compact: true });
  return [typeof value === 'object' && value !== null ? objectText(value) : String(value), text];
}

function objectText(value: object): string {
  try {
    return (value as { toString(): string }).toString();
  } catch {
    return ''; // A value that refuses to be a string has its other form.
  }
}

/** Throws unless one of the forms of `value` is `want`. */
export function expectText(value: unknown, want: string, where: string): void {
  const forms = formsOf(value);
  if (forms.some((form) => textMatches(form, want))) return;
  throw new Error(`${where}: the example says // => ${want}\nbut the value is ${forms.join('\nor, as data, ')}`);
}

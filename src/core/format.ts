/** How arrays print: NumPy's nested brackets, summarised when large. */
import type { ShapedArray } from './aval.js';
import { isFloat, type DType, type TypedArray } from './dtype.js';

/** Elements from which on the middle of each axis is elided, as in NumPy. */
const THRESHOLD = 1000;
const EDGE = 3;

/** Decimals, as many as tell neighbours near 1 apart. */
const DIGITS: Partial<Record<DType, number>> = { float16: 4, float32: 7 };

function formatNumber(value: number, digits: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude >= 1e16 || magnitude < 1e-4)) {
    const [mantissa = '', exponent = ''] = value.toExponential(digits).split('e');
    return `${mantissa.replace(/\.?0+$/, '')}e${exponent}`;
  }
  const text = value.toFixed(digits);
  return text.includes('.') ? text.replace(/0+$/, '') : `${text}.`;
}

/** Text of an array's elements, up to 8 decimals as NumPy prints them. */
export function formatArray(aval: ShapedArray, data: TypedArray): string {
  const element = (i: number): string => {
    const value = data[i] ?? 0;
    if (aval.dtype === 'bool') return value === 0 ? 'false' : 'true';
    return isFloat(aval.dtype) ? formatNumber(value, DIGITS[aval.dtype] ?? 8) : String(value);
  };
  const elide = aval.size > THRESHOLD;
  const render = (axis: number, offset: number, size: number): string => {
    const extent = aval.shape[axis];
    if (extent === undefined) return element(offset);
    const step = size / Math.max(extent, 1);
    const parts: string[] = [];
    for (let i = 0; i < extent; i++) {
      if (elide && extent > 2 * EDGE && i === EDGE) {
        parts.push('...');
        i = extent - EDGE;
      }
      parts.push(render(axis + 1, offset + i * step, step));
    }
    const last = axis === aval.ndim - 1;
    const separator = last ? ', ' : ',\n'.padEnd(axis + 3 + (aval.ndim - axis > 2 ? 0 : 0), ' ');
    return `[${parts.join(separator)}]`;
  };
  return render(0, 0, aval.size);
}

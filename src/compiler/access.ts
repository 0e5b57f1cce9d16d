/** Affine analysis of index expressions: which are sums of loop variables times constants. */
import type { Expr } from '../core/scalar.js';

export interface Affine {
  readonly offset: number;
  /** Coefficient of each loop variable that occurs. */
  readonly strides: ReadonlyMap<number, number>;
}

/** `e` as offset + Σ stride · variable, or undefined when it is not of that form. */
export function affine(e: Expr): Affine | undefined {
  switch (e.op) {
    case 'const':
      return { offset: Number(e.value), strides: new Map() };
    case 'var':
      return { offset: 0, strides: new Map([[e.id, 1]]) };
    case 'add':
    case 'sub': {
      const [x, y] = [affine(e.x), affine(e.y)];
      if (x === undefined || y === undefined) return undefined;
      const sign = e.op === 'add' ? 1 : -1;
      const strides = new Map(x.strides);
      for (const [id, stride] of y.strides) strides.set(id, (strides.get(id) ?? 0) + sign * stride);
      return { offset: x.offset + sign * y.offset, strides };
    }
    case 'mul': {
      const [x, y] = [affine(e.x), affine(e.y)];
      if (x === undefined || y === undefined) return undefined;
      const [scale, form] =
        x.strides.size === 0 ? [x.offset, y] : y.strides.size === 0 ? [y.offset, x] : [undefined, x];
      if (scale === undefined) return undefined;
      return {
        offset: form.offset * scale,
        strides: new Map([...form.strides].map(([id, stride]) => [id, stride * scale])),
      };
    }
    default:
      return undefined;
  }
}

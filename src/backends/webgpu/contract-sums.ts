/** The variables of a product's sums: one for each row of an invocation and each vector of columns. */
import type { Printer } from './printer.js';

export const sumName = (row: number, vector: number): string => `sum_${row}_${vector}`;

/** Print the addition of products: `x` are the elements of the rows, `y` vectors of those of columns. */
export function printProducts(p: Printer, isBool: boolean, x: readonly string[], y: readonly string[]): void {
  x.forEach((a, i) => {
    y.forEach((b, j) => {
      const sum = sumName(i, j);
      p.line(isBool ? `${sum} |= vec4<bool>(${a}) & ${b};` : `${sum} += ${a} * ${b};`);
    });
  });
}

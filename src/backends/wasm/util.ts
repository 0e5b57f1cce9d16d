/** Small helpers of the code generator. */

/** `list[index]`, or an error that names what was missing: a broken invariant of the program being compiled. */
export function at<T>(list: readonly T[], index: number, what: string): T {
  const value = list[index];
  if (value === undefined) throw new Error(`internal: no ${what} ${index} (there are ${list.length})`);
  return value;
}

export const product = (values: readonly number[]): number => values.reduce((a, b) => a * b, 1);

/** Round up to a multiple of `unit`. */
export const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

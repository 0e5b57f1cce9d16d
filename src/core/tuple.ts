/** Lists of known length as tuples, so that a rule's operands have types without assertions. */

const wrong = (n: number, got: number): Error =>
  new Error(`internal: expected ${String(n)} values, got ${String(got)}`);

export function take1<T>(list: readonly T[]): readonly [T] {
  const [a] = list;
  if (list.length !== 1 || a === undefined) throw wrong(1, list.length);
  return [a];
}

export function take2<T>(list: readonly T[]): readonly [T, T] {
  const [a, b] = list;
  if (list.length !== 2 || a === undefined || b === undefined) throw wrong(2, list.length);
  return [a, b];
}

export function take3<T>(list: readonly T[]): readonly [T, T, T] {
  const [a, b, c] = list;
  if (list.length !== 3 || a === undefined || b === undefined || c === undefined) throw wrong(3, list.length);
  return [a, b, c];
}

/** Pair up lists of equal length. */
export const zip = <A, B>(as: readonly A[], bs: readonly B[]): [A, B][] =>
  as.map((a, i) => {
    const b = bs[i];
    if (bs.length !== as.length || b === undefined) throw wrong(as.length, bs.length);
    return [a, b];
  });

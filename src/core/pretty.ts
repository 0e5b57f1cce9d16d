/**
 * A small document pretty printer in the manner of Wadler's "A prettier printer": a group is set on one line if it
 * fits, else each of its breaks becomes a newline.
 */
export type Doc =
  | string
  | { readonly kind: 'concat'; readonly parts: readonly Doc[] }
  | { readonly kind: 'nest'; readonly indent: number; readonly doc: Doc }
  | { readonly kind: 'break'; readonly flat: string }
  | { readonly kind: 'group'; readonly doc: Doc };

export const concat = (...parts: readonly Doc[]): Doc => ({ kind: 'concat', parts });
export const nest = (indent: number, doc: Doc): Doc => ({ kind: 'nest', indent, doc });
export const group = (doc: Doc): Doc => ({ kind: 'group', doc });
/** A newline, or `flat` when its group fits on the line. */
export const brk = (flat = ' '): Doc => ({ kind: 'break', flat });

export const join = (separator: Doc, docs: readonly Doc[]): Doc =>
  concat(...docs.flatMap((doc, i) => (i === 0 ? [doc] : [separator, doc])));

type Item = readonly [indent: number, flat: boolean, doc: Doc];

function fits(room: number, item: Item, rest: readonly Item[]): boolean {
  const stack: Item[] = [item];
  let next = rest.length - 1;
  while (room >= 0) {
    let top = stack.pop();
    if (top === undefined) {
      top = rest[next--];
      if (top === undefined) return true;
    }
    const [indent, flat, doc] = top;
    if (typeof doc === 'string') room -= doc.length;
    else if (doc.kind === 'concat')
      for (let i = doc.parts.length - 1; i >= 0; i--) stack.push([indent, flat, doc.parts[i] ?? '']);
    else if (doc.kind === 'break') {
      if (!flat) return true;
      room -= doc.flat.length;
    } else stack.push([indent, flat, doc.doc]);
  }
  return false;
}

/** Set `doc` in lines of at most `width` characters where its breaks permit. */
export function render(doc: Doc, width: number): string {
  let out = '';
  let column = 0;
  const stack: Item[] = [[0, false, doc]];
  for (;;) {
    const top = stack.pop();
    if (top === undefined) return out;
    const [indent, flat, d] = top;
    if (typeof d === 'string') {
      out += d;
      column += d.length;
    } else if (d.kind === 'concat') {
      for (let i = d.parts.length - 1; i >= 0; i--) stack.push([indent, flat, d.parts[i] ?? '']);
    } else if (d.kind === 'nest') stack.push([indent + d.indent, flat, d.doc]);
    else if (d.kind === 'group')
      stack.push([indent, flat || fits(width - column, [indent, true, d.doc], stack), d.doc]);
    else if (flat) {
      out += d.flat;
      column += d.flat.length;
    } else {
      out += `\n${' '.repeat(indent)}`;
      column = indent;
    }
  }
}

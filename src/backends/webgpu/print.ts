/** What all kernels print alike: positions of loops, and stores. */
import type { Store } from '../../compiler/loop-ir.js';
import type { Printer } from './printer.js';

interface Axis {
  readonly id: number;
  readonly extent: number;
}

/** Names for loop variables whose position, flat in row-major order, is the text `flat`, an i32. */
export function decode(p: Printer, axes: readonly Axis[], flat: string): void {
  // A loop over nothing has no position, but its text must be valid.
  let stride = axes.reduce((n, a) => n * Math.max(a.extent, 1), 1);
  axes.forEach(({ id, extent }, i) => {
    stride /= Math.max(extent, 1);
    const quotient = stride === 1 ? flat : `${flat} / ${stride}`;
    const position = i === 0 ? quotient : `(${quotient}) % ${Math.max(extent, 1)}`;
    p.bind(id, position === flat ? flat : p.declare(position));
  });
}

/** Stores, of which all load before any stores. */
export function printStores(p: Printer, stores: readonly Store[]): void {
  const ready = stores.map((t) => {
    const width = p.widthOf(t.index);
    return {
      t,
      place: p.place(t.buffer, t.index),
      value: p.wide(t.value, width),
      mask: t.mask === undefined ? undefined : p.value(t.mask),
      width,
    };
  });
  for (const { t, place, value, mask, width } of ready) {
    const write = (): void => {
      if (t.combine === undefined) p.storeAt(t.buffer, place, value, width);
      else p.combineAt(t.buffer, place, t.combine, value, width);
    };
    if (mask === undefined) write();
    else p.block(`if (${mask})`, write);
  }
}

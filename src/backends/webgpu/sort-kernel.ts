/**
 * Stable sorts as compute shaders: every element counts those that come before it in its row, by all keys and then by
 * position, and goes there. NaN sorts last, -0 equals 0. Quadratic in the length of a row, which a device forgives up to
 * some ten thousand elements.
 */
import type { SortKernel } from '../../compiler/loop-ir.js';
import type { KernelShader } from './loop-kernel.js';
import { Printer, type SlotAccess } from './printer.js';

const THREADS = 64;

export function sortShader(
  kernel: SortKernel,
  slots: readonly SlotAccess[],
): KernelShader & { readonly prelude: string } {
  const p = new Printer(slots);
  const { outer, length, inner, numKeys } = kernel;
  const points = outer * length * inner;
  const operands = kernel.buffers.length / 2;
  p.line(`let point = i32(group * ${THREADS}u + local);`);
  p.line(`if (point >= ${points}) { return; }`);
  p.line(`let start = (point / ${length * inner}) * ${length * inner} + point % ${inner};`);
  p.line(`let own = (point / ${inner}) % ${length};`);
  const keys = Array.from({ length: numKeys }, (_, key) => p.declare(p.load(key, 'point')));
  p.line('var rank = 0i;');
  p.block(`for (var other = 0i; other < ${length}i; other++)`, () => {
    const at = p.declare(`start + other * ${inner}`);
    // The first key that differs decides, and if none does the position.
    let before = 'other < own';
    for (let key = numKeys - 1; key >= 0; key--) {
      const dtype = kernel.buffers[key]?.dtype ?? 'int32';
      const [x, y] = [p.declare(p.load(key, at)), keys[key] ?? ''];
      let [less, more] = [p.combine('lt', dtype, x, y), p.combine('gt', dtype, x, y)];
      if (dtype === 'float32') {
        const [xNaN, yNaN] = [p.declare(p.combine('ne', dtype, x, x)), p.declare(p.combine('ne', dtype, y, y))];
        less = `(!${xNaN} && (${yNaN} || ${less}))`;
        more = `(!${yNaN} && (${xNaN} || ${more}))`;
      }
      before = `select(${before}, ${p.declare(less)}, ${p.declare(`${less} || ${more}`)})`;
      before = p.declare(before);
    }
    p.line(`if (${before}) { rank++; }`);
  });
  const to = p.declare(`start + rank * ${inner}`);
  for (let operand = 0; operand < operands; operand++) {
    p.store(operands + operand, to, p.declare(p.load(operand, 'point')));
  }
  return {
    workgroupSize: THREADS,
    declarations: '',
    prelude: p.prelude,
    body: p.text,
    groups: () => Math.ceil(points / THREADS),
  };
}

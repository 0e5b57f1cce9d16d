/** A readable listing of a program's steps: kernel calls with the places of their buffers, loops and branches indented. */
import type { KernelCall, LoopStep, Program, Step } from '../../compiler/loop-ir.js';
import { at } from './util.js';

export function listSteps(program: Program): string[] {
  const place = (buffer: number): string => {
    const { place: where } = at(program.buffers, buffer, 'buffer');
    switch (where.kind) {
      case 'arena':
        return `arena+${where.offset}`;
      case 'slice':
        return `${place(where.of)}[i${where.loop}]`;
      case 'carry':
        return `carry${where.loop}.${where.index}${where.at === 'end' ? "'" : ''}`;
      default:
        return `${where.kind}${where.index}`;
    }
  };
  const call = ({ kernel, args }: KernelCall): string =>
    `${at(program.kernels, kernel, 'kernel').name}(${args.map(place).join(', ')})`;
  const loop = (step: LoopStep, indent: string): string[] => {
    const inner = `${indent}  `;
    const carries = step.carries.map(({ initial, first, second, result, copy }, i) => {
      const turns = first === second ? place(first) : `${place(first)} and ${place(second)} in turns`;
      const end = copy === undefined ? '' : `, then copied to ${place(result)} if it is elsewhere`;
      return `${inner}carry${step.id}.${i}: from ${place(initial)}, in ${turns}${end}`;
    });
    const head =
      'count' in step.trips
        ? [`${indent}loop i${step.id} ${step.trips.reverse ? 'down from' : '<'} ${step.trips.count}`, ...carries]
        : [
            `${indent}loop i${step.id}`,
            ...carries,
            ...list(step.trips.condition, inner),
            `${inner}while ${place(step.trips.holds)}`,
          ];
    return [...head, ...list(step.steps, inner)];
  };
  const list = (steps: readonly Step[], indent: string): string[] =>
    steps.flatMap((step) => {
      switch (step.kind) {
        case 'kernel':
          return [indent + call(step)];
        case 'loop':
          return loop(step, indent);
        case 'branch':
          return step.branches.flatMap((branch, i) => [
            `${indent}case ${i} of ${place(step.index)}`,
            ...list(branch, `${indent}  `),
          ]);
      }
    });
  return list(program.steps, '  ');
}

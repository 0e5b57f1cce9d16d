/** Every primitive of the library, and what its laws need to know besides its examples. */
import 'cotangent';
import 'cotangent/stax';
import 'cotangent/optimizers';
import { primitives } from 'cotangent';
import { primitiveLaws, type Law, type LawKind } from 'cotangent/testing';

/** Primitives that have no meaning by themselves, so that they have no examples; why, and the file of their laws. */
export const EXEMPT: Readonly<Record<string, string>> = {
  custom_lin: 'stands for the tangent of a customVjp between linearization and transposition; laws of custom_vjp_call',
  psum: 'means something inside of a vmap with a named axis only; collectives.test.ts',
  pmax: 'as psum',
  pmin: 'as psum',
  all_gather: 'as psum',
  axis_index: 'as psum',
};

/** Float primitives whose derivative is zero by definition, though the function moves. */
export const ZERO_BY_DEFINITION: Readonly<Record<string, string>> = {
  stop_gradient: 'that is what it is for',
  nextafter: 'as in JAX: a step of one unit in the last place is a rounding, not a function of real numbers',
};

/** Primitives with forward mode only. */
export const FORWARD_ONLY: Readonly<Record<string, string>> = {
  while: 'how much the way back would need is known only when it has run',
};

/** The laws of one kind, of every primitive. */
export function lawsOf(kind: LawKind): Law[] {
  return [...primitives().values()].flatMap((primitive) => {
    const zeroByDefinition = ZERO_BY_DEFINITION[primitive.name];
    const forwardOnly = FORWARD_ONLY[primitive.name];
    return primitiveLaws(primitive, {
      ...(zeroByDefinition === undefined ? {} : { zeroByDefinition }),
      ...(forwardOnly === undefined ? {} : { forwardOnly }),
    }).filter((law) => law.kind === kind);
  });
}

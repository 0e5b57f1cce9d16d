/** Every primitive of the library, and what its laws need to know besides its examples. */
import 'cotangent';
import 'cotangent/stax';
import 'cotangent/optimizers';
import { primitives, type Device } from 'cotangent';
import { primitiveLaws, type Law, type LawKind, type PrimitiveLawOptions } from 'cotangent/testing';
import type { AnyPrimitive } from '../../src/core/primitive.js';
import { primitiveLawsOn, type DeviceLaw } from '../../src/testing/device-laws.js';

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

const optionsOf = ({ name }: AnyPrimitive): PrimitiveLawOptions => {
  const zeroByDefinition = ZERO_BY_DEFINITION[name];
  const forwardOnly = FORWARD_ONLY[name];
  return {
    ...(zeroByDefinition === undefined ? {} : { zeroByDefinition }),
    ...(forwardOnly === undefined ? {} : { forwardOnly }),
  };
};

/** The laws of one kind, of every primitive. */
export const lawsOf = (kind: LawKind): Law[] =>
  [...primitives().values()].flatMap((p) => primitiveLaws(p, optionsOf(p)).filter((law) => law.kind === kind));

/** The laws of every primitive on a device, beside the CPU's results. */
export const lawsOn = (devices: readonly [Device, Device]): DeviceLaw[] =>
  [...primitives().values()].flatMap((p) => primitiveLawsOn(devices, p, optionsOf(p)));

/** The laws of a primitive, generated from its examples. */
import type { AnyPrimitive } from '../core/primitive.js';
import { batchLaws } from './batch-laws.js';
import { compileLaws } from './compile-laws.js';
import { derivativeLaws, type DerivativeLawOptions } from './derivative-laws.js';
import type { Law } from './law.js';
import { subject, type Subject } from './subjects.js';

export type PrimitiveLawOptions = DerivativeLawOptions;

/**
 * The laws that a primitive must obey, for each of its examples: abstract evaluation gives the actual types; jit = eager,
 * for operands in any memory order and between fused neighbours; vmap = a loop over slices, for every subset of batched
 * operands; jvp and vjp agree with finite differences to second order and with each other; transposes are adjoints; all
 * traced jaxprs type-check; and all of it for axes of length 0 and 1 where the shapes allow.
 *
 * @param primitive - one of `primitives()`, or your own from `definePrimitive`.
 * @returns laws for any test runner: `run(seed)` throws {@link CheckError} when the law does not hold. A law is a pure
 *   function of its seed.
 * @example
 * ```ts
 * import { primitives } from 'cotangent';
 * import { primitiveLaws } from 'cotangent/testing';
 * const sin = primitives().get('sin');
 * if (sin === undefined) throw new Error('sin is missing');
 * for (const { run } of primitiveLaws(sin)) run(0);
 * ```
 */
export function primitiveLaws(primitive: AnyPrimitive, options: PrimitiveLawOptions = {}): Law[] {
  return primitive.examples().flatMap((example) => subjectLaws(subject(primitive, example), options));
}

/** Those of one example. */
export const subjectLaws = (s: Subject, options: PrimitiveLawOptions): Law[] => [
  ...compileLaws(s),
  ...batchLaws(s),
  ...derivativeLaws(s, options),
];

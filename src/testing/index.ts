/**
 * `cotangent/testing`: derivative checks, and the laws that every primitive and every program obeys, for any test runner.
 *
 * @packageDocumentation
 */
import '../backends/install.js';
export {
  checkGrads,
  checkJvp,
  checkVjp,
  type CheckGradsOptions,
  type CheckOptions,
  type JvpFunction,
  type Mode,
  type VjpFunction,
} from './check-grads.js';
export { CheckError, type Tolerance } from './compare.js';
export { numericalJvp, type NumericalOptions } from './numerical.js';
export { Rng } from './prng.js';
export type { Law, LawKind } from './law.js';
export { primitiveLaws, type PrimitiveLawOptions } from './laws.js';
export { checkProgram, type CheckProgramOptions } from './check-program.js';
export { PROGRAM_LAWS, type ProgramCase, type ProgramLaw } from './program-laws.js';
export { randomProgram, type ProgramOptions, type RandomProgram } from './random-programs.js';

/** The laws of one random program, and a report of a failure that can be debugged. */
import { CheckError } from './compare.js';
import { PROGRAM_LAWS, type ProgramCase, type ProgramLaw } from './program-laws.js';
import { randomProgram, type ProgramOptions } from './random-programs.js';
import { failureOf, shrink } from './shrink.js';

export interface CheckProgramOptions extends ProgramOptions {
  /** Laws to check; by default all of them. */
  readonly laws?: readonly ProgramLaw[];
}

const caseOf = (seed: number, options: ProgramOptions): ProgramCase => {
  const { inputs, run, plain, draw } = randomProgram(seed, options);
  return { inputs, run, plain, args: draw(seed) };
};

/**
 * Check the laws of {@link PROGRAM_LAWS} for the random program of a seed: jit = eager, vmap = a loop, jvp and vjp =
 * finite differences and adjoint to each other, gradients and jit commute, random compositions of transforms equal their
 * unoptimised counterparts, and every jaxpr type-checks.
 *
 * @param seed - the program, its arguments and the compositions are pure functions of it.
 * @throws CheckError with the law, the error, and a program as small as could be found that breaks it, as a jaxpr.
 * @example
 * ```ts
 * import 'cotangent';
 * import { checkProgram } from 'cotangent/testing';
 * for (const seed of [1, 2, 3]) checkProgram(seed);
 * ```
 */
export function checkProgram(seed: number, options: CheckProgramOptions = {}): void {
  const { laws = PROGRAM_LAWS, ...programOptions } = options;
  const whole = caseOf(seed, programOptions);
  for (const law of laws) {
    const failure = failureOf(law, whole, seed);
    if (failure === undefined) continue;
    throw explain(law, whole, seed, failure, programOptions);
  }
}

function explain(
  law: ProgramLaw,
  whole: ProgramCase,
  seed: number,
  failure: Error,
  options: ProgramOptions,
): CheckError {
  // The shortest prefix of the program that fails alike, then what is left of its jaxpr.
  let failing = whole;
  let error = failure;
  for (let operations = 1; operations <= 12; operations++) {
    const shorter = caseOf(seed, { ...options, operations });
    const found = failureOf(law, shorter, seed);
    if (found?.name !== failure.name) continue;
    [failing, error] = [shorter, found];
    break;
  }
  const small = shrink(law, failing, seed, error);
  const args = small.args.map((x) => `${x.aval.toString()} ${JSON.stringify(Array.from(x.data))}`);
  const text = [
    `seed ${String(seed)} breaks the law: ${law.name}`,
    failure.message,
    'The smallest program found that breaks it:',
    small.program,
    'at',
    ...args,
  ];
  if (small.failure !== failure) text.push('where', small.failure.message);
  return new CheckError(text.join('\n'), { cause: failure });
}

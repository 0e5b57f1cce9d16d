/**
 * How laws have functions evaluated: a check is a generator that asks for it and is given the results, so that the same check runs on a
 * device that is read at once and on one that must be waited for.
 */
import { ConcreteArray, fromHost, getDefaultDevice, setDefaultDevice } from '../core/concrete.js';
import type { Device } from '../core/device.js';
import type { NDArray } from '../core/ndarray.js';
import { jit } from '../transforms/jit.js';
import { host, toDevice, toHost, type HostArray } from './host.js';
import type { Rng } from './prng.js';

/** A function on lists of arrays. */
export type OnLists = (...xs: NDArray[]) => readonly NDArray[];

/** A function, and operands that it is to be called with. */
interface Evaluation {
  readonly f: OnLists;
  readonly operands: readonly HostArray[];
  /** Whether it is what others are compared with, on whatever device they are. */
  readonly isReference: boolean;
}

/** Asks for evaluations; throws CheckError when something does not hold. */
export type Check<T = void> = Generator<Evaluation, T, HostArray[]>;

/** The results of `f`, in a check. */
export function* evaluate(f: OnLists, operands: readonly HostArray[]): Check<HostArray[]> {
  return yield { f, operands, isReference: false };
}

/** The same where the results are what others are compared with: on the CPU, whatever device is checked. */
export function* evaluateReference(f: OnLists, operands: readonly HostArray[]): Check<HostArray[]> {
  return yield { f, operands, isReference: true };
}

/** What a check may count on. */
export interface Site {
  /** Whether float64 is there. */
  readonly float64: boolean;
  /** Whether functions of several primitives are evaluated one by one, too; else jitted only. */
  readonly eagerly: boolean;
  /** Those of a list of cases that are tried. */
  readonly some: <T>(cases: readonly T[], rng: Rng) => readonly T[];
}

/** The CPU: every case is tried. */
export const HERE: Site = { float64: true, eagerly: true, some: (cases) => cases };
/** A GPU: each case costs the compilation of a few shaders, so that one is drawn; other seeds draw others. */
export const DEVICE: Site = {
  float64: false,
  eagerly: false,
  some: (cases, rng) => (cases.length === 0 ? [] : [rng.pick(cases)]),
};

/** Run a check on the default device, which can be read synchronously. */
export function runNow<T>(check: Check<T>): T {
  let step = check.next();
  while (step.done !== true) {
    const { f, operands } = step.value;
    step = check.next(f(...operands.map(toDevice)).map(toHost));
  }
  return step.value;
}

/** Results of a function of arrays on a device, which new arrays go to meanwhile. */
export async function evaluateOn(device: Device, f: OnLists, operands: readonly HostArray[]): Promise<HostArray[]> {
  const before = getDefaultDevice();
  setDefaultDevice(device);
  let results: readonly NDArray[];
  try {
    results = f(...operands.map(({ aval, data }) => fromHost(data, aval.shape, aval.dtype)));
  } finally {
    setDefaultDevice(before);
  }
  return Promise.all(
    results.map(async (y) => host(y.shape, y.dtype, y instanceof ConcreteArray ? await y.data() : y.dataSync())),
  );
}

/** Run a check on a device; references, and what needs a dtype that it does not have, are evaluated on the default device. */
export async function runOn<T>(device: Device, check: Check<T>): Promise<T> {
  let step = check.next();
  while (step.done !== true) {
    const { f, operands, isReference } = step.value;
    const isHere = !isReference && operands.every(({ aval }) => device.supports(aval.dtype));
    step = check.next(await evaluateOn(isHere ? device : getDefaultDevice(), f, operands));
  }
  return step.value;
}

/** The same function, jitted as a function of one list. */
export const jitted =
  (f: OnLists): OnLists =>
  (...xs) =>
    jit((list: readonly NDArray[]) => [...f(...list)])(xs);

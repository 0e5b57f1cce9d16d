/** What a law is. */
import type { Device } from '../core/device.js';
import { roundings } from './compare.js';
import { DEVICE, HERE, runNow, runOn, type Check, type Site } from './evaluation.js';
import { Rng } from './prng.js';
import type { Subject } from './subjects.js';

/** Which transform, or part of the compiler, a law is about. */
export type LawKind = 'compile' | 'batch' | 'derivative';

/** A statement that holds for every seed. */
export interface Law {
  readonly name: string;
  readonly kind: LawKind;
  /** Throws {@link CheckError} when the law does not hold for the operands that this seed gives. */
  readonly run: (seed: number) => void;
  /**
   * The same on a device that has no float64 and is read asynchronously, for some of the cases that `run` tries. Absent where there is
   * nothing to see: finite differences need float64, and that something is an error is found while it is traced.
   */
  readonly runOn?: (device: Device, seed: number) => Promise<void>;
}

/** Roundings by which two programs of a device may differ in an element, where its driver may compute with more precision than asked for. */
const DEVICE_ROUNDINGS = 64;

export type CheckSubject = (s: Subject, rng: Rng, site: Site) => Check;

/** A law of one subject, which draws from a stream of its own. */
export function lawOf(
  s: Subject,
  kind: LawKind,
  what: string,
  check: CheckSubject,
  { onDevices = true }: { readonly onDevices?: boolean } = {},
): Law {
  const rng = (seed: number): Rng => new Rng(seed).fork(s.name);
  const onDevice: Subject = { ...s, tolerance: (dtype) => roundings(dtype, DEVICE_ROUNDINGS) };
  return {
    name: `${what}: ${s.name}`,
    kind,
    run: (seed) => {
      runNow(check(s, rng(seed), HERE));
    },
    ...(onDevices && { runOn: (device, seed) => runOn(device, check(onDevice, rng(seed), DEVICE)) }),
  };
}

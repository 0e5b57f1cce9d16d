/** Laws of devices: what a program gives on one it gives on another, within roundings. */
import type { Device } from '../core/device.js';
import type { DType } from '../core/dtype.js';
import type { AnyPrimitive } from '../core/primitive.js';
import { assertAllSame, roundings, type Tolerance } from './compare.js';
import { drawSpecial } from './compile-laws.js';
import { evaluateOn, jitted, type OnLists } from './evaluation.js';
import { mapHost, type HostArray } from './host.js';
import { subjectLaws, type PrimitiveLawOptions } from './laws.js';
import { Rng } from './prng.js';
import { draw, LONG, resized, SMALL, subject, type Subject } from './subjects.js';

/** Roundings by which an element of the result of one primitive may differ. */
const ONE_PRIMITIVE = 64;

/** Throws CheckError unless `f` gives the same on both devices. */
export async function assertSameOn(
  what: string,
  f: OnLists,
  operands: readonly HostArray[],
  [device, reference]: readonly [Device, Device],
  tolerance: (dtype: DType) => Tolerance,
): Promise<void> {
  const [got, expected] = [await evaluateOn(device, f, operands), await evaluateOn(reference, f, operands)];
  assertAllSame(what, got, expected, tolerance);
}

const LEAST_NORMAL = 2 ** -126;
/** A device may take subnormal numbers for zeros (WGSL §15.7.3). */
const withoutSubnormals = (x: HostArray): HostArray =>
  mapHost(x, (v) => (Math.abs(v) < LEAST_NORMAL ? 0 * Math.sign(v) : v));

/** A subject gives the same on both devices, eagerly and jitted, for lengths at the edges and elements at the edges of their dtype. */
async function sameOnBoth(s: Subject, seed: number, devices: readonly [Device, Device]): Promise<void> {
  const check = async (what: string, f: OnLists, operands: readonly HostArray[]): Promise<void> => {
    await assertSameOn(`${what}: eager`, f, operands, devices, (dtype) => roundings(dtype, ONE_PRIMITIVE));
    await assertSameOn(`${what}: jit`, jitted(f), operands, devices, (dtype) => roundings(dtype, ONE_PRIMITIVE));
  };
  for (const each of [s, ...resized(s, [...SMALL, ...LONG])])
    await check(each.name, each.apply, draw(each, new Rng(seed)));
  if (s.isElementwise && s.avals.some((a) => a.ndim > 0))
    await check(`${s.name}, special values`, s.apply, drawSpecial(s, new Rng(seed)).map(withoutSubnormals));
}

/** A law on a device. */
export interface DeviceLaw {
  readonly name: string;
  readonly run: (seed: number) => Promise<void>;
}

/**
 * The laws of a primitive on a device, for each of its examples of dtypes that the device has, and that it gives what the reference gives.
 * Those of an example come after each other, for they share shaders.
 */
export function primitiveLawsOn(
  [device, reference]: readonly [Device, Device],
  primitive: AnyPrimitive,
  options: PrimitiveLawOptions = {},
): DeviceLaw[] {
  return primitive.examples().flatMap((example) => {
    const s = subject(primitive, example);
    if (![...s.avals, ...s.outAvals].every((a) => device.supports(a.dtype))) return [];
    return [
      {
        name: `${device.kind} = ${reference.kind}: ${s.name}`,
        run: (seed: number) => sameOnBoth(s, seed, [device, reference]),
      },
      ...subjectLaws(s, options).flatMap(({ name, runOn }) =>
        runOn === undefined ? [] : [{ name, run: (seed: number) => runOn(device, seed) }],
      ),
    ];
  });
}

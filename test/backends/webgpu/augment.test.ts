/** Augmentations on a device draw what they draw on the CPU, and make the same images of it, eagerly and jitted. */
import { describe, expect, test } from 'vitest';
import { devices, devicePut, grad, jit, nn, numpy as np, random, type NDArray } from 'cotangent';
import { augment } from 'cotangent/data';
import { gpu } from './run-program.js';

const [cpu = gpu] = devices();
const key = random.key(4);
const images = random.uniform(random.key(1), [5, 9, 8, 3]);

const move = { rotation: 0.5, shift: { height: 0.2, width: 2 }, zoom: [0.7, 1.4], shear: 0.1 } as const;
const AUGMENTATIONS: Record<string, augment.Augmentation> = {
  flips: augment.compose(augment.flipLeftRight(), augment.flipUpDown()),
  'affine, constant': augment.affine({ ...move, fillValue: 0.5 }),
  'affine, nearest': augment.affine({ ...move, fillMode: 'nearest' }),
  'affine, reflect': augment.affine({ ...move, fillMode: 'reflect' }),
  'affine, wrap': augment.affine({ ...move, fillMode: 'wrap' }),
  'affine by the nearest pixel': augment.affine({ ...move, interpolation: 'nearest' }),
  crop: augment.crop([7, 6], { padding: 2 }),
  centerCrop: augment.centerCrop(5),
  values: augment.compose(
    augment.brightness(0.3),
    augment.contrast([0.5, 2]),
    augment.normalize([0.5, 0.4, 0.3], 0.25),
  ),
  gaussianNoise: augment.gaussianNoise(0.2),
  cutout: augment.cutout(3),
  sometimes: augment.sometimes(0.5, augment.rotation(0.5)),
};

/**
 * Values reach 4 and neighbouring pixels differ by less than 1; coordinates reach 10, and the device's sine, division and
 * contracted products give each some ulps, 1e-6 there.
 */
const TOLERANCE = 1e-5;

async function expectClose(actual: NDArray, expected: NDArray): Promise<void> {
  expect(actual.shape).toEqual(expected.shape);
  const [got, want] = [[...(await actual.data())], [...(await expected.data())]];
  expect(Math.max(...want.map((v, i) => Math.abs(v - (got[i] ?? NaN))))).toBeLessThan(TOLERANCE);
}

const onCpu = (x: NDArray): NDArray => devicePut(x, cpu);
const onGpu = (x: NDArray): NDArray => devicePut(x, gpu);

describe('as on the CPU', () => {
  test.each(Object.entries(AUGMENTATIONS))('%s', async (_name, f) => {
    const expected = f(onCpu(key), onCpu(images));
    await expectClose(f(onGpu(key), onGpu(images)), expected);
    await expectClose(jit(f)(onGpu(key), onGpu(images)), expected);
  });

  test('the gradient of an affine map in the images', async () => {
    const f = augment.affine({ ...move, fillMode: 'reflect' });
    const loss = (x: NDArray, k: NDArray): NDArray => np.sum(np.square(f(k, x)));
    const expected = grad(loss)(onCpu(images), onCpu(key));
    await expectClose(jit(grad(loss))(onGpu(images), onGpu(key)), expected);
  });

  test.each(Object.entries({ mixup: augment.mixup(0.5), cutmix: augment.cutmix(1) }))('%s', async (_name, mix) => {
    const y = nn.oneHot(np.array([0, 1, 2, 1, 0], 'int32'), 3);
    const expected = mix(onCpu(key), { x: onCpu(images), y: onCpu(y) });
    for (const run of [mix, jit(mix)]) {
      const actual = run(onGpu(key), { x: onGpu(images), y: onGpu(y) });
      await expectClose(actual.x, expected.x);
      await expectClose(actual.y, expected.y);
    }
  });
});

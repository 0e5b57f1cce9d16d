/** Affine maps of images against SciPy's ndimage (scripts/fixtures/augment.py), their exact cases, and their derivatives. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { jit, numpy as np, random, vmap, type NDArray } from 'cotangent';
import { augment } from 'cotangent/data';
import { checkGrads } from 'cotangent/testing';

type Images = number[][][][];
type ByMode = Record<augment.FillMode, Images>;
interface Fixtures {
  size: [number, number];
  fillValue: number;
  parameters: { rotation: number; shift: { height: number; width: number }; zoom: number; shear: number }[];
  images: Images;
  matrices: number[][][];
  bilinear: ByMode;
  nearest: ByMode;
  rotate: number[][][];
  shift: number[][][];
}
const fixtures = JSON.parse(readFileSync(new URL('../fixtures/augment.json', import.meta.url), 'utf8')) as Fixtures;
const { fillValue, parameters, size } = fixtures;
const FILL_MODES = ['constant', 'nearest', 'reflect', 'wrap'] as const;

const images = (dtype: 'float16' | 'float32' | 'float64'): NDArray => np.array(fixtures.images, { dtype });
const matrices = np.array(fixtures.matrices, { dtype: 'float64' });
const largestError = (actual: NDArray, expected: Images | number[][][]): number =>
  np
    .abs(np.subtract(actual.astype('float64'), np.array(expected, { dtype: 'float64' })))
    .max()
    .item() as number;

/**
 * Values lie in [0, 1] and neighbours differ by less than 1, so a result is as wrong as its coordinates, which reach 30
 * (30 ulp/2 = 2e-6 in float32), and in float16 as wrong as the image is rounded.
 */
const TOLERANCE = { float16: 1e-3, float32: 1e-5, float64: 1e-13 } as const;

describe('affineTransform is that of SciPy', () => {
  for (const fillMode of FILL_MODES) {
    test.each(['float16', 'float32', 'float64'] as const)(`bilinear, ${fillMode}, %s`, (dtype) => {
      const options = { fillMode, fillValue };
      const result = augment.affineTransform(images(dtype), matrices, options);
      expect(result.dtype).toBe(dtype);
      expect(largestError(result, fixtures.bilinear[fillMode])).toBeLessThan(TOLERANCE[dtype]);
      expect(jit((x: NDArray) => augment.affineTransform(x, matrices, options))(images(dtype)).js()).toEqual(
        result.js(),
      );
    });

    test(`nearest, ${fillMode}`, () => {
      const options = { fillMode, fillValue, interpolation: 'nearest' } as const;
      const result = augment.affineTransform(images('float64'), matrices, options);
      // Pixels are copied, so what is right is equal.
      expect(result.js()).toEqual(fixtures.nearest[fillMode]);
    });
  }

  test('the modes differ, so that each is tested', () => {
    const all = FILL_MODES.flatMap((mode) => [fixtures.bilinear[mode], fixtures.nearest[mode]]);
    expect(new Set(all.map((x) => JSON.stringify(x))).size).toBe(all.length);
  });

  test('one matrix for all images', () => {
    const [first] = fixtures.matrices;
    const one = np.array(first ?? [], { dtype: 'float64' });
    const each = np.broadcastTo(one, matrices.shape);
    const x = images('float64');
    expect(augment.affineTransform(x, one).js()).toEqual(augment.affineTransform(x, each).js());
  });
});

describe('affineMatrix', () => {
  const column = (pick: (p: Fixtures['parameters'][number]) => number): NDArray =>
    np.array(parameters.map(pick), { dtype: 'float64' });

  test('is the inverse that NumPy finds of zoom, shear, rotation and shift', () => {
    const all = augment.affineMatrix(size, {
      rotation: column((p) => p.rotation),
      shift: { height: column((p) => p.shift.height), width: column((p) => p.shift.width) },
      zoom: column((p) => p.zoom),
      shear: column((p) => p.shear),
    });
    expect(all.dtype).toBe('float64');
    // Entries reach 30; the inverse of a matrix of condition 20 loses a digit or two.
    expect(largestError(all, fixtures.matrices)).toBeLessThan(1e-13);
    const one = augment.affineMatrix(size, parameters[4] ?? {});
    expect(one.dtype).toBe('float32');
    expect(largestError(one.reshape([1, 2, 3]), fixtures.matrices.slice(4, 5))).toBeLessThan(1e-5);
  });

  test('rotates and shifts as scipy.ndimage.rotate and shift', () => {
    const x = images('float64').slice([0, 1]);
    const by = (p: augment.AffineParameters, fillMode: augment.FillMode): NDArray =>
      augment.affineTransform(x, augment.affineMatrix(size, p), { fillMode }).slice(0);
    const angle = np.array(Math.PI / 6, { dtype: 'float64' });
    expect(largestError(by({ rotation: angle }, 'reflect'), fixtures.rotate)).toBeLessThan(1e-13);
    expect(largestError(by({ shift: { height: 1.25, width: -0.5 } }, 'nearest'), fixtures.shift)).toBeLessThan(1e-13);
  });

  test('a shear leans to the right: what is above the middle moves right', () => {
    const x = np.zeros([1, 5, 5, 1]).at(0, 0, 2, 0).set(1);
    const sheared = augment.affineTransform(x, augment.affineMatrix(5, { shear: Math.atan(0.5) }));
    expect(np.argmax(sheared.slice(0, 0, [], 0)).item()).toBe(3);
  });
});

describe('exact cases', () => {
  const square = random.uniform(random.key(3), [2, 5, 5, 3]);
  const by = (p: augment.AffineParameters, options: augment.ResampleOptions = {}): NDArray =>
    augment.affineTransform(square, augment.affineMatrix(5, p), options);

  test('nothing to do changes no bit', () => {
    for (const interpolation of ['bilinear', 'nearest'] as const) {
      expect(by({}, { interpolation }).js()).toEqual(square.js());
    }
  });

  test('whole pixels', () => {
    const moved = by({ shift: { height: 2, width: -1 } }, { fillValue: 7 });
    expect(moved.slice([], [2, 5], [0, 4]).js()).toEqual(square.slice([], [0, 3], [1, 5]).js());
    expect(moved.slice([], [0, 2]).js()).toEqual(np.full([2, 2, 5, 3], 7).js());
    expect(moved.slice([], [], 4).js()).toEqual(np.full([2, 5, 3], 7).js());
    const around = by({ shift: { height: 2, width: -1 } }, { fillMode: 'wrap' });
    expect(around.js()).toEqual(np.roll(np.roll(square, 2, 1), -1, 2).js());
  });

  test('a quarter turn is np.rot90, counter-clockwise', () => {
    const turned = by({ rotation: Math.PI / 2 }, { interpolation: 'nearest' });
    expect(turned.js()).toEqual(np.rot90(square, 1, [1, 2]).js());
  });

  test('images without pixels, and none', () => {
    for (const shape of [
      [0, 4, 4, 1],
      [2, 0, 4, 1],
      [2, 4, 4, 0],
    ]) {
      expect(augment.affineTransform(np.zeros(shape), augment.affineMatrix(4)).shape).toEqual(shape);
    }
  });
});

describe('transforms', () => {
  // Maps that take no pixel onto a pixel, where bilinear interpolation has corners.
  const x = images('float64').slice([4, 6]);
  const m = matrices.slice([4, 6]);
  for (const fillMode of FILL_MODES) {
    test(`derivatives in images and matrices, ${fillMode}`, () => {
      checkGrads((a: NDArray, b: NDArray) => augment.affineTransform(a, b, { fillMode }), [x, m]);
    });
  }

  test('vmap over matrices of one batch', () => {
    const many = np.stack([m, m.mul(1.1)]);
    const mapped = vmap((b: NDArray) => augment.affineTransform(x, b))(many);
    const loop = [m, m.mul(1.1)].map((b) => augment.affineTransform(x, b));
    expect(mapped.js()).toEqual(np.stack(loop).js());
  });
});

describe('errors', () => {
  const x = np.zeros([2, 4, 4, 1]);
  test.each([
    [
      'matrices of 3 × 3',
      () => augment.affineTransform(x, np.eye(3)),
      /matrices must have shape \[2, 3\] or \[2, 2, 3\].*got \[3, 3\]/,
    ],
    [
      'matrices for other images',
      () => augment.affineTransform(x, np.zeros([3, 2, 3])),
      /\[2, 2, 3\].*got \[3, 2, 3\]/,
    ],
    [
      'a matrix of integers',
      () => augment.affineTransform(x, np.zeros([2, 3], 'int32')),
      /matrices must be floats, got int32/,
    ],
    [
      'a fill mode',
      () => augment.affineTransform(x, np.zeros([2, 3]), { fillMode: 'mirror' as 'wrap' }),
      /fillMode is one of constant, nearest, reflect, wrap, got "mirror"/,
    ],
    [
      'an interpolation',
      () => augment.rotation(1, { interpolation: 'cubic' as 'nearest' }),
      /augment\.rotation: interpolation is one of bilinear, nearest/,
    ],
    ['a fill value', () => augment.shift({}, { fillValue: NaN }), /fillValue must be a finite number, got NaN/],
    ['a size', () => augment.affineMatrix([3, 0.5]), /size is a whole number of pixels/],
  ])('%s', (_what, f, message) => {
    expect(f).toThrow(message);
  });
});

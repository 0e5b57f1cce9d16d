/** Augmentations: what all of them keep to, what each does exactly, how they compose, and errors. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jit, numpy as np, random, vmap, type DType, type NDArray } from 'cotangent';
import { augment } from 'cotangent/data';
import { checkGrads } from 'cotangent/testing';

const key = random.key(5);
/** No two pixels alike, and `count` times the same image where the images themselves must not make the difference. */
const distinct = (count: number, dtype: DType = 'float32'): NDArray =>
  random.uniform(random.key(1), [count, 6, 7, 2]).astype(dtype);
const alike = (count: number): NDArray => np.repeat(distinct(1), count, 0);

const move = { rotation: { degrees: 30 }, shift: { height: 0.2, width: 2 }, zoom: [0.8, 1.3], shear: 0.2 } as const;
const RANDOM: Record<string, augment.Augmentation> = {
  flipLeftRight: augment.flipLeftRight(),
  flipUpDown: augment.flipUpDown({ probability: 0.4 }),
  rotation: augment.rotation(0.5),
  'rotation, nearest': augment.rotation({ degrees: 40 }, { interpolation: 'nearest', fillMode: 'reflect' }),
  shift: augment.shift({ height: 0.3, width: 2 }, { fillMode: 'nearest' }),
  zoom: augment.zoom([0.5, 2], { fillMode: 'wrap' }),
  affine: augment.affine(move),
  crop: augment.crop([4, 3]),
  'crop, padded': augment.crop([6, 7], { padding: [2, 1], fillMode: 'reflect' }),
  brightness: augment.brightness(0.3),
  contrast: augment.contrast([0.5, 1.5]),
  gaussianNoise: augment.gaussianNoise(0.1),
  cutout: augment.cutout([3, 2]),
  perImage: augment.perImage((k, image) => image.mul(random.uniform(k, [2]).astype(image.dtype))),
  sometimes: augment.sometimes(0.5, augment.brightness(0.3)),
  compose: augment.compose(augment.flipLeftRight(), augment.affine(move), augment.cutout(2)),
};
const FIXED: Record<string, augment.Augmentation> = {
  centerCrop: augment.centerCrop([3, 4]),
  normalize: augment.normalize([0.5, 0.4], [0.25, 0.3]),
  'compose of none': augment.compose(),
};
const ALL = { ...RANDOM, ...FIXED };

describe.each(Object.entries(ALL))('%s', (name, f) => {
  test('images stay images of their dtype', () => {
    const sizes: Record<string, number[]> = { crop: [4, 3], centerCrop: [3, 4] };
    for (const dtype of ['float16', 'float32', 'float64'] as const) {
      const y = f(key, distinct(5, dtype));
      expect(y.dtype).toBe(dtype);
      expect(y.shape).toEqual([5, ...(sizes[name] ?? [6, 7]), 2]);
    }
    expect(f(key, np.zeros([0, 6, 7, 2])).shape[0]).toBe(0);
  });

  test('equal keys, equal bits; jitted, too', () => {
    const x = distinct(5);
    const y = f(key, x).js();
    expect(f(random.key(5), x).js()).toEqual(y);
    expect(jit(f)(key, x).js()).toEqual(y);
    expect(jit((k: NDArray) => f(k, x))(key).js()).toEqual(y);
  });

  test('an image does not depend on how many there are', () => {
    const x = distinct(5);
    expect(f(key, x.slice([0, 3])).js()).toEqual(f(key, x).slice([0, 3]).js());
  });

  test('vmap over keys, and over batches', () => {
    const keys = random.split(key, 3);
    const x = distinct(6);
    const loop = random.spawn(key, 3).map((k) => f(k, x));
    expect(vmap(f, [0, null])(keys, x).js()).toEqual(np.stack(loop).js());
    const batches = x.reshape([3, 2, 6, 7, 2]);
    const each = random.spawn(key, 3).map((k, i) => f(k, batches.slice(i)));
    expect(vmap(f)(keys, batches).js()).toEqual(np.stack(each).js());
  });

  test('differentiable in the images', () => {
    checkGrads((x: NDArray) => f(key, x), [distinct(2, 'float64')], { order: 1 });
  });
});

describe.each(Object.entries(RANDOM))('%s', (_name, f) => {
  test('another key gives another result', () => {
    expect(f(random.key(6), distinct(8)).js()).not.toEqual(f(key, distinct(8)).js());
  });
  test('each image draws for itself', () => {
    const images = f(key, alike(8)).js() as unknown[];
    expect(new Set(images.map((image) => JSON.stringify(image))).size).toBeGreaterThan(1);
  });
});

describe('exactly', () => {
  const x = distinct(4);
  test('flips', () => {
    expect(augment.flipLeftRight({ probability: 1 })(key, x).js()).toEqual(np.flip(x, 2).js());
    expect(augment.flipUpDown({ probability: 1 })(key, x).js()).toEqual(np.flip(x, 1).js());
    for (const flip of [augment.flipLeftRight, augment.flipUpDown]) {
      expect(flip({ probability: 0 })(key, x).js()).toEqual(x.js());
    }
    // By chance, each image is itself or its mirror image.
    const flipped = augment.flipLeftRight()(key, x);
    for (let i = 0; i < 4; i++) {
      const image = x.slice(i);
      expect([image.js(), np.flip(image, 1).js()]).toContainEqual(flipped.slice(i).js());
    }
  });

  test('a crop is a part of the padded image, and all parts occur', () => {
    const modes = { constant: 'constant', nearest: 'edge', reflect: 'symmetric', wrap: 'wrap' } as const;
    const image = distinct(1);
    const many = np.repeat(image, 300, 0);
    for (const [fillMode, mode] of Object.entries(modes)) {
      const f = augment.crop([5, 6], { padding: [1, 2], fillMode: fillMode as augment.FillMode, fillValue: 0.5 });
      const around = np.pad(
        image,
        [
          [0, 0],
          [1, 1],
          [2, 2],
          [0, 0],
        ],
        mode,
        mode === 'constant' ? { constantValues: 0.5 } : {},
      );
      const parts = new Set<string>();
      for (let i = 0; i <= 3; i++)
        for (let j = 0; j <= 5; j++) parts.add(JSON.stringify(around.slice(0, [i, i + 5], [j, j + 6]).js()));
      expect(parts.size).toBe(24);
      // 24 places: that 300 draws miss one has a probability of 24 (23/24)^300 < 1e-4.
      const found = new Set((f(key, many).js() as unknown[]).map((part) => JSON.stringify(part)));
      expect(found).toEqual(parts);
    }
  });

  test('a crop of the whole is the whole', () => {
    expect(augment.crop([6, 7])(key, x).js()).toEqual(x.js());
  });

  test('centerCrop', () => {
    expect(augment.centerCrop(3)(key, x).js()).toEqual(x.slice([], [1, 4], [2, 5]).js());
  });

  test('ranges of no extent, and a zoom of exactly 2', () => {
    for (const f of [augment.affine(), augment.rotation(0), augment.shift({}), augment.zoom([1, 1])]) {
      expect(f(key, x).js()).toEqual(x.js());
    }
    const doubled = augment.affineTransform(x, augment.affineMatrix([6, 7], { zoom: 2 }));
    expect(augment.zoom([2, 2])(key, x).js()).toEqual(doubled.js());
  });

  test('rotation, shift and zoom are affine', () => {
    const same = (a: augment.Augmentation, b: augment.Augmentation): void => {
      expect(a(key, x).js()).toEqual(b(key, x).js());
    };
    same(augment.rotation({ degrees: 90 }), augment.affine({ rotation: Math.PI / 2 }));
    same(augment.rotation({ radians: 0.3 }), augment.rotation(0.3));
    same(augment.shift({ height: 0.5, width: 3.5 }), augment.affine({ shift: { height: 3, width: 0.5 } }));
    same(augment.zoom([0.5, 2], { fillMode: 'wrap' }), augment.affine({ zoom: [0.5, 2], fillMode: 'wrap' }));
  });

  test('brightness moves all values of an image by as much, contrast keeps the means of channels', () => {
    const moved = augment.brightness(0.3)(key, np.zeros([4, 6, 7, 2]));
    expect(np.ptp(moved, [1, 2, 3]).js()).toEqual([0, 0, 0, 0]);
    const contrasted = augment.contrast([0, 2])(key, distinct(4, 'float64'));
    const means = (images: NDArray): NDArray => np.mean(images, [1, 2]);
    expect(
      np
        .abs(means(contrasted).sub(means(distinct(4, 'float64'))))
        .max()
        .item(),
    ).toBeLessThan(1e-14);
    const grey = augment.contrast([0, 0])(key, distinct(4, 'float64'));
    expect(np.ptp(grey, [1, 2]).max().item()).toBeLessThan(1e-14);
  });

  test('normalize', () => {
    const y = augment.normalize([0.5, 0.25], 0.5)(key, x);
    expect(y.js()).toEqual(
      x
        .sub(np.array([0.5, 0.25]))
        .div(0.5)
        .js(),
    );
  });

  test('cutout makes one rectangle of the size, less what sticks out', () => {
    const y = augment.cutout([3, 2], { fillValue: -1 })(key, np.repeat(distinct(1), 200, 0));
    const hole = np.equal(y, -1).slice([], [], [], 0).js() as boolean[][][];
    const areas = new Set<string>();
    for (const image of hole) {
      const rows = image.filter((row) => row.some(Boolean));
      const width = rows[0]?.filter(Boolean).length ?? 0;
      // All rows with holes have the same one, without gaps.
      expect(new Set(rows.map((row) => row.join())).size).toBe(1);
      expect(rows[0]?.join()).toMatch(/^(false,)*(true,?)+(false,?)*$/);
      areas.add(`${rows.length} × ${width}`);
    }
    // Middles in the first row or column, or the last row, cut it short; of the two columns the middle is the second.
    expect([...areas].sort()).toEqual(['2 × 1', '2 × 2', '3 × 1', '3 × 2']);
    const kept = np.where(np.equal(y, -1), np.repeat(distinct(1), 200, 0), y);
    expect(kept.js()).toEqual(np.repeat(distinct(1), 200, 0).js());
  });
});

describe('compositions', () => {
  const x = distinct(3);
  const names = Object.keys(ALL).filter((name) => name !== 'crop' && name !== 'centerCrop');
  const simple = fc.constantFrom(...names).map((name) => ALL[name] ?? augment.compose());
  const any = fc.oneof(
    simple,
    fc.array(simple, { maxLength: 3 }).map((list) => augment.compose(...list)),
  );
  const seen = (f: augment.Augmentation): unknown => f(key, x).js();

  test('are associative, bit for bit, and compose() is neutral', () => {
    fc.assert(
      fc.property(any, any, any, (f, g, h) => {
        const flat = seen(augment.compose(f, g, h));
        expect(seen(augment.compose(augment.compose(f, g), h))).toEqual(flat);
        expect(seen(augment.compose(f, augment.compose(g, h)))).toEqual(flat);
        expect(seen(augment.compose(f, augment.compose(), g, h))).toEqual(flat);
      }),
      { numRuns: 20 },
    );
  });

  test('compose() is the identity and compose(f) is f', () => {
    expect(augment.compose()(key, x)).toBe(x);
    const f = augment.brightness(1);
    expect(augment.compose(f)).toBe(f);
    expect(augment.compose(augment.compose(), f, augment.compose())).toBe(f);
  });

  test('are applied in order, each with its own key', () => {
    const steps = [augment.brightness(0.5), augment.contrast([0.5, 2]), augment.brightness(0.5)] as const;
    const [k0, k1, k2] = random.spawn(key, 3);
    const byHand = steps[2](k2, steps[1](k1, steps[0](k0, x)));
    expect(seen(augment.compose(...steps))).toEqual(byHand.js());
    // The two changes of brightness are not the same draw: together they are not twice the first.
    const twice = augment.compose(steps[0], steps[2])(key, x).sub(x);
    expect(twice.js()).not.toEqual(steps[0](k0, x).sub(x).mul(2).js());
  });

  test('sometimes: each image is changed or not', () => {
    const plus = augment.sometimes(0.5, (_key, images) => images.add(1));
    const by = plus(key, np.zeros([50, 1, 1, 1]))
      .ravel()
      .js() as number[];
    expect(new Set(by)).toEqual(new Set([0, 1]));
    const noise = augment.gaussianNoise(1);
    expect(augment.sometimes(0, noise)(key, x).js()).toEqual(x.js());
    const [, inner] = random.spawn(key);
    expect(augment.sometimes(1, noise)(key, x).js()).toEqual(noise(inner, x).js());
  });
});

describe('errors', () => {
  const x = distinct(2);
  test.each(Object.entries(ALL).filter(([name]) => !name.startsWith('compose')))(
    '%s says which images it takes',
    (name, f) => {
      const op = `augment.${name.split(',')[0] ?? ''}`;
      expect(() => f(key, np.zeros([2, 42]))).toThrow(
        `${op}: images are [batch, height, width, channels], got shape [2, 42]; reshape them: images.reshape([2, height, width, channels])`,
      );
      expect(() => f(key, np.zeros([2, 6, 7]))).toThrow('images.reshape([2, 6, 7, 1]) if they are grey');
      expect(() => f(key, np.zeros([1, 2, 6, 7, 1]))).toThrow('got shape [1, 2, 6, 7, 1]');
      expect(() => f(key, np.array(new Uint8ClampedArray(84)).reshape([2, 6, 7, 1]))).toThrow(
        `${op}: images must be floats, got int32; convert grey values to [0, 1] first: images.astype('float32').div(255)`,
      );
      expect(() => f(key, [1] as unknown as NDArray)).toThrow(`${op}: images must be an array, got object`);
    },
  );

  test.each([
    [
      'a probability above 1',
      () => augment.flipLeftRight({ probability: 1.5 }),
      'augment.flipLeftRight: a probability must be in [0, 1], got 1.5',
    ],
    [
      'a negative one',
      () => augment.sometimes(-0.1, augment.compose()),
      'augment.sometimes: a probability must be in [0, 1], got -0.1',
    ],
    ['a probability that is none', () => augment.flipUpDown({ probability: NaN }), 'got NaN'],
    [
      'a negative angle',
      () => augment.rotation({ degrees: -1 }),
      'augment.rotation: the angle of rotation must be a finite number of at least 0',
    ],
    ['an infinite shift', () => augment.shift({ width: Infinity }), 'augment.shift: shift.width must be'],
    ['a zoom of 0', () => augment.zoom([0, 1]), 'augment.zoom: a zoom of 0'],
    [
      'a zoom the wrong way round',
      () => augment.zoom([2, 1]),
      'augment.zoom: zoom is given as [low, high] with 0 <= low <= high, got [2,1]',
    ],
    ['a shear of a right angle', () => augment.affine({ shear: { degrees: 90 } }), 'must stay below a right angle'],
    ['a negative delta', () => augment.brightness(-1), 'augment.brightness: delta'],
    ['a negative contrast', () => augment.contrast([-1, 1]), 'augment.contrast: the range'],
    ['a negative deviation', () => augment.gaussianNoise(-1), 'augment.gaussianNoise: the standard deviation'],
    [
      'half a pixel',
      () => augment.crop(2.5),
      'augment.crop: size is a whole number of pixels from 1, or [height, width], got 2.5',
    ],
    ['three lengths', () => augment.cutout([1, 2, 3] as unknown as [number, number]), 'augment.cutout: size'],
    [
      'negative padding',
      () => augment.crop(3, { padding: -1 }),
      'augment.crop: padding is a whole number of pixels from 0',
    ],
    [
      'a std of 0',
      () => augment.normalize(0, [1, 0]),
      'augment.normalize: mean and std are finite numbers or lists of them, std above 0; got [0,[1,0]]',
    ],
    [
      'a crop that does not fit',
      () => augment.crop([8, 7])(key, x),
      'augment.crop: a part of 8 × 7 pixels does not fit in images of 6 × 7; take a smaller part, or pad: { padding }',
    ],
    ['a middle that does not fit', () => augment.centerCrop([6, 9])(key, x), 'augment.centerCrop: a part of 6 × 9'],
    [
      'three means for two channels',
      () => augment.normalize([1, 2, 3], 1)(key, x),
      'augment.normalize: 3 numbers for the mean, but images of shape [2, 6, 7, 2] have 2 channels',
    ],
    [
      'sometimes a crop',
      () => augment.sometimes(0.5, augment.crop(3))(key, x),
      'augment.sometimes: the augmentation makes [2, 3, 3, 2] of images of shape [2, 6, 7, 2]',
    ],
    [
      'sometimes another dtype',
      () => augment.sometimes(0.5, (_k, i) => i.astype('float64'))(key, x),
      "makes float64 of float32; convert its result: astype('float32')",
    ],
  ])('%s', (_what, f, message) => {
    expect(f).toThrow(message);
  });
});

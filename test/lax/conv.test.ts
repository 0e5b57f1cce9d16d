/** Convolutions against their definition, for random configurations; gradients, layouts, errors, jaxprs. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { grad, jit, lax, makeJaxpr, numpy as np, vjp, vmap, type NDArray } from 'cotangent';
import {
  drawn as drawnFrom,
  naiveConv,
  naiveConvAdjoints,
  toArray as array,
  type Dense,
  type Geometry,
} from './naive-conv.js';

/** Small integers, so that float32 sums are exact. */
const drawn = (shape: readonly number[], seed: number): Dense => drawnFrom(shape, seed, 9);

const permuted = (letters: string): fc.Arbitrary<string> =>
  fc.shuffledSubarray(Array.from(letters), { minLength: letters.length }).map((list) => list.join(''));

const configuration = fc.integer({ min: 1, max: 3 }).chain((rank) => {
  const spatial = 'HWD'.slice(0, rank);
  const perAxis = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
    fc.array(arbitrary, { minLength: rank, maxLength: rank });
  return fc.record({
    spatial: fc.constant(spatial),
    layouts: fc.tuple(permuted(`NC${spatial}`), permuted(`OI${spatial}`), permuted(`NC${spatial}`)),
    lengths: perAxis(fc.integer({ min: 0, max: 6 })),
    kernel: perAxis(fc.integer({ min: 1, max: 3 })),
    strides: perAxis(fc.integer({ min: 1, max: 3 })),
    padding: perAxis(fc.tuple(fc.integer({ min: -2, max: 3 }), fc.integer({ min: -2, max: 3 }))),
    baseDilation: perAxis(fc.integer({ min: 1, max: 3 })),
    windowDilation: perAxis(fc.integer({ min: 1, max: 2 })),
    groups: fc.constantFrom<[number, number]>([1, 1], [1, 1], [2, 1], [3, 1], [1, 2], [1, 3]),
    batch: fc.integer({ min: 0, max: 3 }),
    features: fc.integer({ min: 0, max: 3 }),
    outFeatures: fc.integer({ min: 1, max: 3 }),
    seed: fc.nat(),
  });
});
type Configuration = typeof configuration extends fc.Arbitrary<infer T> ? T : never;

function operands(c: Configuration): { lhs: Dense; rhs: Dense } | undefined {
  const [featureGroups, batchGroups] = c.groups;
  const extents: Record<string, number> = {
    N: c.batch * batchGroups,
    C: c.features * featureGroups,
    O: c.outFeatures * featureGroups * batchGroups,
    I: c.features,
  };
  const [lhsLayout, rhsLayout] = c.layouts;
  const shape = (layout: string, spatial: readonly number[]): number[] =>
    Array.from(layout).map((letter) => extents[letter] ?? spatial[c.spatial.indexOf(letter)] ?? NaN);
  const cropped = c.lengths.some((n, i) => {
    const [low = 0, high = 0] = c.padding[i] ?? [];
    return (n === 0 ? 0 : (n - 1) * (c.baseDilation[i] ?? 1) + 1) + low + high < 0;
  });
  if (cropped) return undefined;
  return { lhs: drawn(shape(lhsLayout, c.lengths), c.seed), rhs: drawn(shape(rhsLayout, c.kernel), c.seed + 1) };
}

const apply = (c: Configuration, lhs: NDArray, rhs: NDArray): NDArray =>
  lax.convGeneralDilated(lhs, rhs, {
    windowStrides: c.strides,
    padding: c.padding,
    lhsDilation: c.baseDilation,
    rhsDilation: c.windowDilation,
    dimensionNumbers: inKernelOrder(c),
    featureGroupCount: c.groups[0],
    batchGroupCount: c.groups[1],
  });

/** Strides and so on belong to the spatial axes in the kernel's order; the configuration has them in the order of letters. */
function inKernelOrder(c: Configuration): lax.ConvDimensionNumbers {
  const [lhs, rhs, out] = c.layouts;
  const spec = (layout: string, pair: string): number[] =>
    Array.from(pair + c.spatial).map((letter) => layout.indexOf(letter));
  return { lhsSpec: spec(lhs, 'NC'), rhsSpec: spec(rhs, 'OI'), outSpec: spec(out, 'NC') };
}

const geometryOf = (c: Configuration): Geometry => {
  const order = Array.from(c.layouts[1])
    .filter((l) => c.spatial.includes(l))
    .map((l) => c.spatial.indexOf(l));
  const pick = <T>(list: readonly T[]): T[] => order.flatMap((i) => list.slice(i, i + 1));
  const window = {
    strides: pick(c.strides),
    padding: pick(c.padding),
    baseDilation: pick(c.baseDilation),
    windowDilation: pick(c.windowDilation),
  };
  return [c.layouts, window, ...c.groups];
};

const naive = (c: Configuration, lhs: Dense, rhs: Dense): Dense => naiveConv(lhs, rhs, ...geometryOf(c));

const same = (actual: NDArray, expected: Dense): void => {
  expect(actual.shape).toEqual(expected.shape);
  // -0 is 0 here.
  expect([...actual.dataSync()].map((v) => v + 0)).toEqual(expected.data.map((v) => v + 0));
};

describe('the definition', () => {
  test('any layout, stride, padding, dilation and groups', () => {
    fc.assert(
      fc.property(configuration, (c) => {
        const drawnOperands = operands(c);
        if (drawnOperands === undefined) return;
        const { lhs, rhs } = drawnOperands;
        same(apply(c, array(lhs), array(rhs)), naive(c, lhs, rhs));
      }),
      { numRuns: 300 },
    );
  });

  test('S(i, j) = ΣΣ I(i + m, j + n) K(m, n), and ΣΣ I(m, n) K(i - m, j - n) of the kernel turned around', () => {
    const image = [[0, 25, 75, 80, 80], [0, 75, 80, 80, 80], [0, 75, 80, 80, 80], [0, 70, 75, 80, 80], [0, 0, 0, 0, 0]]; // prettier-ignore
    const sobel = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]; // prettier-ignore
    const at = (x: number[][], i: number, j: number): number => x[i]?.[j] ?? 0;
    const sums = (n: number, term: (i: number, j: number, m: number, n: number) => number): number[][] =>
      Array.from({ length: n }, (_, i) =>
        Array.from({ length: n }, (__, j) => {
          let sum = 0;
          for (let k = 0; k < 25; k++) sum += term(i, j, Math.floor(k / 5), k % 5);
          return sum;
        }),
      );
    const correlate = (kernel: NDArray, pad: number): unknown =>
      lax
        .convGeneralDilated(np.array(image).reshape(1, 1, 5, 5), kernel.reshape(1, 1, 3, 3), {
          padding: [[pad, pad], [pad, pad]], // prettier-ignore
        })
        .slice(0, 0)
        .add(0)
        .js();
    const [K, turned] = [np.array(sobel), np.flip(np.array(sobel), [0, 1])];
    expect(correlate(K, 0)).toEqual(sums(3, (i, j, m, n) => at(image, i + m, j + n) * at(sobel, m, n)));
    expect(correlate(turned, 2)).toEqual(sums(7, (i, j, m, n) => at(image, m, n) * at(sobel, i - m, j - n)));
    expect((correlate(K, 0) as number[][])[0]?.[0]).toBe(75 + 2 * 80 + 80);
    // Along one axis, and commutative: s = x * w = w * x.
    const [x, w] = [np.array(image[1] ?? []), np.array([1, -2, 5])];
    const full = [0, 1, 2, 3, 4, 5, 6].map((t) =>
      [0, 1, 2].reduce((sum, a) => sum + ([1, -2, 5][a] ?? 0) * (image[1]?.[t - a] ?? 0), 0),
    );
    expect([np.convolve(x, w).js(), np.convolve(w, x).js()]).toEqual([full, full]);
  });

  test('gradients are the adjoints of the definition', () => {
    fc.assert(
      fc.property(configuration, (c) => {
        const drawnOperands = operands(c);
        if (drawnOperands === undefined) return;
        const { lhs, rhs } = drawnOperands;
        const out = naive(c, lhs, rhs);
        const ct = drawn(out.shape, c.seed + 2);
        const [, pullback] = vjp((x: NDArray, y: NDArray) => apply(c, x, y), [array(lhs), array(rhs)]);
        const [forLhs, forRhs] = pullback(array(ct));
        const [expectedLhs, expectedRhs] = naiveConvAdjoints(lhs, rhs, ct, ...geometryOf(c));
        same(forLhs, expectedLhs);
        same(forRhs, expectedRhs);
      }),
      { numRuns: 40 },
    );
  });
});

describe('forms', () => {
  const x = np.arange(24).reshape([1, 2, 3, 4]).astype('float32');
  const kernel = np.arange(16).reshape([2, 2, 2, 2]).astype('float32');

  test("jax-js's arguments are the same call", () => {
    const byOptions = lax.convGeneralDilated(x, kernel, {
      windowStrides: [1, 2],
      padding: [
        [1, 0],
        [0, 1],
      ],
      rhsDilation: [1, 2],
    });
    const byPosition = lax.convGeneralDilated(
      x,
      kernel,
      [1, 2],
      [
        [1, 0],
        [0, 1],
      ],
      { rhsDilation: [1, 2] },
    );
    expect(byPosition.js()).toEqual(byOptions.js());
    expect(lax.conv(x, kernel, [1, 1], 'VALID').js()).toEqual(lax.convGeneralDilated(x, kernel).js());
    expect(
      lax.convWithGeneralPadding(
        x,
        kernel,
        [1, 1],
        [
          [0, 0],
          [1, 0],
        ],
        [1, 2],
      ).shape,
    ).toEqual([1, 2, 2, 7]);
  });

  test('named padding', () => {
    const lengths = (padding: lax.Padding, stride: number, k: number): number[] =>
      lax.conv(np.ones([1, 1, 7]), np.ones([1, 1, k]), [stride], padding).shape;
    expect([1, 2, 3, 4].map((s) => lengths('SAME', s, 3)[2])).toEqual([7, 4, 3, 2]);
    expect([1, 2, 3, 4].map((s) => lengths('VALID', s, 3)[2])).toEqual([5, 3, 2, 2]);
    const ones = (padding: lax.Padding): unknown => lax.conv(np.ones([1, 1, 5]), np.ones([1, 1, 2]), [1], padding).js();
    expect(ones('SAME')).toEqual([[[2, 2, 2, 2, 1]]]);
    expect(ones('SAME_LOWER')).toEqual([[[1, 2, 2, 2, 2]]]);
  });

  test('convTranspose is the gradient of a convolution with the same padding', () => {
    const image = np.arange(50).reshape([1, 5, 5, 2]).astype('float32');
    const w = np.arange(36).reshape([3, 3, 2, 2]).astype('float32');
    const dimensionNumbers = ['NHWC', 'HWIO', 'NHWC'] as const;
    const padding = [
      [1, 1],
      [1, 1],
    ] as const;
    const f = (a: NDArray): NDArray =>
      lax.convGeneralDilated(a, w, { windowStrides: [2, 2], padding, dimensionNumbers });
    const ct = np.arange(18).reshape([1, 3, 3, 2]).astype('float32');
    const [, pullback] = vjp(f, [image]);
    const transposed = lax.convTranspose(ct, w, [2, 2], padding, {
      dimensionNumbers,
      transposeKernel: true,
      useConsistentPadding: true,
    });
    expect(transposed.js()).toEqual(pullback(ct)[0].js());
    expect(lax.convTranspose(ct, w, [2, 2], 'SAME').shape).toEqual([1, 6, 6, 2]);
    expect(lax.convTranspose(ct, w, [2, 2], 'VALID').shape).toEqual([1, 7, 7, 2]);
  });

  test("jaxprs print as JAX's", () => {
    const f = (a: NDArray, b: NDArray): NDArray =>
      lax.convGeneralDilated(a, b, { padding: 'SAME', dimensionNumbers: ['NHWC', 'HWIO', 'NHWC'] });
    expect(String(makeJaxpr(f)(np.ones([1, 4, 4, 2]), np.ones([3, 3, 2, 5])))).toBe(`\
{ lambda ; a:f32[1,4,4,2] b:f32[3,3,2,5]. let
    c:f32[1,4,4,5] = conv_general_dilated[
      batch_group_count=1
      dimension_numbers=ConvDimensionNumbers(lhs_spec=(0, 3, 1, 2), rhs_spec=(3, 2, 0, 1), out_spec=(0, 3, 1, 2))
      feature_group_count=1
      lhs_dilation=(1, 1)
      padding=((1, 1), (1, 1))
      precision=None
      preferred_element_type=None
      rhs_dilation=(1, 1)
      window_strides=(1, 1)
    ] a b
  in (c,) }`);
  });

  test('per-example gradients of a kernel', () => {
    const images = drawn([3, 4, 4, 2], 5);
    const w = drawn([2, 2, 2, 3], 6);
    const f = (a: NDArray, b: NDArray): NDArray =>
      np.square(lax.convGeneralDilated(a, b, { dimensionNumbers: ['NHWC', 'HWIO', 'NHWC'] })).sum();
    const batched = vmap(jit(grad(f, { argnums: 1 })), [0, null])(array(images).reshape([3, 1, 4, 4, 2]), array(w));
    const one = (i: number): NDArray => grad(f, { argnums: 1 })(array(images).slice([i, i + 1]), array(w));
    expect(batched.js()).toEqual([0, 1, 2].map((i) => one(i).js()));
  });
});

describe('errors', () => {
  const x = np.zeros([2, 4, 5]);
  const k = np.zeros([3, 4, 2]);
  const message = (f: () => unknown): string => {
    try {
      f();
    } catch (error) {
      // The works after it: the next call is right.
      expect(lax.conv(np.ones([1, 1, 2]), np.ones([1, 1, 1]), [1], 'VALID').js()).toEqual([[[1, 1]]]);
      return String(error).replace(/\n {2}at .*$/s, '');
    }
    throw new Error('did not throw');
  };
  test.each<[string, () => unknown, string]>([
    [
      'features',
      () => lax.convGeneralDilated(x, np.zeros([3, 2, 2])),
      'ShapeError: conv_general_dilated: the input has 4 features (axis 1 of f32[2,4,5]), the kernel takes 2 (axis 1 of f32[3,2,2]) in 1 feature group: they must be 2.',
    ],
    [
      'groups',
      () => lax.convGeneralDilated(x, np.zeros([3, 2, 2]), { featureGroupCount: 2 }),
      'ShapeError: conv_general_dilated: featureGroupCount 2 does not divide the 3 output features of input f32[2,4,5] and kernel f32[3,2,2].',
    ],
    [
      'batch groups',
      () => lax.convGeneralDilated(x, k, { batchGroupCount: 3 }),
      'ShapeError: conv_general_dilated: batchGroupCount 3 does not divide the 2 examples in the batch of input f32[2,4,5] and kernel f32[3,4,2].',
    ],
    [
      'no group',
      () => lax.convGeneralDilated(x, k, { featureGroupCount: 0 }),
      'ShapeError: conv_general_dilated: featureGroupCount must be a positive integer, got 0.',
    ],
    [
      'rank',
      () => lax.convGeneralDilated(x, np.zeros([3, 4])),
      'ShapeError: convolution: input [2, 4, 5] and kernel [3, 4] must have the same rank: a batch or output feature axis, a feature axis, and the spatial axes.',
    ],
    [
      'letters',
      () => lax.convGeneralDilated(x, k, { dimensionNumbers: ['NHC', 'HIO', 'NCW'] }),
      "ShapeError: convolution: the spatial letters of dimension numbers ['NHC', 'HIO', 'NCW'] must be the same in all three; 'NCW' differs from 'HIO'.",
    ],
    [
      'a letter missing',
      () => lax.convGeneralDilated(x, k, { dimensionNumbers: ['NHC', 'HIC', 'NHC'] }),
      "ShapeError: convolution: 'HIC' in dimension numbers ['NHC', 'HIC', 'NHC'], of the kernel, must have O and I and a letter for each spatial axis, each once.",
    ],
    [
      'a letter too many',
      () => lax.convGeneralDilated(x, k, { dimensionNumbers: ['NHWC', 'HIO', 'NHC'] }),
      "ShapeError: convolution: 'NHWC' in dimension numbers ['NHWC', 'HIO', 'NHC'] must have 3 letters, one for each axis of input [2, 4, 5] and kernel [3, 4, 2].",
    ],
    [
      'strides',
      () => lax.conv(x, k, [1, 1], 'VALID'),
      'ShapeError: conv_general_dilated: windowStrides [1, 1] must be positive integers, one for each of the 1 spatial axes of input f32[2,4,5] and kernel f32[3,4,2].',
    ],
    [
      'a stride of 0',
      () => lax.conv(x, k, [0], 'VALID'),
      'ShapeError: conv_general_dilated: windowStrides [0] must be positive integers, one for each of the 1 spatial axes of input f32[2,4,5] and kernel f32[3,4,2].',
    ],
    [
      'padding',
      () => lax.conv(x, k, [1], [[1, 1], [1, 1]]), // prettier-ignore
      "ShapeError: conv_general_dilated: padding [[1,1],[1,1]] must be 'SAME', 'SAME_LOWER', 'VALID', or [low, high] pairs of integers, one for each of the 1 spatial axes of input f32[2,4,5] and kernel f32[3,4,2].",
    ],
    [
      'too much cropped',
      () => lax.conv(x, k, [1], [[-3, -3]]),
      'ShapeError: conv_general_dilated: padding [-3, -3] takes more than the 5 elements of spatial axis 0 of the input.',
    ],
    [
      'dtypes',
      () => lax.conv(x, k.astype('int32'), [1], 'VALID'),
      'DTypeError: conv_general_dilated: input f32[2,4,5] and kernel i32[3,4,2] must be numbers of one dtype; convert one with x.astype(...).',
    ],
    [
      'SAME of a dilated input',
      () => lax.convGeneralDilated(x, k, { padding: 'SAME', lhsDilation: [2] }),
      "ArgumentError: conv_general_dilated: padding 'SAME' means nothing for an input with dilation [2]; give [low, high] pairs, or use convTranspose.",
    ],
  ])('%s', (_what, f, expected) => {
    expect(message(f)).toBe(expected);
  });
});

/**
 * Layers under serial, transformations under chain and augmentations under compose are Monoids: what can be observed of
 * both sides is equal.
 */
import fc from 'fast-check';
import { concatAll } from 'fp-ts/lib/Monoid.js';
import { describe, expect, test } from 'vitest';
import { numpy as np, optimizers, random, stax, tree, type NDArray } from 'cotangent';
import { augment } from 'cotangent/data';
import { augmentation, layer, transformation } from 'cotangent/fp';

const WIDTH = 3;
const data = (value: object): unknown => [
  tree.structure(value).toString(),
  tree.leaves<NDArray>(value).map((x) => x.js()),
];

const simple = fc.constantFrom(
  layer.erase(stax.Dense(WIDTH)),
  layer.erase(stax.Relu),
  layer.erase(stax.Tanh),
  layer.erase(stax.Dropout(0.5)),
  layer.erase(stax.Identity),
);
const layers = fc.oneof(
  simple,
  fc.array(simple, { maxLength: 3 }).map((list) => layer.erase(stax.serial(...list))),
  fc.constant(layer.Monoid.empty),
);

/** Parameters, shape, and outputs in evaluation and training. */
function observeLayer([init, apply]: layer.AnyParams, seed: number): unknown {
  const { params, outputShape } = init(random.key(seed), [-1, WIDTH]);
  const x = random.normal(random.key(seed + 1), [2, WIDTH]);
  const trained = apply(params, x, { mode: 'train', key: random.key(seed + 2) });
  return [data(params), outputShape, apply(params, x).js(), trained.js()];
}

/** Updates and states of three steps. */
function observeTransformation(t: transformation.ErasedTransformation, seed: number): unknown {
  const params = { w: np.array([1, 2, 3]), b: [np.array(0)] };
  let state = t.init(params);
  return random.spawn(random.key(seed), 3).map((key) => {
    const gradients = { w: random.normal(key, [3]), b: [random.normal(random.foldIn(key, 1))] };
    const [updates, next] = t.update(gradients, state, params);
    state = next;
    return [data(updates), data(next)];
  });
}

const { erase } = transformation;
const parts = fc.constantFrom(
  erase(optimizers.scale(-0.5)),
  erase(optimizers.trace(0.9)),
  erase(optimizers.trace(0.5, { nesterov: true })),
  erase(optimizers.scaleByAdam()),
  erase(optimizers.scaleBySchedule((count) => np.divide(1, np.add(count, 2)))),
  erase(optimizers.identity()),
);
const transformations = fc.oneof(
  parts,
  fc.array(parts, { maxLength: 3 }).map((list) => erase(optimizers.chain(...list))),
  fc.constant(transformation.Monoid.empty),
);

/** The images that an augmentation makes. */
const observeAugmentation = (f: augment.Augmentation, seed: number): unknown =>
  f(random.key(seed), random.uniform(random.key(seed + 1), [3, 4, 5, 2])).js();

const simpleAugmentations = fc.constantFrom(
  augment.flipLeftRight(),
  augment.rotation(0.5),
  augment.brightness(0.2),
  augment.cutout(2),
  augment.normalize(0.5, 0.25),
);
const augmentations = fc.oneof(
  simpleAugmentations,
  fc.array(simpleAugmentations, { maxLength: 3 }).map((list) => augment.compose(...list)),
  fc.constant(augmentation.Monoid.empty),
);

interface Instance<A> {
  monoid: { empty: A; concat: (x: A, y: A) => A };
  arbitrary: fc.Arbitrary<A>;
  observe: (a: A, seed: number) => unknown;
}

function laws<A>({ monoid, arbitrary, observe }: Instance<A>): void {
  const runs = { numRuns: 25 };
  const same = (x: A, y: A, seed: number): void => {
    expect(observe(x, seed)).toEqual(observe(y, seed));
  };
  test('associativity', () => {
    fc.assert(
      fc.property(arbitrary, arbitrary, arbitrary, fc.nat(1000), (x, y, z, seed) => {
        same(monoid.concat(monoid.concat(x, y), z), monoid.concat(x, monoid.concat(y, z)), seed);
      }),
      runs,
    );
  });
  test('identity', () => {
    fc.assert(
      fc.property(arbitrary, fc.nat(1000), (x, seed) => {
        same(monoid.concat(monoid.empty, x), x, seed);
        same(monoid.concat(x, monoid.empty), x, seed);
      }),
      runs,
    );
  });
}

describe('layers under serial', () => {
  laws({ monoid: layer.Monoid, arbitrary: layers, observe: observeLayer });

  test('concatAll is serial', () => {
    const list = [layer.erase(stax.Dense(WIDTH)), layer.erase(stax.Tanh), layer.erase(stax.Dense(WIDTH))];
    expect(observeLayer(concatAll(layer.Monoid)(list), 7)).toEqual(observeLayer(layer.erase(stax.serial(...list)), 7));
  });
});

describe('gradient transformations under chain', () => {
  laws({ monoid: transformation.Monoid, arbitrary: transformations, observe: observeTransformation });

  test('concatAll is chain', () => {
    const list = [erase(optimizers.scaleByAdam()), erase(optimizers.scale(-0.1))];
    const all = concatAll(transformation.Monoid)(list);
    expect(observeTransformation(all, 7)).toEqual(observeTransformation(erase(optimizers.chain(...list)), 7));
  });
});

describe('augmentations under compose', () => {
  laws({ monoid: augmentation.Monoid, arbitrary: augmentations, observe: observeAugmentation });

  test('concatAll is compose', () => {
    const list = [augment.flipUpDown(), augment.brightness(0.2), augment.zoom([0.5, 2])];
    const all = concatAll(augmentation.Monoid)(list);
    expect(observeAugmentation(all, 7)).toEqual(observeAugmentation(augment.compose(...list), 7));
  });
});

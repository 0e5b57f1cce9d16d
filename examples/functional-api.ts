/**
 * The functional API: a network is a function, so a graph of layers is what any function of functions is.
 *
 * The three layers of Keras's `Input(shape=(3,)) → Dense(4) → Dense(4) → Dense(1)`; then a graph with two inputs that join and a
 * skip connection, of layers and as a plain function of parameters; then a part of it is frozen and the rest fine-tuned.
 *
 *     npm run example functional-api
 */
import { pipe } from 'fp-ts/lib/function.js';
import assert from 'node:assert/strict';
import { losses, nn, numpy as np, optimizers, random, stax, tree } from 'cotangent';
import type { NDArray } from 'cotangent';
import { batches } from 'cotangent/data';
import { checkFinite, minimize, run, trainWith } from 'cotangent/train';

// 1. A chain. Keras:
//    input = Input(shape=(3,)); x = Dense(4, activation="relu")(input); x = Dense(4, activation="relu")(x)
//    model = Model(inputs=input, outputs=Dense(1, activation="linear")(x))
const chain = stax.serial(stax.Dense(4), stax.Relu, stax.Dense(4), stax.Relu, stax.Dense(1));
console.log(`A chain of layers:\n\n${stax.summary(chain, [-1, 3])}`);

// The same as a plain function: each layer is a function of its parameters and what comes before it.
const dense = ({ W, b }: stax.DenseParams, x: NDArray): NDArray => x.matmul(W).add(b);
const [initChain, applyChain] = chain;
const chained = initChain(random.key(0), [-1, 3]).params;
const byHand = ([first, , second, , last]: typeof chained, input: NDArray): NDArray => {
  const layer1 = nn.relu(dense(first, input));
  const layer2 = nn.relu(dense(second, layer1));
  return dense(last, layer2);
};
const points = random.normal(random.key(1), [8, 3]);
assert.ok(np.allclose(applyChain(chained, points), byHand(chained, points), { rtol: 1e-6 }).item());

// 2. A graph: inputs a [batch, 3] and b [batch, 2], a layer for each, joined, then a block with a skip connection.
const branches = stax.parallel(stax.serial(stax.Dense(8), stax.Relu), stax.serial(stax.Dense(8), stax.Tanh));
const block = stax.residual(stax.serial(stax.Dense(16), stax.Relu, stax.Dense(16)));
const graph = stax.serial(branches, stax.FanInConcat(), block, stax.Dense(1));
const shapes = [
  [-1, 3],
  [-1, 2],
] as const;
console.log(`Two inputs that join, and a skip connection:\n\n${stax.summary(graph, shapes, { depth: 2 })}`);

type Params = stax.ParamsOf<typeof graph>;
const [initGraph, applyGraph] = graph;

// The same graph as a plain function of the same parameters: a skip connection is an addition, a second input an argument.
function graphByHand([[ofA, ofB], , [inside], read]: Params, a: NDArray, b: NDArray): NDArray {
  const joined = np.concatenate([nn.relu(dense(ofA[0], a)), np.tanh(dense(ofB[0], b))], 1);
  const deeper = dense(inside[2], nn.relu(dense(inside[0], joined)));
  return dense(read, deeper.add(joined));
}

const [ka, kb, kInit] = random.spawn(random.key(2), 3);
const a = random.normal(ka, [256, 3]);
const b = random.normal(kb, [256, 2]);
const params = initGraph(kInit, shapes).params;
const difference = applyGraph(params, [a, b])
  .sub(graphByHand(params, a, b))
  .abs()
  .max()
  .item();
console.log(
  `The graph of layers and the plain function of the same parameters differ by at most ${Number(difference)}.`,
);
assert.ok(Number(difference) < 1e-5);

// 3. Train it, then freeze the branches and fine-tune the rest on another task, at a lower learning rate.
interface Batch {
  readonly a: NDArray;
  readonly b: NDArray;
  readonly y: NDArray;
}
const lossOf =
  ([, apply]: typeof graph) =>
  (p: Params, batch: Batch): NDArray =>
    losses.meanSquaredError(apply(p, [batch.a, batch.b]), batch.y);
const train = async (net: typeof graph, from: Params, data: Batch, rate: number): Promise<Params> => {
  const { start, step } = minimize(lossOf(net), optimizers.adam(rate));
  const shuffled = batches(data, { size: 64, key: random.key(3), epochs: 50 });
  return (await pipe(shuffled, trainWith(step, start({ params: from })), checkFinite(), run)).state.params;
};
const measure = (p: Params, data: Batch): number => Number(lossOf(graph)(p, data).item());

const sum = (x: NDArray): NDArray => x.sum(1, { keepdims: true });
const task: Batch = { a, b, y: sum(a.square()).add(sum(np.sin(b))) };
const another: Batch = { a, b, y: sum(a.square()).sub(sum(np.sin(b))) };

const trained = await train(graph, params, task, 1e-2);
const frozen = stax.serial(stax.freeze(branches), stax.FanInConcat(), block, stax.Dense(1));
const tuned = await train(frozen, trained, another, 3e-3);

console.log('\n                                  task  another task');
for (const [name, p] of [
  ['before training', params],
  ['trained on the task', trained],
  ['fine-tuned, branches frozen', tuned],
] as const) {
  console.log(
    `  ${name.padEnd(28)}${measure(p, task).toFixed(4).padStart(8)}${measure(p, another).toFixed(4).padStart(14)}`,
  );
}

assert.ok(measure(trained, task) < measure(params, task) / 10);
assert.ok(measure(tuned, another) < measure(trained, another) / 10);
// Not a bit of what was frozen has changed, and all of the rest has.
const bits = (p: unknown): Uint32Array[] =>
  tree.leaves<NDArray>(p as NDArray[]).map((leaf) => new Uint32Array(Float32Array.from(leaf.dataSync()).buffer));
assert.deepEqual(bits(tuned[0]), bits(trained[0]));
tuned.slice(1).forEach((part, i) => {
  bits(part).forEach((leaf, n) => assert.notDeepEqual(leaf, bits(trained[i + 1])[n]));
});
console.log('\nThe frozen branches are what they were, bit for bit; every array after them has changed.');

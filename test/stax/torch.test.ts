/** Layers against PyTorch in float64 (scripts/fixtures/layers.py): outputs, gradients by inputs and by parameters, eager and compiled. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { jit, nn, numpy as np, tree, valueAndGrad, vjp, type NDArray } from 'cotangent';
import * as stax from 'cotangent/stax';

interface Values {
  shape: number[];
  data: number[] | boolean[];
}
interface Case {
  x: Values;
  y: Values;
  weights: Values;
  dx: Values;
  params: unknown;
  dparams: unknown;
  state?: unknown;
  next?: unknown;
  mask?: Values;
}
const cases = JSON.parse(readFileSync(new URL('../fixtures/layers.json', import.meta.url), 'utf8')) as Record<
  string,
  Case
>;

const isValues = (x: unknown): x is Values => typeof x === 'object' && x !== null && 'data' in x && 'shape' in x;
const arrayOf = ({ shape, data }: Values): NDArray =>
  np.array(data, typeof data[0] === 'boolean' ? {} : { dtype: 'float64' }).reshape(shape);
function treeOf(x: unknown): never {
  const convert = (v: unknown): unknown => {
    if (isValues(v)) return arrayOf(v);
    if (Array.isArray(v)) return v.map(convert);
    return Object.fromEntries(Object.entries(v as object).map(([k, each]) => [k, convert(each)]));
  };
  return convert(x) as never;
}

// Sums of some hundred products in float64, in another order than PyTorch's.
const TOLERANCE = 1e-10;
function expectClose(actual: NDArray, expected: NDArray, what: string): void {
  expect(actual.shape, what).toEqual(expected.shape);
  const [a, e] = [actual.dataSync(), expected.dataSync()];
  const worst = Math.max(0, ...Array.from(a, (v, i) => Math.abs(v - (e[i] ?? NaN)) / (1 + Math.abs(e[i] ?? NaN))));
  expect(worst, what).toBeLessThan(TOLERANCE);
}
function expectTree(actual: object, expected: object, what: string): void {
  expect(tree.structure(actual).toString(), what).toEqual(tree.structure(expected).toString());
  const [a, e] = [tree.leavesWithPath<NDArray>(actual), tree.leaves<NDArray>(expected)];
  a.forEach(([path, leaf], i) => {
    const want = e[i];
    if (want === undefined) throw new Error('another structure');
    expectClose(leaf, want, `${what}${tree.showPath(path)}`);
  });
}

/** Of some layer. */
type Params = Readonly<Record<string, NDArray>>;

const all = { returnSequences: true };
const layers: Record<string, stax.AnyLayer> = {
  conv1d: stax.Conv1d(4, 3, { strides: 2, padding: [[1, 1]] }),
  conv2d: stax.Conv2d(6, [3, 2], { strides: [1, 2], padding: [[1, 1], [0, 0]], dilation: [2, 1], groups: 2 }), // prettier-ignore
  'conv2d-same': stax.Conv2d(3, 3, { padding: 'SAME', useBias: false }),
  conv3d: stax.Conv3d(3, 2, { strides: 2 }),
  'conv-transpose': stax.ConvTranspose(2, 3, { strides: 2 }),
  'max-pool': stax.MaxPool([3, 2], { strides: 2 }),
  'avg-pool': stax.AvgPool(2, { padding: [[1, 1], [1, 1]] }), // prettier-ignore
  lrn: stax.LocalResponseNorm({ alpha: 0.5 / 5 }),
  'layer-norm': stax.LayerNorm(),
  'group-norm': stax.GroupNorm(3),
  attention: stax.MultiHeadAttention(2),
  'attention-mask': stax.MultiHeadAttention(2),
  'attention-causal': stax.MultiHeadAttention(2, { causal: true }),
  'transformer-pre': stax.TransformerBlock(2, { activation: nn.relu, hidden: 10 }),
  'transformer-post': stax.TransformerBlock(2, { activation: nn.relu, hidden: 10, normFirst: false }),
  rnn: stax.RNN(4, all),
  'rnn-last': stax.RNN(4),
  gru: stax.GRU(4, all),
  'gru-last': stax.GRU(4),
  lstm: stax.LSTM(4, all),
  'lstm-last': stax.LSTM(4),
  'lstm-bidirectional': stax.Bidirectional(stax.LSTM(2, all)),
  'gru-stacked': stax.serial(stax.GRU(2, all), stax.GRU(2, all)),
  'lstm-mask': stax.Bidirectional(stax.LSTM(2)),
};

describe.each(Object.keys(layers))('%s', (name) => {
  const fixture = cases[name];
  const layer = layers[name];
  if (fixture === undefined || layer === undefined) throw new Error(`no fixture ${name}`);
  const [x, weights] = [arrayOf(fixture.x), arrayOf(fixture.weights)];
  const params: Params = treeOf(fixture.params);
  const context = fixture.mask === undefined ? {} : { mask: arrayOf(fixture.mask) };
  const apply = (p: Params, input: NDArray): NDArray =>
    (layer[1] as (p: Params, x: NDArray, c: object) => NDArray)(p, input, context);
  test.each(['eager', 'compiled'])('%s', (how) => {
    const run = (p: Params, input: NDArray): readonly [NDArray, Params, NDArray] => {
      const [y, pull] = vjp(apply, [p, input]);
      return [y, ...pull(weights)];
    };
    const [y, dparams, dx] = (how === 'eager' ? run : jit(run))(params, x);
    expectClose(y, arrayOf(fixture.y), 'output');
    expectClose(dx, arrayOf(fixture.dx), 'gradient by x');
    expectTree(dparams, treeOf(fixture.dparams), 'gradient by params');
  });
  test('init makes parameters of this structure, and tells the shape of the output', () => {
    const key = np.array([0, 1], { dtype: 'uint32' });
    const init = layer[0] as (k: NDArray, s: readonly number[]) => { params: Params; outputShape: readonly number[] };
    const made = init(key, [-1, ...x.shape.slice(1)]);
    expect(tree.structure(made.params).toString()).toEqual(tree.structure(params).toString());
    expect(tree.leaves<NDArray>(made.params).map((p) => p.shape)).toEqual(
      tree.leaves<NDArray>(params).map((p) => p.shape),
    );
    expect(made.outputShape).toEqual([-1, ...fixture.y.shape.slice(1)]);
    expect(apply(made.params, x.astype('float32')).shape).toEqual(fixture.y.shape);
  });
});

describe('batch normalisation', () => {
  const [, apply] = stax.BatchNorm();
  test.each(['eval', 'train'] as const)('%s', (mode) => {
    const fixture = cases[`batch-norm-${mode}`];
    if (fixture === undefined) throw new Error('no fixture');
    const state: stax.BatchNormState = treeOf(fixture.state);
    const [x, weights] = [arrayOf(fixture.x), arrayOf(fixture.weights)];
    const params: stax.NormParams = treeOf(fixture.params);
    const loss = (p: stax.NormParams, input: NDArray): readonly [NDArray, readonly [NDArray, stax.BatchNormState]] => {
      const [y, next] = apply(p, input, { mode, state });
      return [y.mul(weights).sum(), [y, next]];
    };
    const [[, [y, next]], [dparams, dx]] = valueAndGrad(loss, { argnums: [0, 1], hasAux: true })(params, x);
    expectClose(y, arrayOf(fixture.y), 'output');
    expectTree(dparams, treeOf(fixture.dparams), 'gradient by params');
    expectClose(dx, arrayOf(fixture.dx), 'gradient by x');
    expectTree(next, mode === 'eval' ? state : treeOf(fixture.next), 'next state');
  });
});

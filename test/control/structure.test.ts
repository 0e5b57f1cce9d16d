/** What derivatives of loops keep: residuals of scans, the memory of compiled programs, and how jaxprs print. */
import { describe, expect, test } from 'vitest';
import {
  checkJaxpr,
  checkpoint,
  checkpointPolicies,
  grad,
  jit,
  lax,
  makeJaxpr,
  nn,
  numpy as np,
  type CheckpointPolicy,
  type ClosedJaxpr,
  type NDArray,
} from 'cotangent';

/** Types of the results of the scans of a jaxpr, one list per scan. */
function scansOf({ jaxpr }: ClosedJaxpr): string[][] {
  checkJaxpr(jaxpr);
  return jaxpr.eqns.filter((e) => e.primitive.name === 'scan').map((e) => e.outputs.map((v) => v.aval.toString()));
}
/** Bytes of what the first scan stacks. */
const stackedBytes = (closed: ClosedJaxpr, length: number): number =>
  closed.jaxpr.eqns
    .filter((e) => e.primitive.name === 'scan')
    .slice(0, 1)
    .flatMap((e) => e.outputs)
    .filter((v) => v.aval.shape[0] === length)
    .reduce((sum, v) => sum + 4 * v.aval.size, 0);

describe('residuals of a scan', () => {
  const w = np.ones([3, 3]);
  const xs = np.ones([5, 3]);

  test('slices of xs and values that do not change are not stacked', () => {
    // d(c + w·x) needs w and x: one is a constant, one is there.
    const f = (v: NDArray, zs: NDArray): NDArray =>
      lax.scan((c, x) => [c.add(np.matmul(v, x)), null], np.zeros([3]), zs)[0].sum();
    expect(scansOf(makeJaxpr(grad(f, { argnums: [0, 1] }))(w, xs))[0]).toEqual(['f32[3]']);
  });

  test('what is computed from constants is computed once, outside', () => {
    const f = (v: NDArray): NDArray => lax.scan((c, x) => [np.exp(v.mul(2)).mul(c).add(x), null], v, xs)[0].sum();
    const closed = makeJaxpr(grad(f))(np.ones([3]));
    // The carry before each step is what is left.
    expect(scansOf(closed)[0]).toEqual(['f32[3]', 'f32[5,3]']);
    expect(closed.jaxpr.eqns.some((e) => e.primitive.name === 'exp')).toBe(true);
  });

  test('a carry that is handed on as it is counts as a constant', () => {
    const f = (v: NDArray): NDArray =>
      lax.scan(([p, c], x) => [[p, np.matmul(p, c).add(x)], null], [v, np.ones([3])], xs)[0][1].sum();
    expect(scansOf(makeJaxpr(grad(f))(w))[0]).toEqual(['f32[3,3]', 'f32[3]', 'f32[5,3]']);
  });

  test('a result of the scan is not stacked a second time', () => {
    // The derivative of exp is its result.
    const f = (v: NDArray): NDArray =>
      lax
        .scan(
          (c, x) => {
            const y = np.exp(c.add(x));
            return [y, y];
          },
          v,
          xs,
        )[1]
        .sum();
    expect(scansOf(makeJaxpr(grad(f))(np.zeros([3])))[0]).toEqual(['f32[3]', 'f32[5,3]']);
  });

  test('constants that no tangent reaches have no sums in the way back', () => {
    const f = (v: NDArray): NDArray => lax.scan((c, x) => [c.mul(v).add(x), null], np.ones([3]), xs)[0].sum();
    expect(scansOf(makeJaxpr(grad(f))(np.ones([3])))[1]).toEqual(['f32[3]', 'f32[3]']);
    const g = (z: NDArray): NDArray => lax.scan((c, x) => [c.mul(w.sum()).add(x), null], np.ones([3]), z)[0].sum();
    expect(scansOf(makeJaxpr(grad(g))(xs))[1]).toEqual(['f32[3]', 'f32[5,3]']);
  });

  test('branches share room for residuals of one type', () => {
    const f = (x: NDArray): NDArray =>
      lax
        .cond(
          x.sum().greater(0),
          (v) => np.sin(v),
          (v) => np.exp(v),
          x,
        )
        .sum();
    const conds = makeJaxpr(grad(f))(np.ones([3])).jaxpr.eqns.filter((e) => e.primitive.name === 'cond');
    expect(conds.map((e) => e.outputs.length)).toEqual([2, 1]);
  });
});

describe('checkpoint in the body of a scan', () => {
  const [T, B, H] = [1000, 4, 16];
  const params = { wx: np.ones([H, 4 * H]).mul(0.01), wh: np.ones([H, 4 * H]).mul(0.02), b: np.zeros([4 * H]) };
  type Params = typeof params;
  type State = { h: NDArray; c: NDArray };
  const xs = np.sin(np.arange(T * B * H).mul(0.1)).reshape(T, B, H);
  /** An LSTM. */
  const cell =
    (p: Params) =>
    (s: State, x: NDArray): readonly [State, null] => {
      const z = np.matmul(x, p.wx).add(np.matmul(s.h, p.wh)).add(p.b);
      const gate = (k: number): NDArray => z.slice('...', [k * H, (k + 1) * H]);
      const c = nn
        .sigmoid(gate(0))
        .mul(s.c)
        .add(nn.sigmoid(gate(1)).mul(np.tanh(gate(2))));
      return [{ h: nn.sigmoid(gate(3)).mul(np.tanh(c)), c }, null];
    };
  const zeros: State = { h: np.zeros([B, H]), c: np.zeros([B, H]) };
  const loss =
    (policy?: CheckpointPolicy | null) =>
    (p: Params): NDArray => {
      const step = policy === null ? cell(p) : checkpoint(cell(p), policy === undefined ? {} : { policy });
      return lax.scan(step, zeros, xs)[0].h.sum();
    };
  /** The same with checkpoints around chunks of 40 steps. */
  const chunked = (p: Params): NDArray => {
    const chunk = checkpoint((s: State, part: NDArray) => lax.scan(cell(p), s, part));
    return lax.scan(chunk, zeros, xs.reshape(25, 40, B, H))[0].h.sum();
  };

  test('keeps the state of each step and nothing else: an RNN of 1,000 steps in a fifth of the memory', () => {
    const without = stackedBytes(makeJaxpr(grad(loss(null)))(params), T);
    const withIt = stackedBytes(makeJaxpr(grad(loss()))(params), T);
    expect(withIt).toBe(2 * T * B * H * 4);
    expect(withIt).toBeLessThan(without / 5);
    // The compiled programs need no more than that, besides a few arrays of one step.
    const arena = (f: (p: Params) => NDArray): number => jit(grad(f)).lower(params).cost().arenaBytes;
    expect(arena(loss())).toBeLessThan(arena(loss(null)) / 5);
    // Of these 1.6 arrays of the length of the sequence one is its reshaped copy.
    expect(arena(chunked)).toBeLessThan(arena(loss(null)) / 7);
  });

  test('the gradients are the same', () => {
    const expected = jit(grad(loss(null)))(params);
    for (const f of [
      loss(),
      loss(checkpointPolicies.dotsSaveable),
      loss(checkpointPolicies.everythingSaveable),
      chunked,
    ]) {
      const got = jit(grad(f))(params);
      for (const k of ['wx', 'wh', 'b'] as const) {
        expect(np.allclose(got[k], expected[k], { rtol: 1e-4, atol: 1e-5 }).item(), k).toBe(true);
      }
    }
  });

  test('policies say what is kept besides', () => {
    const kept = (policy: CheckpointPolicy): number =>
      stackedBytes(makeJaxpr(grad(loss(policy)))(params), T) / (T * B * H * 4);
    expect(kept(checkpointPolicies.nothingSaveable)).toBe(2);
    // Two products of four gates each.
    expect(kept(checkpointPolicies.dotsSaveable)).toBe(2 + 8);
    expect(kept(checkpointPolicies.dotsWithNoBatchDimsSaveable)).toBe(2 + 8);
    expect(kept(checkpointPolicies.everythingSaveable)).toBe(
      stackedBytes(makeJaxpr(grad(loss(null)))(params), T) / (T * B * H * 4),
    );
  });

  test('the way back copies nothing to keep computations apart', () => {
    expect(String(makeJaxpr(grad(loss()))(params))).not.toContain('optimization_barrier');
  });
});

describe('the text of control flow is that of JAX', () => {
  test('scan', () => {
    expect(
      String(makeJaxpr((c: NDArray, xs: NDArray) => lax.scan((s, x) => [s.add(x), s], c, xs))(0, np.ones([3]))),
    ).toBe(
      [
        '{ lambda ; a:f32[] b:f32[3]. let',
        '    c:f32[] d:f32[3] = scan[',
        '      jaxpr={ lambda ; e:f32[] f:f32[]. let g:f32[] = add e f in (g, e) }',
        '      length=3',
        '      num_carry=1',
        '      num_consts=0',
        '      reverse=False',
        '      unroll=1',
        '    ] a b',
        '  in (c, d) }',
      ].join('\n'),
    );
  });
  test('cond', () => {
    const f = (p: NDArray, x: NDArray): NDArray =>
      lax.cond(
        p.greater(0),
        (v) => v.mul(2),
        (v) => np.sin(v),
        x,
      );
    expect(String(makeJaxpr(f)(1, 2))).toBe(
      [
        '{ lambda ; a:f32[] b:f32[]. let',
        '    c:bool[] = gt a 0.0:f32[]',
        '    d:i32[] = convert_element_type[new_dtype=int32 weak_type=False] c',
        '    e:f32[] = cond[',
        '      branches=(',
        '        { lambda ; f:f32[]. let g:f32[] = sin f in (g,) }',
        '        { lambda ; h:f32[]. let i:f32[] = mul h 2.0:f32[] in (i,) }',
        '      )',
        '    ] d b',
        '  in (e,) }',
      ].join('\n'),
    );
  });
  test('while', () => {
    const f = (x: NDArray): NDArray =>
      lax.whileLoop(
        (c) => c.less(10),
        (c) => c.mul(2),
        x,
      );
    expect(String(makeJaxpr(f)(1))).toBe(
      [
        '{ lambda ; a:f32[]. let',
        '    b:f32[] = while[',
        '      body_jaxpr={ lambda ; c:f32[]. let d:f32[] = mul c 2.0:f32[] in (d,) }',
        '      body_nconsts=0',
        '      cond_jaxpr={ lambda ; e:f32[]. let f:bool[] = lt e 10.0:f32[] in (f,) }',
        '      cond_nconsts=0',
        '    ] a',
        '  in (b,) }',
      ].join('\n'),
    );
  });
});

test('compile time does not grow with length: the program is the same size', () => {
  const text = (n: number): string =>
    String(makeJaxpr((x: NDArray) => lax.foriLoop(0, n, (_, y) => np.sin(y), x))(1)).replaceAll(String(n), 'n');
  expect(text(1_000_000)).toBe(text(5));
});

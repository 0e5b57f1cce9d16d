/** Mistakes with control flow: the message has the path, both types, the line and what to do, and the next call works. */
import { describe, expect, test } from 'vitest';
import {
  ArgumentError,
  DTypeError,
  grad,
  jit,
  lax,
  NotSupportedError,
  numpy as np,
  ShapeError,
  TreeError,
  UnexpectedTracerError,
  vjp,
  vmap,
  ConcretizationError,
  type NDArray,
} from 'cotangent';

type Mistake = readonly [name: string, kind: new (message: string) => Error, message: RegExp, call: () => unknown];

const x3 = np.ones([3]);
const xs = np.ones([4, 3]);

const scanMistakes: readonly Mistake[] = [
  [
    'a carry whose dtype changes',
    DTypeError,
    /scan: carry\.h is float32\[3\] going in but int32\[3\] coming out\..*x\.astype\('float32'\)/,
    () => lax.scan((c, x) => [{ h: c.h.add(x).astype('int32') }, null], { h: x3 }, xs),
  ],
  [
    'a carry whose shape changes',
    ShapeError,
    /scan: carry\[1\] is float32\[\] going in but float32\[3\] coming out\..*np\.zeros\(\[3\]\)/,
    () => lax.scan(([a, b], x) => [[a, b.add(x)], null], [x3, np.zeros([])], xs),
  ],
  [
    'a bare number that becomes an array',
    ShapeError,
    /scan: carry is float32\[\] going in but float32\[3\] coming out/,
    () => lax.scan((c, x) => [c.add(x), null], 0, xs),
  ],
  [
    'several leaves that change',
    DTypeError,
    /carry\.a is float32\[3\] going in but bool\[3\] coming out; carry\.b is int32\[\] going in but float32\[\] coming out/,
    () =>
      lax.scan((c) => [{ a: c.a.greater(0), b: c.b.mul(0.5) }, null], { a: x3, b: np.array(0).astype('int32') }, xs),
  ],
  [
    'a carry that loses a leaf',
    TreeError,
    /scan: carry is \{"a": \*, "b": \*\} going in but \{"a": \*\} coming out/,
    // @ts-expect-error the types say so too
    () => lax.scan((c) => [{ a: c.a }, null], { a: x3, b: x3 }, xs),
  ],
  [
    'a carry with another structure deep inside',
    TreeError,
    /scan: carry\.a\[1\] is \* going in but \[\*, \*\] coming out/,
    // @ts-expect-error the types say so too
    () => lax.scan((c) => [{ a: [c.a[0], [c.a[1], c.a[1]]] }, null], { a: [x3, x3] }, xs),
  ],
  [
    'no pair',
    TreeError,
    /scan: a step must return \[carry, y\], got no list.*\[carry, null\]/,
    // @ts-expect-error the types say so too
    () => lax.scan((c) => c, x3, xs),
  ],
  [
    'xs of different leading lengths',
    ShapeError,
    /scan: all xs must have the same leading length, but xs\.a is float32\[4,3\], xs\.b is float32\[5\]/,
    () => lax.scan((c) => [c, null], 0, { a: xs, b: np.ones([5]) }),
  ],
  [
    'xs of another length than the option says',
    ShapeError,
    /must have the leading length 7, as the option says, but xs is float32\[4,3\]/,
    () => lax.scan((c) => [c, null], 0, xs, { length: 7 }),
  ],
  [
    'scalar xs',
    ShapeError,
    /scan: xs\.b is float32\[\], which has no leading axis.*closure/,
    () => lax.scan((c) => [c, null], 0, { a: xs, b: 1 }),
  ],
  [
    'no xs and no length',
    ArgumentError,
    /no xs to loop over.*\{ length: n \}/,
    () => lax.scan((c) => [c, null], 0, null),
  ],
  [
    'a negative length',
    ArgumentError,
    /scan: length must be a whole number that is not negative, got -1.*whileLoop/,
    () => lax.scan((c) => [c, null], 0, null, { length: -1 }),
  ],
  ['a fractional length', ArgumentError, /got 2\.5/, () => lax.scan((c) => [c, null], 0, null, { length: 2.5 })],
  [
    'unroll of zero',
    ArgumentError,
    /unroll must be a positive/,
    () => lax.scan((c) => [c, null], 0, xs, { unroll: 0 }),
  ],
  [
    'no function',
    ArgumentError,
    /scan: the step must be a function, got object/,
    // @ts-expect-error the types say so too
    () => lax.scan(x3, 0, xs),
  ],
  [
    'a result that is no array',
    ArgumentError,
    /scan: .* is a string \(up\), which is no array/,
    () => lax.scan((c) => [c, 'up'], 0, xs),
  ],
  [
    'a batch size of zero',
    ArgumentError,
    /map: batchSize must be a positive whole number, got 0/,
    () => lax.map((x) => x, xs, { batchSize: 0 }),
  ],
];

const condMistakes: readonly Mistake[] = [
  [
    'branches of different dtypes',
    DTypeError,
    /cond: result\.y is float32\[3\] of falseFn but int32\[3\] of trueFn\..*x\.astype/,
    () =>
      lax.cond(
        true,
        (x) => ({ y: x.astype('int32') }),
        (x) => ({ y: x }),
        x3,
      ),
  ],
  [
    'branches of different shapes',
    ShapeError,
    /cond: result is float32\[3\] of falseFn but float32\[\] of trueFn/,
    () =>
      lax.cond(
        true,
        (x) => x.sum(),
        (x) => x,
        x3,
      ),
  ],
  [
    'branches of different structures',
    TreeError,
    /cond: result is \* of falseFn but \[\*, \*\] of trueFn/,
    () =>
      lax.cond(
        true,
        (x) => [x, x],
        // @ts-expect-error the types say so too
        (x) => x,
        x3,
      ),
  ],
  [
    'a predicate with a shape',
    ShapeError,
    /cond: the predicate must be one bool, got bool\[3\].*np\.any.*np\.where/,
    () =>
      lax.cond(
        x3.greater(0),
        () => 1,
        () => 2,
      ),
  ],
  [
    'a predicate that is a number',
    DTypeError,
    /cond: the predicate must be one bool, got float32\[\].*x\.greater\(0\)/,
    () =>
      lax.cond(
        x3.sum(),
        () => 1,
        () => 2,
      ),
  ],
  [
    'an index that is no integer',
    DTypeError,
    /switch: the index must be one integer, got float32\[\].*astype\('int32'\)/,
    () => lax.switch(x3.sum(), [() => 1, () => 2]),
  ],
  [
    'no branches',
    ArgumentError,
    /switch: branches must be a list of at least one function/,
    // @ts-expect-error the types say so too
    () => lax.switch(0, []),
  ],
  [
    'a third branch that differs',
    DTypeError,
    /switch: result is float32\[3\] of branches\[0\] but bool\[3\] of branches\[2\]/,
    () => lax.switch(0, [(x) => x, (x) => x.neg(), (x) => x.greater(0)], x3),
  ],
];

const whileMistakes: readonly Mistake[] = [
  [
    'a condition with a shape',
    ShapeError,
    /whileLoop: the condition must be one bool, got bool\[3\]/,
    () =>
      lax.whileLoop(
        (x) => x.greater(0),
        (x) => x.sub(1),
        x3,
      ),
  ],
  [
    'a body that changes the carry',
    DTypeError,
    /whileLoop: carry\.n is int32\[\] going in but float32\[\] coming out/,
    () =>
      lax.whileLoop(
        (c) => c.n.less(3),
        (c) => ({ n: c.n.add(0.5) }),
        { n: np.array(0).astype('int32') },
      ),
  ],
  [
    'a fractional bound',
    ArgumentError,
    /foriLoop: upper must be an integer, got 2\.5/,
    () => lax.foriLoop(0, 2.5, (_, c) => c, 0),
  ],
  [
    'a bound that is a float array',
    DTypeError,
    /foriLoop: upper must be one integer, got float32\[\].*astype\('int32'\)/,
    () => lax.foriLoop(0, x3.sum(), (_, c) => c, 0),
  ],
  [
    'a body that changes the carry of a counting loop',
    DTypeError,
    /foriLoop: carry is float32\[3\] going in but bool\[3\] coming out/,
    () => lax.foriLoop(0, 3, (_, c) => c.greater(0), x3),
  ],
  [
    'an operation that changes the type',
    ShapeError,
    /associativeScan: fn's result for elems is float32\[\], but its operands are float32\[2,3\]/,
    () => lax.associativeScan((a) => a.sum(), xs),
  ],
];

const worksAfterwards = (): void => {
  expect(lax.scan((c, x) => [c.add(x.sum()), c], 0, xs)[0].item()).toBe(12);
};

describe.each([
  ['scan', scanMistakes],
  ['cond', condMistakes],
  ['while', whileMistakes],
] as const)('%s', (_name, mistakes) => {
  test.each(mistakes)('%s', (_what, kind, message, call) => {
    const jitted = (): unknown =>
      jit(() => {
        call();
        return 0;
      })();
    const thrown = (f: () => unknown): unknown => {
      try {
        f();
      } catch (error) {
        return error;
      }
      return undefined;
    };
    for (const f of [call, jitted]) {
      const error = thrown(f);
      expect(error).toBeInstanceOf(kind);
      expect((error as Error).message).toMatch(message);
      expect((error as Error).message).toMatch(/\n {2}at .*errors\.test\.ts:\d+/);
      worksAfterwards();
    }
  });
});

test('reverse mode through a loop of unknown length says what to do', () => {
  const f = (x: NDArray): NDArray =>
    lax.whileLoop(
      (y) => y.less(10),
      (y) => y.mul(2),
      x,
    );
  for (const call of [() => grad(f)(1), () => vjp(f, [1])[1](1), () => jit(grad(f))(1), () => grad(jit(f))(1)]) {
    expect(call).toThrow(NotSupportedError);
    expect(call).toThrow(/while.*foriLoop with bounds that are plain numbers, or scan.*errors\.test\.ts.*customVjp/s);
  }
  expect(f(np.array(1)).item()).toBe(16);
});

test('a condition on a traced value says that there is cond', () => {
  const f = (c: NDArray): NDArray => (Number(c) > 0 ? c : c.neg());
  expect(() => lax.scan((c) => [f(c), null], 1, null, { length: 2 })).toThrow(ConcretizationError);
  expect(() => lax.scan((c) => [f(c), null], 1, null, { length: 2 })).toThrow(/traced by scan.*lax\.cond/s);
  worksAfterwards();
});

test('a value of a step that is used outside is a leak, and says where it was made', () => {
  const leaks: NDArray[] = [];
  lax.scan(
    (c, x) => {
      leaks.push(x);
      return [c.add(x.sum()), null];
    },
    0,
    xs,
  );
  expect(() => np.sin(leaks[0] ?? 0)).toThrow(UnexpectedTracerError);
  worksAfterwards();
});

test('a user error in a body passes through', () => {
  const f = (): never => {
    throw new RangeError('mine');
  };
  expect(() => lax.cond(true, f, f)).toThrow(RangeError);
  expect(() => vmap((x) => lax.scan(() => f(), x, null, { length: 3 })[0])(x3)).toThrow('mine');
  worksAfterwards();
});

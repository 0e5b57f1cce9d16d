/** Tracing: source lines, the checker, and interpreters that clean up after themselves. */
import { describe, expect, it } from 'vitest';
import { array, flat } from '../helpers/arrays.js';
import { ShapedArray } from '../../src/core/aval.js';
import { checkJaxpr } from '../../src/core/check.js';
import { JaxprTypeError } from '../../src/core/errors.js';
import { evalClosed } from '../../src/core/jaxpr-trace.js';
import type { NDArray } from '../../src/core/ndarray.js';
import { Jaxpr, Lit, Var, type Eqn } from '../../src/core/primitive.js';
import * as lax from '../../src/lax/index.js';
import { grad, jit, makeJaxpr, vmap } from '../../src/transforms/index.js';

/** The line of this file that a stack frame below the call names. */
const here = (): number => Number(/trace\.test\.ts:(\d+)/.exec(new Error().stack?.split('\n')[2] ?? '')?.[1]);
const lineOf = (eqn: Eqn | undefined): number => Number(/trace\.test\.ts:(\d+):/.exec(String(eqn?.source))?.[1]);

describe('equations remember the line of user code', () => {
  it('that called the operation', () => {
    let line = 0;
    const { jaxpr } = makeJaxpr((x: NDArray) => {
      line = here() + 1;
      const y = lax.sin(x);
      return lax.cos(y);
    })(1);
    expect(jaxpr.eqns.map(lineOf)).toEqual([line, line + 1]);
  });
  it('also when a transform runs many operations for it', () => {
    let line = 0;
    const f = (x: NDArray): NDArray => {
      line = here() + 1;
      return lax.reduceSum(lax.logistic(x));
    };
    const { jaxpr } = makeJaxpr(vmap(grad(f)))(array([1, 2], [2, 1]));
    expect(jaxpr.eqns.length).toBeGreaterThan(3);
    // The seed of the gradient belongs to the call of grad; everything else to the function's own line.
    expect(jaxpr.eqns.filter((e) => lineOf(e) === line).length).toBeGreaterThanOrEqual(jaxpr.eqns.length - 1);
  });
});

describe('checkJaxpr', () => {
  const { jaxpr } = makeJaxpr((x: NDArray) => lax.mul(lax.sin(x), 2))(array([1, 2]));
  const [sin, mul] = jaxpr.eqns;
  if (sin === undefined || mul === undefined) throw new Error('two equations');

  it('accepts what was traced, sub-jaxprs included', () => {
    checkJaxpr(jaxpr);
    checkJaxpr(makeJaxpr(grad(jit((x: NDArray) => lax.reduceSum(jit(lax.sin)(x)))))(array([1])).jaxpr);
  });
  it.each([
    ['a variable bound twice', new Jaxpr([], jaxpr.invars, [sin, sin], jaxpr.outvars), /bound twice/],
    ['use before definition', new Jaxpr([], jaxpr.invars, [mul, sin], jaxpr.outvars), /mul uses an unbound variable/],
    ['an unbound result', new Jaxpr([], jaxpr.invars, [sin], jaxpr.outvars), /the result uses an unbound variable/],
    [
      'a result of another type',
      new Jaxpr([], jaxpr.invars, [{ ...sin, outputs: [new Var(new ShapedArray([3], 'float32'))] }], []),
      /sin gives f32\[2\] but binds f32\[3\]/,
    ],
    ['a missing result', new Jaxpr([], jaxpr.invars, [{ ...sin, outputs: [] }], []), /1 results but binds 0/],
  ])('refuses %s', (_name, wrong, message) => {
    expect(() => {
      checkJaxpr(wrong);
    }).toThrow(JaxprTypeError);
    expect(() => {
      checkJaxpr(wrong);
    }).toThrow(message);
  });
});

describe('evaluation of jaxprs', () => {
  it('gives what the function gives', () => {
    const c = array([10, 20]);
    const closed = makeJaxpr((x: NDArray) => [lax.add(lax.mul(x, x), c), lax.full([], 7)])(array([1, 2]));
    expect(evalClosed(closed, [array([3, 4])]).map(flat)).toEqual([[19, 36], [7]]);
    expect(closed.jaxpr.outvars[1]).toBeInstanceOf(Lit);
  });
});

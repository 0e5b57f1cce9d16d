/** Dimension numbers of convolutions: which axis of each array is the batch, which the features, which are spatial. */
import { nth, range } from '../core/axes.js';
import { sameShape, showShape, type Shape } from '../core/aval.js';
import { ShapeError } from '../core/errors.js';
import { userLine } from '../core/source.js';

/**
 * Axes of the operands and the result of a convolution, JAX's `ConvDimensionNumbers`: of the input and the result the
 * batch axis, the feature axis, then the spatial axes; of the kernel the axis of output features, of input features,
 * then the spatial axes in the same order.
 */
export type ConvDimensionNumbers = {
  readonly lhsSpec: readonly number[];
  readonly rhsSpec: readonly number[];
  readonly outSpec: readonly number[];
};

/** Layouts by letters, `['NHWC', 'HWIO', 'NHWC']`, or by axes; absent, `['NCHW', 'OIHW', 'NCHW']` of any rank. */
export type ConvDimensions = readonly [lhs: string, rhs: string, out: string] | ConvDimensionNumbers;

const NAMES = { lhsSpec: 'input', rhsSpec: 'kernel', outSpec: 'result' } as const;
const SPECS = ['lhsSpec', 'rhsSpec', 'outSpec'] as const;

/**
 * Dimension numbers of a convolution of arrays of these shapes. Throws ShapeError when the ranks differ or the layouts
 * do not fit them.
 *
 * @example
 * ```ts
 * import { lax } from 'cotangent';
 * lax.convDimensionNumbers([1, 8, 8, 3], [3, 3, 3, 16], ['NHWC', 'HWIO', 'NHWC']).rhsSpec; // => [3, 2, 0, 1]
 * ```
 */
export function convDimensionNumbers(
  lhsShape: Shape,
  rhsShape: Shape,
  dimensionNumbers?: ConvDimensions | null,
): ConvDimensionNumbers {
  const ndim = lhsShape.length;
  const shapes = `input ${showShape(lhsShape)} and kernel ${showShape(rhsShape)}`;
  const fail = (message: string): never => {
    throw new ShapeError(`convolution: ${message}.${userLine()}`);
  };
  if (rhsShape.length !== ndim || ndim < 2)
    fail(`${shapes} must have the same rank: a batch or output feature axis, a feature axis, and the spatial axes`);
  if (dimensionNumbers === undefined || dimensionNumbers === null) {
    const spec = range(ndim);
    return { lhsSpec: spec, rhsSpec: spec, outSpec: spec };
  }
  if ('lhsSpec' in dimensionNumbers) {
    for (const name of SPECS) {
      const spec = dimensionNumbers[name];
      const sorted = [...spec].sort((a, b) => a - b);
      if (!sameShape(sorted, range(ndim)))
        fail(`${name} ${showShape(spec)} must name each of the ${String(ndim)} axes of ${shapes} once`);
    }
    return dimensionNumbers;
  }
  const layouts = `dimension numbers ['${dimensionNumbers.join("', '")}']`;
  if (range(3).some((i) => typeof dimensionNumbers[i] !== 'string'))
    fail(`${layouts} must be three strings, of the input, the kernel and the result`);
  const [, kernel] = dimensionNumbers;
  const spatial = (layout: string, pair: string): string[] => Array.from(layout).filter((c) => !pair.includes(c));
  const expected = spatial(kernel, 'OI');
  const spec = (layout: string, pair: string, name: (typeof SPECS)[number]): readonly number[] => {
    if (layout.length !== ndim)
      fail(`'${layout}' in ${layouts} must have ${String(ndim)} letters, one for each axis of ${shapes}`);
    if (new Set(layout).size !== ndim || !Array.from(pair).every((c) => layout.includes(c)))
      fail(
        `'${layout}' in ${layouts}, of the ${NAMES[name]}, must have ${Array.from(pair).join(' and ')} and a letter for each spatial axis, each once`,
      );
    const own = spatial(layout, pair);
    if (!own.every((c) => expected.includes(c)))
      fail(`the spatial letters of ${layouts} must be the same in all three; '${layout}' differs from '${kernel}'`);
    return [...Array.from(pair), ...expected].map((c) => layout.indexOf(c));
  };
  const rhsSpec = spec(kernel, 'OI', 'rhsSpec');
  return {
    lhsSpec: spec(nth(dimensionNumbers, 0), 'NC', 'lhsSpec'),
    rhsSpec,
    outSpec: spec(nth(dimensionNumbers, 2), 'NC', 'outSpec'),
  };
}

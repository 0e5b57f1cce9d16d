/** Operations whose order or accumulation a backend does in memory, on halves by way of float32: the same operation between two conversions. */
import type { ShapedArray } from '../core/aval.js';
import { traceToJaxpr } from '../core/jaxpr-trace.js';
import type { CallLowering } from '../core/lowering.js';
import type { NDArray } from '../core/ndarray.js';
import type { ClosedJaxpr, Params, Primitive } from '../core/primitive.js';
import { bind } from '../core/trace.js';
import { convertElementType } from './convert.js';

/** The primitive on float32 operands in place of float16 ones; undefined where there are none. */
export function inFloat32<P extends Params>(
  primitive: Primitive<P>,
  operands: readonly ShapedArray[],
  params: P,
): CallLowering<ClosedJaxpr> | undefined {
  if (!operands.some((x) => x.dtype === 'float16')) return undefined;
  const outputs = primitive.abstract(operands, params);
  const wide = (x: NDArray): NDArray => (x.dtype === 'float16' ? convertElementType(x, 'float32') : x);
  const jaxpr = traceToJaxpr(
    (...args) =>
      bind(primitive, args.map(wide), params).map((y, i) =>
        outputs[i]?.dtype === 'float16' ? convertElementType(y, 'float16') : y,
      ),
    operands,
    primitive.name,
  );
  return { kind: 'call', jaxpr };
}

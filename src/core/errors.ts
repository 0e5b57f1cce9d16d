/**
 * The errors users see. Each class is one kind of mistake; each message names the operation, the shapes and
 * dtypes, and what to do. None leaves state behind: the next call works.
 */

/** Base of all errors thrown by this library on purpose. */
export class CotangentError extends Error {
  override name = 'CotangentError';
}

/**
 * Operands whose shapes do not fit the operation.
 *
 * Fix: compare the shapes in the message with what the operation expects; `x.reshape`, `np.expandDims` and
 * `np.broadcastTo` change them.
 */
export class ShapeError extends CotangentError {
  override name = 'ShapeError';
}

/** An element type the operation, transform or device does not take. Fix: convert with `x.astype(dtype)`. */
export class DTypeError extends CotangentError {
  override name = 'DTypeError';
}

/** An axis outside `[-ndim, ndim)`, or named twice. */
export class AxisError extends CotangentError {
  override name = 'AxisError';
}

/** A pytree whose structure or leaves are not what was expected; the message has the path of the leaf. */
export class TreeError extends CotangentError {
  override name = 'TreeError';
}

/**
 * A traced value was used where JavaScript needs a number, string or boolean now: `if (x > 0)`,
 * `` `${x}` ``, `Math.sin(x)`, `x.item()`.
 *
 * While a function is being traced its arrays have a shape and a dtype but no values. Fix: use `np.where`
 * or `lax.cond` instead of a condition on values, `lax.scan` or `lax.whileLoop` instead of a loop over them, the functions
 * of `np` instead of `Math`, or pass the value as a static argument (`jit(f, { staticArgnums: [i] })`).
 */
export class ConcretizationError extends CotangentError {
  override name = 'ConcretizationError';
}

/**
 * A traced value was used after the trace that made it ended, usually because a function wrote it to an outer
 * variable. Fix: return the value from the function instead.
 */
export class UnexpectedTracerError extends CotangentError {
  override name = 'UnexpectedTracerError';
}

/** An array whose bytes are gone: it was donated to a jitted call, or disposed. */
export class DeletedArrayError extends CotangentError {
  override name = 'DeletedArrayError';
}

/** A value that is no array and cannot become one. */
export class ArgumentError extends CotangentError {
  override name = 'ArgumentError';
}

/** A transform that the function or primitive does not have (a derivative of argmax, the transpose of sin). */
export class NotSupportedError extends CotangentError {
  override name = 'NotSupportedError';
}

/** A jaxpr that does not type-check: always a bug in a rule, never in user code. */
export class JaxprTypeError extends CotangentError {
  override name = 'JaxprTypeError';
}

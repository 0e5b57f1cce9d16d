/** The transforms. */
export { blockUntilReady, stopGradient } from './stop-gradient.js';
export { checkpoint, checkpointPolicies, type CheckpointOptions, type CheckpointPolicy } from './checkpoint.js';
export { customJvp, type CustomJvp } from './custom-jvp.js';
export { customVjp, type CustomVjp } from './custom-vjp.js';
export { grad, jvp, linearize, linearTranspose, valueAndGrad, vjp, type GradOf, type GradOptions } from './grad.js';
export { hessian, hvp, jacfwd, jacobian, jacrev, type JacobianOf } from './jacobian.js';
export { disableJit, jit, type JitOptions, type JittedFunction, type Lowered } from './jit.js';
export { evalShape, makeJaxpr, ShapeDtypeStruct } from './make-jaxpr.js';
export { vmap, type Axes, type VmapOptions } from './vmap.js';
export type { ArgumentsLike, ArrayTree, ToArrays, TreesLike } from './arguments.js';

/** `lax`: the primitive operations, and control flow, which is made of functions of them. */
export * from './lax/index.js';
export * from './control/index.js';
// Both of its forms.
export { reduceWindow } from './control/map-windows.js';

/** `cotangent/fp`: fp-ts instances of what the library is made of. Needs the user's own fp-ts, for its types. */
export * as augmentation from './augmentation.js';
export * as layer from './layer.js';
export * as transformation from './transformation.js';
export * as tree from './tree.js';

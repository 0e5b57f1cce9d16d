/**
 * The seed of everything tests draw. One number in every run, so that a test that passed passes again; COTANGENT_SEED draws other cases,
 * and `npm run fuzz` draws them until one fails.
 */
export const SEED = Number(process.env['COTANGENT_SEED'] ?? 0);
if (!Number.isInteger(SEED))
  throw new Error(`COTANGENT_SEED: an integer, but got ${process.env['COTANGENT_SEED'] ?? ''}`);

/** The house, bottom to top: who may import whom. docs/architecture.md says why. */
import type { Layer } from './import-graph.js';

const NODE = /^node:/;
// Its ESM subpaths, and the file that type classes are declared in.
const FP_TS = /^fp-ts\/(lib\/\w+|HKT)\.js$/;
// Decoders, which are dependencies of the package.
const FORMATS = /^(papaparse|fflate|fast-png|jpeg-js)$/;

const LIBRARIES = ['numpy', 'scipy', 'nn', 'random'];
const BELOW_LIBRARIES = ['core', 'transforms', 'lax', 'control'];

export const LAYERS: readonly Layer[] = [
  { name: 'core', files: /^src\/core\//, imports: [], packages: [FP_TS] },

  // The compiler turns jaxprs into programs for any device; of the backends it knows types only.
  { name: 'compiler', files: /^src\/compiler\//, imports: ['core'], types: ['backends'] },
  // Plugs in the default device; public entries import it, so that each works by itself.
  { name: 'install', files: /^src\/backends\/install\.ts$/, imports: ['core', 'compiler', 'backends'] },
  // Worker threads are Node's: types may be imported; the module is asked for at run time (see nodeOnlyImports).
  { name: 'backends', files: /^src\/backends\//, imports: ['core', 'compiler'], packages: [NODE] },

  // First-order operations. The interpreters above need a few of them: sums of tangents, zeros, moving a batch axis.
  // jit is the one transform that reaches the compiler.
  { name: 'jit', files: /^src\/transforms\/jit(\/|[-.\w]*\.ts$)/, imports: ['core', 'lax', 'transforms', 'compiler'] },
  { name: 'transforms', files: /^src\/transforms\//, imports: ['core', 'lax', 'jit'] },

  // Rules of control flow run interpreters on sub-jaxprs, so it sits above the transforms. The public namespace `lax` has both.
  { name: 'control', files: /^src\/control\//, imports: ['core', 'transforms', 'jit', 'lax'] },
  { name: 'lax', files: /^src\/lax\//, imports: ['core'] },

  { name: 'numpy', files: /^src\/numpy\//, imports: ['jit', ...BELOW_LIBRARIES] },
  { name: 'scipy', files: /^src\/scipy\//, imports: ['jit', ...BELOW_LIBRARIES, 'numpy'] },
  { name: 'nn', files: /^src\/nn\//, imports: ['jit', ...BELOW_LIBRARIES, 'numpy', 'scipy'] },
  { name: 'random', files: /^src\/random\//, imports: ['jit', ...BELOW_LIBRARIES, 'numpy', 'scipy'] },

  { name: 'losses', files: /^src\/losses\//, imports: ['jit', ...BELOW_LIBRARIES, ...LIBRARIES] },
  { name: 'metrics', files: /^src\/metrics\//, imports: ['jit', ...BELOW_LIBRARIES, ...LIBRARIES, 'losses'] },
  { name: 'stax', files: /^src\/stax\//, imports: ['install', 'jit', ...BELOW_LIBRARIES, ...LIBRARIES] },
  { name: 'optimizers', files: /^src\/optimizers\//, imports: ['install', 'jit', ...BELOW_LIBRARIES, ...LIBRARIES] },

  {
    name: 'data',
    files: /^src\/data\//,
    imports: ['install', ...BELOW_LIBRARIES, ...LIBRARIES],
    packages: [NODE, FP_TS, FORMATS],
  },
  {
    name: 'train',
    files: /^src\/train\//,
    imports: ['install', 'jit', ...BELOW_LIBRARIES, ...LIBRARIES, 'stax', 'optimizers', 'data', 'testing'],
    packages: [NODE, FP_TS, /^cli-progress$/],
  },
  {
    name: 'testing',
    files: /^src\/testing\//,
    // No package, fast-check neither: the entry loads in a project that has nothing but this library.
    imports: ['install', 'jit', ...BELOW_LIBRARIES, ...LIBRARIES, 'stax', 'optimizers'],
  },
  {
    name: 'fp',
    files: /^src\/fp\//,
    imports: ['install', 'jit', ...BELOW_LIBRARIES, ...LIBRARIES, 'stax', 'optimizers', 'data', 'train'],
    packages: [FP_TS],
  },

  // The public surface, and where the default device is plugged in.
  {
    name: 'index',
    files: /^src\/[\w-]+\.ts$/,
    imports: [
      'install',
      'jit',
      ...BELOW_LIBRARIES,
      ...LIBRARIES,
      'losses',
      'metrics',
      'stax',
      'optimizers',
      'compiler',
      'backends',
      'testing',
      'data',
    ],
  },
];

/** Entries that must load in a page. */
export const BROWSER_ENTRIES = [
  'src/index.ts',
  'src/fp/index.ts',
  'src/stax/index.ts',
  'src/optimizers/index.ts',
  'src/data/index.ts',
];

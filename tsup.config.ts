/**
 * The package's ES modules for pages and their bundlers: one file per entry plus shared chunks. Sharing matters: two copies
 * of `core` would mean two `NDArray` classes and two current traces. What Node loads is made by scripts/build-cjs.ts.
 * Declarations are emitted by `tsc` (scripts/build-types.ts), file by file, so that docstrings and declaration merging
 * arrive unchanged.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'tsup';
import type { Options } from 'tsup';

export const entry = {
  index: 'src/index.ts',
  fp: 'src/fp/index.ts',
  testing: 'src/testing/index.ts',
  data: 'src/data/index.ts',
  train: 'src/train/index.ts',
  stax: 'src/stax/index.ts',
  optimizers: 'src/optimizers/index.ts',
};

/**
 * fp-ts is bundled: its subpaths do not resolve in Node's ESM, and the core has no runtime dependencies. Sources name
 * `fp-ts/lib`, the files that resolve everywhere; of the ES modules beside them only what is used is kept.
 */
export const bundleFpTs: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'bundle-fp-ts',
  setup(build) {
    build.onResolve({ filter: /^fp-ts\/lib\// }, ({ path }) => {
      const name = path.replace(/^fp-ts\/lib\//, '').replace(/\.js$/, '');
      return {
        path: fileURLToPath(new URL(`./node_modules/fp-ts/es6/${name}.js`, import.meta.url)),
        sideEffects: false,
      };
    });
  },
};

export default defineConfig({
  entry,
  format: 'esm',
  outDir: 'dist/esm',
  target: 'es2022',
  // A quarter less to parse when the library is loaded; names stay, for stack traces and profiles.
  esbuildOptions: (options) => {
    options.minifyWhitespace = true;
    options.minifySyntax = true;
    // Node prints the line in which an error was thrown.
    options.lineLimit = 120;
  },
  platform: 'neutral',
  splitting: true,
  sourcemap: true,
  clean: true,
  dts: false,
  noExternal: [/^fp-ts/],
  esbuildPlugins: [bundleFpTs],
  external: [/^node:/],
  removeNodeProtocol: false,
});

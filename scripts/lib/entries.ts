/** What the builds of the package, and those that measure it, have in common: its entries, and plugins. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';

/** Source of each entry of the package, by the name of its file. */
export const entry = {
  index: 'src/index.ts',
  fp: 'src/fp/index.ts',
  testing: 'src/testing/index.ts',
  data: 'src/data/index.ts',
  train: 'src/train/index.ts',
  stax: 'src/stax/index.ts',
  optimizers: 'src/optimizers/index.ts',
};

/** Packages that are installed with this one, and not bundled: the decoders of `cotangent/data`. */
export const dependencies: readonly string[] = Object.keys(
  (
    JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      dependencies: Record<string, string>;
    }
  ).dependencies,
);

/** Those of them that are ES modules only, which Node's `require` takes from 20.19: the CommonJS build has a copy, and what it is to require. */
export const esmOnly: ReadonlyMap<string, string> = new Map([['fast-png', './fast-png.cjs']]);

/**
 * fp-ts is bundled: its subpaths do not resolve in Node's ESM, and the core has no runtime dependencies. Sources name
 * `fp-ts/lib`, the files that resolve everywhere; of the ES modules beside them only what is used is kept.
 */
export const bundleFpTs: Plugin = {
  name: 'bundle-fp-ts',
  setup(build) {
    build.onResolve({ filter: /^fp-ts\/lib\// }, ({ path }) => {
      const name = path.replace(/^fp-ts\/lib\//, '').replace(/\.js$/, '');
      return {
        path: fileURLToPath(new URL(`../../node_modules/fp-ts/es6/${name}.js`, import.meta.url)),
        sideEffects: false,
      };
    });
  },
};

/** What is imported on demand (WebGPU) is not downloaded with the entry. */
export const withoutDynamic: Plugin = {
  name: 'without-dynamic',
  setup(build) {
    build.onResolve({ filter: /^\./ }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path, external: true } : undefined,
    );
  },
};

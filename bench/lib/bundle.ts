/** The bundles that are measured: the library alone, as a package is, and the measuring code with the rows. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const bench = fileURLToPath(new URL('..', import.meta.url));
export const bundles = join(bench, '.cache');

/** The library under its own name; all else of npm stays outside in Node and comes inside in a page. */
const libraryAt = (path: string): Plugin => ({
  name: 'cotangent-lib',
  setup: ({ onResolve }) => onResolve({ filter: /^cotangent-lib$/ }, () => ({ path, external: true })),
});

/** Node built-ins that peers name in branches a page never takes. */
const nothingOfNode: Plugin = {
  name: 'nothing-of-node',
  setup: ({ onResolve, onLoad }) => {
    onResolve(
      { filter: /^(node:.*|fs|path|os|util|worker_threads|perf_hooks|crypto|module|url|node-fetch)$/ },
      ({ path }) => ({
        path,
        namespace: 'empty',
      }),
    );
    onLoad({ filter: /.*/, namespace: 'empty' }, () => ({ contents: 'export default {}', loader: 'js' }));
  },
};

/** Builds everything into `.cache` and returns nothing: names are fixed. */
export async function buildBundles(): Promise<void> {
  await mkdir(bundles, { recursive: true });
  const library = (): Promise<unknown> =>
    build({
      entryPoints: [join(bench, '../src/index.ts')],
      outfile: join(bundles, 'cotangent.mjs'),
      bundle: true,
      format: 'esm',
      platform: 'neutral',
      target: 'es2022',
      // As scripts/build-esm.ts has it.
      minifyWhitespace: true,
      minifySyntax: true,
      logLevel: 'error',
    });
  const node = (): Promise<unknown> =>
    build({
      entryPoints: [join(bench, 'entry/node.ts')],
      outfile: join(bundles, 'node.mjs'),
      bundle: true,
      format: 'esm',
      platform: 'node',
      packages: 'external',
      plugins: [libraryAt('./cotangent.mjs')],
      logLevel: 'error',
    });
  const page = (): Promise<unknown> =>
    build({
      entryPoints: [join(bench, 'entry/page.ts')],
      outdir: join(bundles, 'page'),
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'browser',
      conditions: ['onnxruntime-web-use-extern-wasm'],
      plugins: [libraryAt('/cotangent.mjs'), nothingOfNode],
      logLevel: 'error',
    });
  await Promise.all([library(), node(), page()]);
}

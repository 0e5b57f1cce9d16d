/**
 * The package's ES modules for pages and their bundlers, one for each source file, so that a bundler can leave out what a
 * page does not use; what Node loads is made by scripts/build-cjs.ts. fp-ts is bundled where it is used: its subpaths do
 * not resolve everywhere, and the core has no runtime dependencies. Those of `cotangent/data` stay imports.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as bundle } from 'esbuild';
import { bundleFpTs, dependencies } from './lib/entries.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const outdir = join(root, 'dist/esm');
rmSync(outdir, { recursive: true, force: true });
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.ts'));
await bundle({
  entryPoints: sources.map((file) => join(root, 'src', file)),
  outbase: join(root, 'src'),
  outdir,
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  target: 'es2022',
  external: [...dependencies],
  // Names stay, for stack traces and profiles; lines, because Node prints the one in which an error was thrown.
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 120,
  sourcemap: true,
  logLevel: 'error',
  plugins: [
    bundleFpTs,
    {
      name: 'keep-modules',
      setup(build) {
        build.onResolve({ filter: /^\.{1,2}\// }, ({ path, importer }) =>
          importer.includes('node_modules') ? undefined : { path, external: true },
        );
      },
    },
  ],
});
console.log(`dist/esm: ${sources.length} modules`);

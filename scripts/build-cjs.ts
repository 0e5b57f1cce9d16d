/**
 * The CommonJS of the package, which is also what an `import` loads in Node, so that both see one copy of the library. A
 * process that imports the library waits until V8 has read it; so only what a first operation runs is in the file that is
 * loaded at once (`main.cjs`), and the rest is in parts that are loaded when they are first needed
 * (scripts/lib/split-cold.ts). `dist/node/*.js` are ES modules that only name the exports. An argument names another folder
 * than `dist`.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as bundleWith, transform, type Plugin } from 'esbuild';
import { bundleFpTs, dependencies, entry, esmOnly } from './lib/entries.js';
import { openPrivates } from './lib/scopes.js';
import { splitCold, type Ranges } from './lib/split-cold.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = resolve(process.argv[2] ?? join(root, 'dist'));
const cjs = join(dist, 'cjs');
const node = join(dist, 'node');
for (const folder of [cjs, node]) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}
const names = Object.keys(entry) as (keyof typeof entry)[];

/** The parts, in the order of the layers; the code of other folders is in `libraries` or, far from arrays, `extras`. */
const PARTS = [
  'core',
  'compiler',
  'backends',
  'products',
  'webgpu',
  'lax',
  'transforms',
  'control',
  'numpy',
  'libraries',
  'tables',
  'archives',
  'images',
  'extras',
];
const EXTRAS = new Set(['testing', 'data', 'train', 'fp']);

/** What requires a package, so that this is loaded with nothing else. */
const DECODERS: readonly (readonly [part: string, files: RegExp])[] = [
  ['tables', /^src\/data\/csv\.ts$/],
  ['archives', /^src\/data\/npz\.ts$/],
  ['images', /^src\/data\/(png|jpeg)\.ts$/],
];

function partOf(path: string): string {
  const [decoder] = DECODERS.find(([, files]) => files.test(path)) ?? [];
  if (decoder !== undefined) return decoder;
  if (/^src\/backends\/wasm\/(gemm|contract|sort)/.test(path)) return 'products';
  if (path.startsWith('src/backends/webgpu/')) return 'webgpu';
  const folder = /^src\/(\w+)\//.exec(path)?.[1] ?? '';
  return PARTS.find((part) => part === folder) ?? (EXTRAS.has(folder) ? 'extras' : 'libraries');
}

/** The path of the module that a position of a bundle came from: esbuild heads each with it. */
function pathsOf(bundle: string): (position: number) => string {
  const heads = [...bundle.matchAll(/^\/\/ ((?:src|node_modules)\/\S+)$/gm)];
  return (position) => heads.findLast(({ index }) => index <= position)?.[1] ?? '';
}

/** Every function that runs while the library is loaded and does what a process is most likely to do first. */
function profile(file: string): Ranges {
  const script = `
    const { Session } = require('node:inspector');
    const session = new Session();
    session.connect();
    session.post('Profiler.enable');
    session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
    const { index: { numpy: np } } = require(${JSON.stringify(file)});
    np.sum(np.array(new Float32Array([1, 2, 3]))).item();
    session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      const { functions } = result.find(({ url }) => url.endsWith(${JSON.stringify(file)}));
      const ran = functions.map(({ ranges }) => ranges[0]).filter(({ count }) => count > 0);
      console.log(JSON.stringify(ran.map(({ startOffset, endOffset }) => [startOffset, endOffset])));
    });`;
  const args = ['--input-type=commonjs', '--eval', script];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1 << 26 })) as Ranges;
}

/**
 * A module that the sources import when it is needed is bundled as any other, and is in a part then. Left alone, esbuild
 * would wrap it and all that it imports in functions, which cannot be split.
 */
const staticImports: Plugin = {
  name: 'static-imports',
  setup(build) {
    build.onLoad({ filter: /\/src\/backends\/\w+\.ts$/ }, async ({ path }) => {
      let heads = '';
      let count = 0;
      const text = (await readFile(path, 'utf8')).replace(/\bimport\(('[^']+')\)/g, (_, specifier: string) => {
        heads += `import * as $imported${++count} from ${specifier};\n`;
        return `Promise.resolve($imported${count})`;
      });
      return { contents: heads + text, loader: 'ts' };
    });
  },
};

/** Requires a copy in place of a package that CommonJS may not be able to. */
const copies: Plugin = {
  name: 'copies',
  setup(build) {
    build.onResolve({ filter: /^[\w-]+$/ }, ({ path }) => {
      const copy = esmOnly.get(path);
      return copy === undefined ? undefined : { path: copy, external: true };
    });
  },
};
for (const [name, copy] of esmOnly) {
  await bundleWith({
    stdin: { contents: `export * from '${name}';`, resolveDir: root },
    bundle: true,
    format: 'cjs',
    platform: 'neutral',
    target: 'es2022',
    external: dependencies.filter((other) => other !== name),
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 120,
    banner: { js: `// ${name}, with what it imports: see its license in the package ${name}.` },
    outfile: join(cjs, copy),
    logLevel: 'error',
  });
}

const whole = join(cjs, 'whole.cjs');
await bundleWith({
  stdin: {
    contents: names.map((name) => `export * as ${name} from './${entry[name]}';`).join('\n'),
    resolveDir: root,
    loader: 'ts',
  },
  absWorkingDir: root,
  bundle: true,
  format: 'cjs',
  platform: 'neutral',
  target: 'es2022',
  external: [...dependencies],
  outfile: whole,
  logLevel: 'error',
  plugins: [copies, bundleFpTs, staticImports],
});
const bundle = readFileSync(whole, 'utf8');
const bundlePath = pathsOf(bundle);
// Nobody prints the objects of these folders; the fields of an array stay private.
const source = openPrivates(bundle, (position) => /^src\/(backends|compiler)\//.test(bundlePath(position)));
writeFileSync(whole, source);
const sourcePath = pathsOf(source);
const { main, parts } = splitCold(source, {
  ran: profile(whole),
  partAt: (position) => partOf(sourcePath(position)),
  order: PARTS,
  specifier: (part) => `./${part}.part.cjs`,
  entries: new Set(['stdin_exports', 'src_exports']),
  complete: 'primitives',
});
rmSync(whole);

/**
 * Minified but for the names of functions, which stack traces show and jitted functions have. In lines, because Node prints
 * the line in which an error was thrown.
 */
async function write(file: string, text: string, minifyIdentifiers: boolean): Promise<void> {
  const { code } = await transform(`'use strict';\n${text}`, {
    minifyWhitespace: true,
    minifySyntax: true,
    minifyIdentifiers,
    lineLimit: 120,
    target: 'es2022',
    legalComments: 'none',
  });
  writeFileSync(join(cjs, file), code);
  console.log(`cjs/${file.padEnd(20)} ${(code.length / 1000).toFixed(1).padStart(6)} kB`);
}
// In the main part this leaves top-level names alone; a part is one function, in which it would leave none.
await write('main.cjs', main, true);
for (const [part, text] of parts) await write(`${part}.part.cjs`, text, false);

const library = createRequire(import.meta.url)(join(cjs, 'main.cjs')) as Record<string, object | undefined>;
for (const name of names) {
  const exports = Object.keys(library[name] ?? {}).sort();
  writeFileSync(
    join(cjs, `${name}.cjs`),
    `const library = require('./main.cjs');\nmodule.exports = library.${name};\n`,
  );
  writeFileSync(
    join(node, `${name}.js`),
    `import library from '../cjs/${name}.cjs';\nexport const { ${exports.join(', ')} } = library;\n`,
  );
}

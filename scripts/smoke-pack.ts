/**
 * `npm run smoke [-- --no-build]`: packs the package and uses the tarball as a stranger would, in an empty ESM
 * project, a CommonJS one and a strict TypeScript one; runs the README's first example in each way it may be run;
 * then asks publint and "are the types wrong". Needs a registry, or a cache, that has the package's dependencies.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, transform } from 'esbuild';
import { markdownExamples } from './lib/doc-examples.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name: string): string => join(root, 'node_modules/.bin', name);

/** Every public subpath but the main one, from package.json. */
const subpaths = Object.keys(
  (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: Record<string, unknown> }).exports,
).filter((path) => path !== '.' && path !== './package.json');
const specifiers = ['cotangent', ...subpaths.map((path) => `cotangent/${path.slice(2)}`)];

/** The package, its dependencies, and theirs, by the lock file; nothing else may be installed with it. */
function closure(): string[] {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dependencies?: Record<string, string> } | undefined>;
  };
  const names = new Set(Object.keys(packages['']?.dependencies ?? {}));
  // A Set visits what is added while it is iterated.
  for (const name of names)
    for (const next of Object.keys(packages[`node_modules/${name}`]?.dependencies ?? {})) names.add(next);
  return ['cotangent', ...names].sort();
}
const expected = closure();

/** Runs a command; its output is shown only if it fails, and then the smoke test is over. */
function run(title: string, command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status === 0) {
    console.log(`  ok    ${title}`);
    return stdout;
  }
  console.error(`  FAIL  ${title}\n$ ${command} ${args.join(' ')}\n${stdout}${stderr}${error?.message ?? ''}`);
  process.exit(1);
}

/** An empty project with the tarball installed. */
function project(name: string, manifest: object, files: Readonly<Record<string, string>>): string {
  const folder = join(temp, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, private: true, ...manifest }, null, 2));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  run(
    `${name}: npm install of the tarball`,
    'npm',
    ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball],
    folder,
  );
  const installed = readdirSync(join(folder, 'node_modules')).filter((entry) => !entry.startsWith('.'));
  if (installed.sort().join() !== expected.join())
    throw new Error(`${name}: installed ${installed.join(', ')}, not ${expected.join(', ')}`);
  return folder;
}

/** A grey JPEG of eight by eight pixels. */
const JPEG =
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAFA3PEY8MlBGQUZaVVBfeMiCeG5uePWvuZHI////////////////////////////////////////////////////wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AP//Z';

/** Whatever of `cotangent/data` needs another package, or Node. */
const useData = (data: string): string => `{
  const data = ${data};
  const table = data.readCsv('a,b\\n1,"2"\\n');
  const numbers = data.readNumericColumns(table);
  if (numbers.js().join() !== '1,2') throw new Error('readCsv');
  if (data.readNpz(data.encodeNpz({ numbers }, { compress: true })).numbers.js().join() !== '1,2') throw new Error('readNpz');
  const picture = numbers.reshape(1, 2, 1).greater(1);
  if (data.readImage(data.encodePng(picture)).js().join() !== '0,255') throw new Error('readImage: PNG');
  if (data.readImage(Uint8Array.from(atob('${JPEG}'), (c) => c.charCodeAt(0))).shape.join() !== '8,8,1') throw new Error('readImage: JPEG');
  data.saveCheckpoint('state.safetensors', { numbers, step: 3 })
    .then(() => data.loadCheckpoint('state.safetensors', { numbers, step: 0 }))
    .then(({ step }) => { if (step !== 3) throw new Error('loadCheckpoint'); });
}`;

// Straight use, with what must hold however the package was loaded: one NDArray, and gradients that are right.
const useAll = (load: (specifier: string) => string): string => `
const entries = [${specifiers.map(load).join(', ')}];
const { grad, jit, numpy: np } = entries[0];
const derivative = jit(grad((x) => x.mul(x).mul(x)))(np.array(2)).item();
if (derivative !== 12) throw new Error('d(x^3)/dx at 2 is 12, not ' + derivative);
if (entries.some((entry) => typeof entry !== 'object')) throw new Error('an entry is missing');
const { stax, optimizers } = entries[0];
const sub = (name) => entries[${JSON.stringify(specifiers)}.indexOf('cotangent/' + name)];
if (sub('stax').Dense !== stax.Dense) throw new Error('cotangent/stax is another copy of stax');
if (sub('optimizers').adam !== optimizers.adam) throw new Error('cotangent/optimizers is another copy');
${useData("sub('data')")}
`;

const readme = markdownExamples('README.md', readFileSync(join(root, 'README.md'), 'utf8'))[0];
if (readme === undefined) throw new Error('README.md has no ```ts block');
const example = readme.code;
const { code: exampleJs } = await transform(example, { loader: 'ts', target: 'es2022' });

if (!process.argv.includes('--no-build') || !existsSync(join(root, 'dist/esm/index.js'))) {
  run('npm run build', 'npm', ['run', 'build'], root);
}

const temp = mkdtempSync(join(tmpdir(), 'cotangent-smoke-'));
process.on('exit', () => {
  rmSync(temp, { recursive: true, force: true });
});
run('npm pack', 'npm', ['pack', '--ignore-scripts', '--pack-destination', temp], root);
const tarball = join(temp, readdirSync(temp).find((file) => file.endsWith('.tgz')) ?? '');

const esm = project(
  'esm',
  { type: 'module' },
  {
    'all.js': useAll((specifier) => `await import('${specifier}')`),
    'readme.js': exampleJs,
    'data.js': `import * as all from 'cotangent/data';\n${useData('all')}`,
    'batches.js': `
import { numpy as np } from 'cotangent';
import { batches } from 'cotangent/data';
if ([...batches(np.arange(5), { size: 2 })].length !== 3) throw new Error('batches');
`,
    'both.js': `
import { createRequire } from 'node:module';
import { NDArray, primitives } from 'cotangent';
if (createRequire(import.meta.url)('cotangent').NDArray !== NDArray) throw new Error('require loads another copy');
// What is loaded when it is first needed is what a page loads at once.
const library = await import('cotangent');
const page = await import('./node_modules/cotangent/dist/esm/index.js');
const names = (value) => (typeof value === 'object' && value !== null ? Object.keys(value).sort() : []);
for (const name of names(page)) {
  const [ours, theirs] = [library[name], page[name]];
  if (typeof ours !== typeof theirs || ours?.length !== theirs?.length) throw new Error(name + ' differs');
  for (const member of names(theirs)) {
    if (typeof ours[member] !== typeof theirs[member] || ours[member]?.length !== theirs[member]?.length)
      throw new Error(name + '.' + member + ' differs');
  }
}
if (names(library.numpy).join() !== names(page.numpy).join()) throw new Error('numpy has other members');
if ([...primitives().keys()].sort().join() !== [...page.primitives().keys()].sort().join())
  throw new Error('other primitives');
`,
  },
);
run('esm: every entry', process.execPath, ['all.js'], esm);
run('esm: one copy for import and require', process.execPath, ['both.js'], esm);
run("esm: the README's first example", process.execPath, ['readme.js'], esm);

const cjs = project('cjs', {}, { 'all.js': useAll((specifier) => `require('${specifier}')`) });
run('cjs: every entry', process.execPath, ['all.js'], cjs);

// The library's own declarations are checked too (no skipLibCheck).
const strict = {
  target: 'es2022',
  lib: ['es2022', 'dom'],
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  types: [],
};
const uses = specifiers.map((specifier, n) => `import * as entry${n} from '${specifier}';`).join('\n');
const entries = `${uses}\nexport const entries = [${specifiers.map((_, n) => `entry${n}`).join(', ')}];\n`;
const ts = project(
  'typescript',
  { type: 'module' },
  {
    'readme.ts': `${example}\nexport {};\n`,
    'entries.ts': entries,
    'entries.cts': entries,
    'nodenext.json': JSON.stringify({ compilerOptions: { ...strict, module: 'nodenext', outDir: 'out' } }),
    'bundler.json': JSON.stringify({
      compilerOptions: { ...strict, module: 'esnext', moduleResolution: 'bundler', noEmit: true },
      include: ['*.ts'],
    }),
    // Against nothing but the language: not the DOM, and not Node.
    'language.json': JSON.stringify({
      compilerOptions: { ...strict, lib: ['es2022'], module: 'nodenext', noEmit: true },
      files: ['entries.ts', 'entries.cts'],
    }),
  },
);
// Its types are those of the user's own fp-ts, an optional peer.
cpSync(join(root, 'node_modules/fp-ts'), join(ts, 'node_modules/fp-ts'), { recursive: true });
run('typescript: nodenext', bin('tsc'), ['-p', 'nodenext.json'], ts);
run('typescript: bundler', bin('tsc'), ['-p', 'bundler.json'], ts);
run('typescript: no library but the language', bin('tsc'), ['-p', 'language.json'], ts);
run("typescript: the README's first example, compiled", process.execPath, ['out/readme.js'], ts);

// What a bundler drops or cannot resolve shows here: `sideEffects`, and imports that only Node has.
async function bundleAndRun(title: string, file: string): Promise<void> {
  const { metafile } = await build({
    entryPoints: [join(esm, file)],
    outfile: join(esm, 'bundle.mjs'),
    absWorkingDir: esm,
    bundle: true,
    minify: true,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'error',
  }).catch((_error: unknown) => {
    console.error('  FAIL  bundling for a page (above, what esbuild says)');
    process.exit(1);
  });
  run(`bundled for a page: ${title}`, process.execPath, ['bundle.mjs'], esm);
  const bundle = readFileSync(join(esm, 'bundle.mjs'));
  console.log(`        ${kilobytes(bundle.length)} minified, ${kilobytes(gzipSync(bundle).length)} with gzip`);
  const packages = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) =>
      bytesInOutput > 0 ? (/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []) : [],
    ),
  );
  const [stray] = file === 'data.js' ? [] : packages.filter((name) => name !== 'cotangent');
  if (stray !== undefined) throw new Error(`${title} needs no ${stray}, but it was bundled`);
}
await bundleAndRun("the README's first example", 'readme.js');
await bundleAndRun('mini-batches', 'batches.js');
await bundleAndRun('file formats', 'data.js');

run('publint', bin('publint'), ['run', tarball, '--strict'], root);
run('are the types wrong', bin('attw'), [tarball], root);

const files = run('npm pack --dry-run', 'npm', ['pack', '--ignore-scripts', '--dry-run', '--json'], root);
const [packed] = JSON.parse(files) as { size: number; files: { path: string }[] }[];
const strays =
  packed?.files.filter(({ path }) => !/^(dist\/|package\.json$|README\.md$|LICENSE$|CHANGELOG\.md$)/.test(path)) ?? [];
if (strays.length > 0) throw new Error(`The tarball should not hold ${strays.map(({ path }) => path).join(', ')}`);
console.log(`smoke: all ok; tarball ${kilobytes(packed?.size ?? 0)}`);

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}

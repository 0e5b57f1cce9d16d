/**
 * What a page downloads: `npm run size` bundles and minifies the entry and compares with the recorded sizes; more than
 * 2 % above them fails. `npm run size -- --update` records what there is now, `-- --files` says which folders it is made of.
 *
 * The bundle starts from the sources, as the package's own build does. That build joins the modules, and a namespace
 * (`numpy`, `lax`) becomes an object with all its functions, so what a user's bundler can leave out is little: the
 * size of everything is what counts.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build, type Metafile } from 'esbuild';
import { withoutDynamic } from './lib/entries.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const recordPath = fileURLToPath(new URL('size.json', import.meta.url));
/** How much more than recorded passes. */
const SLACK = 1.02;

/** The programs whose size is recorded. */
const programs: Readonly<Record<string, string>> = {
  everything: `export * from './src/index.ts';`,
  'grad, jit, numpy': `export { grad, jit, numpy } from './src/index.ts';`,
  'grad, jit': `export { grad, jit } from './src/index.ts';`,
};

/** Bytes: minified, and minified and compressed. */
interface Size {
  readonly min: number;
  readonly gzip: number;
}

async function measure(contents: string): Promise<{ readonly size: Size; readonly metafile: Metafile }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    plugins: [withoutDynamic],
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error('esbuild wrote nothing');
  return { size: { min: file.contents.length, gzip: gzipSync(file.contents, { level: 9 }).length }, metafile };
}

/** Minified bytes by folder of the sources, largest first. */
function byFolder({ outputs }: Metafile): [string, number][] {
  const sums = new Map<string, number>();
  for (const { inputs } of Object.values(outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const folder = path.split('/').slice(0, -1).join('/');
      sums.set(folder, (sums.get(folder) ?? 0) + bytesInOutput);
    }
  }
  return [...sums].sort(([, a], [, b]) => b - a);
}

const kB = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

const { values: options } = parseArgs({
  options: { update: { type: 'boolean', default: false }, files: { type: 'boolean', default: false } },
});
const recorded = JSON.parse(await readFile(recordPath, 'utf8').catch(() => '{}')) as Readonly<
  Record<string, Size | undefined>
>;
const now: Record<string, Size> = {};
let grown = false;
for (const [name, contents] of Object.entries(programs)) {
  const { size, metafile } = await measure(contents);
  now[name] = size;
  const before = recorded[name]?.gzip;
  const tooMuch = before !== undefined && size.gzip > before * SLACK;
  grown ||= tooMuch;
  const change =
    before === undefined ? 'not recorded' : `${((size.gzip / before - 1) * 100).toFixed(1)} % from recorded`;
  console.log(`${name.padEnd(18)} ${kB(size.min)} min, ${kB(size.gzip)} gzip (${change})${tooMuch ? ' TOO MUCH' : ''}`);
  if (options.files)
    for (const [folder, bytes] of byFolder(metafile)) console.log(`  ${kB(bytes).padStart(9)} ${folder}`);
}
if (options.update) {
  await writeFile(recordPath, `${JSON.stringify(now, null, 2)}\n`);
} else if (grown) {
  console.error(
    `larger by more than ${((SLACK - 1) * 100).toFixed(0)} %; find out why, or record it: npm run size -- --update`,
  );
  process.exitCode = 1;
}

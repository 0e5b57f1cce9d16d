/**
 * Emits the package's declarations with tsc, file by file: `dist/esm/**.d.ts`, and for CommonJS the same text as
 * `dist/cjs/**.d.cts` with the relative specifiers renamed, which is all that differs between the two.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { specifiersOf } from './lib/specifiers.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const esm = join(root, 'dist/esm');
const cjs = join(root, 'dist/cjs');

/** The declaration's text with every relative `./x.js` as `./x.cjs`. */
function toCommonJs(fileName: string, text: string): string {
  // From the end, so that earlier offsets stay valid.
  return specifiersOf(fileName, text).reduceRight(
    (out, { text: specifier, start, end }) =>
      specifier.startsWith('.') ? out.slice(0, start) + specifier.replace(/\.js$/, '.cjs') + out.slice(end) : out,
    text,
  );
}

const tsc = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
if (tsc.status !== 0) process.exit(tsc.status ?? 1);

const declarations = readdirSync(esm, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.d.ts'));
for (const name of declarations) {
  const target = join(cjs, name.replace(/\.d\.ts$/, '.d.cts'));
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, toCommonJs(name, readFileSync(join(esm, name), 'utf8')));
}
console.log(`declarations: ${declarations.length} files, ESM and CommonJS`);

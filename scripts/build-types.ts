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

/**
 * A declaration with stand-ins for the types of the platform that it mentions, which only private members do: a program for Node has
 * neither the DOM's nor WebGPU's, and one with an older TypeScript not the latter, and their compiler may check declarations.
 */
function withoutPlatform(text: string): string {
  const webgpu = [...new Set(text.match(/\b(?:GPU|WGSL)[A-Z]\w+/g))].map((name) => `type ${name} = object;\n`);
  const wasm = [...new Set(text.match(/(?<=\bWebAssembly\.)\w+/g))].map((name) => `type ${name} = object;`);
  return [
    text,
    ...webgpu,
    ...(wasm.length === 0 ? [] : [`declare namespace WebAssembly { ${wasm.join(' ')} }\n`]),
  ].join('');
}

const declarations = readdirSync(esm, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.d.ts'));
for (const name of declarations) {
  const file = join(esm, name);
  if (name.startsWith('backends')) writeFileSync(file, withoutPlatform(readFileSync(file, 'utf8')));
  const target = join(cjs, name.replace(/\.d\.ts$/, '.d.cts'));
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, toCommonJs(name, readFileSync(file, 'utf8')));
}
console.log(`declarations: ${declarations.length} files, ESM and CommonJS`);

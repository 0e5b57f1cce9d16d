/**
 * What the package @sparticuz/chromium carries in archives, unpacked: a headless Chromium, the system libraries that it links to and
 * bare machines lack, and SwiftShader.
 */
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createBrotliDecompress } from 'node:zlib';
import { extract } from 'tar-fs';

const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));
const cache = join(modules, '.cache');

/** Unpack archives, once, into a folder of their own, and return it: `x.tar.br` with all that is in it, `x.br` as the program `x`. */
export async function unpack(title: string, archives: readonly string[]): Promise<string> {
  const paths = archives.map((name) => join(modules, '@sparticuz/chromium/bin', name));
  // Named after what it was made of.
  const folder = join(cache, `${title}-${paths.map((path) => statSync(path).size).join('-')}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  // Under another name until it is whole, for several processes may do this at once.
  const partial = mkdtempSync(`${folder}.`);
  for (const path of paths) {
    const target = path.endsWith('.tar.br')
      ? extract(partial)
      : createWriteStream(join(partial, basename(path, '.br')), { mode: 0o755 });
    await pipeline(createReadStream(path), createBrotliDecompress(), target);
  }
  try {
    renameSync(partial, folder);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

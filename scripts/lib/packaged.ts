/**
 * What the package @sparticuz/chromium carries in archives, unpacked: a headless Chromium, the system libraries that it links to and
 * bare machines lack, and SwiftShader.
 */
import {
  chmodSync,
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createBrotliDecompress } from 'node:zlib';
import { extract } from 'tar-fs';

const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));
const cache = join(modules, '.cache');

/** Unpack `bin/<name>.tar.br`, or the single file `bin/<name>.br`, once, and return the folder it is in. */
export async function unpack(name: 'chromium' | 'al2023' | 'swiftshader'): Promise<string> {
  const isFile = name === 'chromium';
  const archive = join(modules, '@sparticuz/chromium/bin', `${name}${isFile ? '' : '.tar'}.br`);
  // Named after what it was made of.
  const folder = join(cache, `${name}-${statSync(archive).size}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  // Under another name until it is whole, for several processes may do this at once.
  const partial = mkdtempSync(`${folder}-`);
  const target = isFile ? createWriteStream(join(partial, name)) : extract(partial);
  await pipeline(createReadStream(archive), createBrotliDecompress(), target);
  if (isFile) chmodSync(join(partial, name), 0o755);
  try {
    renameSync(partial, folder);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/**
 * SwiftShader, Vulkan on the CPU, out of the package @sparticuz/chromium: with it Dawn runs on any Linux x64 machine, GPU
 * or not. A driver is found by environment variables that must be set before a process starts.
 */
import { createReadStream, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createBrotliDecompress } from 'node:zlib';
import { extract } from 'tar-fs';

const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));
const cache = join(modules, '.cache');

/** Unpack it, once, and return its folder. */
export async function unpackSwiftShader(): Promise<string> {
  const archive = join(modules, '@sparticuz/chromium/bin/swiftshader.tar.br');
  // Named after what it was made of.
  const folder = join(cache, `swiftshader-${statSync(archive).size}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  // Under another name until it is whole, for several processes may do this at once.
  const partial = mkdtempSync(`${folder}-`);
  await pipeline(createReadStream(archive), createBrotliDecompress(), extract(partial));
  try {
    renameSync(partial, folder);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** The variables with which a process uses SwiftShader; none where COTANGENT_VULKAN=system asks for the machine's own driver. */
export async function vulkanEnvironment(): Promise<Record<string, string>> {
  if (process.env['COTANGENT_VULKAN'] === 'system' || process.platform !== 'linux' || process.arch !== 'x64') return {};
  const folder = await unpackSwiftShader();
  return {
    VK_ICD_FILENAMES: join(folder, 'vk_swiftshader_icd.json'),
    LD_LIBRARY_PATH: [folder, process.env['LD_LIBRARY_PATH']].filter(Boolean).join(':'),
  };
}

/**
 * SwiftShader, Vulkan on the CPU, out of the package @sparticuz/chromium: with it Dawn runs on any Linux x64 machine, GPU
 * or not. A driver is found by environment variables that must be set before a process starts.
 */
import { join } from 'node:path';
import { unpack } from './packaged.js';

/** The variables with which a process uses SwiftShader; none where COTANGENT_VULKAN=system asks for the machine's own driver. */
export async function vulkanEnvironment(): Promise<Record<string, string>> {
  if (process.env['COTANGENT_VULKAN'] === 'system' || process.platform !== 'linux' || process.arch !== 'x64') return {};
  const folder = await unpack('swiftshader', ['swiftshader.tar.br']);
  return {
    VK_ICD_FILENAMES: join(folder, 'vk_swiftshader_icd.json'),
    LD_LIBRARY_PATH: [folder, process.env['LD_LIBRARY_PATH']].filter(Boolean).join(':'),
  };
}

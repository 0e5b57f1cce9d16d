/**
 * The headless Chromium of the package @sparticuz/chromium, on any Linux x64 machine: with the system libraries that it links to,
 * and with SwiftShader beside it, as its GPU.
 */
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { unpack } from './packaged.js';

export async function launchChromium({
  webgpu = false,
  heapMiB = undefined as number | undefined,
} = {}): Promise<Browser> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error(`the packaged Chromium is for Linux on x64, and this is ${process.platform} on ${process.arch}`);
  const folder = await unpack('chromium', ['chromium.br', 'swiftshader.tar.br', 'al2023.tar.br']);
  return chromium.launch({
    executablePath: join(folder, 'chromium'),
    // The package's own arguments are for AWS Lambda, one process for all; pages here have a process each.
    args: [
      '--no-sandbox',
      ...(heapMiB === undefined ? [] : [`--js-flags=--max-old-space-size=${heapMiB}`]),
      ...(webgpu ? ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'] : ['--disable-gpu']),
    ],
    env: {
      ...process.env,
      LD_LIBRARY_PATH: [join(folder, 'lib'), process.env['LD_LIBRARY_PATH']].filter(Boolean).join(':'),
    },
  });
}

/** The headless Chromium of the package @sparticuz/chromium, on any Linux x64 machine. */
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { unpack } from './packaged.js';

export async function launchChromium(...args: readonly string[]): Promise<Browser> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error(`the packaged Chromium is for Linux on x64, and this is ${process.platform} on ${process.arch}`);
  const [binary, libraries] = await Promise.all([unpack('chromium'), unpack('al2023')]);
  return chromium.launch({
    executablePath: join(binary, 'chromium'),
    args: ['--no-sandbox', '--disable-gpu', ...args],
    env: {
      ...process.env,
      LD_LIBRARY_PATH: [join(libraries, 'lib'), process.env['LD_LIBRARY_PATH']].filter(Boolean).join(':'),
    },
  });
}

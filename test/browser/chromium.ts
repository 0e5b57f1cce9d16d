/** A headless Chromium out of the package @sparticuz/chromium, with SwiftShader as its GPU or without WebGPU. */
import packaged from '@sparticuz/chromium';
import { chromium, type Browser } from 'playwright-core';

export async function launchChromium({ webgpu }: { webgpu: boolean }): Promise<Browser> {
  return chromium.launch({
    executablePath: await packaged.executablePath(),
    // The package's own arguments are for AWS Lambda, one process for all; pages here have a process each.
    args: [
      '--no-sandbox',
      ...(webgpu ? ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'] : ['--disable-gpu']),
    ],
  });
}

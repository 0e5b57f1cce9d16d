/** Libraries in pages of headless Chromium, served with the headers that shared memory needs. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, extname, join, normalize } from 'node:path';
import type { Page } from 'playwright-core';
import { launchChromium } from '../../scripts/lib/chromium.js';
import { bundles } from './bundle.js';
import type { Engine } from './engine.js';
import type { GpuLimits } from './gpu-limits.js';
import type { Limits } from './limits.js';
import type { GpuEndpoint } from './protocol.js';

const TYPES: Readonly<Record<string, string>> = {
  '.mjs': 'text/javascript',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
  '.html': 'text/html',
};
const require = createRequire(import.meta.url);

/** The file of a URL: the page, a bundle, or a file of a peer's package. */
function fileOf(path: string): string {
  const [, folder, ...rest] = normalize(path).split('/');
  if (folder !== 'files') return join(bundles, path.endsWith('.js') ? 'page' : '', normalize(path));
  const name = rest.slice(0, rest[0]?.startsWith('@') === true ? 2 : 1).join('/');
  return join(dirname(require.resolve(name)), rest.slice(name.split('/').length).join('/'));
}

export interface BrowserHost {
  readonly version: string;
  start(): Promise<GpuEndpoint>;
  limits(): Promise<Limits>;
  close(): Promise<void>;
}

/** What the page has put on its global object. */
interface PageGlobals {
  readonly engine: Engine;
  readonly measureLimits: () => Promise<Limits>;
  readonly measureGpuLimits: () => Promise<GpuLimits>;
}

export async function startBrowser({ webgpu = false } = {}): Promise<BrowserHost> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const headers = {
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
      'Content-Type': pathname === '/' ? 'text/html' : (TYPES[extname(pathname)] ?? 'application/octet-stream'),
    };
    if (pathname === '/') {
      response.writeHead(200, headers).end('<!doctype html><script type="module" src="/page.js"></script>');
      return;
    }
    readFile(fileOf(pathname)).then(
      (bytes) => response.writeHead(200, headers).end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const browser = await launchChromium({ webgpu, heapMiB: 4096 });

  const open = async (): Promise<Page> => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${String(port)}/`);
    await page.waitForFunction(() => 'engine' in globalThis);
    return page;
  };
  return {
    version: `Chromium ${browser.version()}`,
    start: async () => {
      const page = await open();
      const crashed = new Promise<never>((_, reject) => page.on('crash', () => reject(new Error('the page crashed'))));
      crashed.catch(() => undefined);
      const guard = <T>(work: Promise<T>): Promise<T> => Promise.race([work, crashed]);
      return {
        setUp: (message) =>
          guard(page.evaluate((m) => (globalThis as unknown as PageGlobals).engine.setUp(m), message)),
        warm: (ms) => guard(page.evaluate((m) => (globalThis as unknown as PageGlobals).engine.warm(m), ms)),
        round: (steps) => guard(page.evaluate((n) => (globalThis as unknown as PageGlobals).engine.round(n), steps)),
        gpuLimits: () => guard(page.evaluate(() => (globalThis as unknown as PageGlobals).measureGpuLimits())),
        close: () => page.context().close(),
      };
    },
    limits: async () => {
      const page = await open();
      try {
        return await page.evaluate(() => (globalThis as unknown as PageGlobals).measureLimits());
      } finally {
        await page.context().close();
      }
    },
    close: async () => {
      await browser.close();
      server.close();
    },
  };
}

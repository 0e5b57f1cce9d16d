/**
 * The built library in pages of a headless Chromium: one that is cross-origin isolated, and so has shared memory and threads,
 * and one that is not.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/lib/chromium.js';
import { markdownExamples } from '../../scripts/lib/doc-examples.js';
import type { Programs } from './programs.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(root, 'dist/esm');

let browser: Browser;
let server: Server;
let origin: string;

beforeAll(async () => {
  if (!existsSync(join(dist, 'index.js'))) throw new Error('there is no dist/esm/index.js: run npm run build first');
  const javascript = async (source: string): Promise<string> =>
    (await transform(source, { loader: 'ts', target: 'es2022' })).code;
  const programs = await javascript(readFileSync(join(root, 'test/browser/programs.ts'), 'utf8'));
  const [example] = markdownExamples('README.md', readFileSync(join(root, 'README.md'), 'utf8'));
  if (example === undefined) throw new Error('README.md has no ```ts block');
  const readme = await javascript(example.code);
  const page = (module: string): string =>
    `<!doctype html><script type="importmap">{ "imports": { "cotangent": "/dist/index.js" } }</script>` +
    `<script type="module">${module}; globalThis.done = true;</script>`;
  server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const html = pathname === '/programs' ? page(programs) : pathname === '/readme' ? page(readme) : undefined;
    const file = join(dist, pathname.replace('/dist/', ''));
    if (html === undefined && !(pathname.startsWith('/dist/') && existsSync(file))) {
      response.writeHead(404).end();
      return;
    }
    response
      .writeHead(200, {
        'Content-Type': html === undefined ? 'text/javascript' : 'text/html',
        ...(searchParams.has('isolated') && { 'Cross-Origin-Opener-Policy': 'same-origin' }),
        ...(searchParams.has('isolated') && { 'Cross-Origin-Embedder-Policy': 'require-corp' }),
      })
      .end(html ?? readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  browser = await launchChromium();
});

afterAll(async () => {
  await browser.close();
  server.close();
});

/** Open a page and wait until its module has run; what it prints goes to `lines`, and what it throws fails the test. */
async function open(path: string, lines: string[] = []): Promise<Page> {
  const page = await browser.newPage();
  page.on('console', (message) => lines.push(message.text()));
  const failed = new Promise<never>((_, reject) => page.on('pageerror', reject));
  failed.catch(() => undefined);
  await page.goto(`${origin}${path}`);
  await Promise.race([page.waitForFunction(() => 'done' in globalThis), failed]);
  return page;
}

/** Call one of the programs in a page. */
function call<K extends keyof Programs>(
  page: Page,
  name: K,
  argument?: number,
): Promise<Awaited<ReturnType<Programs[K]>>> {
  return page.evaluate(
    ([program, n]) => {
      const { programs } = globalThis as unknown as { programs: Record<string, (n: number) => unknown> };
      return programs[program]?.(n);
    },
    [name, argument ?? 0] as const,
  ) as Promise<Awaited<ReturnType<Programs[K]>>>;
}

/** The bits on one thread of each page, which are the same in both. */
const bits = new Map<string, number>();

describe.each([
  ['isolated', '?isolated'],
  ['not isolated', ''],
])('a page that is %s', (kind, query) => {
  let page: Page;
  beforeAll(async () => {
    page = await open(`/programs${query}`);
  });

  test('is what it should be', async () => {
    expect(await call(page, 'isolated')).toBe(query !== '');
  });

  test('a jitted gradient', async () => {
    const gradient = await call(page, 'gradient');
    [0, 1, 2].forEach((x, i) => {
      expect(gradient[i]).toBeCloseTo(Math.cos(x), 6);
    });
  });

  test('a scan', async () => {
    expect(await call(page, 'scan')).toEqual([0, 1, 1, 2, 3, 5, 8, 13, 21, 34]);
  });

  test('an error teaches, and the next call works', async () => {
    const { message, next } = await call(page, 'errors');
    expect(message).toMatch(/matmul.*\[2, ?3\]/s);
    expect(next).toBe(12);
  });

  test('threads where memory is shared, one where it is not, and the same bits', async () => {
    const seen = await call(page, 'threads', 3);
    expect(seen.together).toEqual([seen.alone]);
    if (query === '') expect(seen).toMatchObject({ threads: 1, workers: 0, letters: 0 });
    else {
      expect(seen).toMatchObject({ threads: 3, workers: 2 });
      expect(seen.letters).toBeGreaterThan(2);
    }
    for (const others of bits.values()) expect(seen.alone).toBe(others);
    bits.set(kind, seen.alone);
  });

  test("README's first example", async () => {
    const lines: string[] = [];
    await open(`/readme${query}`, lines);
    const losses = lines.map((line) => Number(line.replace(/^.*loss /, '')));
    expect(losses).toHaveLength(5);
    expect(losses.at(-1)).toBeLessThan(1e-2);
  });
});

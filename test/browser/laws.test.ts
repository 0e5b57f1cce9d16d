/** What every primitive and random programs give on the CPU they give on WebGPU, in a page. */
import { afterAll, expect, test } from 'vitest';
import { createServer } from 'vite';
import { launchChromium } from '../../scripts/lib/chromium.js';
import type { Laws } from './laws/page.js';
import { aliases } from '../../vitest.config.js';

const server = await createServer({
  configFile: false,
  root: 'test/browser/laws',
  resolve: { alias: aliases },
  server: { port: 0 },
  logLevel: 'warn',
});
await server.listen();
const browser = await launchChromium({ webgpu: true });
afterAll(async () => {
  await browser.close();
  await server.close();
});

const page = await browser.newPage();
const errors: string[] = [];
page.on('pageerror', (error) => errors.push(String(error)));
await page.goto(server.resolvedUrls?.local[0] ?? '');
await page.waitForFunction(() => 'laws' in globalThis, null, { timeout: 60_000 });
const handle = await page.evaluateHandle(() => (globalThis as unknown as { laws: Laws }).laws);
const names = await handle.evaluate((laws) => laws.names);

test.each(names)('%s', async (name) => {
  expect(await handle.evaluate((laws, each) => laws.check(each), name)).toBeNull();
});
test('nothing went wrong beside', () => expect(errors).toEqual([]));

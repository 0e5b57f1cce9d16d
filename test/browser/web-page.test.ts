/** `examples/web` as a visitor has it: it learns, a drawn digit is recognised, its buttons work, on WebGPU and without. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import { createServer, type ViteDevServer } from 'vite';
import { launchChromium } from '../../scripts/lib/chromium.js';

let server: ViteDevServer;
let url: string;
beforeAll(async () => {
  server = await createServer({ configFile: 'examples/web/vite.config.ts', server: { port: 0 }, logLevel: 'warn' });
  await server.listen();
  url = server.resolvedUrls?.local[0] ?? '';
});
afterAll(() => server.close());

interface Opened {
  readonly page: Page;
  /** What went wrong in it. */
  readonly errors: string[];
}

async function open(browser: Browser, width = 1100): Promise<Opened> {
  const page = await browser.newPage({ viewport: { width, height: 800 }, hasTouch: width < 500 });
  const errors: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(url);
  await page.locator('#pause:enabled').waitFor({ timeout: 60_000 });
  return { page, errors };
}

/** The number that an element shows; NaN while it shows none. */
const numberIn = async (page: Page, selector: string): Promise<number> =>
  Number.parseFloat(((await page.textContent(selector)) ?? '').replaceAll(',', ''));

/** Waits until the number that an element shows is at least `least`. */
async function reaches(page: Page, selector: string, least: number, timeout = 200_000): Promise<void> {
  await expect.poll(() => numberIn(page, selector), { timeout, interval: 100 }).toBeGreaterThanOrEqual(least);
}

type Point = readonly [x: number, y: number];
/** Strokes in parts of the pad. */
const SEVEN: readonly Point[][] = [
  [
    [0.3, 0.2],
    [0.7, 0.2],
    [0.6, 0.45],
    [0.5, 0.8],
  ],
];
const ONE: readonly Point[][] = [
  [
    [0.52, 0.15],
    [0.5, 0.85],
  ],
];
const ZERO: readonly Point[][] = [
  Array.from({ length: 33 }, (_, i) => {
    const angle = (i / 32) * 2 * Math.PI - Math.PI / 2;
    return [0.5 + 0.22 * Math.cos(angle), 0.5 + 0.34 * Math.sin(angle)];
  }),
];

async function draw(page: Page, strokes: readonly Point[][]): Promise<void> {
  await page.click('#clear');
  const box = await page.locator('#pad').boundingBox();
  if (box === null) throw new Error('the pad is not on the screen');
  const at = ([x, y]: Point): Point => [box.x + x * box.width, box.y + y * box.height];
  for (const [first, ...rest] of strokes) {
    if (first === undefined) continue;
    await page.mouse.move(...at(first));
    await page.mouse.down();
    for (const point of rest) await page.mouse.move(...at(point), { steps: 4 });
    await page.mouse.up();
  }
}

/** The digit that the page takes the drawing for. */
async function recognised(page: Page): Promise<string> {
  const best = page.locator('#probabilities li.best');
  await best.waitFor();
  return (await best.locator('b').textContent()) ?? '';
}

async function recognises(page: Page, digit: string, strokes: readonly Point[][]): Promise<void> {
  await draw(page, strokes);
  await expect.poll(() => recognised(page), { timeout: 30_000 }).toBe(digit);
}

const choose = (page: Page, value: string): Promise<void> => page.check(`input[value=${value}]`, { force: true });

const isWiderThanScreen = (page: Page): Promise<boolean> =>
  page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);

describe('without WebGPU', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium({ webgpu: false });
  });
  afterAll(() => browser.close());

  test('says so, trains both networks on the CPU, and reads what is drawn', async () => {
    const { page, errors } = await open(browser);
    expect(await page.textContent('#status')).toContain('It trains on the CPU, for no GPU can be used');
    expect(await page.isDisabled('input[value=webgpu]')).toBe(true);
    await reaches(page, '#accuracy', 90);
    await recognises(page, '7', SEVEN);
    await recognises(page, '1', ONE);
    await recognises(page, '0', ZERO);

    await choose(page, 'cnn');
    expect(await numberIn(page, '#accuracy')).toBeNaN();
    await reaches(page, '#accuracy', 90);
    await recognises(page, '7', SEVEN);
    // The first layer has kernels of 5 x 5 now, 8 in a row with a pixel between.
    expect(await page.locator('#weights').evaluate((canvas) => canvas.getAttribute('width'))).toBe('47');
    expect(errors).toEqual([]);
    await page.close();
  });

  test('pauses, goes on, begins anew; what is drawn meanwhile is read', async () => {
    const { page, errors } = await open(browser);
    await reaches(page, '#accuracy', 80);
    await page.click('text=Pause');
    await page.waitForTimeout(500);
    const seen = await numberIn(page, '#seen');
    await recognises(page, '1', ONE);
    await page.waitForTimeout(500);
    expect(await numberIn(page, '#seen')).toBe(seen);

    await page.click('text=Go on');
    await reaches(page, '#seen', seen + 1);
    await page.click('text=Start again');
    await expect.poll(() => numberIn(page, '#seen'), { interval: 20 }).toBeLessThan(seen);
    expect(errors).toEqual([]);
    await page.close();
  });

  test('fits a phone, and needs no mouse', async () => {
    const { page, errors } = await open(browser, 360);
    expect(await isWiderThanScreen(page)).toBe(false);
    await reaches(page, '#accuracy', 90);
    expect(await isWiderThanScreen(page)).toBe(false);

    // Nothing moves while it trains.
    const top = (): Promise<number | undefined> =>
      page
        .locator('#weights')
        .boundingBox()
        .then((box) => box?.y);
    const before = await top();
    await page.waitForTimeout(500);
    expect(await top()).toBe(before);

    // From choice to button to pad by the tabulator, and a one by the arrows.
    await page.focus('input[value=mlp]');
    const reached: string[] = [];
    for (let i = 0; i < 6; i++) {
      reached.push(await page.evaluate(() => document.activeElement?.id || document.activeElement?.tagName || ''));
      await page.keyboard.press('Tab');
      if (reached.at(-1) === 'pad') break;
    }
    expect(reached).toEqual(['INPUT', 'INPUT', 'pause', 'restart', 'pad']);
    await page.focus('#pad');
    for (let i = 0; i < 10; i++) await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Space');
    for (let i = 0; i < 20; i++) await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Space');
    await expect.poll(() => recognised(page), { timeout: 30_000 }).toBe('1');
    expect(errors).toEqual([]);
    await page.close();
  });
});

describe('with WebGPU', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium({ webgpu: true });
  });
  afterAll(() => browser.close());

  test('trains on the GPU, reads what is drawn, and goes on where it was on another device', async () => {
    const { page, errors } = await open(browser);
    expect(await page.textContent('#status')).toContain('swiftshader');
    expect(await page.isChecked('input[value=webgpu]')).toBe(true);
    await reaches(page, '#accuracy', 75);
    await recognises(page, '1', ONE);

    const seen = await numberIn(page, '#seen');
    await choose(page, 'cpu');
    await reaches(page, '#seen', seen + 1000);
    await reaches(page, '#accuracy', 75);
    await choose(page, 'webgpu');
    await reaches(page, '#seen', (await numberIn(page, '#seen')) + 1);
    expect(errors).toEqual([]);
    await page.close();
  });

  test('trains the convolutional network on the GPU', async () => {
    const { page, errors } = await open(browser);
    await choose(page, 'cnn');
    await reaches(page, '#accuracy', 75);
    expect(await page.isChecked('input[value=webgpu]')).toBe(true);
    await recognises(page, '1', ONE);
    expect(errors).toEqual([]);
    await page.close();
  });
});

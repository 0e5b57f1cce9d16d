/** A machine without WebGPU: errors that say what is missing. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const script = fileURLToPath(new URL('./no-device-script.ts', import.meta.url));

test('no adapter: a NoDeviceError, and the cpu works', () => {
  const env = { ...process.env, VK_ICD_FILENAMES: '/nowhere.json', LD_LIBRARY_PATH: '' };
  const { stdout, status } = spawnSync(process.execPath, ['--import', 'tsx', script], { encoding: 'utf8', env });
  expect(stdout).toMatch(/^NoDeviceError: requestDevice: there is WebGPU here, but no adapter.*\n3\n$/);
  expect(status).toBe(0);
});

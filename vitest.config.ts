/** Tests import the library by its public name; the name leads to the sources, not to a build. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const src = fileURLToPath(new URL('./src', import.meta.url));

/** For pages that tests open, too. */
export const aliases = [
  { find: /^cotangent$/, replacement: `${src}/index.ts` },
  { find: /^cotangent\/([\w-]+)$/, replacement: `${src}/$1/index.ts` },
];

export default defineConfig({
  resolve: { alias: aliases },
  server: { watch: { ignored: ['**/.cache/**'] } },
  test: {
    // Those in a browser have a configuration of their own: npm run test:browser.
    projects: [
      {
        extends: true,
        test: { name: 'cpu', include: ['test/**/*.test.ts'], exclude: ['test/browser/**', 'test/backends/webgpu/**'] },
      },
      {
        extends: true,
        test: { name: 'webgpu', include: ['test/backends/webgpu/**/*.test.ts'], globalSetup: ['test/vulkan.ts'] },
      },
    ],
    setupFiles: ['test/setup.ts'],
    // Law tests draw many programs; a single one may take 20 s on two cores, and more with coverage and beside other work.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    // A run that cannot start a worker, or leaks an error outside a test, is a failed run.
    dangerouslyIgnoreUnhandledErrors: false,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text', 'json-summary', 'html'],
      reportsDirectory: 'coverage',
    },
  },
});

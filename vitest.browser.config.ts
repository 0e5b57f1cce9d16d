/** `npm run test:browser`: tests that drive a headless Chromium. They are apart from the others, for they take the whole machine. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 60_000,
    // One page at a time: SwiftShader, a GPU on the CPU, leaves no time to another.
    fileParallelism: false,
  },
});

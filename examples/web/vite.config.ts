/** `npm run web`: the page, with the library's sources in place of the installed package. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const src = fileURLToPath(new URL('../../src', import.meta.url));

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  resolve: {
    alias: [
      { find: /^cotangent$/, replacement: `${src}/index.ts` },
      { find: /^cotangent\/([\w-]+)$/, replacement: `${src}/$1/index.ts` },
    ],
  },
  worker: { format: 'es' },
  build: { target: 'es2022' },
});

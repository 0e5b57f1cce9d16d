/** The process of one library: answers the coordinator over IPC. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { installDawn } from '../lib/dawn.js';
import { Engine } from '../lib/engine.js';
import { measureGpuLimits } from '../lib/gpu-limits.js';
import type { SetUp } from '../lib/protocol.js';

const require = createRequire(import.meta.url);
const engine = new Engine({
  browser: false,
  files: (name) => join(dirname(require.resolve(`${name}/package.json`)), 'dist/'),
});

type Request =
  | { readonly id: number; readonly call: 'setUp'; readonly argument: SetUp }
  | { readonly id: number; readonly call: 'warm' | 'round' | 'gpuLimits'; readonly argument: number };

const answer = async (request: Request): Promise<unknown> => {
  switch (request.call) {
    case 'setUp':
      if (request.argument.device === 'webgpu') await installDawn();
      return engine.setUp(request.argument);
    case 'warm':
      return engine.warm(request.argument);
    case 'round':
      return engine.round(request.argument);
    case 'gpuLimits':
      await installDawn();
      return measureGpuLimits();
  }
};

process.on('message', (request: Request) => {
  answer(request).then(
    (result) => process.send?.({ id: request.id, result }),
    (error: unknown) =>
      process.send?.({ id: request.id, error: error instanceof Error ? error.message : String(error) }),
  );
});

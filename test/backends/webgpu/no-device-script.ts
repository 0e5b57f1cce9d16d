/** Run by no-device.test.ts, in a process without a Vulkan driver. */
import { numpy as np, requestDevice } from '../../../src/index.js';

void (async () => {
  await requestDevice('webgpu').catch((error: unknown) => {
    console.log(String(error));
  });
  console.log(np.array([1, 2]).sum().item());
})();

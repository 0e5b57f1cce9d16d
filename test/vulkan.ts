/** Before any test process starts: a Vulkan driver for those that use WebGPU. */
import { vulkanEnvironment } from '../scripts/lib/swiftshader.js';

export default async function setup(): Promise<void> {
  Object.assign(process.env, await vulkanEnvironment());
}

/** The page of one library: the coordinator calls these functions from outside. */
import { Engine } from '../lib/engine.js';
import { measureGpuLimits } from '../lib/gpu-limits.js';
import { measureLimits } from '../lib/limits.js';

const engine = new Engine({ browser: true, files: (name) => `/files/${name}/` });
Object.assign(globalThis, { engine, measureLimits, measureGpuLimits });

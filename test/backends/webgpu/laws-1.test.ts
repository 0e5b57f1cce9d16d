/** The laws of every primitive on WebGPU, half 1 of two. */
import { lawTests } from './laws.js';

lawTests(0, 2);

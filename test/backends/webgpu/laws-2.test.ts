/** The laws of every primitive on WebGPU, half 2 of two. */
import { lawTests } from './laws.js';

lawTests(1, 2);

/** Structured control flow: conditions and loops that are part of the traced program. */
export { associativeScan, type AssociativeScanOptions } from './associative-scan.js';
export { cond, switch } from './cond.js';
export { foriLoop, type ForiLoopOptions } from './fori.js';
export { map, type MapOptions } from './map.js';
export { scan, type ScanOptions } from './scan.js';
export { whileLoop } from './while.js';

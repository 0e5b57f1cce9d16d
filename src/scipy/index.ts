/** Functions by SciPy's names: `scipy.special`. */
export * as special from './special/index.js';

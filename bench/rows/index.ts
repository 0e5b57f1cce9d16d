/** All rows, in the order of the table. */
import type { Row } from '../lib/row.js';
import { cnn } from './cnn.js';
import { elementwise } from './elementwise.js';
import { logistic } from './logistic.js';
import { lstm } from './lstm.js';
import { matmuls } from './matmul.js';
import { mlp } from './mlp.js';
import { overhead } from './overhead.js';
import { reductions } from './reductions.js';

export const rows: readonly Row[] = [
  ...matmuls,
  ...elementwise,
  ...reductions,
  mlp,
  cnn,
  ...lstm,
  logistic,
  ...overhead,
];

/** Saves a large checkpoint again and again, until it is killed; the array is full of the number of the step. */
import { numpy as np } from 'cotangent';
import { saveCheckpoint } from 'cotangent/data';

const path = process.argv[2] ?? '';
process.stdout.write('ready\n');
for (let step = 1; ; step++) await saveCheckpoint(path, { step, w: np.full([2 ** 22], step) });

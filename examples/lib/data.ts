/** Where examples find their data: a directory given by --data, or the one beside the repository, or nothing, and then they make their own. */
import * as E from 'fp-ts/lib/Either.js';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { NDArray } from 'cotangent';
import { drawDigits, imageArrays } from 'cotangent/data';
import type { LabelledImages } from 'cotangent/data';
import { readDirectory } from './idx-files.js';

const BESIDE = fileURLToPath(new URL('../../../shared/data', import.meta.url));

/** The directory of `--data DIR`; without it the one beside the repository, if it is there. */
export function dataDirectory(): string | undefined {
  const { values } = parseArgs({ options: { data: { type: 'string' } }, strict: false });
  if (typeof values.data === 'string') return values.data;
  return existsSync(BESIDE) ? BESIDE : undefined;
}

/** Images [count, 28, 28, 1] in [0, 1] and their labels [count]. */
export interface Digits {
  readonly x: NDArray;
  readonly y: NDArray;
}

/** Digits to train on and to test on, and whether they are MNIST's. */
export interface DigitData {
  readonly train: Digits;
  readonly test: Digits;
  readonly real: boolean;
}

const DRAWN = { train: 6000, test: 1000 };

function arraysOf(set: LabelledImages): Digits {
  const { x, y } = imageArrays(set);
  return { x: x.reshape(set.count, set.height, set.width, 1), y };
}

/** MNIST where there is a directory, else drawn digits; says which. Throws if the directory does not hold what it should. */
export async function loadDigits(): Promise<DigitData> {
  const directory = dataDirectory();
  if (directory === undefined) {
    console.log(`No --data: ${DRAWN.train} drawn digits to train on, ${DRAWN.test} to test on.\n`);
    const [train, test] = [DRAWN.train, DRAWN.test].map((count, seed) => arraysOf(drawDigits({ count, seed })));
    if (train === undefined || test === undefined) throw new Error('unreachable');
    return { train, test, real: false };
  }
  const found = await readDirectory(directory)();
  if (E.isLeft(found)) throw new Error(found.left);
  const { train, test } = found.right;
  console.log(`MNIST: ${train.count} digits to train on, ${test.count} to test on.\n`);
  return { train: arraysOf(train), test: arraysOf(test), real: true };
}

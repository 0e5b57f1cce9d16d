/** The command line of `npm start`. */
import * as E from 'fp-ts/lib/Either.js';
import { parseArgs } from 'node:util';

export interface Options {
  /** Directory of IDX files; digits are drawn if absent. */
  readonly data: string | undefined;
  readonly epochs: number;
  readonly seed: number;
  /** Directory for pictures and tables. */
  readonly out: string;
  /** Test accuracy in percent below which the run counts as failed. */
  readonly require: number;
  readonly help: boolean;
}

export const USAGE = `Trains a classifier of handwritten digits and checks its gradients.

    npm start [-- OPTIONS]

  --data DIR    read IDX files (MNIST's, plain or .gz) instead of drawing digits
  --epochs N    go through the training images N times (10)
  --seed S      seed of the drawn digits, the first parameters and the order of images (0)
  --out DIR     where pictures and tables go (out)
  --require P   fail unless P percent of the test images are recognised (0)
  --help        this text`;

/** The options, or what is wrong with the command line. */
export function parseOptions(args: readonly string[]): E.Either<string, Options> {
  return E.tryCatch(
    () => {
      const { values } = parseArgs({
        args: [...args],
        options: {
          data: { type: 'string' },
          epochs: { type: 'string', default: '10' },
          seed: { type: 'string', default: '0' },
          out: { type: 'string', default: 'out' },
          require: { type: 'string', default: '0' },
          help: { type: 'boolean', default: false },
        },
      });
      const { data, out, help } = values;
      return {
        data,
        out,
        help,
        epochs: wholeNumber('epochs', values.epochs, 1),
        seed: wholeNumber('seed', values.seed, 0),
        require: wholeNumber('require', values.require, 0),
      };
    },
    (reason) => (reason instanceof Error ? reason.message : String(reason)),
  );
}

function wholeNumber(name: string, text: string, from: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value) || value < from) {
    throw new Error(`--${name} takes a whole number from ${from}, got '${text}'.`);
  }
  return value;
}

/** MNIST-like data in a directory: finds its IDX files under the names they go by, plain or gzipped, and reads them. */
import * as E from 'fp-ts/lib/Either.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { pipe } from 'fp-ts/lib/function.js';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeIdx, gunzip, labelImages, showDecodeError, sliceImages } from 'cotangent/data';
import type { IdxArray, LabelledImages } from 'cotangent/data';

/** Images to train on and to test on, and where they are from. */
export interface Split {
  readonly train: LabelledImages;
  readonly test: LabelledImages;
  readonly source: string;
}

/** What went wrong, in words for the user. */
type Problem = string;

type Part = 'train' | 't10k';
type Kind = 'images-idx3' | 'labels-idx1';

/** `t10k-images-idx3-ubyte`; some copies have a dot in place of the second hyphen, `.gz` at the end, `mnist-` before it. */
function findFile(files: readonly string[], part: Part, kind: Kind): string | undefined {
  const pattern = new RegExp(`^(.*[-_.])?${part}-${kind.replace('-', '[-.]')}-ubyte(\\.gz)?$`, 'i');
  // The plainest name, where there are several.
  return files.filter((name) => pattern.test(name)).sort((a, b) => a.length - b.length)[0];
}
const usualName = (part: Part, kind: Kind): string => `${part}-${kind}-ubyte`;

const inWords = (reason: unknown): string => (reason instanceof Error ? reason.message : String(reason));

const listDirectory = (directory: string): TE.TaskEither<Problem, readonly string[]> =>
  TE.tryCatch(
    () => readdir(directory),
    (reason) =>
      `--data ${directory}: cannot be read as a directory (${inWords(reason)}). Give the directory that holds the IDX files.`,
  );

const readArray = (path: string): TE.TaskEither<Problem, IdxArray> =>
  pipe(
    TE.tryCatch(
      () => readFile(path),
      (reason) => `${path}: cannot be read (${inWords(reason)}).`,
    ),
    TE.flatMap((bytes) =>
      pipe(
        gunzip(bytes, path),
        TE.flatMapEither((plain) => decodeIdx(plain, path)),
        TE.mapLeft(showDecodeError),
      ),
    ),
  );

/** The images and labels of one part, or null where neither file is there. */
function readPart(
  directory: string,
  files: readonly string[],
  part: Part,
): TE.TaskEither<Problem, LabelledImages | null> {
  const images = findFile(files, part, 'images-idx3');
  const labels = findFile(files, part, 'labels-idx1');
  if (images === undefined && labels === undefined) return TE.right(null);
  if (images === undefined || labels === undefined) {
    const wanted = usualName(part, images === undefined ? 'images-idx3' : 'labels-idx1');
    return TE.left(
      `--data ${directory}: has ${images ?? labels ?? ''}, but no ${wanted} (or ${wanted}.gz). Put the other file beside it.`,
    );
  }
  const [imageFile, labelFile] = [join(directory, images), join(directory, labels)];
  return pipe(
    readArray(imageFile),
    TE.flatMap((pixels) =>
      pipe(
        readArray(labelFile),
        TE.flatMapEither((classes) =>
          pipe(labelImages(pixels, classes, { imageFile, labelFile }), E.mapLeft(showDecodeError)),
        ),
      ),
    ),
  );
}

/** With both parts, `train` to train on and `t10k` to test on; with one, its last tenth to test on. */
function split(directory: string, train: LabelledImages | null, test: LabelledImages | null): E.Either<Problem, Split> {
  if (train !== null && test !== null) return E.right({ train, test, source: `${directory} (train, t10k)` });
  const only = train ?? test;
  if (only === null) {
    const names = (['train', 't10k'] as const).flatMap((part) => [
      usualName(part, 'images-idx3'),
      usualName(part, 'labels-idx1'),
    ]);
    return E.left(`--data ${directory}: has no IDX files. Looked for ${names.join(', ')}, and the same with .gz.`);
  }
  const tested = Math.floor(only.count / 10);
  if (tested === 0)
    return E.left(`--data ${directory}: ${only.count} images are too few to set a tenth aside for the test.`);
  const at = only.count - tested;
  return E.right({
    train: sliceImages(only, 0, at),
    test: sliceImages(only, at),
    source: `${directory} (${train === null ? 't10k' : 'train'}: all but the last tenth, the last tenth)`,
  });
}

/** The data set in `directory`. */
export const readDirectory = (directory: string): TE.TaskEither<Problem, Split> =>
  pipe(
    listDirectory(directory),
    TE.flatMap((files) =>
      pipe(
        readPart(directory, files, 'train'),
        TE.flatMap((train) =>
          pipe(
            readPart(directory, files, 't10k'),
            TE.flatMapEither((test) => split(directory, train, test)),
          ),
        ),
      ),
    ),
  );

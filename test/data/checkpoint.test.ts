/** Checkpoints: trees come back with every bit, another tree is an error that lists its leaves, and a crash leaves the old file. */
import fc from 'fast-check';
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { evalShape, jit, NDArray, numpy as np, optimizers, random, stax, tree } from 'cotangent';
import {
  DataFileError,
  decodeCheckpoint,
  encodeCheckpoint,
  loadCheckpoint,
  orThrow,
  readBytes,
  readCheckpoint,
  readSafetensors,
  saveCheckpoint,
  showDecodeError,
  writeBytes,
} from 'cotangent/data';
import { arrays, bitsOf, errorOf } from './helpers.js';

const folder = mkdtempSync(join(tmpdir(), 'cotangent-checkpoint-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A leaf as text of all its bits. */
const exactly = (leaf: unknown): string =>
  leaf instanceof NDArray
    ? `${leaf.dtype}[${leaf.shape.join()}] ${leaf.weakType} ${Buffer.from(bitsOf(leaf)).toString('hex')}`
    : `${typeof leaf} ${Object.is(leaf, -0) ? '-0' : String(leaf)}`;
const sameTree = (a: unknown, b: unknown): void => {
  expect(tree.structure(a).toString()).toBe(tree.structure(b).toString());
  expect(tree.leaves<unknown>([a]).map(exactly)).toEqual(tree.leaves<unknown>([b]).map(exactly));
};
/** The same tree with other values. */
const blank = (value: unknown): unknown => {
  const zero = (x: NDArray): NDArray => (x.weakType ? np.asarray(0) : np.zerosLike(x));
  const [leaves, def] = tree.flatten<unknown>([value]);
  const [copy] = tree.unflatten(
    def,
    leaves.map((leaf) => (leaf instanceof NDArray ? zero(leaf) : typeof leaf === 'number' ? 0 : false)),
  ) as unknown[];
  return copy;
};

// Keys that paths print in other ways than they are.
const keys = fc.oneof(
  fc.constantFrom('w', '0', '[0]', 'a.b', 'a', 'b', '', '__metadata__', '__proto__', '(root)', '"', 'é'),
  fc.string(),
);
const { anyTree } = fc.letrec((tie) => ({
  anyTree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    arrays,
    fc.double(),
    fc.boolean(),
    fc.constantFrom(null, undefined),
    fc.array(tie('anyTree'), { maxLength: 3 }),
    fc.dictionary(keys, tie('anyTree'), { maxKeys: 3 }),
  ),
}));

describe('decodeCheckpoint', () => {
  test('undoes encodeCheckpoint for every tree, in every bit', () => {
    fc.assert(
      fc.property(anyTree, (value) => {
        sameTree(readCheckpoint(encodeCheckpoint(value), blank(value)), value);
      }),
      { numRuns: 300 },
    );
  });

  test('keeps parameters, the state of an optimizer, a key, counters and weak numbers', () => {
    const [init] = stax.serial(stax.Dense(3), stax.Relu, stax.Dense(2));
    const { params } = init(random.key(1), [-1, 4]);
    const state = {
      params,
      optimizer: optimizers.adam(1e-3).init(params),
      key: random.split(random.key(2 ** 40 + 3)),
      count: np.array(2 ** 31 - 1, { dtype: 'int32' }),
      weak: np.asarray(3),
      step: 2 ** 53 - 1,
      done: true,
    };
    const bytes = encodeCheckpoint(state, { note: 'é' });
    const back = readCheckpoint(bytes, blank(state) as typeof state);
    sameTree(back, state);
    expect(random.normal(back.key.slice(1), [3]).js()).toEqual(random.normal(state.key.slice(1), [3]).js());
    expect(readSafetensors(bytes).metadata).toEqual({ note: 'é' });
    expect(Object.keys(readSafetensors(bytes).tensors)).toContain('params[0].W');
  });

  test('types stand for arrays', () => {
    const [init] = stax.Dense(2);
    const like = evalShape(() => init(random.key(0), [-1, 3]).params);
    const { params } = init(random.key(5), [-1, 3]);
    sameTree(readCheckpoint(encodeCheckpoint(params), like), params);
    expect(() => encodeCheckpoint(like)).toThrow(/is the type of an array/);
  });

  test('lists every leaf that does not fit', () => {
    const bytes = encodeCheckpoint({
      params: [{ w: np.ones([2, 2]), b: np.zeros(2) }],
      count: np.array(1, { dtype: 'int32' }),
      step: 1,
    });
    const like = { params: [{ w: np.ones([2, 3]), bias: np.zeros(2) }], count: np.array(1), step: true };
    const error = errorOf(decodeCheckpoint(bytes, like, 'f.safetensors'));
    expect(error).toEqual({
      _tag: 'TreeMismatch',
      file: 'f.safetensors',
      leaves: [
        { path: 'count', expected: 'float32[]', found: 'int32[]' },
        { path: 'params[0].bias', expected: 'float32[2]', found: undefined },
        { path: 'params[0].w', expected: 'float32[2, 3]', found: 'float32[2, 2]' },
        { path: 'step', expected: 'bool[]', found: 'float64[]' },
        { path: 'params[0].b', expected: undefined, found: 'float32[2]' },
      ],
    });
    const message = showDecodeError(error);
    for (const line of [
      'f.safetensors: another tree than expected',
      '  params[0].w: expected float32[2, 3], found float32[2, 2]\n',
      '  params[0].bias: expected float32[2], found nothing\n',
      '  params[0].b: expected nothing, found float32[2]\n',
    ]) {
      expect(message).toContain(line);
    }
    expect(() => readCheckpoint(bytes, like)).toThrow(DataFileError);
    const many = decodeCheckpoint(encodeCheckpoint({}), Array<number>(12).fill(0));
    expect(showDecodeError(errorOf(many))).toContain('and 2 more');
  });

  test('every proper prefix is an error, and no bytes throw', () => {
    const like = { w: np.ones([2, 2]), n: 1 };
    const bytes = encodeCheckpoint(like);
    for (let n = 0; n < bytes.length; n++) expect(decodeCheckpoint(bytes.subarray(0, n), like)._tag).toBe('Left');
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) =>
        ['Left', 'Right'].includes(
          decodeCheckpoint(
            bytes.map((old, i) => (i === at ? byte : old)),
            like,
          )._tag,
        ),
      ),
    );
  });

  test('leaves that no file can hold are errors that name their path', () => {
    expect(() => encodeCheckpoint({ a: [{ name: 'x' }] })).toThrow(/a\[0\]\.name is a string/);
    expect(() => decodeCheckpoint(new Uint8Array(), { f: () => 1 })).toThrow(/f is a function/);
    expect(() => jit((x: NDArray) => np.array(encodeCheckpoint({ x }).length))(np.ones(2))).toThrow();
  });
});

describe('saveCheckpoint', () => {
  test('loadCheckpoint gives back the tree', async () => {
    const path = join(folder, 'state.safetensors');
    const state = { w: random.normal(random.key(0), [3, 2]), step: 1 };
    await saveCheckpoint(path, state, { epoch: '4' });
    sameTree(await loadCheckpoint(path, { w: np.zeros([3, 2]), step: 0 }), state);
    await saveCheckpoint(path, { ...state, step: 2 });
    expect((await loadCheckpoint(path, state)).step).toBe(2);
    // The bytes are those of encodeCheckpoint, and nothing else is left in the folder.
    expect(new Uint8Array(readFileSync(path))).toEqual(encodeCheckpoint({ ...state, step: 2 }));
    expect(readdirSync(folder)).toEqual(['state.safetensors']);
  });

  test('what cannot be written or read is an error with the path and the reason, and leaves nothing behind', async () => {
    const nowhere = join(folder, 'none', 'x.safetensors');
    await expect(saveCheckpoint(nowhere, [1])).rejects.toThrow(/none\/x\.safetensors: cannot be written: ENOENT/);
    await expect(loadCheckpoint(nowhere, [1])).rejects.toThrow(/none\/x\.safetensors: cannot be read: ENOENT/);
    await expect(saveCheckpoint(join(folder, 'x'), ['text'])).rejects.toThrow(/saveCheckpoint: \[0\] is a string/);
    expect(errorOf(await readBytes(folder)())).toMatchObject({ _tag: 'Unreadable', file: folder });

    // A folder in the place of the file: all is written, and only the change of names fails.
    const taken = join(folder, 'taken');
    mkdirSync(taken);
    const result = await writeBytes(taken, new Uint8Array(3))();
    expect(result).toMatchObject({ _tag: 'Left', left: { _tag: 'Unwritable', file: taken } });
    expect(readdirSync(folder).sort()).toEqual(['state.safetensors', 'taken']);
  });

  test('a file without permission to write may still be replaced, in a folder that has it', async () => {
    const path = join(folder, 'read-only');
    writeFileSync(path, 'old');
    chmodSync(path, 0o444);
    orThrow(await writeBytes(path, new Uint8Array([1, 2]))());
    expect([...orThrow(await readBytes(path)())]).toEqual([1, 2]);
  });

  test('a process that is killed while it writes leaves the old file, whole', async () => {
    const killed = mkdtempSync(join(folder, 'killed-'));
    const path = join(killed, 'state.safetensors');
    const like = { step: 0, w: np.zeros([2 ** 22]) };
    await saveCheckpoint(path, { ...like, step: -1 });
    const script = fileURLToPath(new URL('./checkpoint-script.ts', import.meta.url));
    let midway = 0;
    // A kill may come between two writes; a few tries hit one, and all must leave a whole file.
    for (let round = 0; round < 20 && midway < 2; round++) {
      const child = spawn(process.execPath, ['--import', 'tsx', script, path], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exit = new Promise((resolve) => child.on('exit', (_code, signal) => resolve(signal)));
      await new Promise((resolve) => child.stdout.once('data', resolve));
      while (!readdirSync(killed).some((name) => name.endsWith('.tmp'))) await sleep(1);
      child.kill('SIGKILL');
      expect(await exit).toBe('SIGKILL');
      const partial = readdirSync(killed).filter((name) => name.endsWith('.tmp'));
      midway += partial.length;
      for (const name of partial) rmSync(join(killed, name));
      const { step, w } = await loadCheckpoint(path, like);
      // The script fills the array with the number of the step.
      expect([np.min(w).item(), np.max(w).item()]).toEqual([Math.max(step, 0), Math.max(step, 0)]);
    }
    expect(midway).toBeGreaterThan(0);
  });
});

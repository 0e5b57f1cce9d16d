/** Every example in the documentation runs, does what its `// =>` comments say, and type-checks as a user's would. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import {
  collectExamples,
  docstringExamples,
  fileNameOf,
  markdownExamples,
  toModule,
} from '../../scripts/lib/doc-examples.js';
import { expectText, textMatches } from './expect-text.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
// Inside the repository, so that 'cotangent' resolves there as it does in the tests.
const folder = join(root, '.cache/examples');

function writeExamples(): { where: string; file: string; run: boolean }[] {
  mkdirSync(folder, { recursive: true });
  const files = new Map(
    collectExamples(root).map((example) => [
      fileNameOf(example),
      { example, text: toModule(example, '../../test/docs/expect-text.js') },
    ]),
  );
  for (const stale of readdirSync(folder)) if (!files.has(stale)) rmSync(join(folder, stale));
  return [...files].map(([name, { example, text }]) => {
    writeFileSync(join(folder, name), text);
    return { where: example.where, file: join(folder, name), run: example.run };
  });
}

const examples = writeExamples();

describe('examples in the documentation run', () => {
  test.each(examples.filter(({ run }) => run).map(({ where, file }) => [where, file]))('%s', async (_where, file) => {
    await import(/* @vite-ignore */ file);
  });
});

test('examples in the documentation type-check', { timeout: 120_000 }, () => {
  expect(typeErrors(examples.map(({ file }) => file))).toEqual([]);
});

/** Errors in the given files, by one program with the repository's own strict options. */
function typeErrors(files: readonly string[]): string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
    config: object;
  };
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [], include: [] }, ts.sys, root);
  const program = ts.createProgram([...files], { ...options, noEmit: true });
  return files.flatMap((file) => {
    const source = program.getSourceFile(file);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map((d) => {
      const line = d.start === undefined ? 0 : (source?.getLineAndCharacterOfPosition(d.start).line ?? 0);
      return `${relative(root, file)}:${line + 1}: ${ts.flattenDiagnosticMessageText(d.messageText, '\n')}`;
    });
  });
}

describe('the runner itself', () => {
  const helper = fileURLToPath(new URL('./expect-text.js', import.meta.url));

  test('finds blocks and their lines', () => {
    const text = ['# T', '```ts', 'a;', '```', '```sh', 'ls', '```', '```ts no-run', 'b;', '```'].join('\n');
    expect(markdownExamples('x.md', text)).toEqual([
      { where: 'x.md:3', code: 'a;\n', run: true },
      { where: 'x.md:9', code: 'b;\n', run: false },
    ]);
    const source = [
      '/**',
      ' * Sum.',
      ' *',
      ' * @example',
      ' * ```ts',
      ' * @decorated class A {}',
      ' *   f(1); // => 2',
      ' * ```',
      ' * @see g',
      ' */',
    ].join('\n');
    expect(docstringExamples('x.ts', source)).toEqual([
      { where: 'x.ts:6', code: '@decorated class A {}\n  f(1); // => 2\n', run: true },
    ]);
    expect(() => docstringExamples('x.ts', '/**\n * @example f(1)\n */')).toThrow(/x.ts:2: an @example must be/);
  });

  test('turns // => into checks that name the line, and refuses one that checks nothing', () => {
    const module = toModule(
      { where: 'x.md:5', code: 'const a = 1;\na + 1; // => 2\nconsole.log(a); // => 1\n', run: true },
      helper,
    );
    expect(module).toContain('expectText(a + 1, "2", "x.md:6");');
    expect(module).toContain('expectText(a, "1", "x.md:7");');
    expect(() => toModule({ where: 'x.md:5', code: '\nconst a = 1; // => 1\n', run: true }, helper)).toThrow(/x.md:6/);
  });

  test('compares text up to layout and to the digits written', () => {
    const array = {
      js: () => [
        [1, 2.25],
        [3, 0.1 + 0.2],
      ],
      toString: () => 'Array(float32[2,2])',
    };
    expect(() => expectText({ w: array, b: [1] }, '{ w: [[1, 2.25], [3, 0.3]], b: [1] }', 'x')).not.toThrow();
    expect(() => expectText(array, 'Array(float32[2,2])', 'x')).not.toThrow();
    expect(() => expectText(array, '[[1, 2.25], [3, 0.4]]', 'x.md:7')).toThrow(/x.md:7: .* 0.4/);
    expect(textMatches('0.8414709848', '0.841')).toBe(true);
    expect(textMatches('0.8414709848', '0.842')).toBe(false);
    expect(textMatches('1.4', '1')).toBe(false);
    expect(textMatches('[1, 2]', '[1, 2, 3]')).toBe(false);
    expect(textMatches('1e-7', '1.0e-7')).toBe(true);
    expect(textMatches('NaN', '0')).toBe(false);
  });

  test('the examples are found', () => {
    expect(examples.map(({ where }) => where).some((where) => where.startsWith('README.md'))).toBe(true);
    expect(readFileSync(examples[0]?.file ?? '', 'utf8')).toContain('expectText');
  });
});

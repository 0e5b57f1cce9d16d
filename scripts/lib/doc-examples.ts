/**
 * The examples of the documentation as files that run: every ```ts block of README.md and docs/, and every
 * `@example` of the docstrings. A comment `// => text` after an expression statement becomes a check of its value.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

export interface DocExample {
  /** `README.md:42`: where the first line of the code is. */
  readonly where: string;
  readonly code: string;
  /** False for a block fenced as ```ts no-run, which is type-checked only (a page, a device that is not here). */
  readonly run: boolean;
}

const FENCE =
  /^[ \t]*(?<ticks>`{3,})(?<language>[^\s`]*)[ \t]*(?<info>[^\n]*)\n(?<code>[\s\S]*?)^[ \t]*\k<ticks>[ \t]*$/gm;

/** The ```ts blocks of a Markdown text whose first line is line `firstLine` of `file`. */
export function markdownExamples(file: string, text: string, firstLine = 1): DocExample[] {
  return [...text.matchAll(FENCE)].flatMap(({ index, groups }) => {
    if (groups?.['language'] !== 'ts') return [];
    const line = firstLine + text.slice(0, index).split('\n').length;
    return [{ where: `${file}:${line}`, code: groups['code'] ?? '', run: groups['info']?.trim() !== 'no-run' }];
  });
}

/** The `@example` blocks of a source file's docstrings. Throws for one that is not fenced as ```ts. */
export function docstringExamples(file: string, text: string): DocExample[] {
  return [...text.matchAll(/\/\*\*[\s\S]*?\*\//g)].flatMap((comment) => {
    // Each line keeps its place; only the comment's own border goes.
    const lines = comment[0]
      .replace(/\*\/$/, '')
      .split('\n')
      .map((line) => line.replace(/^\s*(?:\/\*\*|\*) ?/, ''));
    const firstLine = text.slice(0, comment.index).split('\n').length;
    const tags = [...lines.entries()].filter(([, line]) => /^@\w+/.test(line.trimStart()));
    return tags.flatMap(([at, line], n) => {
      if (!/^\s*@example\b/.test(line)) return [];
      const body = lines.slice(at, fenceAwareEnd(lines, at, tags[n + 1]?.[0])).join('\n');
      const blocks = markdownExamples(file, body, firstLine + at);
      if (blocks.length === 0) throw new Error(`${file}:${firstLine + at}: an @example must be a \`\`\`ts block`);
      return blocks;
    });
  });
}

/** End of the tag that begins at line `at`: the next tag, unless that only looks like one inside a fence. */
function fenceAwareEnd(lines: readonly string[], at: number, next: number | undefined): number {
  const fences = lines.flatMap((line, n) => (n >= at && line.trimStart().startsWith('```') ? [n] : []));
  const [open, close] = fences;
  if (next === undefined) return lines.length;
  return open !== undefined && close !== undefined && open < next && next < close ? close + 1 : next;
}

/** All examples of the repository at `root`, in a stable order. */
export function collectExamples(root: string): DocExample[] {
  const under = (folder: string, extension: string): string[] =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
          .filter((name) => name.endsWith(extension) && !name.startsWith('api/'))
          .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
          .sort()
      : [];
  const read = (file: string): string => readFileSync(join(root, file), 'utf8');
  return [
    ...['README.md', ...under('docs', '.md')].flatMap((file) => markdownExamples(file, read(file))),
    ...under('src', '.ts').flatMap((file) => docstringExamples(file, read(file))),
  ];
}

/**
 * The example as a module: `expr; // => text` becomes `expect(expr, "text", where)`, and `console.log(expr); // => text`
 * likewise. `helper` is the specifier of the module that exports `expect` (test/docs/expect-text.ts). Lines keep their
 * numbers, less the one that is added in front.
 */
export function toModule(example: DocExample, helper: string): string {
  const { code, where } = example;
  const source = ts.createSourceFile('example.ts', code, ts.ScriptTarget.Latest, true);
  const [file = '', line = '1'] = where.split(/:(?=\d+$)/);
  const edits: { start: number; end: number; text: string }[] = [];
  const used = new Set<number>();

  function visit(node: ts.Node): void {
    if (ts.isExpressionStatement(node)) {
      const comment = ts
        .getTrailingCommentRanges(code, node.getEnd())
        ?.map(({ pos, end }) => ({ pos, text: /^\/\/ => ?(.*)$/.exec(code.slice(pos, end))?.[1] }))
        .find(({ text }) => text !== undefined);
      if (comment?.text !== undefined) {
        used.add(comment.pos);
        const at = `${file}:${Number(line) + source.getLineAndCharacterOfPosition(node.getStart()).line}`;
        const value = valueOf(node.expression).getText();
        const call = `expectText(${value}, ${JSON.stringify(comment.text.trim())}, ${JSON.stringify(at)});`;
        edits.push({ start: node.getStart(), end: node.getEnd(), text: call });
        return;
      }
    }
    ts.forEachChild(node, visit);
  }
  visit(source);

  // A check that is silently not made would be a lie in the documentation.
  for (const match of code.matchAll(/\/\/ => /g)) {
    if (used.has(match.index)) continue;
    const at = Number(line) + source.getLineAndCharacterOfPosition(match.index).line;
    throw new Error(`${file}:${at}: '// =>' must follow an expression statement on its last line`);
  }
  const body = edits.reduceRight((out, { start, end, text }) => out.slice(0, start) + text + out.slice(end), code);
  return `import { expectText } from '${helper}'; void expectText; // ${where}\n${body}\nexport {};\n`;
}

/** The argument of `console.log(x)`, or the expression itself. */
function valueOf(expression: ts.Expression): ts.Expression {
  const isLog = ts.isCallExpression(expression) && expression.expression.getText() === 'console.log';
  return (isLog ? expression.arguments[0] : undefined) ?? expression;
}

/** A file name for the example: `README.md:42` -> `README.md-42.ts`. */
export function fileNameOf({ where }: DocExample): string {
  return `${where.replace(/[^\w.]+/g, '-')}.ts`;
}

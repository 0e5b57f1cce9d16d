/** The checker of imports must see each kind of mistake, or a clean report means nothing. */
import { describe, expect, test } from 'vitest';
import { buildGraph, checkLayers, findCycles, nodeOnlyImports } from '../../scripts/lib/import-graph.js';
import { LAYERS } from '../../scripts/lib/layers.js';
import { specifiersOf } from '../../scripts/lib/specifiers.js';

const graphOf = (sources: Record<string, string>) => buildGraph(new Map(Object.entries(sources)));
const problemsOf = (sources: Record<string, string>) => checkLayers(graphOf(sources), LAYERS);

describe('specifiersOf', () => {
  test('finds every form, and tells types and dynamic imports apart', () => {
    const text = [
      `import a from './a.js';`,
      `import type { B } from './b.js';`,
      `import { type C } from './c.js';`,
      `import './d.js';`,
      `export * from './e.js';`,
      `export type { F } from './f.js';`,
      `let g: import('./g.js').G;`,
      `const h = await import('./h.js');`,
      `new Worker(new URL('./i.js', import.meta.url));`,
      `// import './comment.js'`,
      'const s = `import "./text.js"`;',
    ].join('\n');
    expect(specifiersOf('x.ts', text).map((s) => [s.text, s.line, s.typeOnly, s.dynamic])).toEqual([
      ['./a.js', 1, false, false],
      ['./b.js', 2, true, false],
      ['./c.js', 3, false, false],
      ['./d.js', 4, false, false],
      ['./e.js', 5, false, false],
      ['./f.js', 6, true, false],
      ['./g.js', 7, true, false],
      ['./h.js', 8, false, true],
      ['./i.js', 9, false, true],
    ]);
  });

  test('offsets are those of the text between the quotes', () => {
    const text = `export { x } from "./x.js"; type Y = import('./y.js').Y;`;
    expect(specifiersOf('x.d.ts', text).map(({ start, end }) => text.slice(start, end))).toEqual(['./x.js', './y.js']);
  });
});

describe('findCycles', () => {
  test('a cycle of three, by type-only imports too', () => {
    const graph = graphOf({
      'src/core/a.ts': `import type { B } from './b.js';`,
      'src/core/b.ts': `import './c.js';`,
      'src/core/c.ts': `import './a.js';`,
      'src/core/d.ts': `import './a.js';`,
    });
    expect(findCycles(graph).map((cycle) => [...new Set(cycle)].sort())).toEqual([
      ['src/core/a.ts', 'src/core/b.ts', 'src/core/c.ts'],
    ]);
  });

  test('a file that imports itself, and two separate cycles', () => {
    const graph = graphOf({
      'src/core/self.ts': `import './self.js';`,
      'src/core/a.ts': `import './b.js';`,
      'src/core/b.ts': `import './a.js';`,
    });
    expect(findCycles(graph)).toHaveLength(2);
  });

  test('a diamond is no cycle', () => {
    const graph = graphOf({
      'src/core/top.ts': `import './left.js'; import './right.js';`,
      'src/core/left.ts': `import './bottom.js';`,
      'src/core/right.ts': `import './bottom.js';`,
      'src/core/bottom.ts': '',
    });
    expect(findCycles(graph)).toEqual([]);
  });
});

describe('checkLayers', () => {
  test.each([
    ['core', 'lax'],
    ['core', 'transforms'],
    ['core', 'compiler'],
    ['transforms', 'compiler'],
    ['transforms', 'numpy'],
    ['lax', 'transforms'],
    ['lax', 'numpy'],
    ['lax', 'control'],
    ['transforms', 'control'],
    ['numpy', 'nn'],
    ['numpy', 'compiler'],
    ['nn', 'stax'],
    ['random', 'backends'],
    ['stax', 'optimizers'],
    ['stax', 'compiler'],
    ['optimizers', 'stax'],
    ['compiler', 'lax'],
    ['compiler', 'transforms'],
    ['compiler', 'backends'],
    ['backends', 'lax'],
    ['data', 'compiler'],
    ['data', 'stax'],
    ['train', 'backends'],
    ['testing', 'compiler'],
    ['fp', 'compiler'],
  ])('%s may not import %s', (from, to) => {
    const problems = problemsOf({
      [`src/${from}/elementwise.ts`]: `import { x } from '../${to}/target.js';`,
      [`src/${to}/target.ts`]: 'export const x = 1;',
    });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`src/${from}/elementwise.ts:1: ${from} imports ${to}`);
  });

  test.each([
    ['transforms/jvp', 'core/aval'],
    ['transforms/jvp', 'lax/broadcast'],
    ['transforms/jit', 'compiler/compile'],
    ['lax/elementwise', 'core/primitive'],
    ['control/scan', 'transforms/vjp'],
    ['control/cond', 'lax/arithmetic'],
    ['numpy/einsum', 'lax/dot'],
    ['random/normal', 'transforms/vmap'],
    ['stax/dense', 'random/normal'],
    ['backends/wasm/emit', 'compiler/loop-ir'],
    ['testing/check-grads', 'numpy/index'],
    ['train/loop', 'optimizers/index'],
  ])('%s may import %s', (from, to) => {
    const up = '../'.repeat(from.split('/').length - 1);
    expect(
      problemsOf({ [`src/${from}.ts`]: `import { x } from '${up}${to}.js';`, [`src/${to}.ts`]: 'export const x = 1;' }),
    ).toEqual([]);
  });

  test('type-only imports count, except of backends by the compiler', () => {
    const target = (from: string) =>
      problemsOf({ [from]: `import type { X } from '../backends/x.js';`, 'src/backends/x.ts': '' });
    expect(target('src/compiler/a.ts')).toEqual([]);
    expect(target('src/core/a.ts')).toHaveLength(1);
  });

  test('packages, missing files and folders outside the house', () => {
    expect(problemsOf({ 'src/core/a.ts': `import 'left-pad';` })[0]).toContain('imports the package left-pad');
    expect(problemsOf({ 'src/core/a.ts': `import 'node:fs';` })[0]).toContain('node:fs');
    expect(problemsOf({ 'src/core/a.ts': `import './missing.js';` })[0]).toContain('does not exist');
    expect(problemsOf({ 'src/attic/a.ts': '' })[0]).toContain('belongs to no layer');
  });
});

describe('nodeOnlyImports', () => {
  const sources = (how: string) => ({
    'src/index.ts': `export * from './backends/wasm.js'; export type { D } from './data/file.js';`,
    'src/backends/wasm.ts': how,
    'src/data/file.ts': `import 'node:fs';`,
  });

  test('a static or dynamic import is one, a type-only one is not, nor one by a computed name', () => {
    expect(nodeOnlyImports(graphOf(sources(`import os from 'node:os';`)), 'src/index.ts')).toHaveLength(1);
    expect(nodeOnlyImports(graphOf(sources(`const os = await import('node:os');`)), 'src/index.ts')).toHaveLength(1);
    expect(nodeOnlyImports(graphOf(sources(`const os = await import(name);`)), 'src/index.ts')).toEqual([]);
    expect(nodeOnlyImports(graphOf(sources(`import type os from 'node:os';`)), 'src/index.ts')).toEqual([]);
  });
});

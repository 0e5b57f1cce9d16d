/** Splitting a bundle into what is loaded at once and what is loaded when it is needed. */
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { openPrivates } from '../../scripts/lib/scopes.js';
import { splitCold } from '../../scripts/lib/split-cold.js';

// Long enough to be worth a stub.
const filler = `'${'.'.repeat(200)}'.length`;
const bundle = `
var __export = (target, all) => { for (var name in all) Object.defineProperty(target, name, { get: all[name], enumerable: true }); };
// src/low.ts
var registry = new Map();
var define = (name, rules) => { registry.set(name, rules); return { name, rules }; };
var primitives = () => registry;
var counter = 0;
function count() { counter++; return counter + 0 * ${filler}; }
var sine = define('sine', { rule(x, y = 2) { return x * y + 0 * ${filler}; } });
function local() { let counter = 1; counter += ${filler}; return counter; }
// src/tools.ts
var __toESM = (mod) => ({ default: mod });
var tool = __toESM(require("tool"), 1);
function useTool() { return tool.default + 0 * ${filler}; }
// src/high.ts
var cosine = define('cosine', {});
var Shape = class _Shape {
  #size;
  constructor(size) { this.#size = size; }
  static of(size) { return new _Shape(size); }
  area(times) { const all = this.#size * times; return all + 0 * ${filler}; }
};
function cold(x, ...more) { return [cosine.name, local(), x, more.length, ${filler}]; }
function hot() { return Shape.of(3); }
// src/index.ts
var entry_exports = {};
__export(entry_exports, { cold: () => cold, useTool: () => useTool, count: () => count, hot: () => hot, sine: () => sine, primitives: () => primitives, inner: () => inner_exports });
var inner_exports = {};
__export(inner_exports, { cold: () => cold, local: () => local });
module.exports = entry_exports;
hot();
`;

const source = openPrivates(bundle, () => true);
const toolsAt = source.indexOf('// src/tools.ts');
const highAt = source.indexOf('// src/high.ts');

/** Every function that mentions none of the cold ones' filler ran. */
const ran = ['__export', 'define', 'hot', 'constructor', 'static of'].flatMap((name) => {
  const start = source.indexOf(
    name === '__export' || name === 'define' ? `var ${name} = ` : name === 'hot' ? 'function hot' : name,
  );
  const from = name === '__export' || name === 'define' ? source.indexOf('(', start) : start;
  const end = source.indexOf('\n', start);
  return [[from, source[end - 1] === ';' ? end - 1 : end] as const];
});

function load(): { readonly library: Record<string, (...args: unknown[]) => unknown>; readonly loaded: string[] } {
  const { main, parts } = splitCold(source, {
    ran,
    partAt: (position) => (position < toolsAt ? 'low' : position < highAt ? 'tools' : 'high'),
    order: ['low', 'tools', 'high'],
    specifier: (part) => part,
    entries: new Set(['entry_exports']),
    complete: 'primitives',
  });
  const loaded: string[] = [];
  const run = (text: string): unknown => {
    const module = { exports: {} };
    runInNewContext(text, { module, require });
    return module.exports;
  };
  const require = (part: string): unknown => {
    loaded.push(part);
    return part === 'tool' ? 42 : run(parts.get(part) ?? '');
  };
  return { library: run(main) as Record<string, (...args: unknown[]) => unknown>, loaded };
}

describe('splitCold', () => {
  test('loads a part when a function of it is called, with what the part needs', () => {
    const { library, loaded } = load();
    expect(loaded).toEqual([]);
    expect(library['cold']?.(7, 8, 9)).toEqual(['cosine', 201, 7, 2, 200]);
    expect(new Set(loaded)).toEqual(new Set(['low', 'high']));
  });

  test('stubs have the length of what they stand for, and namespaces the function itself', () => {
    const { library } = load();
    expect(library['cold']).toHaveLength(1);
    const inner = library['inner'] as unknown as Record<string, (...args: unknown[]) => unknown>;
    expect(inner['local']?.()).toBe(201);
  });

  test('a package is required when something needs it', () => {
    const { library, loaded } = load();
    expect(library['useTool']?.()).toBe(42);
    expect(loaded).toEqual(['tools', 'tool']);
  });

  test('what assigns a variable of the top level stays with it', () => {
    const { library, loaded } = load();
    expect([library['count']?.(), library['count']?.()]).toEqual([1, 2]);
    expect(loaded).toEqual([]);
  });

  test('methods that went use the object, whose private names are properties', () => {
    const { library, loaded } = load();
    const shape = library['hot']?.() as { area(times: number): number };
    expect(shape.area(5)).toBe(15);
    expect(loaded).toEqual(['high']);
  });

  test('rules of a constant that stays go, default values included', () => {
    const { library } = load();
    const sine = library['sine'] as unknown as { rules: { rule: (x: number, y?: number) => number } };
    expect([sine.rules.rule(3), sine.rules.rule(3, 4)]).toEqual([6, 12]);
    expect(sine.rules.rule).toHaveLength(1);
  });

  test('what must be complete is', () => {
    const { library } = load();
    expect([...(library['primitives']?.() as Map<string, unknown>).keys()].sort()).toEqual(['cosine', 'sine']);
  });
});

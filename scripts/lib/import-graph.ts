/**
 * The import graph of `src/` and the rules it obeys: no cycles, the layering of docs/architecture.md, no packages
 * but the bundled one, and nothing of Node's in what a browser loads. Type-only imports count.
 */
import { posix } from 'node:path';
import { specifiersOf } from './specifiers.js';

export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly line: number;
  readonly typeOnly: boolean;
  readonly dynamic: boolean;
}

/** Files are repository-relative paths with forward slashes: `src/core/dtype.ts`. */
export interface ImportGraph {
  readonly files: readonly string[];
  readonly edges: readonly Edge[];
  /** Imports of packages and of Node's own modules. */
  readonly packages: readonly Edge[];
  /** Relative imports that lead to no file. */
  readonly unresolved: readonly Edge[];
}

/** The graph of the given files (path -> text). */
export function buildGraph(sources: ReadonlyMap<string, string>): ImportGraph {
  const edges: Edge[] = [];
  const packages: Edge[] = [];
  const unresolved: Edge[] = [];
  for (const [from, text] of sources) {
    for (const { text: specifier, line, typeOnly, dynamic } of specifiersOf(from, text)) {
      const edge = { from, to: specifier, line, typeOnly, dynamic };
      if (!specifier.startsWith('.')) {
        packages.push(edge);
        continue;
      }
      const to = posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts');
      (sources.has(to) ? edges : unresolved).push({ ...edge, to });
    }
  }
  return { files: [...sources.keys()], edges, packages, unresolved };
}

/**
 * Strongly connected components of more than one file, or of a file that imports itself, each as one shortest cycle
 * through its first file (Tarjan, "Depth-first search and linear graph algorithms", 1972).
 */
export function findCycles({ files, edges }: Pick<ImportGraph, 'files' | 'edges'>): string[][] {
  const next = new Map<string, string[]>(files.map((file) => [file, []]));
  for (const { from, to } of edges) next.get(from)?.push(to);

  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const cycles: string[][] = [];

  function connect(file: string): number {
    const at = index.size;
    let lowest = at;
    index.set(file, at);
    stack.push(file);
    for (const to of next.get(file) ?? []) {
      if (!index.has(to)) lowest = Math.min(lowest, connect(to));
      else if (stack.includes(to)) lowest = Math.min(lowest, index.get(to) ?? at);
    }
    low.set(file, lowest);
    if (lowest === at) {
      const component = new Set(stack.splice(stack.indexOf(file)));
      if (component.size > 1 || next.get(file)?.includes(file)) cycles.push(shortestCycle(file, component, next));
    }
    return lowest;
  }
  for (const file of files) if (!index.has(file)) connect(file);
  return cycles;
}

/** A shortest way from `start` back to itself inside `component`, the start at both ends. */
function shortestCycle(start: string, component: ReadonlySet<string>, next: ReadonlyMap<string, string[]>): string[] {
  const queue: string[][] = [[start]];
  const seen = new Set<string>();
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    for (const to of next.get(path.at(-1) ?? start) ?? []) {
      if (to === start) return [...path, start];
      if (!component.has(to) || seen.has(to)) continue;
      seen.add(to);
      queue.push([...path, to]);
    }
  }
  return [...component];
}

/** A set of files and what it may import. */
export interface Layer {
  readonly name: string;
  /** Which files; the first layer that matches a file has it. */
  readonly files: RegExp;
  /** Layers it may import from, besides itself. */
  readonly imports: readonly string[];
  /** Layers of which it may import types only. */
  readonly types?: readonly string[];
  /** Packages it may import, `node:` modules included. */
  readonly packages?: readonly RegExp[];
}

/** Every violation of `layers`, as a line of text each. */
export function checkLayers(graph: ImportGraph, layers: readonly Layer[]): string[] {
  const layerOf = (file: string): Layer | undefined => layers.find((layer) => layer.files.test(file));
  const problems = graph.files
    .filter((file) => layerOf(file) === undefined)
    .map((file) => `${file}: belongs to no layer; add it to scripts/lib/layers.ts`);

  for (const { from, to, line, typeOnly } of graph.edges) {
    const [layer, target] = [layerOf(from), layerOf(to)];
    if (layer === undefined || target === undefined || layer === target || layer.imports.includes(target.name))
      continue;
    if (typeOnly && layer.types?.includes(target.name)) continue;
    const allowed = layer.imports.length === 0 ? 'nothing else' : `only ${layer.imports.join(', ')}`;
    problems.push(`${from}:${line}: ${layer.name} imports ${target.name} (${to}); it may import ${allowed}`);
  }
  for (const { from, to, line } of graph.packages) {
    if (layerOf(from)?.packages?.some((allowed) => allowed.test(to))) continue;
    problems.push(`${from}:${line}: imports the package ${to}; only the layers listed in scripts/lib/layers.ts may`);
  }
  for (const { from, to, line } of graph.unresolved) problems.push(`${from}:${line}: ${to} does not exist`);
  return problems;
}

/**
 * What `entry` can reach (type-only imports left out) that imports a `node:` module. A page cannot load it, and a bundler
 * stops at it even in an `import()` that would never run, so such a module is asked for at run time by a computed name.
 */
export function nodeOnlyImports(graph: ImportGraph, entry: string): string[] {
  const reached = new Set([entry]);
  // A Set visits what is added while it is iterated, so this is the transitive closure.
  for (const file of reached) {
    for (const { from, to, typeOnly } of graph.edges) if (from === file && !typeOnly) reached.add(to);
  }
  return graph.packages
    .filter(({ from, to, typeOnly }) => reached.has(from) && to.startsWith('node:') && !typeOnly)
    .map(
      ({ from, to, line }) =>
        `${from}:${line}: ${entry} must load in a page, which has no ${to}; ask for it when needed, by a computed ` +
        'name: await import(name), or process.getBuiltinModule(name) where there is one',
    );
}

/** `npm run cycles`: fails on import cycles and on imports that go against the layering. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildGraph, checkLayers, findCycles, nodeOnlyImports } from './lib/import-graph.js';
import { BROWSER_ENTRIES, LAYERS } from './lib/layers.js';

const root = fileURLToPath(new URL('..', import.meta.url));

function read(folder: string): [string, string][] {
  const at = join(root, folder);
  if (!existsSync(at)) return [];
  return readdirSync(at, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('node_modules'))
    .map((name) => {
      const file = `${folder}/${name.replaceAll('\\', '/')}`;
      return [file, readFileSync(join(root, file), 'utf8')];
    });
}

const sources = new Map(read('src'));
const graph = buildGraph(sources);
const cycles = findCycles(graph).map((cycle) => `import cycle: ${cycle.join('\n    -> ')}`);
const layering = checkLayers(graph, LAYERS);
const browser = BROWSER_ENTRIES.filter((entry) => sources.has(entry)).flatMap((entry) => nodeOnlyImports(graph, entry));

// Examples are what a user would write, so they see the public names alone.
const examples = buildGraph(new Map(read('examples')));
const outside = examples.unresolved.map(
  ({ from, to, line }) => `${from}:${line}: ${to} is outside examples/; import from 'cotangent'`,
);

const problems = [...cycles, ...layering, ...browser, ...outside];
for (const problem of problems) console.error(problem);
console.log(`${graph.files.length} files, ${graph.edges.length} imports, ${problems.length} problems`);
if (problems.length > 0) process.exitCode = 1;

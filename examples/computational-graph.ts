/**
 * A computational graph: f(x, y, z) = 5 (x y + z) at x = 2, y = 3, z = 4. Its nodes are the equations of a jaxpr. Values
 * flow forward through them, gradients backward, and the graph is printed as Mermaid with both (paste it into any
 * Markdown on GitHub, or https://mermaid.live).
 *
 *     npm run example computational-graph
 */
import assert from 'node:assert/strict';
import { grad, makeJaxpr, numpy as np, vjp } from 'cotangent';
import type { ClosedJaxpr, NDArray } from 'cotangent';

const f = (x: NDArray, y: NDArray, z: NDArray): NDArray => x.mul(y).add(z).mul(5);
const at = { x: np.array(2), y: np.array(3), z: np.array(4) };

// Tracing runs f once, with stand-ins for arrays, and writes down what it does with them.
const traced = makeJaxpr(f)(at.x, at.y, at.z);
console.log('As a jaxpr:\n');
console.log(`${traced.toString()}\n`);

type Equation = ClosedJaxpr['jaxpr']['eqns'][number];
type Atom = Equation['inputs'][number];

/** The operations that may occur, by the names jaxprs give them. */
const OPERATIONS: Readonly<Record<string, (a: NDArray, b: NDArray) => NDArray>> = {
  add: (a, b) => a.add(b),
  sub: (a, b) => a.sub(b),
  mul: (a, b) => a.mul(b),
  div: (a, b) => a.div(b),
};

/** A node of the graph: an input or an equation, its value, and the gradient of f in it. */
interface Node {
  readonly id: string;
  readonly label: string;
  readonly value: NDArray;
  gradient: NDArray;
  /** Nodes and constants it is computed from. */
  readonly from: readonly (Node | number)[];
}

/** Forward: the value of each node, in the order of the equations. */
function forward({ jaxpr }: ClosedJaxpr, inputs: Readonly<Record<string, NDArray>>): Node[] {
  const nodes = new Map<Atom, Node>();
  const add = (atom: Atom, label: string, value: NDArray, from: readonly (Node | number)[]): void => {
    nodes.set(atom, { id: `n${nodes.size}`, label, value, gradient: np.array(0), from });
  };
  for (const [i, [name, value]] of Object.entries(inputs).entries()) {
    const variable = jaxpr.invars[i] ?? assert.fail(`f has no argument ${name}`);
    add(variable, name, value, []);
  }
  for (const { primitive, inputs: atoms, outputs } of jaxpr.eqns) {
    const operation = OPERATIONS[primitive.name] ?? assert.fail(`this example does not know ${primitive.name}`);
    const from = atoms.map((atom) => ('value' in atom ? atom.value : (nodes.get(atom) ?? assert.fail('unbound'))));
    const [a, b] = from.map((node) => (typeof node === 'number' ? np.array(node) : node.value));
    const [output] = outputs;
    assert.ok(a !== undefined && b !== undefined && output !== undefined);
    add(output, primitive.name, operation(a, b), from);
  }
  return [...nodes.values()];
}

/** Backward: each node hands its gradient to those it came from, times its own derivative: a Jacobian-gradient product. */
function backward(nodes: readonly Node[]): void {
  const last = nodes.at(-1) ?? assert.fail('an empty graph');
  last.gradient = np.array(1);
  for (const node of [...nodes].reverse()) {
    const operation = OPERATIONS[node.label];
    const [a, b] = node.from.map((from) => (typeof from === 'number' ? np.array(from) : from.value));
    if (operation === undefined || a === undefined || b === undefined) continue;
    const [, pullBack] = vjp(operation, [a, b]);
    for (const [i, share] of pullBack(node.gradient).entries()) {
      const from = node.from[i];
      // A node used twice has a gradient from each use: they add up.
      if (typeof from === 'object') from.gradient = from.gradient.add(share);
    }
  }
}

/** The graph in Mermaid's language: values forward, gradients backward along dotted arrows. */
function mermaid(nodes: readonly Node[]): string {
  const show = (x: NDArray): string => String(Number(x.item()));
  const lines = nodes.flatMap(({ id, label, value, gradient, from }) => {
    const text = `"${label}<br/>value ${show(value)}<br/>gradient ${show(gradient)}"`;
    const constants = from.flatMap((node, i) => (typeof node === 'number' ? [[`${id}c${i}`, node] as const] : []));
    return [
      from.length === 0 ? `${id}[${text}]` : `${id}((${text}))`,
      ...constants.map(([constant, number]) => `${constant}["${number}"] --> ${id}`),
      ...from.flatMap((node) =>
        typeof node === 'number'
          ? []
          : [`${node.id} -- ${show(node.value)} --> ${id}`, `${id} -. ${show(node.gradient)} .-> ${node.id}`],
      ),
    ];
  });
  return ['flowchart LR', ...lines.map((line) => `  ${line}`)].join('\n');
}

const nodes = forward(traced, at);
backward(nodes);
console.log('As a graph, values forward (solid) and gradients backward (dotted):\n');
console.log(`\`\`\`mermaid\n${mermaid(nodes)}\n\`\`\`\n`);

// What the graph says: V = xy + z = 10 and f = 5 V = 50; ∂f/∂V = 5, so ∂f/∂z = 5, ∂f/∂x = 5 y, ∂f/∂y = 5 x.
const of = (label: string): Node => nodes.find((node) => node.label === label) ?? assert.fail(`no node ${label}`);
assert.equal(of('add').value.item(), 10);
assert.equal(of('add').gradient.item(), 5);
assert.equal(nodes.at(-1)?.value.item(), 50);
const gradient = grad(f, { argnums: [0, 1, 2] })(at.x, at.y, at.z).map((g) => g.item());
assert.deepEqual(gradient, [15, 10, 5]);
assert.deepEqual(
  [of('x'), of('y'), of('z')].map((node) => node.gradient.item()),
  gradient,
);
console.log(`grad f = (${gradient.join(', ')}), as in the graph.`);

// The meaning of ∂f/∂z = 5: z up by 0.01, f up by 0.05.
const nudged = Number(f(at.x, at.y, np.array(4.01)).item());
console.log(`f(2, 3, 4.01) = ${nudged.toFixed(2)}`);
assert.ok(Math.abs(nudged - 50.05) < 1e-4);

/**
 * Pytrees: nested arrays, tuples, plain objects and `null` around leaves; classes can be registered. Everything
 * else is a leaf. Object keys are ordered alphabetically, so `{a, b}` and `{b, a}` have the same structure.
 */
import { TreeError } from './errors.js';
import type { NDArray } from './ndarray.js';
import { userLine } from './source.js';

/** Nested containers of `T`. */
export type Tree<T> = T | null | undefined | readonly Tree<T>[] | { readonly [key: string]: Tree<T> };

/** The tree type `T` with its leaves of type `From` replaced by `To`. */
export type MapTree<T, From, To> = T extends From
  ? To
  : T extends null | undefined
    ? T
    : T extends readonly unknown[]
      ? { [K in keyof T]: MapTree<T[K], From, To> }
      : T extends object
        ? { [K in keyof T]: MapTree<T[K], From, To> }
        : T;

/** A step from a container to a child: an index or a key. */
export type PathEntry = number | string;
export type Path = readonly PathEntry[];

interface NodeType<C> {
  readonly name: string;
  readonly matches: (value: unknown) => value is C;
  /** Keys and children in order, and static data that is part of the structure. */
  readonly flatten: (value: C) => {
    readonly keys: readonly PathEntry[];
    readonly children: readonly unknown[];
    readonly aux?: unknown;
  };
  readonly unflatten: (children: readonly unknown[], keys: readonly PathEntry[], aux: unknown) => C;
}

const isPlainObject = (value: unknown): value is Record<string, unknown> => {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

const nodeTypes: NodeType<never>[] = [];
function addNodeType<C>(type: NodeType<C>): void {
  // Sound: flatten and unflatten are only called with values that `matches` accepted.
  nodeTypes.push(type as unknown as NodeType<never>);
}
addNodeType<readonly unknown[]>({
  name: 'list',
  matches: (v): v is readonly unknown[] => Array.isArray(v),
  flatten: (v) => ({ keys: v.map((_, i) => i), children: v }),
  unflatten: (children) => children,
});
addNodeType<Record<string, unknown>>({
  name: 'dict',
  matches: isPlainObject,
  flatten: (v) => {
    const keys = Object.keys(v).sort();
    return { keys, children: keys.map((k) => v[k]) };
  },
  unflatten: (children, keys) => Object.fromEntries(keys.map((k, i) => [k, children[i]])),
});
addNodeType<null | undefined>({
  name: 'none',
  matches: (v): v is null | undefined => v === null || v === undefined,
  flatten: (v) => ({ keys: [], children: [], aux: v === undefined ? 'undefined' : 'null' }),
  unflatten: (_children, _keys, aux) => (aux === 'undefined' ? undefined : null),
});

/** How instances of a registered class come apart and together. */
export interface ClassHandlers<C> {
  /** Children (themselves trees), with optional keys, and static data compared by its JSON text. */
  flatten: (value: C) => { children: readonly unknown[]; keys?: readonly PathEntry[]; aux?: unknown };
  unflatten: (aux: unknown, children: readonly unknown[]) => C;
}

/**
 * Make instances of a class pytree nodes.
 *
 * @example
 * ```ts
 * import { tree, numpy as np } from 'cotangent';
 * class Point { constructor(readonly x: unknown, readonly y: unknown) {} }
 * tree.registerClass(Point, {
 *   flatten: (p) => ({ children: [p.x, p.y], keys: ['x', 'y'] }),
 *   unflatten: (_aux, [x, y]) => new Point(x, y),
 * });
 * tree.leaves(new Point(np.array(1), np.array(2))).length; // => 2
 * ```
 */
export function registerClass<C>(constructor: abstract new (...args: never[]) => C, handlers: ClassHandlers<C>): void {
  addNodeType<C>({
    name: constructor.name,
    matches: (v): v is C => v instanceof constructor,
    flatten: (v) => {
      const { children, keys, aux } = handlers.flatten(v);
      return { keys: keys ?? children.map((_, i) => i), children, aux };
    },
    unflatten: (children, _keys, aux) => handlers.unflatten(aux, children),
  });
}

/** The structure of a tree without its leaves. */
export class TreeDef {
  /** Number of leaves. */
  readonly numLeaves: number;
  #text: string | undefined;

  constructor(
    private readonly node: {
      readonly type: NodeType<never>;
      readonly keys: readonly PathEntry[];
      readonly aux: unknown;
    } | null,
    readonly children: readonly TreeDef[],
  ) {
    this.numLeaves = node === null ? 1 : children.reduce((n, c) => n + c.numLeaves, 0);
  }

  static readonly leaf: TreeDef = new TreeDef(null, []);

  get isLeaf(): boolean {
    return this.node === null;
  }
  /** Keys or indices of the children. */
  get keys(): readonly PathEntry[] {
    return this.node?.keys ?? [];
  }
  /** `list`, `dict`, `none`, or the name of a registered class. */
  get kind(): string {
    return this.node?.type.name ?? 'leaf';
  }

  /** Rebuild a container from its children. */
  build(children: readonly unknown[]): unknown {
    if (this.node === null) throw new TreeError('a leaf has no children to build from');
    const built: unknown = this.node.type.unflatten(children, this.node.keys, this.node.aux);
    return built;
  }

  equals(other: TreeDef): boolean {
    return this === other || this.toString() === other.toString();
  }

  /** `{a: *, b: [*, *]}`; equal structures have equal texts. */
  toString(): string {
    this.#text ??= this.#print();
    return this.#text;
  }

  #print(): string {
    if (this.node === null) return '*';
    const children = this.children.map((c) => c.toString());
    if (this.kind === 'list') return `[${children.join(', ')}]`;
    if (this.kind === 'none') return String(this.node.aux);
    const entries = children.map((c, i) => `${JSON.stringify(this.keys[i])}: ${c}`).join(', ');
    if (this.kind === 'dict') return `{${entries}}`;
    // An object without data has no text of it.
    const aux = this.node.aux === undefined ? '' : JSON.stringify(this.node.aux);
    return `${this.kind}[${aux}]{${entries}}`;
  }
}

const nodeTypeOf = (value: unknown, isLeaf?: (value: unknown) => boolean): NodeType<never> | undefined => {
  if (isLeaf?.(value) === true) return undefined;
  if (typeof value !== 'object' && value !== undefined) return undefined;
  // Latest registration first, so that a class may override.
  for (let i = nodeTypes.length - 1; i >= 0; i--) if (nodeTypes[i]?.matches(value) === true) return nodeTypes[i];
  return undefined;
};

/** Leaves in order with their paths, and the structure. */
export function flattenWithPath<T>(
  value: Tree<T> | object,
  isLeaf?: (value: unknown) => boolean,
): [[Path, T][], TreeDef] {
  const leaves: [Path, T][] = [];
  const visit = (v: unknown, path: Path): TreeDef => {
    const type = nodeTypeOf(v, isLeaf);
    if (type === undefined) {
      leaves.push([path, v as T]);
      return TreeDef.leaf;
    }
    const { keys, children, aux } = type.flatten(v as never);
    return new TreeDef(
      { type, keys, aux },
      children.map((c, i) => visit(c, [...path, keys[i] ?? i])),
    );
  };
  const def = visit(value, []);
  return [leaves, def];
}

/**
 * Leaves in order, and the structure.
 *
 * @example
 * ```ts
 * import { tree } from 'cotangent';
 * const [leaves, def] = tree.flatten({ b: [1, 2], a: 3 });
 * leaves; // => [3,1,2]
 * def.toString(); // => {"a": *, "b": [*, *]}
 * ```
 */
export function flatten<T>(value: Tree<T> | object, isLeaf?: (value: unknown) => boolean): [T[], TreeDef] {
  const leaves: T[] = [];
  const visit = (v: unknown): TreeDef => {
    const type = nodeTypeOf(v, isLeaf);
    if (type === undefined) {
      leaves.push(v as T);
      return TreeDef.leaf;
    }
    const { keys, children, aux } = type.flatten(v as never);
    return new TreeDef({ type, keys, aux }, children.map(visit));
  };
  const def = visit(value);
  return [leaves, def];
}

/** Put leaves back into a structure. Throws {@link TreeError} when their number does not fit. */
export function unflatten(def: TreeDef, leaves: readonly unknown[]): unknown {
  if (leaves.length !== def.numLeaves) {
    throw new TreeError(
      `unflatten: the structure ${def.toString()} has ${String(def.numLeaves)} leaves, but ${String(leaves.length)} were given`,
    );
  }
  let next = 0;
  const visit = (d: TreeDef): unknown => (d.isLeaf ? leaves[next++] : d.build(d.children.map(visit)));
  return visit(def);
}

/** The leaves in order. */
export const leaves = <T>(value: Tree<T> | object, isLeaf?: (value: unknown) => boolean): T[] =>
  flatten<T>(value, isLeaf)[0];

/** The structure. */
export const structure = (value: unknown, isLeaf?: (value: unknown) => boolean): TreeDef => flatten(value, isLeaf)[1];

/** `params.w[0]`, for messages; the root is `(root)`. */
export const showPath = (path: Path, root = ''): string => {
  const text = path.reduce<string>(
    (acc, p) => acc + (typeof p === 'number' ? `[${String(p)}]` : acc === '' ? p : `.${p}`),
    root,
  );
  return text === '' ? '(root)' : text;
};

/** Leaves of `rest` at the places of `def`, which must be a prefix of its structure. */
export function flattenUpTo(def: TreeDef, value: unknown, what: string, path: Path = []): unknown[] {
  if (def.isLeaf) return [value];
  const type = nodeTypeOf(value);
  const mismatch = (detail: string): TreeError =>
    new TreeError(
      `${what}: at ${showPath(path)}, expected ${def.toString()}, got ${structure(value).toString()}${detail}. The trees must have one structure.${userLine()}`,
    );
  if (type === undefined || type.name !== def.kind) throw mismatch('');
  const { keys, children } = type.flatten(value as never);
  if (keys.length !== def.keys.length || keys.some((k, i) => k !== def.keys[i])) {
    const missing = def.keys.filter((k) => !keys.includes(k));
    const extra = keys.filter((k) => !def.keys.includes(k));
    throw mismatch(
      `${missing.length > 0 ? `; missing ${missing.join(', ')}` : ''}${extra.length > 0 ? `; unexpected ${extra.join(', ')}` : ''}`,
    );
  }
  return def.children.flatMap((child, i) => flattenUpTo(child, children[i], what, [...path, keys[i] ?? i]));
}

/**
 * Apply `f` to corresponding leaves of trees of one structure; the structure of the first counts.
 *
 * @example
 * ```ts
 * import { tree } from 'cotangent';
 * tree.map((a: number, b: number) => a + b, { x: 1, y: [2] }, { x: 10, y: [20] }); // => {"x":11,"y":[22]}
 * ```
 */
export function map<L = NDArray, R = unknown, T = unknown>(
  f: (leaf: L, ...rest: L[]) => R,
  first: T,
  ...rest: readonly T[]
): MapTree<T, L, R> {
  const [firstLeaves, def] = flatten<L>(first as Tree<L>);
  const others = rest.map((t) => flattenUpTo(def, t, 'tree.map') as L[]);
  const results = firstLeaves.map((leaf, i) => f(leaf, ...others.map((o) => o[i] as L)));
  return unflatten(def, results) as MapTree<T, L, R>;
}

/** {@link map} whose function also gets the path of the leaf. */
export function mapWithPath<L = NDArray, R = unknown, T = unknown>(
  f: (path: Path, leaf: L, ...rest: L[]) => R,
  first: T,
  ...rest: readonly T[]
): MapTree<T, L, R> {
  const [firstLeaves, def] = flattenWithPath<L>(first as Tree<L>);
  const others = rest.map((t) => flattenUpTo(def, t, 'tree.mapWithPath') as L[]);
  const results = firstLeaves.map(([path, leaf], i) => f(path, leaf, ...others.map((o) => o[i] as L)));
  return unflatten(def, results) as MapTree<T, L, R>;
}

/** Leaves with their paths. */
export const leavesWithPath = <T>(value: Tree<T> | object): [Path, T][] => flattenWithPath<T>(value)[0];

/** Fold the leaves from the left. */
export function reduce<L, A>(f: (acc: A, leaf: L) => A, value: Tree<L> | object, initial: A): A {
  return leaves<L>(value).reduce(f, initial);
}

/**
 * Turn a tree of structure `outer` whose leaves are trees of structure `inner` inside out.
 *
 * @example
 * ```ts
 * import { tree } from 'cotangent';
 * const pairs = { a: [1, 2], b: [3, 4] };
 * tree.transpose(tree.structure({ a: 0, b: 0 }), tree.structure([0, 0]), pairs); // => [{"a":1,"b":3},{"a":2,"b":4}]
 * ```
 */
export function transpose(outer: TreeDef, inner: TreeDef, value: unknown): unknown {
  const rows = flattenUpTo(outer, value, 'tree.transpose').map((v) => flattenUpTo(inner, v, 'tree.transpose'));
  const columns = Array.from({ length: inner.numLeaves }, (_, i) =>
    unflatten(
      outer,
      rows.map((row) => row[i]),
    ),
  );
  return unflatten(inner, columns);
}

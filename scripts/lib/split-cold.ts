/**
 * Splits a bundled script into a main part, which is loaded at once, and lazy parts, which are loaded when something of
 * them is first needed. V8 reads every byte that it loads, used or not (some 40 ns each here), and of a library a program
 * uses a tenth.
 *
 * What goes is what did not run in a profile: functions, methods, and the classes and constants that only they name.
 * Where the main part names a function that went, a stub with the same parameters stands for it; where a namespace
 * exports it, the namespace's getter fetches it. Names are the script's own, so that stack traces read as before.
 */
import ts from 'typescript';
import { assigns, isTopLevel, scopeOf, topLevelNames } from './scopes.js';

/** The start and end of every function that ran. */
export type Ranges = readonly (readonly [start: number, end: number])[];

export interface Split {
  readonly main: string;
  /** The text of each lazy part: it sets `module.exports` to a function of what the part takes from the main one. */
  readonly parts: ReadonlyMap<string, string>;
}

export interface SplitOptions {
  readonly ran: Ranges;
  /** The part that the code at a position goes to. */
  readonly partAt: (position: number) => string;
  /** All parts, in the order of the layers: constants of a part may need constants of parts before it. */
  readonly order: readonly string[];
  /** What the main part requires a part by. */
  readonly specifier: (part: string) => string;
  /** Namespaces whose members are all read as soon as the script is loaded: of these, functions that go leave stubs. */
  readonly entries: ReadonlySet<string>;
  /** The function, an arrow, whose result is complete only when all parts are loaded. */
  readonly complete: string;
}

/** A stub costs about as much as a function of this many characters. */
const SMALL = 140;

type FunctionNode = ts.FunctionDeclaration | ts.FunctionExpression | ts.ArrowFunction | ts.MethodDeclaration;

/** Something that can go. */
interface Item {
  readonly node: ts.Node;
  /** Its name in the part it goes to. */
  readonly name: string;
  readonly part: string;
  /** The top-level names it uses. */
  readonly uses: ReadonlySet<string>;
  /** Absent for a class or a constant, which can go only if what stays does not name it. */
  readonly fn?: FunctionNode;
}

type Edit = readonly [start: number, end: number, text: string];

const isFunctionNode = (node: ts.Node): node is FunctionNode =>
  (ts.isFunctionDeclaration(node) ||
    ts.isFunctionExpression(node) ||
    ts.isArrowFunction(node) ||
    ts.isMethodDeclaration(node)) &&
  node.body !== undefined;

/** Whether a constant's value may be made later or never. Calls may: those of this library make values, or define primitives. */
function mayWait(node: ts.Expression): boolean {
  if (ts.isCallExpression(node)) return mayWait(node.expression) && node.arguments.every(mayWait);
  if (ts.isNewExpression(node)) return ts.isIdentifier(node.expression) && (node.arguments ?? []).every(mayWait);
  if (ts.isPropertyAccessExpression(node) || ts.isParenthesizedExpression(node)) return mayWait(node.expression);
  if (ts.isSpreadElement(node)) return mayWait(node.expression);
  if (ts.isArrayLiteralExpression(node)) return node.elements.every(mayWait);
  if (ts.isObjectLiteralExpression(node)) {
    return node.properties.every((p) => {
      if (ts.isPropertyAssignment(p)) return !ts.isComputedPropertyName(p.name) && mayWait(p.initializer);
      return ts.isMethodDeclaration(p) || ts.isShorthandPropertyAssignment(p);
    });
  }
  if (ts.isPrefixUnaryExpression(node)) return mayWait(node.operand);
  if (ts.isBinaryExpression(node)) return !assigns(node) && mayWait(node.left) && mayWait(node.right);
  if (ts.isClassExpression(node)) {
    return node.members.every(
      (m) =>
        !ts.isClassStaticBlockDeclaration(m) &&
        !(ts.isPropertyDeclaration(m) && ts.getCombinedModifierFlags(m) & ts.ModifierFlags.Static),
    );
  }
  const { kind } = node;
  return (
    ts.isLiteralExpression(node) ||
    ts.isIdentifier(node) ||
    ts.isArrowFunction(node) ||
    ts.isFunctionExpression(node) ||
    kind === ts.SyntaxKind.TrueKeyword ||
    kind === ts.SyntaxKind.FalseKeyword ||
    kind === ts.SyntaxKind.NullKeyword
  );
}

/** `a0, a1 = void 0, ...a2`, with which a stub has the function's `length`, and what it passes on. */
function stubParameters({ parameters }: FunctionNode): { readonly declared: string; readonly passed: string } {
  const dots = (p: ts.ParameterDeclaration): string => (p.dotDotDotToken === undefined ? '' : '...');
  return {
    declared: parameters.map((p, i) => `${dots(p)}a${i}${p.initializer === undefined ? '' : ' = void 0'}`).join(', '),
    passed: parameters.map((p, i) => `${dots(p)}a${i}`).join(', '),
  };
}

/** A function as a declaration of a name. */
function asDeclaration(name: string, fn: FunctionNode): string {
  const async = ts.getCombinedModifierFlags(fn) & ts.ModifierFlags.Async ? 'async ' : '';
  const parameters = fn.parameters.map((p) => p.getText()).join(', ');
  const body = fn.body?.getText() ?? '';
  const block = fn.body !== undefined && ts.isBlock(fn.body) ? body : `{ return ${body}; }`;
  return `${async}function${fn.asteriskToken === undefined ? '' : '*'} ${name}(${parameters}) ${block}`;
}

/** The one variable that a statement declares, with its value. */
function constantOf(statement: ts.Statement): { readonly name: string; readonly value: ts.Expression } | undefined {
  if (!ts.isVariableStatement(statement) || statement.declarationList.declarations.length !== 1) return undefined;
  const [{ name, initializer } = {}] = statement.declarationList.declarations;
  if (name === undefined || initializer === undefined || !ts.isIdentifier(name)) return undefined;
  return { name: name.text, value: initializer };
}

/** The members of a statement `__export(x_exports, { name: () => value })`, if it is one. */
function membersOf(statement: ts.Statement): { namespace: string; members: ts.PropertyAssignment[] } | undefined {
  if (!ts.isExpressionStatement(statement) || !ts.isCallExpression(statement.expression)) return undefined;
  const { expression: callee, arguments: args } = statement.expression;
  const [namespace, members] = args;
  if (callee.getText() !== '__export' || namespace === undefined || members === undefined) return undefined;
  if (!ts.isObjectLiteralExpression(members)) return undefined;
  return { namespace: namespace.getText(), members: members.properties.filter(ts.isPropertyAssignment) };
}

const exportedName = ({ initializer }: ts.PropertyAssignment): string =>
  ts.isArrowFunction(initializer) ? initializer.body.getText() : '';

/** Splits a script that esbuild bundled. */
export function splitCold(source: string, options: SplitOptions): Split {
  const { partAt, order, entries, complete } = options;
  const file = ts.createSourceFile('bundle.js', source, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  const top = topLevelNames(file);
  const starts = new Map<number, number[]>();
  for (const [start, end] of options.ran) starts.set(end, [...(starts.get(end) ?? []), start]);
  const hasRun = ({ end, pos, body }: FunctionNode): boolean =>
    (starts.get(end) ?? []).some((start) => start >= pos && start <= (body?.getStart() ?? pos));
  // Functions that are sent to a worker as text.
  const asText = new Set([...source.matchAll(/\b(\w+)\.toString\(\)/g)].map(([, name]) => name));

  const usesOf = (node: ts.Node, except: ReadonlyMap<ts.Node, unknown> = new Map()): Set<string> => {
    const uses = new Set<string>();
    const visit = (n: ts.Node): void => {
      if (except.has(n)) return;
      if (ts.isIdentifier(n) && top.all.has(n.text) && isTopLevel(n)) uses.add(n.text);
      ts.forEachChild(n, visit);
    };
    visit(node);
    return uses;
  };
  /** Whether nothing outside changes what it means; a method may use `this`, a whole class its own privates. */
  const isClosed = (node: ts.Node): boolean => {
    const isWhole = !isFunctionNode(node);
    const isOutside = (n: ts.Identifier): boolean => {
      const scope = scopeOf(n);
      if (scope === undefined) return false;
      return ts.isSourceFile(scope) ? top.assigned.has(n.text) : scope.pos < node.pos || scope.end > node.end;
    };
    const isOpen = (n: ts.Node): boolean =>
      (!isWhole && (n.kind === ts.SyntaxKind.SuperKeyword || ts.isPrivateIdentifier(n))) ||
      (!isWhole && n.kind === ts.SyntaxKind.ThisKeyword && !ts.isMethodDeclaration(node)) ||
      ts.isMetaProperty(n) ||
      // A package is the same in a part, which lies beside the main one; functions may be sent elsewhere as text.
      (ts.isIdentifier(n) && (n.text === 'arguments' || (n.text === 'require' && !isWhole))) ||
      (ts.isIdentifier(n) && isOutside(n)) ||
      (ts.forEachChild(n, isOpen) ?? false);
    return !isOpen(node);
  };
  const isCold = (fn: FunctionNode): boolean => !hasRun(fn) && isClosed(fn);
  const itemOf = (node: ts.Node, name: string, fn?: FunctionNode): Item => {
    const uses = usesOf(fn ?? node);
    uses.delete(name);
    return { node, name, part: partAt(node.getStart()), uses, ...(fn === undefined ? {} : { fn }) };
  };

  /** The declarations that could go. */
  const items = new Map<string, Item>();
  for (const statement of file.statements) {
    if (ts.isFunctionDeclaration(statement)) {
      const name = statement.name?.text ?? '';
      if (isCold(statement) && !asText.has(name)) items.set(name, itemOf(statement, name, statement));
      continue;
    }
    const { name, value } = constantOf(statement) ?? {};
    if (name === undefined || value === undefined) continue;
    if (top.assigned.has(name) || asText.has(name) || name === complete || name.endsWith('_exports')) continue;
    if (ts.isArrowFunction(value) || ts.isFunctionExpression(value)) {
      if (isCold(value)) items.set(name, itemOf(statement, name, value));
    } else if (mayWait(value) && isClosed(value)) items.set(name, itemOf(statement, name));
  }

  /** The functions that can go from a statement that stays: rules of primitives, methods. */
  const innerOf = (statement: ts.Statement): Map<ts.Node, Item> => {
    const found = new Map<ts.Node, Item>();
    const visit = (node: ts.Node): void => {
      if (!isFunctionNode(node)) {
        if (!ts.isAccessor(node) && !ts.isConstructorDeclaration(node)) ts.forEachChild(node, visit);
        return;
      }
      if (node.end - node.getStart() < SMALL || !isCold(node) || ts.isFunctionDeclaration(node)) return;
      if (ts.isMethodDeclaration(node) && !ts.isIdentifier(node.name)) return;
      const { parent } = node;
      const label = ts.isMethodDeclaration(node)
        ? node.name
        : ts.isPropertyAssignment(parent)
          ? parent.name
          : undefined;
      found.set(node, itemOf(node, `${label?.getText().replace(/\W/g, '') ?? 'f'}$${node.getStart()}`, node));
    };
    visit(statement);
    return found;
  };

  // What stays, and what it names; then what must stay for that, until nothing changes.
  const inner = new Map<ts.Node, Item>();
  const staying = new Set<ts.Statement>();
  const named = new Set<string>();
  const exported: ts.PropertyAssignment[] = [];
  const stay = (statement: ts.Statement): void => {
    staying.add(statement);
    const found = ts.isFunctionDeclaration(statement) ? new Map<ts.Node, Item>() : innerOf(statement);
    for (const [node, item] of found) inner.set(node, item);
    for (const name of usesOf(statement, found)) named.add(name);
  };
  const goes = new Set([...items.values()].map(({ node }) => node));
  for (const statement of file.statements) {
    const exports = membersOf(statement);
    if (exports !== undefined && !entries.has(exports.namespace)) exported.push(...exports.members);
    else if (!goes.has(statement)) stay(statement);
  }
  for (let before = -1; before !== staying.size;) {
    before = staying.size;
    const usedBy = new Map<string, Set<string>>();
    for (const { part, uses } of [...items.values(), ...inner.values()])
      for (const name of uses) usedBy.set(name, (usedBy.get(name) ?? new Set()).add(part));
    for (const { name, part, fn, node } of [...items.values()]) {
      const parts = [...(usedBy.get(name) ?? [])].filter((other) => other !== part);
      const needed =
        fn === undefined
          ? named.has(name) || parts.some((other) => order.indexOf(other) < order.indexOf(part))
          : node.end - node.getStart() < SMALL && (named.has(name) || parts.length > 0);
      if (!needed) continue;
      items.delete(name);
      stay(node as ts.Statement);
    }
  }

  const all = [...items.values(), ...inner.values()].sort((a, b) => a.node.getStart() - b.node.getStart());
  const parts = order.filter((part) => all.some((item) => item.part === part));
  const load = (part: string): string => `$load${parts.indexOf(part)}()`;
  const stubOf = (name: string, { part, fn }: Item): string => {
    const { declared, passed } = fn === undefined ? { declared: '', passed: '' } : stubParameters(fn);
    return `function ${name}(${declared}) { return ${load(part)}.${name}(${passed}); }`;
  };
  return { main: mainText(), parts: new Map(parts.map((part) => [part, partText(part)])) };

  function mainText(): string {
    const edits: Edit[] = [];
    const head: string[] = [];
    const replace = (node: ts.Node, text: string): number => edits.push([node.getStart(), node.end, text]);
    for (const item of items.values())
      replace(item.node, item.fn !== undefined && named.has(item.name) ? stubOf(item.name, item) : '');
    for (const { node, name, part, fn } of inner.values()) {
      if (fn === undefined) continue;
      const { declared, passed } = stubParameters(fn);
      if (ts.isMethodDeclaration(fn)) {
        const isStatic = ts.getCombinedModifierFlags(fn) & ts.ModifierFlags.Static ? 'static ' : '';
        const args = ['this', ...(passed === '' ? [] : [passed])].join(', ');
        replace(node, `${isStatic}${fn.name.getText()}(${declared}) { return ${load(part)}.${name}.call(${args}); }`);
      } else replace(node, `(${declared}) => ${load(part)}.${name}(${passed})`);
    }
    for (const { initializer, ...member } of exported) {
      const item = items.get(exportedName({ initializer, ...member }));
      if (item !== undefined && !named.has(item.name)) replace(initializer, `() => ${load(item.part)}.${item.name}`);
    }
    // V8 compiles a function in parentheses at once; any other it reads, and reads again when it is called.
    for (const statement of staying) {
      if (ts.isFunctionDeclaration(statement)) {
        if (!hasRun(statement)) continue;
        const { name } = statement;
        // Without a name of its own, which the minifier would change.
        const heading = source.slice(statement.getStart(), name?.getStart());
        head.push(`var ${name?.text ?? ''} = (${heading}${source.slice(name?.end, statement.end)});\n`);
        replace(statement, '');
        continue;
      }
      const { name, value } = constantOf(statement) ?? {};
      if (value === undefined || !ts.isArrowFunction(value)) continue;
      if (name === complete) {
        const loaded = parts.map((part) => load(part)).join(', ');
        replace(value, `() => (${loaded}, ${value.body.getText()})`);
      } else if (hasRun(value)) replace(value, `(${value.getText()})`);
    }
    const loaders = parts.map((part, i) => {
      const { given, constants } = takes(part);
      const values = constants.map((item) => `${item.name}: ${load(item.part)}.${item.name}`);
      const scope = `{ ${[...given, ...values].join(', ')} }`;
      return `var $part${i};\nfunction $load${i}() { return $part${i} ??= require('${options.specifier(part)}')(${scope}); }\n`;
    });
    let text = head.join('');
    let at = 0;
    for (const [start, end, replacement] of edits.sort(([a], [b]) => a - b)) {
      text += source.slice(at, start) + replacement;
      at = end;
    }
    return text + source.slice(at) + loaders.join('');
  }

  /** What a part takes: names and loaders of the main part, and constants and functions of other parts. */
  function takes(part: string): {
    readonly given: readonly string[];
    readonly constants: readonly Item[];
    readonly functions: readonly Item[];
  } {
    const here = all.filter((item) => item.part === part);
    const own = new Set(here.map(({ name }) => name));
    const uses = [...new Set(here.flatMap((item) => [...item.uses]))].filter((name) => !own.has(name)).sort();
    const others = uses.flatMap((name) => items.get(name) ?? []);
    const functions = others.filter(({ fn }) => fn !== undefined);
    const loaders = new Set(functions.map((item) => `$load${parts.indexOf(item.part)}`));
    return {
      given: [...uses.filter((name) => !items.has(name)), ...loaders],
      constants: others.filter(({ fn }) => fn === undefined),
      functions,
    };
  }

  function partText(part: string): string {
    const { given, constants, functions } = takes(part);
    const here = all.filter((item) => item.part === part);
    return [
      `module.exports = (function ({ ${[...given, ...constants.map(({ name }) => name)].join(', ')} }) {`,
      ...functions.map((item) => stubOf(item.name, item)),
      ...here.map((item) => (item.fn === undefined ? item.node.getText() : asDeclaration(item.name, item.fn))),
      `return { ${here.map(({ name }) => name).join(', ')} };`,
      '});\n',
    ].join('\n');
  }
}

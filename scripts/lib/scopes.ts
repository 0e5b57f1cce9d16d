/** Names of a script's top level, told apart from locals of the same name. */
import ts from 'typescript';

const declared = new WeakMap<ts.Node, ReadonlySet<string>>();

function addNames(name: ts.BindingName | undefined, to: Set<string>): void {
  if (name === undefined) return;
  if (ts.isIdentifier(name)) to.add(name.text);
  else for (const element of name.elements) if (!ts.isOmittedExpression(element)) addNames(element.name, to);
}

/** The names that a function or a block declares for what is inside it; `var` counts where it stands. */
function declaredBy(node: ts.Node): ReadonlySet<string> {
  const known = declared.get(node);
  if (known !== undefined) return known;
  const names = new Set<string>();
  const declarations = (list: ts.Node | undefined): void => {
    if (list !== undefined && ts.isVariableDeclarationList(list))
      for (const d of list.declarations) addNames(d.name, names);
  };
  if (ts.isFunctionLike(node)) {
    for (const p of node.parameters) if (ts.isParameter(p)) addNames(p.name, names);
    if (ts.isFunctionExpression(node)) addNames(node.name, names);
  } else if (ts.isClassExpression(node)) addNames(node.name, names);
  else if (ts.isCatchClause(node)) addNames(node.variableDeclaration?.name, names);
  else if (ts.isForStatement(node) || ts.isForOfStatement(node) || ts.isForInStatement(node))
    declarations(node.initializer);
  else if (ts.isBlock(node) || ts.isCaseClause(node) || ts.isDefaultClause(node)) {
    for (const statement of node.statements) {
      if (ts.isVariableStatement(statement)) declarations(statement.declarationList);
      else if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) addNames(statement.name, names);
    }
  }
  declared.set(node, names);
  return names;
}

/** An identifier that names a property and no variable. */
function isPropertyName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isBindingElement(parent)) return parent.propertyName === node;
  return (
    (ts.isPropertyAccessExpression(parent) ||
      ts.isPropertyAssignment(parent) ||
      ts.isMethodDeclaration(parent) ||
      ts.isPropertyDeclaration(parent) ||
      ts.isAccessor(parent)) &&
    parent.name === node
  );
}

/** `=` and its like. */
export const assigns = ({ operatorToken: { kind } }: ts.BinaryExpression): boolean =>
  kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;

/** What declares the variable that an identifier names: the file, also for globals, or nothing for a property's name. */
export function scopeOf(node: ts.Identifier): ts.Node | undefined {
  if (isPropertyName(node)) return undefined;
  let scope: ts.Node = node.parent;
  while (!ts.isSourceFile(scope) && !declaredBy(scope).has(node.text)) scope = scope.parent;
  return scope;
}

/** Whether an identifier means the top level's variable of its name. */
export function isTopLevel(node: ts.Identifier): boolean {
  const scope = scopeOf(node);
  return scope !== undefined && ts.isSourceFile(scope);
}

/** The names that top-level statements declare, and those of them that are assigned again. */
export function topLevelNames(file: ts.SourceFile): { readonly all: Set<string>; readonly assigned: Set<string> } {
  const all = new Set<string>();
  for (const statement of file.statements) {
    if (ts.isVariableStatement(statement))
      for (const { name } of statement.declarationList.declarations) addNames(name, all);
    else if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) addNames(statement.name, all);
  }
  const assigned = new Set<string>();
  const target = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      if (all.has(node.text) && isTopLevel(node)) assigned.add(node.text);
    } else if (!ts.isPropertyAccessExpression(node) && !ts.isElementAccessExpression(node)) {
      ts.forEachChild(node, target);
    }
  };
  const visit = (node: ts.Node): void => {
    if (ts.isBinaryExpression(node) && assigns(node)) target(node.left);
    else if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
      if (node.operator === ts.SyntaxKind.PlusPlusToken || node.operator === ts.SyntaxKind.MinusMinusToken)
        target(node.operand);
    } else if (
      (ts.isForOfStatement(node) || ts.isForInStatement(node)) &&
      !ts.isVariableDeclarationList(node.initializer)
    )
      target(node.initializer);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return { all, assigned };
}

/**
 * The script with `#name` of its classes as ordinary properties, so that their methods can be functions elsewhere. Each
 * class has its own suffix, as private names of a class and its superclass are not the same.
 */
export function openPrivates(source: string, isOpen: (position: number) => boolean): string {
  const file = ts.createSourceFile('bundle.js', source, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  const edits: [start: number, end: number, text: string][] = [];
  const numbers = new Map<ts.Node, number>();
  const declares = (node: ts.ClassLikeDeclaration, name: string): boolean =>
    node.members.some((m) => m.name !== undefined && ts.isPrivateIdentifier(m.name) && m.name.text === name);
  const visit = (node: ts.Node): void => {
    if (ts.isPrivateIdentifier(node)) {
      let owner: ts.Node = node.parent;
      while (!(ts.isClassLike(owner) && declares(owner, node.text))) owner = owner.parent;
      if (!numbers.has(owner)) numbers.set(owner, numbers.size);
      const name = `_${node.text.slice(1)}${numbers.get(owner) ?? 0}`;
      const isTest = ts.isBinaryExpression(node.parent) && node.parent.left === node;
      if (isOpen(node.getStart())) edits.push([node.getStart(), node.end, isTest ? `'${name}'` : name]);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return edits.reduceRight((text, [start, end, name]) => text.slice(0, start) + name + text.slice(end), source);
}

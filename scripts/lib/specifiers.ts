/** Module specifiers of a TypeScript file, by its syntax tree: what it imports, how, and where the text stands. */
import ts from 'typescript';

export interface Specifier {
  /** What the quotes hold: `./x.js`, `fp-ts/lib/Option.js`, `node:fs`. */
  readonly text: string;
  /** Offsets of `text` in the source, quotes excluded. */
  readonly start: number;
  readonly end: number;
  /** 1-based. */
  readonly line: number;
  /** True where nothing is loaded at run time: `import type`, `export type`, `import('…').T` in a type. */
  readonly typeOnly: boolean;
  /** True for `import('…')` in an expression: loaded when that line runs, if ever. */
  readonly dynamic: boolean;
}

/** All module specifiers in `text`, in order of appearance. */
export function specifiersOf(fileName: string, text: string): Specifier[] {
  const source = ts.createSourceFile(fileName, text, ts.ScriptTarget.Latest, true);
  const found: Specifier[] = [];

  function add(node: ts.Node | undefined, typeOnly: boolean, dynamic: boolean): void {
    if (node === undefined || !ts.isStringLiteralLike(node)) return;
    const start = node.getStart(source) + 1;
    found.push({
      text: node.text,
      start,
      end: node.getEnd() - 1,
      line: source.getLineAndCharacterOfPosition(start).line + 1,
      typeOnly,
      dynamic,
    });
  }

  function visit(node: ts.Node): void {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword, false);
    } else if (ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier, node.isTypeOnly, false);
    } else if (ts.isImportTypeNode(node)) {
      add(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, true, false);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false, true);
    } else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
      add(node.moduleReference.expression, node.isTypeOnly, false);
    } else if (ts.isModuleDeclaration(node) && ts.isStringLiteral(node.name)) {
      add(node.name, true, false);
    } else if (ts.isNewExpression(node) && isWorkerUrl(node)) {
      // new URL('./worker.js', import.meta.url): the file is loaded, later and elsewhere.
      add(node.arguments?.[0], false, true);
    }
    ts.forEachChild(node, visit);
  }
  visit(source);
  return found.sort((a, b) => a.start - b.start);
}

function isWorkerUrl(node: ts.NewExpression): boolean {
  return (
    ts.isIdentifier(node.expression) &&
    node.expression.text === 'URL' &&
    node.arguments?.length === 2 &&
    node.arguments[1]?.getText() === 'import.meta.url' &&
    ts.isStringLiteralLike(node.arguments[0] ?? node) &&
    /\.[jt]s$/.test((node.arguments[0] as ts.StringLiteralLike).text)
  );
}

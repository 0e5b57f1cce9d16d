/**
 * Text in nested blocks, and what was computed in which of them. What does not change in a loop is printed before it: an
 * expression goes into the outermost block in which all that it is made of is known.
 */
import { operandsOf, type Expr } from '../../core/scalar.js';

interface Scope {
  /** Names of values, by expressions and by the texts that they were computed by. */
  readonly known: Map<Expr | string, string>;
  /** What is known of values that change while the scope is open. */
  readonly passing: Map<Expr, string>;
  /** Whether text that belongs before it may be put there. */
  readonly isOpen: boolean;
  /** Where it begins: the number of lines before. */
  begin: number;
  readonly indent: number;
}

export class ScopedText {
  readonly #lines: string[] = [];
  readonly #scopes: Scope[] = [];
  /** The outermost scope whose passing values are still those of now. */
  #fresh = 0;
  /** In which scope a leaf of expressions got its value, by its kind and number; others change. */
  readonly #homes = new Map<string, number>();
  readonly #leaves = new Map<Expr, ReadonlySet<string>>();

  constructor(
    /** Names what an expression without operands, or a load, depends on; undefined if on nothing that changes. */
    private readonly leaf: (e: Expr) => string | undefined,
    indent: number,
  ) {
    this.#open(indent, false);
  }

  get text(): string {
    return this.#lines.join('\n');
  }

  get #depth(): number {
    return this.#scopes.length - 1;
  }

  #open(indent: number, isOpen: boolean): void {
    const begin = this.#lines.length;
    this.#scopes.push({ known: new Map(), passing: new Map(), isOpen, begin, indent });
  }

  #at(depth: number): Scope {
    const scope = this.#scopes[depth];
    if (scope === undefined) throw new Error(`internal error: no scope ${depth}`);
    return scope;
  }

  line(text: string): void {
    this.#lines.push('  '.repeat(this.#at(this.#depth).indent) + text);
  }

  /** Print where the scopes inside that of a depth begin. */
  #outside(depth: number, body: () => void): void {
    const inner = this.#scopes.splice(depth + 1);
    const lines = this.#lines.splice(inner[0]?.begin ?? this.#lines.length);
    const before = this.#lines.length;
    body();
    const printed = this.#lines.length - before;
    for (const scope of inner) scope.begin += printed;
    this.#scopes.push(...inner);
    this.#lines.push(...lines);
  }

  /** What is computed in `body` is forgotten after it. */
  scope(body: () => void): void {
    this.#inside(this.#at(this.#depth).indent, true, body);
  }

  #inside(indent: number, isOpen: boolean, body: () => void): void {
    this.#open(indent, isOpen);
    body();
    this.#scopes.pop();
  }

  /** A block after `head`, with a scope of its own; of a loop, what does not change in it is computed before. */
  block(head: string, isLoop: boolean, body: () => void): void {
    const { indent } = this.#at(this.#depth);
    const begin = this.#lines.length;
    this.line(`${head} {`);
    this.#inside(indent + 1, isLoop, () => {
      this.#at(this.#depth).begin = begin;
      body();
    });
    this.line('}');
  }

  /** A scope that sees no values that may have changed since. */
  afresh(body: () => void): void {
    const outer = this.#fresh;
    this.#fresh = this.#depth + 1;
    this.scope(body);
    this.#fresh = outer;
  }

  /** A leaf has the value it has as long as the innermost scope is open. */
  settle(leaf: string): void {
    this.#homes.set(leaf, this.#depth);
  }

  /** A leaf changes from now on. */
  unsettle(leaf: string): void {
    this.#homes.delete(leaf);
  }

  #find(e: Expr | string): string | undefined {
    for (const { known } of this.#scopes) {
      const name = known.get(e);
      if (name !== undefined) return name;
    }
    return undefined;
  }

  /** The name of a value; where it is not known yet, that which `declare` prints for the text from `compute`. */
  remember(e: Expr, compute: () => string, declare: (text: string) => string): string {
    const known = this.#find(e) ?? this.#findPassing(e);
    if (known !== undefined) return known;
    const home = this.#homeOf(e);
    if (home === undefined) {
      const name = declare(compute());
      this.#at(this.#depth).passing.set(e, name);
      return name;
    }
    let name = '';
    this.#outside(home, () => {
      const text = compute();
      name = this.#find(text) ?? declare(text);
      this.#at(home).known.set(e, name).set(text, name);
    });
    return name;
  }

  #findPassing(e: Expr): string | undefined {
    for (const { passing } of this.#scopes.slice(this.#fresh)) {
      const name = passing.get(e);
      if (name !== undefined) return name;
    }
    return undefined;
  }

  /** The outermost scope for an expression; undefined if it changes. */
  #homeOf(e: Expr): number | undefined {
    let least = 0;
    for (const leaf of this.#leavesOf(e)) {
      const home = this.#homes.get(leaf);
      if (home === undefined) return undefined;
      least = Math.max(least, home);
    }
    let depth = this.#depth;
    while (depth > least && this.#at(depth).isOpen) depth -= 1;
    return depth;
  }

  #leavesOf(e: Expr): ReadonlySet<string> {
    const known = this.#leaves.get(e);
    if (known !== undefined) return known;
    const leaves = new Set(operandsOf(e).flatMap((x) => [...this.#leavesOf(x)]));
    const own = this.leaf(e);
    if (own !== undefined) leaves.add(own);
    this.#leaves.set(e, leaves);
    return leaves;
  }
}

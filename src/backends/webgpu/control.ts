/**
 * Control on the device: a launch that may not be wanted takes its number of groups from a word that a tiny kernel wrote,
 * which is 0 if it is not (indirect dispatch). So the host need not know which branch was taken, or whether a loop has ended.
 */
import { MAX_GROUPS } from './queue.js';
import type { Shader } from './shader.js';

/** Words before the entries: whether the loop goes on, and how many iterations it did. */
const STATE = 4;
export const STATE_BYTES = 4 * STATE;

/** Three words: the groups of launches of one branch that are as many. */
interface Entry {
  readonly branch: number;
  readonly groups: number;
  /** The first word. */
  readonly at: number;
}

/** Numbers entries; those of one condition at a time, with what is nested in it. */
export class ControlWords {
  #next = STATE;
  /** Of all words that were ever needed. */
  bytes = 0;

  reset(): void {
    this.#next = STATE;
  }

  take(): number {
    const at = this.#next;
    this.#next += 3;
    this.bytes = Math.max(this.bytes, 4 * this.#next);
    return at;
  }
}

/** The launches that depend on one value, as entries. */
export class Condition {
  readonly entries: Entry[] = [];
  /** The branch whose launches are recorded now. */
  branch = 0;

  constructor(private readonly words: ControlWords) {}

  /** The word where a launch of the current branch finds its groups. */
  word(groups: number): number {
    let entry = this.entries.find((e) => e.branch === this.branch && e.groups === groups);
    if (entry === undefined) {
      entry = { branch: this.branch, groups, at: this.words.take() };
      this.entries.push(entry);
    }
    return entry.at;
  }
}

const HEAD = (moved: boolean): string => `@group(0) @binding(0) var<storage, read> value: array<i32>;
@group(0) @binding(1) var<storage, read_write> control: array<u32>;
${moved ? 'struct Params { extent: u32, first: u32 }\n@group(0) @binding(2) var<uniform> params: Params;' : ''}
@compute @workgroup_size(1)
fn main() {
  let x = value[${moved ? 'params.first' : '0'}];
`;

const shader = (code: string, takesParameters: boolean): Shader => ({ code, groups: () => 1, takesParameters });

const write = ({ at, groups }: Entry, wanted: string): string => {
  const across = Math.min(groups, MAX_GROUPS);
  return `  control[${at}] = select(0u, ${across}u, ${wanted});
  control[${at + 1}] = ${Math.ceil(groups / across)}u;
  control[${at + 2}] = 1u;
`;
};

/** Writes the entries of a branch, by its index; all are 0 if the word `around` is. */
export function branchShader(
  { entries }: Condition,
  branches: number,
  around: number | undefined,
  moved: boolean,
): Shader {
  const on = around === undefined ? 'true' : `control[${around}] != 0u`;
  return shader(
    `${HEAD(moved)}  let chosen = clamp(x, 0, ${branches - 1});
  let on = ${on};
${entries.map((e) => write(e, `on && chosen == ${e.branch}`)).join('')}}
`,
    moved,
  );
}

/** Before iterations of a loop: all are wanted. */
export function beginShader({ entries }: Condition): Shader {
  return shader(
    `${HEAD(false)}  control[0] = 1u;
  control[1] = 0u;
${entries.map((e) => write(e, 'true')).join('')}}
`,
    false,
  );
}

/** After the condition of a loop was computed: none are wanted from now on if it does not hold. */
export function holdsShader({ entries }: Condition, moved: boolean): Shader {
  return shader(
    `${HEAD(moved)}  if (control[0] == 0u) { return; }
  if (x != 0) {
    control[1] += 1u;
    return;
  }
  control[0] = 0u;
${entries.map(({ at }) => `  control[${at}] = 0u;\n`).join('')}}
`,
    moved,
  );
}

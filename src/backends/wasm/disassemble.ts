/**
 * A module in WebAssembly's text format, from its bytes: the sections and instructions that the assembler writes,
 * blocks indented, functions and calls by name. For reading; https://webassembly.github.io/spec/core/text.
 */
import { CONTROL, LANE, MEMORY, MEMORY_LANE, PLAIN } from './opcodes.js';
import { at } from './util.js';

type Immediates = 'none' | 'memory' | 'memory-lane' | 'lane' | 'control';

const INSTRUCTIONS = new Map<number, { readonly name: string; readonly takes: Immediates; readonly align?: number }>();
for (const [name, code] of Object.entries(PLAIN)) INSTRUCTIONS.set(code, { name, takes: 'none' });
for (const [name, [code, align]] of Object.entries(MEMORY)) INSTRUCTIONS.set(code, { name, takes: 'memory', align });
for (const [name, [code, align]] of Object.entries(MEMORY_LANE))
  INSTRUCTIONS.set(code, { name, takes: 'memory-lane', align });
for (const [name, code] of Object.entries(LANE)) INSTRUCTIONS.set(code, { name, takes: 'lane' });
for (const [name, code] of Object.entries(CONTROL)) INSTRUCTIONS.set(code, { name, takes: 'control' });

const TYPES: Readonly<Record<number, string>> = { 0x7f: 'i32', 0x7e: 'i64', 0x7d: 'f32', 0x7c: 'f64', 0x7b: 'v128' };
const PREFIXES: ReadonlySet<number> = new Set([0xfc, 0xfd, 0xfe]);

class Reader {
  position = 0;
  private readonly view: DataView;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get done(): boolean {
    return this.position >= this.bytes.length;
  }
  byte(): number {
    return this.view.getUint8(this.position++);
  }
  unsigned(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }
  signed(): bigint {
    let value = 0n;
    for (let shift = 0n; ;) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
      if (byte < 0x80) return BigInt.asIntN(Number(shift), value);
    }
  }
  text(): string {
    const length = this.unsigned();
    this.position += length;
    return new TextDecoder().decode(this.bytes.subarray(this.position - length, this.position));
  }
  type(): string {
    const code = this.byte();
    return TYPES[code] ?? `0x${code.toString(16)}`;
  }
  list<T>(one: () => T): T[] {
    return Array.from({ length: this.unsigned() }, one);
  }
  float(width: 4 | 8): string {
    const value = width === 4 ? this.view.getFloat32(this.position, true) : this.view.getFloat64(this.position, true);
    this.position += width;
    return Object.is(value, -0) ? '-0' : Number.isNaN(value) ? 'nan' : String(value).replace('Infinity', 'inf');
  }
  opcode(): number {
    const first = this.byte();
    return PREFIXES.has(first) ? (first << 12) | this.unsigned() : first;
  }
}

/** The module as text. */
export function disassemble(bytes: Uint8Array): string {
  const sections = new Map<number | string, Reader>();
  const whole = new Reader(bytes);
  whole.position = 8;
  while (!whole.done) {
    const id = whole.byte();
    const length = whole.unsigned();
    const body = new Reader(bytes.subarray(whole.position, whole.position + length));
    whole.position += length;
    sections.set(id === 0 ? body.text() : id, body);
  }
  /** The entries of a section that is a list; none where there is no such section. */
  const entries = <T>(id: number, one: (r: Reader) => T): T[] => {
    const r = sections.get(id);
    return r === undefined ? [] : r.list(() => one(r));
  };
  const types = entries(1, readType);
  const imported = entries(2, (r) => readImport(r, types));
  const firstDefined = imported.filter((i) => i.isFunction).length;
  const names = new Map<number, string>();
  const nameSection = sections.get('name');
  if (nameSection !== undefined) {
    nameSection.byte();
    nameSection.unsigned();
    nameSection.list(() => names.set(nameSection.unsigned(), nameSection.text()));
  }
  const nameOf = (index: number): string => `$${names.get(index) ?? String(index)}`;
  const lines = ['(module', ...imported.map((i) => `  ${i.text}`)];
  const declared = entries(3, (r) => r.unsigned());
  let index = 0;
  entries(10, (r) => {
    const type = at(types, at(declared, index, 'function'), 'type');
    lines.push(`  (func ${nameOf(firstDefined + index++)} ${type}`.trimEnd());
    readBody(r, nameOf, lines);
    lines.push('  )');
  });
  entries(7, (r) => {
    const name = r.text();
    r.byte();
    lines.push(`  (export "${name}" (func ${nameOf(r.unsigned())}))`);
  });
  return [...lines, ')'].join('\n');
}

function readType(r: Reader): string {
  r.byte();
  const params = r.list(() => r.type());
  const results = r.list(() => r.type());
  return [
    params.length > 0 ? `(param ${params.join(' ')})` : '',
    results.length > 0 ? `(result ${results.join(' ')})` : '',
  ]
    .filter((t) => t !== '')
    .join(' ');
}

function readImport(r: Reader, types: readonly string[]): { text: string; isFunction: boolean } {
  const where = `"${r.text()}" "${r.text()}"`;
  if (r.byte() === 0) return { text: `(import ${where} (func ${at(types, r.unsigned(), 'type')}))`, isFunction: true };
  const flags = r.byte();
  const limits = [r.unsigned(), ...(flags % 2 === 1 ? [r.unsigned()] : [])].join(' ');
  return { text: `(import ${where} (memory ${limits}${flags > 1 ? ' shared' : ''}))`, isFunction: false };
}

function readBody(r: Reader, nameOf: (index: number) => string, lines: string[]): void {
  const length = r.unsigned();
  const end = r.position + length;
  const locals = r.list(() => `${String(r.unsigned())} × ${r.type()}`);
  if (locals.length > 0) lines.push(`    ;; locals: ${locals.join(', ')}`);
  let depth = 2;
  while (r.position < end) {
    const opcode = r.opcode();
    const instruction = INSTRUCTIONS.get(opcode);
    if (instruction === undefined) throw new Error(`internal error: no instruction has opcode ${opcode.toString(16)}`);
    const { name, takes } = instruction;
    if (name === 'end' || name === 'else') depth--;
    if (r.position < end || name !== 'end') {
      const text = [name, ...immediates(r, name, takes, nameOf, instruction.align)].filter((t) => t !== '').join(' ');
      lines.push('  '.repeat(depth) + text);
    }
    if (name === 'block' || name === 'loop' || name === 'if' || name === 'else') depth++;
  }
}

function immediates(
  r: Reader,
  name: string,
  takes: Immediates,
  nameOf: (index: number) => string,
  natural: number | undefined,
): string[] {
  const bytes = (count: number): string[] => Array.from({ length: count }, () => String(r.byte()));
  switch (takes) {
    case 'none':
      return [];
    case 'lane':
      return bytes(1);
    case 'memory':
    case 'memory-lane': {
      const align = r.unsigned();
      const offset = r.unsigned();
      return [
        offset === 0 ? '' : `offset=${String(offset)}`,
        align === natural ? '' : `align=${String(2 ** align)}`,
        ...(takes === 'memory' ? [] : bytes(1)),
      ];
    }
    case 'control':
      switch (name) {
        case 'else':
        case 'end':
          return [];
        case 'block':
        case 'loop':
        case 'if': {
          const type = r.type();
          return type === '0x40' ? [] : [`(result ${type})`];
        }
        case 'br_table':
          return [...r.list(() => String(r.unsigned())), String(r.unsigned())];
        case 'call':
          return [nameOf(r.unsigned())];
        case 'i32.const':
        case 'i64.const':
          return [String(r.signed())];
        case 'f32.const':
          return [r.float(4)];
        case 'f64.const':
          return [r.float(8)];
        case 'v128.const':
          return ['i8x16', ...bytes(16)];
        case 'i8x16.shuffle':
          return bytes(16);
        default:
          return [String(r.unsigned())];
      }
  }
}

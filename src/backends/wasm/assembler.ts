/**
 * A typed WebAssembly binary encoder: modules with one imported memory, imported functions, functions with
 * automatically numbered locals, structured control flow, and every scalar and v128 instruction the code
 * generator uses. Binary format: WebAssembly core specification 2.0, chapter 5.
 */
import { CONTROL, LANE, MEMORY, MEMORY_LANE, PLAIN } from './opcodes.js';
import type { LaneOp, MemoryLaneOp, MemoryOp, PlainOp } from './opcodes.js';

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

const TYPE_CODE: Record<ValueType, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** Append `value` as unsigned LEB128. */
export function unsignedLeb(out: number[], value: number): void {
  let rest = value >>> 0;
  while (rest >= 0x80) {
    out.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  out.push(rest);
}

/** Append `value` as signed LEB128. */
function signedLeb(out: number[], value: bigint): void {
  let rest = value;
  for (;;) {
    const byte = Number(rest & 0x7fn);
    rest >>= 7n;
    if ((rest === 0n && (byte & 0x40) === 0) || (rest === -1n && (byte & 0x40) !== 0)) {
      out.push(byte);
      return;
    }
    out.push(byte | 0x80);
  }
}

function signedLeb32(out: number[], value: number): void {
  let rest = value | 0;
  for (;;) {
    const byte = rest & 0x7f;
    rest >>= 7;
    if ((rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0)) {
      out.push(byte);
      return;
    }
    out.push(byte | 0x80);
  }
}

const utf8 = new TextEncoder();
function nameBytes(out: number[], name: string): void {
  const bytes = utf8.encode(name);
  unsignedLeb(out, bytes.length);
  for (const b of bytes) out.push(b);
}

/** The target of a branch: the nesting depth of the block it belongs to. */
export interface Label {
  readonly depth: number;
}

/** Something callable: an imported or a defined function. */
export interface FunctionRef {
  readonly index: number;
  readonly name: string;
}

const scratch = new DataView(new ArrayBuffer(8));

/** Writes the body of one function; instructions are appended in stack order. */
export class FunctionBuilder implements FunctionRef {
  /** The encoded instructions so far. */
  readonly code: number[] = [];
  /** The types of the locals that are not parameters. */
  readonly localTypes: ValueType[] = [];
  private readonly free: Record<ValueType, number[]> = { i32: [], i64: [], f32: [], f64: [], v128: [] };
  private depth = 0;

  constructor(
    readonly index: number,
    readonly name: string,
    readonly params: readonly ValueType[],
    readonly results: readonly ValueType[],
  ) {}

  /** A local of `type`: a released one if there is one. Its value is whatever was there. */
  local(type: ValueType): number {
    const reused = this.free[type].pop();
    if (reused !== undefined) return reused;
    this.localTypes.push(type);
    return this.params.length + this.localTypes.length - 1;
  }

  /** Let `local` be handed out again. */
  release(type: ValueType, local: number): void {
    this.free[type].push(local);
  }

  private opcode(code: number): void {
    if (code <= 0xff) this.code.push(code);
    else {
      this.code.push(code >> 12);
      unsignedLeb(this.code, code & 0xfff);
    }
  }

  op(name: PlainOp): this {
    this.opcode(PLAIN[name]);
    return this;
  }

  get(local: number): this {
    this.code.push(CONTROL['local.get']);
    unsignedLeb(this.code, local);
    return this;
  }

  set(local: number): this {
    this.code.push(CONTROL['local.set']);
    unsignedLeb(this.code, local);
    return this;
  }

  tee(local: number): this {
    this.code.push(CONTROL['local.tee']);
    unsignedLeb(this.code, local);
    return this;
  }

  /** An i32 constant; values are taken modulo 2^32. */
  i32(value: number): this {
    this.code.push(CONTROL['i32.const']);
    signedLeb32(this.code, value);
    return this;
  }

  /** An i64 constant; values are taken modulo 2^64. */
  i64(value: bigint): this {
    this.code.push(CONTROL['i64.const']);
    signedLeb(this.code, BigInt.asIntN(64, value));
    return this;
  }

  f32(value: number): this {
    this.code.push(CONTROL['f32.const']);
    scratch.setFloat32(0, value, true);
    for (let i = 0; i < 4; i++) this.code.push(scratch.getUint8(i));
    return this;
  }

  f64(value: number): this {
    this.code.push(CONTROL['f64.const']);
    scratch.setFloat64(0, value, true);
    for (let i = 0; i < 8; i++) this.code.push(scratch.getUint8(i));
    return this;
  }

  /** A v128 constant of 16 bytes. */
  v128(bytes: Uint8Array): this {
    this.opcode(CONTROL['v128.const']);
    for (const b of bytes) this.code.push(b);
    return this;
  }

  /** A load or store at `offset` bytes past the address; `align` is log2 of the promised alignment. */
  memory(name: MemoryOp, offset = 0, align?: number): this {
    const [code, natural] = MEMORY[name];
    this.opcode(code);
    unsignedLeb(this.code, align ?? natural);
    unsignedLeb(this.code, offset);
    return this;
  }

  memoryLane(name: MemoryLaneOp, lane: number, offset = 0): this {
    const [code, natural] = MEMORY_LANE[name];
    this.opcode(code);
    unsignedLeb(this.code, natural);
    unsignedLeb(this.code, offset);
    this.code.push(lane);
    return this;
  }

  lane(name: LaneOp, lane: number): this {
    this.opcode(LANE[name]);
    this.code.push(lane);
    return this;
  }

  /** Byte shuffle of two vectors: result byte i is byte `bytes[i]` of their concatenation. */
  shuffle(bytes: readonly number[]): this {
    if (bytes.length !== 16) throw new Error(`i8x16.shuffle takes 16 byte indices, got ${bytes.length}`);
    this.opcode(CONTROL['i8x16.shuffle']);
    this.code.push(...bytes);
    return this;
  }

  /** `memory.fill`: address, byte value and length are on the stack. */
  memoryFill(): this {
    this.opcode(CONTROL['memory.fill']);
    this.code.push(0);
    return this;
  }

  private open(code: number, result?: ValueType): Label {
    this.code.push(code, result === undefined ? 0x40 : TYPE_CODE[result]);
    return { depth: ++this.depth };
  }

  /** Open a block; a branch to its label leaves it. */
  block(result?: ValueType): Label {
    return this.open(CONTROL.block, result);
  }

  /** Open a loop; a branch to its label runs it again. */
  loop(): Label {
    return this.open(CONTROL.loop);
  }

  /** Open an `if` on the i32 on the stack. */
  if(result?: ValueType): Label {
    return this.open(CONTROL.if, result);
  }

  else(): this {
    this.code.push(CONTROL.else);
    return this;
  }

  /** Close the innermost open block, loop or if. */
  end(): this {
    this.depth--;
    this.code.push(CONTROL.end);
    return this;
  }

  br(label: Label): this {
    this.code.push(CONTROL.br);
    unsignedLeb(this.code, this.depth - label.depth);
    return this;
  }

  brIf(label: Label): this {
    this.code.push(CONTROL.br_if);
    unsignedLeb(this.code, this.depth - label.depth);
    return this;
  }

  /** Branch to the label that the i32 on the stack numbers, or to the default. */
  brTable(labels: readonly Label[], otherwise: Label): this {
    this.code.push(CONTROL.br_table);
    unsignedLeb(this.code, labels.length);
    for (const label of [...labels, otherwise]) unsignedLeb(this.code, this.depth - label.depth);
    return this;
  }

  call(target: FunctionRef): this {
    this.code.push(CONTROL.call);
    unsignedLeb(this.code, target.index);
    return this;
  }

  /** The size-prefixed code section entry. */
  encode(out: number[]): void {
    if (this.depth !== 0) throw new Error(`function ${this.name}: ${this.depth} blocks were not closed`);
    const body: number[] = [];
    const runs: [ValueType, number][] = [];
    for (const type of this.localTypes) {
      const last = runs.at(-1);
      if (last !== undefined && last[0] === type) last[1]++;
      else runs.push([type, 1]);
    }
    unsignedLeb(body, runs.length);
    for (const [type, count] of runs) {
      unsignedLeb(body, count);
      body.push(TYPE_CODE[type]);
    }
    unsignedLeb(out, body.length + this.code.length + 1);
    for (const b of body) out.push(b);
    for (const b of this.code) out.push(b);
    out.push(CONTROL.end);
  }
}

/** How the module sees its imported memory. */
export interface MemoryImport {
  readonly module: string;
  readonly name: string;
  readonly shared: boolean;
  /** Pages of 64 KiB; a shared memory must declare it. */
  readonly maximumPages?: number;
}

/** A module under construction. Imported functions must all be declared before the first defined one. */
export class ModuleBuilder {
  private readonly types: { params: readonly ValueType[]; results: readonly ValueType[] }[] = [];
  private readonly typeIndex = new Map<string, number>();
  private readonly imports: { module: string; name: string; type: number }[] = [];
  private readonly exports: { name: string; index: number }[] = [];
  /** Defined functions in index order. */
  readonly functions: FunctionBuilder[] = [];

  constructor(private readonly memory: MemoryImport) {}

  private typeOf(params: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${params.join()}->${results.join()}`;
    const known = this.typeIndex.get(key);
    if (known !== undefined) return known;
    this.types.push({ params, results });
    this.typeIndex.set(key, this.types.length - 1);
    return this.types.length - 1;
  }

  importFunction(
    module: string,
    name: string,
    params: readonly ValueType[],
    results: readonly ValueType[],
  ): FunctionRef {
    if (this.functions.length > 0) throw new Error('imported functions come before defined ones');
    this.imports.push({ module, name, type: this.typeOf(params, results) });
    return { index: this.imports.length - 1, name };
  }

  function(name: string, params: readonly ValueType[], results: readonly ValueType[] = []): FunctionBuilder {
    const f = new FunctionBuilder(this.imports.length + this.functions.length, name, params, results);
    this.functions.push(f);
    return f;
  }

  export(name: string, target: FunctionRef): void {
    this.exports.push({ name, index: target.index });
  }

  /** The module's bytes. */
  finish(): Uint8Array {
    const out: number[] = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
    const section = (id: number, write: (body: number[]) => void): void => {
      const body: number[] = [];
      write(body);
      out.push(id);
      unsignedLeb(out, body.length);
      for (const b of body) out.push(b);
    };
    const functionTypes = this.functions.map((f) => this.typeOf(f.params, f.results));
    section(1, (body) => {
      unsignedLeb(body, this.types.length);
      for (const { params, results } of this.types) {
        body.push(0x60);
        for (const list of [params, results]) {
          unsignedLeb(body, list.length);
          for (const t of list) body.push(TYPE_CODE[t]);
        }
      }
    });
    section(2, (body) => {
      unsignedLeb(body, 1 + this.imports.length);
      nameBytes(body, this.memory.module);
      nameBytes(body, this.memory.name);
      const { shared, maximumPages } = this.memory;
      body.push(0x02, (shared ? 2 : 0) | (maximumPages === undefined ? 0 : 1));
      unsignedLeb(body, 0);
      if (maximumPages !== undefined) unsignedLeb(body, maximumPages);
      for (const { module, name, type } of this.imports) {
        nameBytes(body, module);
        nameBytes(body, name);
        body.push(0x00);
        unsignedLeb(body, type);
      }
    });
    section(3, (body) => {
      unsignedLeb(body, functionTypes.length);
      for (const t of functionTypes) unsignedLeb(body, t);
    });
    section(7, (body) => {
      unsignedLeb(body, this.exports.length);
      for (const { name, index } of this.exports) {
        nameBytes(body, name);
        body.push(0x00);
        unsignedLeb(body, index);
      }
    });
    section(10, (body) => {
      unsignedLeb(body, this.functions.length);
      for (const f of this.functions) f.encode(body);
    });
    section(0, (body) => this.nameSection(body));
    return Uint8Array.from(out);
  }

  /** Function names, for profilers and stack traces. */
  private nameSection(out: number[]): void {
    nameBytes(out, 'name');
    const body: number[] = [];
    unsignedLeb(body, this.functions.length);
    for (const f of this.functions) {
      unsignedLeb(body, f.index);
      nameBytes(body, f.name);
    }
    out.push(0x01);
    unsignedLeb(out, body.length);
    for (const b of body) out.push(b);
  }
}

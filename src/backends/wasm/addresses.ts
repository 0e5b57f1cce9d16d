/**
 * Where the buffers of a program are while it runs. `run` gets a table of i32 byte addresses: the inputs, outputs and
 * constants, then the arena and the scratch memory; positions and carried values of loops are in locals.
 */
import type { Program } from '../../compiler/loop-ir.js';
import type { FunctionBuilder } from './assembler.js';
import { at } from './util.js';

/** Byte offsets in the table. */
interface TableLayout {
  readonly input: number;
  readonly output: number;
  readonly constant: number;
  readonly arena: number;
  readonly scratch: number;
}

function tableLayout(program: Program): TableLayout {
  const output = program.inputCount * 4;
  const constant = output + program.outputCount * 4;
  const arena = constant + program.constants.length * 4;
  return { input: 0, output, constant, arena, scratch: arena + 4 };
}

/** The locals of a loop that is running. */
export interface LoopLocals {
  /** Which slice. */
  readonly position: number;
  /** Addresses of the carried values, as the iteration finds them and as it leaves them. */
  readonly carries: readonly { readonly start: number; readonly end: number }[];
}

export class Addresses {
  readonly #table: TableLayout;
  readonly #loops = new Map<number, LoopLocals>();

  /** `table` is the local that holds the address of the table. */
  constructor(
    private readonly program: Program,
    private readonly table: number,
  ) {
    this.#table = tableLayout(program);
  }

  enter(loop: number, locals: LoopLocals): void {
    this.#loops.set(loop, locals);
  }

  #locals(loop: number): LoopLocals {
    const locals = this.#loops.get(loop);
    if (locals === undefined) throw new Error(`internal: a buffer of loop ${loop} is used outside of it`);
    return locals;
  }

  /** Push the address of a buffer. */
  push(f: FunctionBuilder, buffer: number): void {
    const { place } = at(this.program.buffers, buffer, 'buffer');
    switch (place.kind) {
      case 'arena':
        this.#entry(f, this.#table.arena, place.offset);
        return;
      case 'slice': {
        this.push(f, place.of);
        f.get(this.#locals(place.loop).position).i32(place.bytes).op('i32.mul').op('i32.add');
        return;
      }
      case 'carry':
        f.get(at(this.#locals(place.loop).carries, place.index, 'carry')[place.at]);
        return;
      default:
        this.#entry(f, this.#table[place.kind] + place.index * 4, 0);
    }
  }

  /** Push an address in the scratch memory. */
  pushScratch(f: FunctionBuilder, offset: number): void {
    this.#entry(f, this.#table.scratch, offset);
  }

  #entry(f: FunctionBuilder, entry: number, offset: number): void {
    f.get(this.table).memory('i32.load', entry);
    if (offset !== 0) f.i32(offset).op('i32.add');
  }
}

/** Kernel launches before it is known which memory they are for: a call of a program brings that. */
import type { Pipeline, Pipelines } from './pipelines.js';
import type { Shader } from './shader.js';

/** A part of the memory of a call. */
export interface Range {
  /** Which of the blocks of a call. */
  readonly source: number;
  /** Bytes. */
  readonly offset: number;
  /** Bytes; to the end of the block if undefined. */
  readonly size: number | undefined;
}

export interface Copy {
  readonly from: Range;
  readonly to: Range;
}

/** One kernel launch. */
export interface Launch {
  readonly template: Template;
  readonly groups: number;
  readonly parameters: readonly number[] | undefined;
  /** Where in the control words the device finds the number of groups, in bytes. */
  readonly indirect: number | undefined;
}

/** All launches of a kernel whose slots lie alike. */
export class Template {
  /** Once it was prepared. */
  pipeline: Pipeline | undefined;

  constructor(
    readonly name: string,
    readonly shader: Shader,
    private readonly written: readonly boolean[],
    readonly ranges: readonly Range[],
    /** Slots whose first element is a parameter, and how far their range was moved by packing, in elements. */
    readonly moved: readonly { readonly slot: number; readonly begin: number }[] = [],
    /** Done before and after it. */
    readonly before: readonly Copy[] = [],
    readonly after: readonly Copy[] = [],
  ) {}

  /** Have its pipeline made, and again if it was refused. */
  prepare(pipelines: Pipelines): Pipeline {
    if (this.pipeline === undefined || this.pipeline.failure !== undefined) {
      this.pipeline = pipelines.get(this.shader, this.written, this.name);
    }
    return this.pipeline;
  }
}

/** Have the pipelines of launches made; what there is to wait for, if anything. */
export function prepare(launches: readonly Launch[], pipelines: Pipelines): Promise<unknown> | undefined {
  const pending = new Set(launches.flatMap(({ template }) => template.prepare(pipelines).ready ?? []));
  return pending.size === 0 ? undefined : Promise.all(pending);
}

/** Blocks of a call that are not arrays come after those: scratch, memory of packed arrays (of words, of halves), and last the control words. */
export const SCRATCH = ['arena', 'packed', 'halves', 'control'] as const;
export type Scratch = (typeof SCRATCH)[number];

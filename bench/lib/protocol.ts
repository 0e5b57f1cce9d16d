/** What the coordinator says to a library's process or page, and what it answers. */
import type { GpuLimits } from './gpu-limits.js';
import type { Peer } from './row.js';

/** One library, called in one way, with some threads. */
export interface Contender {
  readonly peer: Peer;
  readonly mode: 'jit' | 'eager';
  readonly threads: 1 | 2;
  /** Where it computes: WebAssembly or a GPU. */
  readonly device: 'cpu' | 'webgpu';
}

export const contenderName = ({ peer, mode, threads }: Contender): string =>
  `${peer}${mode === 'eager' && (peer === 'cotangent' || peer === 'jax-js') ? ' eager' : ''}${threads === 2 ? ' x2' : ''}`;

/** A part of the results, enough to compare libraries by: evenly spaced elements. */
export interface Sample {
  readonly length: number;
  readonly values: readonly number[];
}

/** Load the library, make the arrays, run the first step. */
export interface SetUp extends Contender {
  readonly row: string;
}
export interface SetUpReply {
  /** Milliseconds of the first step. */
  readonly first: number;
  readonly results: readonly Sample[];
  /** The version of the library. */
  readonly version: string;
}

/** Run for some milliseconds without counting; answers what a step takes. */
export interface WarmReply {
  readonly msPerStep: number;
}

/** The library at the other end of a process boundary. */
export interface Endpoint {
  setUp(message: SetUp): Promise<SetUpReply>;
  warm(ms: number): Promise<WarmReply>;
  /** Milliseconds per step over so many steps. */
  round(steps: number): Promise<number>;
  close(): Promise<void>;
}

export interface GpuEndpoint extends Endpoint {
  /** What the machine's GPU can do at most. */
  gpuLimits(): Promise<GpuLimits>;
}

/** At most this many elements of a result are compared. */
const SAMPLE = 2048;

export function sampleOf(data: ArrayLike<number>): Sample {
  const count = Math.min(SAMPLE, data.length);
  return {
    length: data.length,
    values: Array.from({ length: count }, (_, i) => data[Math.floor((i * data.length) / count)] ?? NaN),
  };
}

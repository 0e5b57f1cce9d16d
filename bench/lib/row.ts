/** What a row of the comparison is: the data, the program in each library, and the goals. */
import type * as cotangent from '../../src/index.js';
import type * as jaxjs from '@jax-js/jax';
import type * as tf from '@tensorflow/tfjs-core';
import type { Data } from './data.js';
import type { Model } from './onnx.js';

export type Cotangent = typeof cotangent;
export type JaxJs = typeof jaxjs;
export type Tfjs = typeof tf;
export type Peer = 'cotangent' | 'jax-js' | 'tfjs' | 'ort' | 'torch';

/** A goal of issue 3, or none: what is compared, and the figure to reach. */
export type Goal =
  /** At least `atLeast` times as fast as the peer; `threads` are ours, `theirs` the peer's (1 if absent). */
  | {
      readonly kind: 'ratio';
      readonly to: Peer;
      readonly threads: 1 | 2;
      readonly theirs?: 1 | 2;
      readonly atLeast: number;
    }
  /** The fraction of a limit of the machine, one thread. */
  | { readonly kind: 'fraction'; readonly of: 'mulAdd' | 'stream'; readonly atLeast: number }
  | { readonly kind: 'first'; readonly atMostMs: number }
  | { readonly kind: 'time'; readonly atMostMs: number };

export interface Row {
  readonly name: string;
  readonly title: string;
  /** Arrays that a step replaces by its first results, as training does; empty for a pure function. */
  readonly state: () => readonly Data[];
  readonly inputs: () => readonly Data[];
  /** Floating-point operations, or bytes that must be read and written, of one step. */
  readonly flops?: number;
  readonly bytes?: number;
  /** Largest difference between libraries after one step, relative to the largest value. */
  readonly tolerance: number;
  readonly goals: readonly Goal[];
  /** Which ways of calling are measured of the libraries that have a jit. */
  readonly modes: readonly ('jit' | 'eager')[];
  /** Takes the state, then the inputs; gives the new state, or the results. */
  readonly cotangent: (lib: Cotangent) => (...args: cotangent.NDArray[]) => cotangent.NDArray[];
  readonly jaxJs?: (lib: JaxJs) => (...args: jaxjs.Array[]) => jaxjs.Array[];
  readonly tfjs?: (lib: Tfjs) => (...args: tf.Tensor[]) => tf.Tensor[];
  readonly ort?: Model;
  /** The body of `def step(...)`, whose parameters are the state, then the inputs, as a comma-separated list of names. */
  readonly torch?: { readonly args: string; readonly body: string };
}

export const noState = (): readonly Data[] => [];

/** The i-th of some arrays that are known to be there. */
export function at<T>(xs: readonly T[], i: number): T {
  const x = xs[i];
  if (x === undefined) throw new Error(`there is no element ${String(i)}`);
  return x;
}

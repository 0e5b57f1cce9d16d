/** What the page and the worker that trains tell each other. */
import type { NetworkName } from './networks.js';

/** Images are of 28 × 28 pixels. */
export const SIDE = 28;
export const CLASSES = 10;
/** How many units of the first layer the page has pictures of. */
export const FILTERS = 16;
/** How many test images it shows. */
export const SHOWN = 80;

export type DeviceName = 'cpu' | 'webgpu';

/** From the page: what it wants. What changed is sent, and the worker sees to it between two steps. */
export interface Wanted {
  /** Takes effect with the next run. */
  network: NetworkName;
  device: DeviceName;
  paused: boolean;
  /** Another number begins anew. */
  run: number;
  /** The drawn digit as 28 × 28 grey values in [0, 1]; null when there is none. */
  drawing: Float32Array | null;
}

/** Once, at the beginning. */
export interface Ready {
  readonly kind: 'ready';
  /** Where training begins. */
  readonly device: DeviceName;
  /** What is used as GPU, or why there is none. */
  readonly gpu: { readonly name: string } | { readonly missing: string };
  /** Test images to show, 28 × 28 grey values each, and what they are. */
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
}

/** A few steps are done. */
export interface Progress {
  readonly kind: 'progress';
  readonly run: number;
  /** Images trained on so far. */
  readonly seen: number;
  /** Mean over these steps. */
  readonly loss: number;
  readonly imagesPerSecond: number;
}

/** How good the network is by now. */
export interface Evaluated {
  readonly kind: 'evaluated';
  readonly run: number;
  readonly seen: number;
  /** The share of test images that are recognised. */
  readonly accuracy: number;
  /** What the shown images are taken for. */
  readonly guesses: Uint8Array;
  /** What units of the first layer look for, a row of pixels each. */
  readonly filters: Float32Array;
}

/** What the drawn digit is taken for. */
export interface Recognised {
  readonly kind: 'recognised';
  readonly probabilities: Float32Array;
}

export interface Failed {
  readonly kind: 'failed';
  readonly message: string;
}

export type Report = Ready | Progress | Evaluated | Recognised | Failed;

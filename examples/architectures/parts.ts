/** What the networks have in common: their two numbers, and the convolution with normalisation that the later ones are made of. */
import { stax } from 'cotangent';
import type { NDArray } from 'cotangent';

/** How large a network is to be. */
export interface Size {
  /** Number of classes; ImageNet's 1000 by default. */
  classes?: number;
  /** Every number of features times this; 1 by default. */
  width?: number;
}

/** A network with batch normalisation, whose averages are its state. */
export type Net = stax.Layer<object, NDArray, NDArray, object>;

/** Zeros on both sides of height and width, as PyTorch's `padding=n`. */
export const pad = (height: number, width = height): [number, number][] => [
  [height, height],
  [width, width],
];

/** Options of {@link conv}. */
interface ConvOptions {
  strides?: number;
  padding?: 'SAME' | [number, number][];
  epsilon?: number;
}

/** Convolution and batch normalisation, which has the bias. */
export const convNorm = (features: number, window: stax.PerAxis, { epsilon = 1e-5, ...options }: ConvOptions = {}) =>
  stax.serial(
    stax.Conv2d(features, window, { ...options, useBias: false, W: stax.heNormal() }),
    stax.BatchNorm({ epsilon }),
  );

/** Convolution, batch normalisation, relu. */
export const conv = (features: number, window: stax.PerAxis, options?: ConvOptions) =>
  stax.serial(convNorm(features, window, options), stax.Relu);

/**
 * Inception v3 (Szegedy et al., arXiv 1512.00567) with the structure of torchvision's, without its auxiliary classifier, which
 * only training uses: modules of several convolutions side by side, their outputs one after the other in the feature axis.
 */
import { stax } from 'cotangent';
import { conv as anyConv, pad, type Net, type Size } from './parts.js';

const { AvgPool, Dense, Dropout, erase, FanInConcat, FanOut, GlobalAvgPool, LogSoftmax, MaxPool, parallel, serial } =
  stax;

/** The branches on the same input, joined. */
const branches = (...each: readonly stax.AnyLayer[]): Net =>
  erase(serial(FanOut(each.length), parallel(...each), FanInConcat()));

export function inceptionV3({ classes = 1000, width = 1 }: Size = {}): Net {
  const conv = (features: number, window: stax.PerAxis, strides = 1, padding = pad(0)) =>
    anyConv(Math.round(features * width), window, { strides, padding, epsilon: 1e-3 });
  const same = (features: number, height: number, w = height) =>
    conv(features, [height, w], 1, pad((height - 1) / 2, (w - 1) / 2));
  const pooled = (features: number) => serial(AvgPool(3, { strides: 1, padding: 'SAME' }), conv(features, 1));
  const halve = MaxPool(3, { strides: 2 });

  const a = (poolFeatures: number) =>
    branches(
      conv(64, 1),
      serial(conv(48, 1), same(64, 5)),
      serial(conv(64, 1), same(96, 3), same(96, 3)),
      pooled(poolFeatures),
    );
  const b = branches(conv(384, 3, 2), serial(conv(64, 1), same(96, 3), conv(96, 3, 2)), halve);
  // A window of 7 as one of 1 x 7 and one of 7 x 1.
  const c = (n: number) =>
    branches(
      conv(192, 1),
      serial(conv(n, 1), same(n, 1, 7), same(192, 7, 1)),
      serial(conv(n, 1), same(n, 7, 1), same(n, 1, 7), same(n, 7, 1), same(192, 1, 7)),
      pooled(192),
    );
  const d = branches(
    serial(conv(192, 1), conv(320, 3, 2)),
    serial(conv(192, 1), same(192, 1, 7), same(192, 7, 1), conv(192, 3, 2)),
    halve,
  );
  const fork = branches(same(384, 1, 3), same(384, 3, 1));
  const e = branches(conv(320, 1), serial(conv(384, 1), fork), serial(conv(448, 1), same(384, 3), fork), pooled(192));

  return erase(
    serial(
      conv(32, 3, 2), conv(32, 3), same(64, 3), halve, conv(80, 1), conv(192, 3), halve,
      a(32), a(64), a(64),
      b, c(128), c(160), c(160), c(192),
      d, e, e,
      GlobalAvgPool, Dropout(0.5), Dense(classes), LogSoftmax,
    ),
  ); // prettier-ignore
}

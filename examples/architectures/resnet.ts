/**
 * ResNets (He, Zhang, Ren, Sun, arXiv 1512.03385) with the structure of torchvision's: a block that halves the resolution or
 * changes the number of features has a convolution of window 1 as its shortcut; of a bottleneck, the middle convolution halves.
 */
import { stax } from 'cotangent';
import { conv, convNorm, pad, type Net, type Size } from './parts.js';

const { Dense, erase, GlobalAvgPool, LogSoftmax, MaxPool, Relu, residual, serial } = stax;

/** Two convolutions of window 3. */
const basic = (features: number, strides: number) =>
  erase(serial(conv(features, 3, { strides, padding: pad(1) }), convNorm(features, 3, { padding: pad(1) })));

/** Windows 1, 3, 1; the last makes four times as many features. */
const bottleneck = (features: number, strides: number) =>
  erase(serial(conv(features, 1), conv(features, 3, { strides, padding: pad(1) }), convNorm(4 * features, 1)));

/** So many blocks at each of four resolutions. */
const resNet =
  (body: typeof basic, expansion: 1 | 4, counts: readonly number[]) =>
  ({ classes = 1000, width = 1 }: Size = {}): Net => {
    const blocks = counts.flatMap((count, stage) =>
      Array.from({ length: count }, (_, i) => {
        const features = 64 * width * 2 ** stage;
        const strides = i === 0 && stage > 0 ? 2 : 1;
        const shortcut = convNorm(expansion * features, 1, { strides });
        const layers = body(features, strides);
        // The first block of a stage: another resolution, or, in the first stage of bottlenecks, more features.
        const changes = i === 0 && (stage > 0 || expansion > 1);
        return erase(serial(changes ? residual(layers, shortcut) : residual(layers), Relu));
      }),
    );
    return erase(
      serial(
        conv(64 * width, 7, { strides: 2, padding: pad(3) }),
        MaxPool(3, { strides: 2, padding: pad(1) }),
        ...blocks,
        GlobalAvgPool,
        Dense(classes),
        LogSoftmax,
      ),
    );
  };

export const resNet18 = resNet(basic, 1, [2, 2, 2, 2]);
export const resNet50 = resNet(bottleneck, 4, [3, 4, 6, 3]);

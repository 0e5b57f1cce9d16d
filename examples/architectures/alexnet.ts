/**
 * AlexNet (Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural networks", 2012): five
 * convolutions, three max-poolings, two local response normalisations, two fully connected layers and the softmax layer.
 * As in the paper, the second, fourth and fifth convolution are in two groups: one for each of its two GPUs.
 */
import { stax } from 'cotangent';
import type { Size } from './parts.js';

const { Conv2d, Dense, Dropout, Flatten, LocalResponseNorm, LogSoftmax, MaxPool, Relu, serial } = stax;

export function alexNet({ classes = 1000, width = 1 }: Size = {}) {
  const W = stax.heNormal();
  const pool = MaxPool(3, { strides: 2 });
  return serial(
    // 224 pixels and 3 zeros make the paper's 55 positions.
    Conv2d(96 * width, 11, {
      W,
      strides: 4,
      padding: [
        [1, 2],
        [1, 2],
      ],
    }),
    Relu,
    LocalResponseNorm(),
    pool, // prettier-ignore
    Conv2d(256 * width, 5, { W, padding: 'SAME', groups: 2 }),
    Relu,
    LocalResponseNorm(),
    pool, // prettier-ignore
    Conv2d(384 * width, 3, { W, padding: 'SAME' }),
    Relu,
    Conv2d(384 * width, 3, { W, padding: 'SAME', groups: 2 }),
    Relu,
    Conv2d(256 * width, 3, { W, padding: 'SAME', groups: 2 }),
    Relu,
    pool,
    Flatten,
    Dense(4096 * width, { W }),
    Relu,
    Dropout(0.5),
    Dense(4096 * width, { W }),
    Relu,
    Dropout(0.5),
    Dense(classes),
    LogSoftmax,
  );
}

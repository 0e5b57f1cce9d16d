/**
 * VGG16 (Simonyan and Zisserman, arXiv 1409.1556, configuration D): thirteen convolutions of window 3 in five blocks, each
 * block at half the resolution of the one before; three fully connected layers.
 */
import { stax } from 'cotangent';
import type { Size } from './parts.js';

const { Conv2d, Dense, Dropout, Flatten, LogSoftmax, MaxPool, Relu, serial } = stax;

export function vgg16({ classes = 1000, width = 1 }: Size = {}) {
  const W = stax.heNormal();
  const block = (features: number, convolutions: number) =>
    serial(
      ...Array.from({ length: convolutions }, () => serial(Conv2d(features * width, 3, { W, padding: 'SAME' }), Relu)),
      MaxPool(2),
    );
  return serial(
    block(64, 2),
    block(128, 2),
    block(256, 3),
    block(512, 3),
    block(512, 3),
    Flatten,
    ...[0, 1].map(() => serial(Dense(4096 * width, { W }), Relu, Dropout(0.5))),
    Dense(classes),
    LogSoftmax,
  );
}

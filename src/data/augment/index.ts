/**
 * Augmentation of images as pure functions of a key: on whole batches, under `jit`, `vmap` and `grad`, on every device.
 * Each image of a batch draws for itself.
 */
export { compose, perImage, sometimes, type Augmentation, type Size } from './augmentation.js';
export {
  affine,
  rotation,
  shift,
  zoom,
  type AffineOptions,
  type AffineRanges,
  type Angle,
  type ShiftRange,
} from './affine.js';
export { brightness, contrast, gaussianNoise, normalize, type PerChannel } from './color.js';
export { centerCrop, crop, type CropOptions } from './crop.js';
export { cutout, type CutoutOptions } from './erase.js';
export { flipLeftRight, flipUpDown, type FlipOptions } from './flip.js';
export { affineMatrix, type AffineParameters } from './matrix.js';
export { cutmix, mixup, type BatchAugmentation, type LabelledBatch } from './mix.js';
export { affineTransform, type FillMode, type ResampleOptions } from './resample.js';

/** What can go wrong on a GPU. */

/** The driver refused or failed at something; the message names the kernel where it is known. */
export class GpuError extends Error {
  override name = 'GpuError';
}

/** An array is larger than the device allows, or there is no memory left for it. */
export class OutOfMemoryError extends GpuError {
  override name = 'OutOfMemoryError';
}

/** The device is gone, with all arrays on it. */
export class DeviceLostError extends GpuError {
  override name = 'DeviceLostError';
}

/** There is no WebGPU here: no implementation, or no adapter. */
export class NoDeviceError extends Error {
  override name = 'NoDeviceError';
}

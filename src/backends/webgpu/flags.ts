/** Flags of WebGPU (§5.1, §8.1.1); constants here, because in Node they are not global. */
export const USAGE = {
  mapRead: 0x0001,
  copySource: 0x0004,
  copyTarget: 0x0008,
  uniform: 0x0040,
  storage: 0x0080,
  indirect: 0x0100,
  queryResolve: 0x0200,
} as const;
export const MAP_READ = 0x0001;
export const STAGE_COMPUTE = 0x4;

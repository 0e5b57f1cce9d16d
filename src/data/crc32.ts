/** Checksums of zip archives, which fflate writes and does not read (PKWARE, APPNOTE.TXT, sections 4.3.12, 4.3.16 and 4.4.7). */

const END = 0x06054b50;
const END_BYTES = 22;
const ENTRY_BYTES = 46;

/** The checksums that an archive announces, in its order; `undefined` where there is none to be found. */
export function checksums(view: DataView): (number | undefined)[] {
  let end = view.byteLength - END_BYTES;
  while (end >= 0 && view.getUint32(end, true) !== END) end--;
  if (end < 0) return [];
  const found: number[] = [];
  let at = view.getUint32(end + 16, true);
  for (let n = view.getUint16(end + 8, true); n > 0 && at + ENTRY_BYTES <= view.byteLength; n--) {
    found.push(view.getUint32(at + 16, true));
    // A name, an extra field and a comment follow.
    const follows = [28, 30, 32].reduce((sum, length) => sum + view.getUint16(at + length, true), 0);
    at += ENTRY_BYTES + follows;
  }
  return found;
}

let table: Uint32Array | undefined;

/** CRC-32 of bytes, by the polynomial of ISO 3309, reflected. */
export function crc32(bytes: Uint8Array): number {
  table ??= Uint32Array.from({ length: 256 }, (_, byte) => {
    let rest = byte;
    for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
    return rest;
  });
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (table[(crc ^ byte) & 0xff] ?? 0);
  return ~crc >>> 0;
}

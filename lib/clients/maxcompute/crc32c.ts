// Eight tables, so that eight bytes cost one step (slicing-by-8). The polynomial is Castagnoli's, which zlib.crc32 does not know.
const tables = Array.from({ length: 8 }, () => new Int32Array(256));
for (let byte = 0; byte < 256; byte++) {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  table(0)[byte] = value;
}
for (let byte = 0; byte < 256; byte++) {
  for (let at = 1; at < 8; at++) {
    const before = entry(table(at - 1), byte);
    table(at)[byte] = entry(table(0), before & 255) ^ (before >>> 8);
  }
}

function table(at: number): Int32Array {
  return tables[at] as Int32Array;
}

function entry(of: Int32Array, index: number): number {
  return of[index] as number;
}

const [t0, t1, t2, t3, t4, t5, t6, t7] = [table(0), table(1), table(2), table(3), table(4), table(5), table(6), table(7)];

/** What a CRC32C starts from; see `finished`. */
export const start = -1;

/** The state after the bytes from `from` to `to`. */
export function update(state: number, bytes: Uint8Array, from: number, to: number): number {
  let crc = state;
  let at = from;
  for (; at + 8 <= to; at += 8) {
    const low =
      crc ^
      ((bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24));
    crc =
      entry(t7, low & 255) ^
      entry(t6, (low >>> 8) & 255) ^
      entry(t5, (low >>> 16) & 255) ^
      entry(t4, low >>> 24) ^
      entry(t3, bytes[at + 4] as number) ^
      entry(t2, bytes[at + 5] as number) ^
      entry(t1, bytes[at + 6] as number) ^
      entry(t0, bytes[at + 7] as number);
  }
  for (; at < to; at++) crc = entry(t0, (crc ^ (bytes[at] as number)) & 255) ^ (crc >>> 8);
  return crc;
}

/** The state after one byte. */
export function updateByte(state: number, byte: number): number {
  return entry(t0, (state ^ byte) & 255) ^ (state >>> 8);
}

/** The state after 32 bits, little-endian. */
export function updateInt32(state: number, value: number): number {
  const low = state ^ value;
  return entry(t3, low & 255) ^ entry(t2, (low >>> 8) & 255) ^ entry(t1, (low >>> 16) & 255) ^ entry(t0, low >>> 24);
}

/** The state after 64 bits, little-endian, given as two words. */
export function updateInt64(state: number, lowWord: number, highWord: number): number {
  const low = state ^ lowWord;
  return (
    entry(t7, low & 255) ^
    entry(t6, (low >>> 8) & 255) ^
    entry(t5, (low >>> 16) & 255) ^
    entry(t4, low >>> 24) ^
    entry(t3, highWord & 255) ^
    entry(t2, (highWord >>> 8) & 255) ^
    entry(t1, (highWord >>> 16) & 255) ^
    entry(t0, highWord >>> 24)
  );
}

/** The CRC that a state stands for, as an unsigned number of 32 bits. */
export function finished(state: number): number {
  return ~state >>> 0;
}

// Castagnoli's polynomial, reflected. Eight tables take eight bytes a step (Intel's slicing-by-8): byte by byte is several times as slow.
const tables: readonly Int32Array[] = buildTables();

function buildTables(): Int32Array[] {
  const built = Array.from({ length: 8 }, () => new Int32Array(256));
  const [first = new Int32Array(256)] = built;
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    first[byte] = crc;
  }
  for (let byte = 0; byte < 256; byte++) {
    let crc = first[byte] ?? 0;
    for (let table = 1; table < 8; table++) {
      crc = (first[crc & 0xff] ?? 0) ^ (crc >>> 8);
      (built[table] as Int32Array)[byte] = crc;
    }
  }
  return built;
}

const isLittleEndian = new Uint8Array(new Int32Array([1]).buffer)[0] === 1;

/** CRC-32C of the bytes from `start`, as Kafka puts it into a record batch. */
export function crc32c(bytes: Uint8Array, start = 0): number {
  const aligned = start + (-(bytes.byteOffset + start) & 3);
  if (!isLittleEndian || aligned >= bytes.length) return ~byteByByte(-1, bytes, start, bytes.length) >>> 0;
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as [
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  let crc = byteByByte(-1, bytes, start, aligned);
  // Whole words are read twice as fast as their bytes. Indexes stay inside the arrays, which `as number` says without costing a test.
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + aligned, (bytes.length - aligned) >> 2);
  let at = 0;
  for (const end = words.length - 1; at < end; at += 2) {
    const low = crc ^ (words[at] as number);
    const high = words[at + 1] as number;
    crc =
      (t7[low & 0xff] as number) ^
      (t6[(low >>> 8) & 0xff] as number) ^
      (t5[(low >>> 16) & 0xff] as number) ^
      (t4[low >>> 24] as number) ^
      (t3[high & 0xff] as number) ^
      (t2[(high >>> 8) & 0xff] as number) ^
      (t1[(high >>> 16) & 0xff] as number) ^
      (t0[high >>> 24] as number);
  }
  return ~byteByByte(crc, bytes, aligned + at * 4, bytes.length) >>> 0;
}

function byteByByte(before: number, bytes: Uint8Array, from: number, to: number): number {
  const table = tables[0] as Int32Array;
  let crc = before;
  for (let at = from; at < to; at++) crc = (table[(crc ^ (bytes[at] as number)) & 0xff] as number) ^ (crc >>> 8);
  return crc;
}

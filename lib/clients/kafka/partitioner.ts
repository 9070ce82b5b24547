/** Kafka's murmur2, as a 32 bit integer: the hash by which Java producers choose a partition. */
export function murmur2(bytes: Uint8Array): number {
  const { length } = bytes;
  const m = 0x5bd1e995;
  let hash = 0x9747b28c ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    let k = byte(bytes, at) | (byte(bytes, at + 1) << 8) | (byte(bytes, at + 2) << 16) | (byte(bytes, at + 3) << 24);
    k = Math.imul(k, m);
    k ^= k >>> 24;
    hash = Math.imul(hash, m) ^ Math.imul(k, m);
  }
  const rest = length - at;
  if (rest > 2) hash ^= byte(bytes, at + 2) << 16;
  if (rest > 1) hash ^= byte(bytes, at + 1) << 8;
  if (rest > 0) hash = Math.imul(hash ^ byte(bytes, at), m);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, m);
  return hash ^ (hash >>> 15);
}

/** The partition that a Java producer would choose for the key. */
export function partitionOf(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}

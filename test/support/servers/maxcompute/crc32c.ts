const table = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value >>> 0;
});

/** A CRC32C (Castagnoli) that grows as it is fed. */
export interface Checksum {
  add(bytes: Uint8Array): void;
  addInt32(value: number): void;
  addInt64(value: bigint): void;
  readonly value: number;
  reset(): void;
}

export function checksum(): Checksum {
  let state = 0xffffffff;
  const scratch = Buffer.alloc(8);
  const sum: Checksum = {
    add(bytes) {
      let next = state;
      for (let at = 0; at < bytes.length; at++) next = (table[(next ^ (bytes[at] as number)) & 255] as number) ^ (next >>> 8);
      state = next;
    },
    addInt32(value) {
      scratch.writeInt32LE(value | 0);
      sum.add(scratch.subarray(0, 4));
    },
    addInt64(value) {
      scratch.writeBigInt64LE(value);
      sum.add(scratch);
    },
    get value() {
      return (state ^ 0xffffffff) >>> 0;
    },
    reset() {
      state = 0xffffffff;
    },
  };
  return sum;
}

/** The bytes of a record stream are not what they have to be. */
export class BrokenStream extends Error {
  readonly code: string;

  constructor(message: string, code = 'MalformedDataStream') {
    super(message);
    this.code = code;
  }
}

/** Reads the primitives of the record encoding one after the other. */
export interface Cursor {
  readonly isAtEnd: boolean;
  byte(): number;
  take(length: number): Buffer;
  /** An unsigned varint of at most 64 bits. */
  varint(): bigint;
  zigzag(): bigint;
  /** A varint that has to be small enough to count or number something. */
  count(): number;
  /** Unsigned 32 bits; the official Python client writes those above 2^31 as the negative number they would be. */
  sum(): number;
}

export function cursorOver(bytes: Buffer): Cursor {
  let at = 0;
  const cursor: Cursor = {
    get isAtEnd() {
      return at === bytes.length;
    },
    byte() {
      const byte = bytes[at++];
      if (byte === undefined) throw new BrokenStream('The stream ends inside of a value.', 'IncompleteBody');
      return byte;
    },
    take(length) {
      if (length > bytes.length - at) throw new BrokenStream('The stream ends inside of a value.', 'IncompleteBody');
      at += length;
      return bytes.subarray(at - length, at);
    },
    varint() {
      // Most have at most four bytes, and numbers are much faster than bigints.
      let small = 0;
      for (let length = 0; length < 4; length++) {
        const byte = bytes[at + length] ?? 128;
        small += (byte & 127) * 2 ** (7 * length);
        if (byte < 128) {
          at += length + 1;
          return BigInt(small);
        }
      }
      let value = 0n;
      for (let shift = 0n; shift < 70n; shift += 7n) {
        const byte = cursor.byte();
        value |= BigInt(byte & 127) << shift;
        if (byte < 128) {
          if (value >= 1n << 64n) throw new BrokenStream('A varint has more than 64 bits.');
          return value;
        }
      }
      throw new BrokenStream('A varint has more than ten bytes.');
    },
    zigzag() {
      const value = cursor.varint();
      return (value >> 1n) ^ -(value & 1n);
    },
    count() {
      const first = bytes[at] ?? 128;
      if (first < 128) {
        at++;
        return first;
      }
      const value = cursor.varint();
      if (value > 0xffffffffn) throw new BrokenStream('A length or number has more than 32 bits.');
      return Number(value);
    },
    sum() {
      const value = cursor.varint();
      const isNegative = value >> 31n === 0x1_ffff_ffffn;
      if (value > 0xffffffffn && !isNegative) throw new BrokenStream('A checksum has more than 32 bits.');
      return Number(BigInt.asUintN(32, value));
    },
  };
  return cursor;
}

export function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

export function zigzag(value: bigint): Buffer {
  return varint((value << 1n) ^ (value >> 63n));
}

export function tag(field: number, wireType: number): Buffer {
  return varint((BigInt(field) << 3n) | BigInt(wireType));
}

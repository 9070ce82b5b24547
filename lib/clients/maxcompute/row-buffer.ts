import { finished, start, update, updateByte, updateInt32, updateInt64 } from './crc32c.ts';

/** How a value sits on the wire; a tag carries it. */
export const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/**
 * Rows in the encoding of the Tunnel service, appended value by value: `beginRow`, then for each column that is not NULL `field` and one
 * value, then `endRow`; or `dropRow`, which leaves what was there before. Members of lists and structs are values without `field`.
 */
export interface RowBuffer {
  readonly rows: number;
  /** Bytes of the finished rows. */
  readonly bytes: number;
  beginRow(): void;
  field(number: number, wireType: number): void;
  /** A whole number that a double holds exactly. */
  integer(value: number): undefined;
  bigInteger(value: bigint): undefined;
  boolean(value: boolean): undefined;
  float(value: number): undefined;
  double(value: number): undefined;
  text(value: string, byteLength: number): undefined;
  binary(value: Uint8Array): undefined;
  /** Seconds since the epoch, rounded down, and nanoseconds. */
  instant(seconds: number, nanos: number): undefined;
  /** How many members follow. */
  count(value: number): void;
  /** Whether the member that follows is NULL, in which case nothing follows. */
  isNull(value: boolean): void;
  endRow(): void;
  dropRow(): void;
  /** All rows with their trailer. The buffer is not used any more after that. */
  finish(): Buffer;
}

const endOfRow = [0x80, 0xc0, 0xff, 0x7f];
const rowCount = [0xf0, 0xff, 0xff, 0x7f];
const checksum = [0xf8, 0xff, 0xff, 0x7f];
const twoTo32 = 4_294_967_296;

export function createRowBuffer(sizeHint = 16_384): RowBuffer {
  let buffer = Buffer.allocUnsafe(Math.max(1_024, sizeHint));
  let at = 0;
  let rowStart = 0;
  let rows = 0;
  let rowCrc = start;
  let streamCrc = start;

  const need = (bytes: number): void => {
    if (at + bytes <= buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, at + bytes));
    buffer.copy(larger, 0, 0, at);
    buffer = larger;
  };
  const varint = (value: number): void => {
    let rest = value;
    for (; rest > 127; rest >>>= 7) buffer[at++] = (rest & 127) | 128;
    buffer[at++] = rest;
  };
  const constant = (bytes: readonly number[]): void => {
    for (const byte of bytes) buffer[at++] = byte;
  };
  /** The zigzag form of a 64-bit number that is given as two words. */
  const zigzag = (lowWord: number, highWord: number): void => {
    const sign = highWord >> 31;
    let low = ((lowWord << 1) ^ sign) >>> 0;
    let high = (((highWord << 1) | (lowWord >>> 31)) ^ sign) >>> 0;
    while (high > 0) {
      buffer[at++] = (low & 127) | 128;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    for (; low > 127; low >>>= 7) buffer[at++] = (low & 127) | 128;
    buffer[at++] = low;
  };
  const whole = (lowWord: number, highWord: number): undefined => {
    need(10);
    rowCrc = updateInt64(rowCrc, lowWord, highWord);
    zigzag(lowWord, highWord);
  };
  const raw = (length: number): void => {
    rowCrc = update(rowCrc, buffer, at, at + length);
    at += length;
  };

  return {
    get rows() {
      return rows;
    },
    get bytes() {
      return rowStart;
    },
    beginRow() {
      at = rowStart;
      rowCrc = start;
    },
    field(number, wireType) {
      need(10);
      varint((number << 3) | wireType);
      rowCrc = updateInt32(rowCrc, number);
    },
    integer: (value) => whole(value >>> 0, Math.floor(value / twoTo32) | 0),
    bigInteger: (value) => whole(Number(BigInt.asUintN(32, value)), Number(BigInt.asIntN(32, value >> 32n))),
    boolean(value): undefined {
      need(1);
      const byte = value ? 1 : 0;
      buffer[at++] = byte;
      rowCrc = updateByte(rowCrc, byte);
    },
    float(value): undefined {
      need(4);
      buffer.writeFloatLE(value, at);
      raw(4);
    },
    double(value): undefined {
      need(8);
      buffer.writeDoubleLE(value, at);
      raw(8);
    },
    text(value, byteLength): undefined {
      need(byteLength + 5);
      varint(byteLength);
      buffer.write(value, at, byteLength, 'utf8');
      raw(byteLength);
    },
    binary(value): undefined {
      need(value.length + 5);
      varint(value.length);
      buffer.set(value, at);
      raw(value.length);
    },
    instant(seconds, nanos): undefined {
      need(20);
      const [low, high] = [seconds >>> 0, Math.floor(seconds / twoTo32) | 0];
      zigzag(low, high);
      zigzag(nanos, 0);
      rowCrc = updateInt32(updateInt64(rowCrc, low, high), nanos);
    },
    count(value) {
      need(5);
      varint(value);
    },
    isNull(value) {
      need(1);
      buffer[at++] = value ? 1 : 0;
    },
    endRow() {
      need(10);
      constant(endOfRow);
      const crc = finished(rowCrc);
      varint(crc);
      streamCrc = updateInt32(streamCrc, crc);
      rowStart = at;
      rows++;
    },
    dropRow() {
      at = rowStart;
    },
    finish() {
      at = rowStart;
      need(28);
      constant(rowCount);
      zigzag(rows, 0);
      constant(checksum);
      varint(finished(streamCrc));
      return buffer.subarray(0, at);
    },
  };
}

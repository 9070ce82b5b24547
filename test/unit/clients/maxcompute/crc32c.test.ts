import fc from 'fast-check';
import { expect, it } from 'vitest';
import { finished, start, update, updateByte, updateInt32, updateInt64 } from '../../../../lib/clients/maxcompute/crc32c.ts';

const crc = (bytes: Uint8Array): number => finished(update(start, bytes, 0, bytes.length));

it('computes the published checksums', () => {
  expect(crc(Buffer.from('123456789')).toString(16)).toBe('e3069283');
  expect(crc(Buffer.from('hello world')).toString(16)).toBe('c99465aa');
  expect(crc(Buffer.alloc(0))).toBe(0);
});

it('answers the same however the bytes are cut, and as bits one by one', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(60), (bytes, cut) => {
      const middle = Math.min(cut, bytes.length);
      const state = update(update(start, bytes, 0, middle), bytes, middle, bytes.length);
      expect(finished(state)).toBe(bitByBit(bytes));
      expect(finished(bytes.reduce(updateByte, start))).toBe(bitByBit(bytes));
    }),
  );
});

it('takes words as their bytes in little-endian order', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer(), (low, high) => {
      const bytes = Buffer.alloc(8);
      bytes.writeInt32LE(low, 0);
      bytes.writeInt32LE(high, 4);
      expect(finished(updateInt32(start, low))).toBe(crc(bytes.subarray(0, 4)));
      expect(finished(updateInt64(start, low, high))).toBe(crc(bytes));
    }),
  );
});

function bitByBit(bytes: Uint8Array): number {
  let state = 0xffffffff;
  for (const byte of bytes) {
    state ^= byte;
    for (let bit = 0; bit < 8; bit++) state = state & 1 ? (state >>> 1) ^ 0x82f63b78 : state >>> 1;
  }
  return ~state >>> 0;
}

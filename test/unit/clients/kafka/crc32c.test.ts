import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../../../lib/clients/kafka/crc32c.ts';

/** The definition, bit by bit. */
function plain(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

describe('crc32c', () => {
  it('has the value that RFC 3720 and others give for these bytes', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, n) => n))).toBe(0x46dd794e);
  });

  it('is the same wherever the bytes lie in memory, of whatever length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 90 }), fc.nat({ max: 9 }), fc.nat({ max: 90 }), (bytes, offset, start) => {
        const memory = new Uint8Array(offset + bytes.length + 5);
        memory.set(bytes, offset);
        const from = Math.min(start, bytes.length);
        expect(crc32c(memory.subarray(offset, offset + bytes.length), from)).toBe(plain(bytes.subarray(from)));
      }),
    );
  });
});

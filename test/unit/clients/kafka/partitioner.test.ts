import { describe, expect, it } from 'vitest';
import { murmur2, partitionOf } from '../../../../lib/clients/kafka/partitioner.ts';

describe('partition of a key', () => {
  // From Kafka's own UtilsTest.testMurmur2.
  const hashes: readonly (readonly [string, number])[] = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ];
  for (const [key, hash] of hashes)
    it(`hashes ${key} as Java does`, () => {
      expect(murmur2(Buffer.from(key))).toBe(hash);
      expect(partitionOf(Buffer.from(key), 12)).toBe((hash & 0x7fffffff) % 12);
    });
});

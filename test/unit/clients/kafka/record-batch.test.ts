import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compressions } from '../../../../lib/clients/kafka/codecs.ts';
import { crc32c } from '../../../../lib/clients/kafka/crc32c.ts';
import {
  decodeRecordBatches,
  encodedSize,
  encodeRecordBatch,
  nullHeaderValue,
  type OutgoingRecord,
} from '../../../../lib/clients/kafka/record-batch.ts';

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const outgoing: fc.Arbitrary<OutgoingRecord> = fc.record({
  topic: fc.constant('t'),
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.array(
    fc.record({
      key: fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('a', '__proto__', 'toString', '1')),
      value: fc.oneof(bytes, fc.constant(nullHeaderValue)),
    }),
    { maxLength: 5 },
  ),
  timestamp: fc.oneof(fc.integer({ min: -1, max: 4_000_000_000_000 }), fc.integer({ min: -1, max: 4_000_000_000_000_000 })),
});

function plain({ key, value, headers, timestamp }: Pick<OutgoingRecord, 'key' | 'value' | 'headers' | 'timestamp'>) {
  return {
    key,
    value,
    timestamp,
    headers: headers.map((header) => [header.key, header.value === nullHeaderValue ? null : Buffer.from(header.value)]),
  };
}

describe('record batches', () => {
  it('come back as they were written, whatever is in them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(outgoing, { minLength: 1, maxLength: 20 }),
        fc.constantFrom(...compressions),
        async (records, compression) => {
          const batch = await encodeRecordBatch(records, compression, 5);
          const read = await decodeRecordBatches(batch, 't', 3);
          expect(read.map(plain)).toEqual(records.map(plain));
          expect(read.map(({ origin }) => origin)).toEqual(records.map((_, offset) => ({ topic: 't', partition: 3, offset })));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('are never larger than was said of their records', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(outgoing, { minLength: 1, maxLength: 5 }), async (records) => {
        const batch = await encodeRecordBatch(records, 'none', 0);
        expect(batch.length).toBeLessThanOrEqual(61 + records.reduce((sum, record) => sum + encodedSize(record), 0));
      }),
    );
  });

  it('give records without a timestamp the time of sending', async () => {
    const record = { topic: 't', key: null, value: null, headers: [] };
    const read = await decodeRecordBatches(await encodeRecordBatch([record, { ...record, timestamp: 7 }], 'none', 1_000), 't', 0);
    expect(read.map(({ timestamp }) => timestamp)).toEqual([1_000, 7]);
  });

  it('leave out a batch that was cut off, which the next fetch brings again', async () => {
    const record = { topic: 't', key: Buffer.from('k'), value: Buffer.from('v'), headers: [] };
    const batch = await encodeRecordBatch([record], 'none', 1);
    const read = await decodeRecordBatches(Buffer.concat([batch, batch.subarray(0, batch.length - 1)]), 't', 0);
    expect(read).toHaveLength(1);
  });

  it('end with a record that nobody sees when compaction took the last ones, so that reading goes on after them', async () => {
    const record = { topic: 't', key: Buffer.from('k'), value: Buffer.from('v'), headers: [] };
    const batch = await encodeRecordBatch([record, record], 'none', 1);
    batch.writeInt32BE(9, 23);
    const read = await decodeRecordBatches(batch, 't', 0);
    expect(read.map(({ offset, isControlRecord }) => [offset, isControlRecord])).toEqual([
      [0, false],
      [1, false],
      [9, true],
    ]);
  });

  it('of an older format are named as such', async () => {
    const batch = await encodeRecordBatch([{ topic: 't', key: null, value: null, headers: [] }], 'none', 1);
    batch[16] = 1;
    await expect(decodeRecordBatches(batch, 'old', 0)).rejects.toThrow("Expected records of old in Kafka's format 2");
  });
});

describe('crc32c', () => {
  it('is the checksum of RFC 3720', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
    expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
    expect(crc32c(Buffer.from(Array.from({ length: 32 }, (_, index) => index)))).toBe(0x46dd794e);
    expect(crc32c(Buffer.from('xx123456789'), 2)).toBe(0xe3069283);
  });
});

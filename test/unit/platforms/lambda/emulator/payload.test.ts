import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partitionName, type SourceRecord } from '../../../../../lib/core/record.ts';
import { isFull, payloadBytes, putBack, takeBatch } from '../../../../../lib/platforms/lambda/emulator/payload.ts';
import { toEvent } from '../../../../../lib/platforms/lambda/event.ts';
import { sourceRecord } from '../../../../support/records.ts';

const queuesOf = (records: readonly SourceRecord[]) => {
  const queues = new Map<string, SourceRecord[]>();
  putBack(queues, records);
  return queues;
};
const numbered = (partition: number, count: number) =>
  Array.from({ length: count }, (_, offset) => sourceRecord('k', '{}', { partition, offset }));

describe('an event', () => {
  it('never gets larger than its records were reckoned', () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    const headers = fc.array(fc.record({ key: fc.string(), value: bytes }), { maxLength: 3 });
    fc.assert(
      fc.property(fc.option(bytes), fc.option(bytes), headers, fc.nat(), (key, value, list, offset) => {
        const record = sourceRecord(key, value, { headers: list, offset });
        const [written] = Object.values(toEvent([record]).records).flat();
        expect(Buffer.byteLength(JSON.stringify(written)) + 1).toBeLessThanOrEqual(payloadBytes(record));
      }),
    );
  });

  it('takes as many records as it may, and leaves the rest in order', () => {
    const queues = queuesOf([...numbered(0, 3), ...numbered(1, 3)]);
    const batch = takeBatch(queues, { records: 4, payloadBytes: 1e6 });
    expect(batch.map(({ origin }) => `${origin.partition}@${origin.offset}`)).toEqual(['0@0', '0@1', '0@2', '1@0']);
    expect([...queues.values()].flat().map(({ origin }) => origin.offset)).toEqual([1, 2]);
  });

  it('takes as many bytes as it may, but one record at least', () => {
    const [one] = numbered(0, 1);
    const size = payloadBytes(one!);
    expect(takeBatch(queuesOf(numbered(0, 5)), { records: 100, payloadBytes: 2 * size })).toHaveLength(2);
    expect(takeBatch(queuesOf(numbered(0, 5)), { records: 100, payloadBytes: 1 })).toHaveLength(1);
  });

  it('is full by count or by bytes', () => {
    expect(isFull(queuesOf(numbered(0, 2)), { records: 3, payloadBytes: 1e6 })).toBe(false);
    expect(isFull(queuesOf(numbered(0, 3)), { records: 3, payloadBytes: 1e6 })).toBe(true);
    expect(isFull(queuesOf(numbered(0, 2)), { records: 3, payloadBytes: 10 })).toBe(true);
  });

  it('gets what was put back before what came later', () => {
    const queues = queuesOf(numbered(0, 5));
    const batch = takeBatch(queues, { records: 3, payloadBytes: 1e6 });
    putBack(queues, batch.slice(1));
    expect(queues.get(partitionName(batch[0]!.origin))?.map(({ origin }) => origin.offset)).toEqual([1, 2, 3, 4]);
  });
});

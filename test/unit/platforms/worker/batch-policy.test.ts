import { describe, expect, it } from 'vitest';
import { type BatchPolicy, nextBatch, nextDueAt } from '../../../../lib/platforms/worker/batch-policy.ts';
import { createLane, enqueue, type Lane } from '../../../../lib/platforms/worker/lane.ts';
import { sourceRecord } from '../../../support/records.ts';

const policy: BatchPolicy = { records: 10, bytes: 10_000, ageMs: 1_000, idleMs: 100, concurrency: 4 };

function lane(partition: number, count: number, { at = 0, value = 'x' } = {}): Lane {
  const created = createLane({ topic: 'orders', partition });
  enqueue(
    created,
    Array.from({ length: count }, (_, offset) => sourceRecord(null, value, { partition, offset })),
    at,
  );
  return created;
}

function taken(
  lanes: readonly Lane[],
  { now = 0, slots = 4, isPressed = false, ...limits }: Partial<BatchPolicy> & { now?: number; slots?: number; isPressed?: boolean } = {},
) {
  const parts = nextBatch({ lanes, policy: { ...policy, ...limits }, now, slots, isPressed });
  return parts?.map((part) => [part.lane.partition, part.records.length]);
}

describe('batch policy', () => {
  it('waits for more records until one of its limits is reached', () => {
    expect(taken([lane(0, 9)], { now: 99 })).toBeUndefined();
    expect(taken([lane(0, 10)])).toEqual([[0, 10]]);
    expect(taken([lane(0, 9)], { now: 100 })).toEqual([[0, 9]]);
    expect(taken([lane(0, 2, { value: 'x'.repeat(5_000) })])).toEqual([[0, 1]]);
  });

  it('hands on what has waited long enough, although more keeps coming', () => {
    const busy = lane(0, 1, { at: 0 });
    for (let at = 50; at < 1_000; at += 50) enqueue(busy, [], at);
    enqueue(busy, [sourceRecord(null, 'x')], 990);
    expect(taken([busy], { now: 999 })).toBeUndefined();
    expect(taken([busy], { now: 1_000 })).toEqual([[0, 2]]);
  });

  it('gives a full partition a batch of its own, the longest waiting first', () => {
    expect(taken([lane(0, 12, { at: 5 }), lane(1, 12, { at: 3 }), lane(2, 3)])).toEqual([[1, 10]]);
  });

  it('puts partitions with little into one batch once they fill it together', () => {
    expect(taken([lane(0, 4), lane(1, 4), lane(2, 4)])).toEqual([
      [0, 4],
      [1, 4],
      [2, 2],
    ]);
  });

  it('uses every free slot before it puts partitions together', () => {
    const lanes = [0, 1, 2, 3].map((partition) => lane(partition, 1));
    expect(taken(lanes, { now: 100, slots: 4 })).toEqual([[0, 1]]);
    expect(taken(lanes, { now: 100, slots: 1 })).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
  });

  it('takes nothing of a partition that has a batch under way or is waiting after a failure', () => {
    const busy = lane(0, 20);
    busy.isInFlight = true;
    const failed = lane(1, 20);
    failed.holds.add('failed');
    expect(taken([busy, failed], { now: 5_000 })).toBeUndefined();
    expect(nextDueAt([busy, failed], policy)).toBeUndefined();
  });

  it('hands on what waits when memory is short', () => {
    expect(taken([lane(0, 1)], { isPressed: true })).toEqual([[0, 1]]);
  });

  it('takes a record that is larger than a batch alone', () => {
    const large = lane(0, 2, { value: 'x'.repeat(50_000) });
    expect(taken([large])).toEqual([[0, 1]]);
    expect(taken([large])).toEqual([[0, 1]]);
    expect(large.waiting).toMatchObject({ records: 0, bytes: 0 });
  });

  it('keeps the order over several takes and counts what is left', () => {
    const long = lane(0, 25);
    const offsets: number[] = [];
    for (let round = 0; round < 3; round++)
      for (const part of nextBatch({ lanes: [long], policy, now: 5_000, slots: 1, isPressed: false }) ?? [])
        offsets.push(...part.records.map(({ origin }) => origin.offset));
    expect(offsets).toEqual(Array.from({ length: 25 }, (_, offset) => offset));
    expect(long.waiting).toMatchObject({ records: 0, bytes: 0, segments: [] });
  });
});

import { describe, expect, it } from 'vitest';
import { acknowledge } from '../../../lib/core/acknowledge.ts';
import type { Preparation } from '../../../lib/core/prepare.ts';
import type { Sink } from '../../../lib/core/sink.ts';
import type { Transform } from '../../../lib/core/transform.ts';
import { connectorAround } from '../../support/connector.ts';
import { sourceRecord } from '../../support/records.ts';

const decode = (bytes: Uint8Array) => ({ value: Buffer.from(bytes).toString() });
const preparationWith = (transform: Transform): Preparation => ({
  decodeKey: decode,
  decodeValue: decode,
  carriesJson: false,
  ready: [],
  transform,
  tombstones: 'pass',
  epoch: 0,
  believesReplays: () => false,
});
const batch = Array.from({ length: 10 }, (_, offset) => sourceRecord('k', 'v', { offset }));
const target: Sink = { write: async (records) => records.map(() => 'delivered') };
const until = { mode: 'partial', deadline: 1_760_000_000_000 + 120_000 } as const;

describe('an asynchronous transform', () => {
  it('starts no record after the time is over', async () => {
    const over = new AbortController();
    const started: number[] = [];
    const transform: Transform = async (record) => {
      started.push(record.origin.offset);
      await new Promise(setImmediate);
      if (record.origin.offset === 2) over.abort();
      return record;
    };
    const connector = connectorAround(target, { preparation: preparationWith(transform), concurrency: 1 });
    const settlement = await connector.process(batch, { ...until, signal: over.signal });
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(started).toEqual([0, 1, 2]);
    expect(acknowledge(settlement).at(-1)).toMatchObject({ offset: 9 });
    expect(settlement.partitions[0]?.deliveries.at(-1)?.outcome).toMatchObject({ code: 'TRANSFORM_TIMEOUT', class: 'retriable' });
  });

  it('that never answers does not keep the batch for ever', async () => {
    const over = new AbortController();
    const transform: Transform = (record) => (record.origin.offset === 4 ? new Promise(() => undefined) : Promise.resolve(record));
    const connector = connectorAround(target, { preparation: preparationWith(transform), concurrency: 2 });
    const processing = connector.process(batch, { ...until, signal: over.signal });
    setTimeout(() => over.abort(), 10);
    const settlement = await processing;
    expect(settlement.partitions[0]?.deliveries[4]?.outcome).toMatchObject({ code: 'TRANSFORM_TIMEOUT', class: 'retriable' });
    expect(settlement.partitions[0]?.deliveries[4]?.stage).toBe('transform');
  });
});

describe('what does not reach the sink', () => {
  it('is told to it: dropped, or failed as it is', async () => {
    let unsent: unknown;
    const sink: Sink = {
      write: async (records, options) => {
        unsent = options.unsent?.();
        return records.map(() => 'delivered');
      },
    };
    const transform: Transform = (record) => {
      if (record.origin.offset === 2) throw new Error('odd');
      return record.origin.offset === 4 ? null : record;
    };
    const connector = connectorAround(sink, { preparation: preparationWith(transform), dataErrors: 'skip' });
    await connector.process(batch, until);
    expect(unsent).toEqual([
      { origin: batch[2]?.origin, timestamp: batch[2]?.timestamp, why: 'rejected' },
      { origin: batch[4]?.origin, timestamp: batch[4]?.timestamp, why: 'dropped' },
    ]);
  });
});

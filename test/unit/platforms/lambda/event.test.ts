import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Delivery } from '../../../../lib/core/delivery.ts';
import { DataError, RetriableError } from '../../../../lib/core/errors.ts';
import type { SourceRecord } from '../../../../lib/core/record.ts';
import { settle } from '../../../../lib/core/settle.ts';
import { type KafkaTriggerEvent, readBatch, toEvent, toResponse } from '../../../../lib/platforms/lambda/event.ts';

const fixture = (name: string): KafkaTriggerEvent =>
  JSON.parse(readFileSync(new URL(`../../../fixtures/lambda/${name}.json`, import.meta.url), 'utf8'));

const text = (bytes: Uint8Array | null | undefined) => (bytes == null ? bytes : Buffer.from(bytes).toString('utf8'));
const plain = ({ origin, timestamp, timestampType, key, value, headers }: SourceRecord) => ({
  origin: { ...origin },
  timestamp,
  timestampType,
  key: key === null ? null : [...key],
  value: value === null ? null : [...value],
  headers: headers.map((header) => ({ key: header.key, value: [...header.value] })),
});

describe('readBatch', () => {
  it('reads an event of Amazon MSK', () => {
    const batch = readBatch(fixture('msk'));
    expect(batch.map(({ origin }) => origin)).toEqual([
      { topic: 'orders', partition: 0, offset: 15 },
      { topic: 'orders', partition: 0, offset: 17 },
      { topic: 'orders', partition: 3, offset: 0 },
    ]);
    expect(batch.map(({ key }) => text(key))).toEqual(['user-1', null, 'user-2']);
    expect(batch.map(({ value }) => text(value))).toEqual(['{"id":1}', '{"id":2}', null]);
    expect(batch.map(({ timestampType }) => timestampType)).toEqual(['create', 'append', 'create']);
    expect(batch[0]?.timestamp).toBe(1_760_000_000_000);
  });

  it('reads signed header bytes, whatever they encode', () => {
    expect(text(readBatch(fixture('msk'))[0]?.headers[0]?.value)).toBe('abë');
  });

  it('keeps repeated header names and their order', () => {
    expect(plain(readBatch(fixture('self-managed'))[0]!).headers).toEqual([
      { key: 'n', value: [1] },
      { key: 'm', value: [] },
      { key: 'n', value: [255, 127, 128] },
    ]);
  });

  it('takes topic and partition from the record, as topics hold dashes and dots', () => {
    expect(readBatch(fixture('self-managed')).map(({ origin }) => origin)).toEqual([
      { topic: 'a.b-c', partition: 12, offset: 7 },
      { topic: 'other', partition: 0, offset: Number.MAX_SAFE_INTEGER },
    ]);
  });

  it('tells an empty key and value from absent ones', () => {
    const [first, second] = readBatch(fixture('self-managed')).map(plain);
    expect(first).toMatchObject({ key: null, value: [] });
    expect(second).toMatchObject({ key: [], value: [255, 0, 1], headers: [] });
  });

  it('hands out bytes that later records do not overwrite', () => {
    const [first, second] = readBatch(fixture('msk'));
    const kept = first?.value;
    void second?.value;
    expect(text(kept)).toBe('{"id":1}');
  });

  it('reads values larger than any before', () => {
    const value = Buffer.alloc(1_000_000, 'ab');
    const [record] = readBatch(toEvent([source({ value })]));
    expect(record?.value?.length).toBe(1_000_000);
    expect(Buffer.compare(record?.value ?? Buffer.alloc(0), value)).toBe(0);
  });

  it.each([
    ['no event', undefined],
    ['null', null],
    ['an event of another source', { Records: [] }],
    ['records in a list', { records: [] }],
    ['a partition that is no list', { records: { 'a-0': {} } }],
    ['a record that is none', { records: { 'a-0': [1] } }],
    ['a record without topic', { records: { 'a-0': [{ partition: 0, offset: 0, timestamp: 0 }] } }],
    ['an offset as text', { records: { 'a-0': [{ topic: 'a', partition: 0, offset: '5', timestamp: 0 }] } }],
    ['a value that is no text', { records: { 'a-0': [{ topic: 'a', partition: 0, offset: 5, timestamp: 0, value: {} }] } }],
    ['headers that are no list', { records: { 'a-0': [{ topic: 'a', partition: 0, offset: 5, timestamp: 0, headers: {} }] } }],
    ['offsets that do not rise', { records: { 'a-0': [5, 5].map((offset) => ({ topic: 'a', partition: 0, offset, timestamp: 0 })) } }],
    [
      'two partitions under one name',
      { records: { 'a-0': [0, 1].map((partition) => ({ topic: 'a', partition, offset: partition, timestamp: 0 })) } },
    ],
  ])('refuses %s', (_, event) => {
    expect(() => readBatch(event)).toThrow(expect.objectContaining({ name: 'ConfigError', code: 'EVENT_MALFORMED' }));
  });

  it('refuses a value that is not base64, and says which, without repeating it', () => {
    const [record] = readBatch({ records: { 'a-0': [{ topic: 'a', partition: 0, offset: 5, timestamp: 0, value: 'se*cret!' }] } });
    expect(() => record?.value).toThrow(/the value of a-0@5 to be base64/);
    expect(() => record?.value).not.toThrow(/cret/);
  });
});

describe('toEvent', () => {
  it('gives back the event that was read', () => {
    const { records, ...envelope } = fixture('msk');
    const event = toEvent(readBatch({ records }), envelope);
    expect(event).toMatchObject({ eventSource: 'aws:kafka', bootstrapServers: 'b-1.example:9096,b-2.example:9096' });
    expect(readBatch(event).map(plain)).toEqual(readBatch({ records }).map(plain));
    expect(event.records['orders-0']?.[0]).toEqual(records['orders-0']?.[0]);
  });

  it('loses nothing of any record on the way through JSON', () => {
    const bytes = fc.uint8Array({ maxLength: 40 });
    const header = fc.record({ key: fc.string().filter((key) => key !== '__proto__'), value: bytes });
    const arbitrary = fc.record({
      topic: fc.stringMatching(/^[a-zA-Z0-9._-]{1,20}$/),
      partition: fc.nat(1000),
      timestamp: fc.nat(),
      timestampType: fc.constantFrom('create' as const, 'append' as const),
      headers: fc.array(header, { maxLength: 4 }),
      key: fc.option(bytes),
      value: fc.option(bytes),
    });
    fc.assert(
      fc.property(fc.array(arbitrary, { maxLength: 12 }), (given) => {
        const records = given.map(
          ({ topic, partition, ...rest }, offset): SourceRecord => ({ origin: { topic, partition, offset }, ...rest }),
        );
        const read = readBatch(JSON.parse(JSON.stringify(toEvent(records)))).map(plain);
        const order = (record: ReturnType<typeof plain>) => record.origin.offset;
        expect(read.toSorted((a, b) => order(a) - order(b))).toEqual(records.map(plain));
      }),
    );
  });

  it('keeps a header whose name is __proto__', () => {
    const headers = [{ key: '__proto__', value: Buffer.from([1]) }];
    const event = JSON.parse(JSON.stringify(toEvent([source({ headers })])));
    expect(readBatch(event).map(plain)[0]?.headers).toEqual([{ key: '__proto__', value: [1] }]);
  });
});

describe('toResponse', () => {
  const down = new RetriableError('SINK_UNAVAILABLE', 'down');
  const bad = new DataError('RECORD_UNDECODABLE', 'bad');
  const settled = (outcomes: readonly Delivery['outcome'][], event: KafkaTriggerEvent, mode: 'partial' | 'batch') =>
    settle(
      readBatch(event).map((record, index) => ({ source: record, outcome: outcomes[index] ?? 'delivered' })),
      { mode, dataErrors: 'block' },
    );
  const three = toEvent([
    ...[10, 11, 12].map((offset) => source({ topic: 'my-topic', partition: 0, offset })),
    source({ topic: 'my-topic', partition: 1, offset: 5 }),
    source({ topic: 'my-topic', partition: 2, offset: 7 }),
  ]);

  it('lists the first failure of each partition and all after it', () => {
    const response = toResponse(settled(['delivered', down, 'delivered', 'delivered', bad], three, 'partial'), three);
    expect(response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)).toEqual([
      { partition: 'my-topic-0', offset: 11 },
      { partition: 'my-topic-0', offset: 12 },
      { partition: 'my-topic-2', offset: 7 },
    ]);
  });

  it('lists nothing when all is acknowledged', () => {
    expect(toResponse(settled(['ignored', 'dropped'], three, 'batch'), three)).toEqual({ batchItemFailures: [] });
  });

  it('throws in batch mode whatever fails', () => {
    expect(() => toResponse(settled(['delivered', down], three, 'batch'), three)).toThrow(down);
  });

  it("answers with the event's own name of a partition", () => {
    const event: KafkaTriggerEvent = { eventSource: 'SelfManagedKafka', records: { custom: three.records['my-topic-1'] ?? [] } };
    expect(toResponse(settled([down], event, 'partial'), event).batchItemFailures).toEqual([
      { itemIdentifier: { partition: 'custom', offset: 5 } },
    ]);
  });
});

function source({
  topic = 'orders',
  partition = 0,
  offset = 0,
  ...rest
}: Partial<SourceRecord & SourceRecord['origin']> = {}): SourceRecord {
  return { origin: { topic, partition, offset }, timestamp: 1, timestampType: 'create', headers: [], key: null, value: null, ...rest };
}

import { describe, expect, it } from 'vitest';
import {
  decodeRecordBatches,
  encodeRecordBatch,
  nullHeaderValue,
  type OutgoingRecord,
} from '../../../../lib/clients/kafka/record-batch.ts';
import { parseConfig } from '../../../../lib/core/config.ts';
import { DataError } from '../../../../lib/core/errors.ts';
import { options } from '../../../../lib/sinks/kafka-topic/options.ts';
import { outgoing, type Places } from '../../../../lib/sinks/kafka-topic/outgoing.ts';
import { stamps } from '../../../../lib/sinks/kafka-topic/provenance.ts';
import { record } from '../../../support/records.ts';

const now = () => 77;
const header = (key: string, value: string) => ({ key, value: Buffer.from(value) });
const reader = (more: object = {}, places?: Places) =>
  outgoing(
    parseConfig(options, { topic: 'copies', ...more }, 'connector.sink'),
    () => 'copies',
    now,
    () => places,
  );
const made = (more: object, value: unknown, given: Parameters<typeof record>[2] = {}) => {
  const result = reader(more)(record('k', value, given));
  if (result === 'ignored') throw new Error('Expected a record.');
  return result;
};
const places = (more: Partial<Places> = {}): Places => ({
  stampFor: stamps({ source: 'east', target: 'west', topicId: () => 'T0pic-id' }),
  isSameCluster: false,
  ...more,
});
/** The headers as a reader of the topic sees them. */
const text = async (...results: readonly (OutgoingRecord | 'ignored')[]) => {
  const records = results.filter((result) => result !== 'ignored');
  const read = await decodeRecordBatches(await encodeRecordBatch(records, 'none', 0), 'copies', 0);
  return read.flatMap(({ headers }) => headers.map(({ key, value }) => `${key}=${Buffer.from(value)}`));
};

describe('an outgoing record', () => {
  it('keeps key, headers and timestamp, and passes on bytes that nothing touched', () => {
    const headers = [header('a', '1'), header('a', '2')];
    const source = { ...record('k', { n: 1 }, { headers, timestamp: 5, raw: true }), bytes: Buffer.from('{ "n": 1.0 }') };
    const result = reader()(source);
    expect(result).toMatchObject({ topic: 'copies', key: Buffer.from('k'), value: Buffer.from('{ "n": 1.0 }'), headers, timestamp: 5 });
    expect(result).toHaveProperty('headers', headers);
  });

  it('holds the very bytes that were read, where the format is bytes', () => {
    const [key, value] = [Buffer.from([0, 255]), Buffer.from([1, 254])];
    const result = reader()(record(key, value));
    expect(result !== 'ignored' && result.key === key && result.value === value).toBe(true);
  });

  it.each([
    ['bytes as they are', new Uint8Array([0, 255]), Buffer.from([0, 255])],
    ['text as it is', 'grüße', Buffer.from('grüße')],
    ['values as JSON, digits kept', { id: 9_007_199_254_740_993n }, Buffer.from('{"id":9007199254740993}')],
    ['a tombstone as such', null, null],
    ['an empty text as an empty value', '', Buffer.alloc(0)],
  ])('has %s', (_, value, expected) => {
    const { value: written } = made({}, value);
    expect(written === null ? null : Buffer.from(written)).toEqual(expected);
  });

  it('stays in its partition, or lets the key or a field choose', () => {
    expect(made({ partition: 'keep' }, 1, { partition: 7 })).toMatchObject({ partition: 7 });
    expect(made({}, 1, { partition: 7 })).not.toHaveProperty('partition');
    expect(made({ partition: '{value.customer.id}' }, { customer: { id: 12 } })).toMatchObject({ partitionKey: Buffer.from('12') });
    expect(() => made({ partition: '{value.customer.id}' }, {})).toThrow(DataError);
  });

  it('gets another key, none, or keeps its own', () => {
    expect(made({ key: '{value.id}-{partition}' }, { id: 5 }, { partition: 3 }).key).toEqual(Buffer.from('5-3'));
    expect(made({ key: 'none' }, 1).key).toBeNull();
    expect(made({}, 1).key).toEqual(Buffer.from('k'));
  });

  it('loses, renames and gets headers, in this order, and null values stay null', async () => {
    const headers = [header('trace-a', '1'), { key: 'old', value: nullHeaderValue }, header('drop', '2'), header('kept', '3')];
    const edit = { headers: { remove: ['trace-*', 'drop'], rename: { old: 'new' }, add: { from: '{topic}/{value.n}', drop: 'again' } } };
    const result = made(edit, { n: 4 }, { headers });
    expect(await text(result)).toEqual(['new=', 'kept=3', 'from=orders/4', 'drop=again']);
    expect(result.headers[0]!.value).toBe(nullHeaderValue);
  });

  it('gets the time of writing when asked to', () => {
    expect(made({ timestamp: 'now' }, 1, { timestamp: 5 }).timestamp).toBe(77);
  });

  it('says where it comes from, once, and where it was before', async () => {
    const headers = [header('x', '1'), header('sluice.source', 'old'), header('sluice.chain', 'north/orders')];
    const write = reader({}, places());
    const made = [
      write(record('k', 1, { headers, partition: 3, offset: 1842, epoch: 2 })),
      write(record('k', 1, { partition: 3, offset: 9_007_199_254_740_991, epoch: 2 })),
      write(record('k', 1, { partition: 3, offset: 0, epoch: 2, part: 1 })),
      write(record('k', 1, { partition: 4, offset: 10 })),
    ];
    expect(await text(...made)).toEqual([
      ...['x=1', 'sluice.chain=north/orders,east/orders', 'sluice.source=orders:3:1842:2:0:T0pic-id'],
      ...['sluice.chain=east/orders', 'sluice.source=orders:3:9007199254740991:2:0:T0pic-id'],
      ...['sluice.chain=east/orders', 'sluice.source=orders:3:0:2:1:T0pic-id'],
      ...['sluice.chain=east/orders', 'sluice.source=orders:4:10:0:0:T0pic-id'],
    ]);
  });

  it('is not made when the record was in the target cluster already', () => {
    expect(reader({}, places())(record('k', 1, { headers: [header('sluice.chain', 'west/anything,north/orders')] }))).toBe('ignored');
  });

  it('is refused when it would go back into the topic that it comes from', async () => {
    const stampFor = stamps({ source: 'east', target: 'east', topicId: () => undefined });
    const write = reader({}, places({ isSameCluster: true, stampFor }));
    expect(() => write(record('k', 1, { topic: 'copies' }))).toThrow('connector.sink.topic is the topic that is read');
    expect(await text(write(record('k', 1, { topic: 'orders', offset: 4 })))).toEqual([
      'sluice.chain=east/orders',
      'sluice.source=orders:0:4:0:0:',
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import { DataError, RetriableError } from '../../../lib/core/errors.ts';
import { silentLog } from '../../../lib/core/log.ts';
import { type Preparation, prepare } from '../../../lib/core/prepare.ts';
import type { KafkaRecord } from '../../../lib/core/record.ts';
import { letterHeaders } from '../../../lib/core/replay.ts';
import { sourceRecord } from '../../support/records.ts';

const context = { log: silentLog, signal: new AbortController().signal, secret: async () => '', settings: {} };
const plain: Preparation = {
  decodeKey: (bytes) => ({ value: Buffer.from(bytes).toString() }),
  decodeValue: (bytes) => ({ value: JSON.parse(Buffer.from(bytes).toString()) }),
  carriesJson: true,
  ready: [],
  transform: undefined,
  tombstones: 'pass',
  epoch: 0,
  believesReplays: () => false,
};
const source = sourceRecord('k', '{"id":1}', { offset: 7, headers: [{ key: 'h', value: Buffer.from('x') }] });
const prepareWith = (changes: Partial<Preparation>, from = source) => prepare(from, { ...plain, ...changes }, context);

describe('a record without a transform', () => {
  it('keeps the bytes as they came', () => {
    expect(prepareWith({})).toMatchObject({
      value: { id: 1 },
      bytes: source.value,
      key: 'k',
      part: 0,
      size: 8,
      version: { offset: 7, epoch: 0 },
    });
  });

  it('does not pass bytes on that are not JSON, or whose envelope was removed', () => {
    expect(prepareWith({ carriesJson: false })).toHaveProperty('bytes', undefined);
    expect(prepareWith({ decodeValue: () => ({ value: { id: 1 }, unwrapped: true }) })).toHaveProperty('bytes', undefined);
  });

  it('carries the epoch of the connector in its version', () => {
    expect(prepareWith({ epoch: 3 })).toMatchObject({ version: { topic: 'orders', partition: 0, offset: 7, epoch: 3 } });
  });

  it('is a tombstone when its value is null, as Kafka Connect has it, and then has no bytes', () => {
    expect(prepareWith({}, sourceRecord('k', 'null'))).toMatchObject({ value: null, bytes: undefined });
    expect(prepareWith({}, sourceRecord('k', null))).toMatchObject({ value: null });
    expect(prepareWith({ decodeValue: () => ({ value: null, unwrapped: true }) })).toMatchObject({ value: null });
  });
});

describe('a record that the platform could not hand over as a whole', () => {
  it('fails as it is, whatever is there of it', () => {
    const incomplete = new DataError('OVERSIZE', 'The value is too large');
    expect(prepareWith({}, { ...source, incomplete })).toEqual({ error: incomplete, stage: 'value' });
    expect(prepareWith({}, { ...source, value: null, incomplete })).toEqual({ error: incomplete, stage: 'value' });
  });
});

describe('a transform', () => {
  it.each<[string, Preparation['transform']]>([
    ['copies the record', (record) => ({ ...record, value: { id: 2 } })],
    ['returns the record as it came', (record) => record],
    ['changes the value in place', (record) => Object.assign(record, { value: { id: 2 } })],
    ['carries old bytes along', (record) => ({ ...record, bytes: Buffer.from('{"id":1}') })],
  ])('that %s sends no old bytes', (_, transform) => {
    expect(prepareWith({ transform })).not.toHaveProperty('bytes');
  });

  it('drops with null and with an empty list', () => {
    expect(prepareWith({ transform: () => null })).toBeNull();
    expect(prepareWith({ transform: () => [] })).toBeNull();
  });

  it('cannot change origin, version or part', () => {
    const lying = { origin: { topic: 'x', partition: 9, offset: 9 }, version: { topic: 'x', partition: 9, offset: 9, epoch: 9 }, part: 5 };
    expect(prepareWith({ transform: (record) => ({ ...record, ...lying }) })).toMatchObject({
      origin: source.origin,
      version: { offset: 7, epoch: 0 },
      part: 0,
    });
  });

  it('fans out into parts that share the origin', () => {
    const outputs = prepareWith({ transform: (record) => ['a', 'b'].map((name) => ({ ...record, key: name })) }) as readonly KafkaRecord[];
    expect(outputs.map(({ key, part, origin }) => [key, part, origin.offset])).toEqual([
      ['a', 0, 7],
      ['b', 1, 7],
    ]);
  });

  it('may return the same record more than once', () => {
    const outputs = prepareWith({ transform: (record) => [record, record] }) as readonly KafkaRecord[];
    expect(outputs.map(({ part }) => part)).toEqual([0, 1]);
  });

  it('changes key, headers and target', () => {
    const headers = [{ key: 'n', value: Buffer.from('y') }];
    expect(prepareWith({ transform: (record) => ({ ...record, key: 'new', headers, target: 'other' }) })).toMatchObject({
      key: 'new',
      headers,
      target: 'other',
    });
  });

  it.each([undefined, 5, 'text', [undefined], [5], {}])('that returns %j is a mistake, not a drop', (output) => {
    expect(prepareWith({ transform: () => output as never })).toMatchObject({
      error: { code: 'TRANSFORM_RETURNED_NOTHING', class: 'data' },
      stage: 'transform',
    });
  });

  it.each<[string, object]>([
    ['without a value, which would delete instead', { value: undefined }],
    ['with a target that is no text', { target: 5 }],
    ['with headers that are no list', { headers: { a: 'b' } }],
    ['with a timestamp that is no number', { timestamp: '2026-11-01' }],
  ])('that returns a record %s fails its record', (_, changes) => {
    for (const transform of [(record: object) => ({ ...record, ...changes }), (record: object) => [{ ...record, ...changes }]])
      expect(prepareWith({ transform: transform as never })).toMatchObject({ error: { class: 'data' }, stage: 'transform' });
  });

  it('that leaves key or target out returns a record without them', () => {
    const transform = (record: object) => ({ ...record, key: undefined, target: null });
    const output = prepareWith({ transform: transform as never });
    expect(output).toMatchObject({ key: null, value: { id: 1 } });
    expect(output).not.toHaveProperty('target');
  });

  it('makes a tombstone with null', () => {
    expect(prepareWith({ transform: (record) => ({ ...record, value: null }) })).toMatchObject({ value: null });
  });

  it('that throws fails its record, without a word of what it said', () => {
    const failed = prepareWith({
      transform: () => {
        throw new TypeError('sentinel-value');
      },
    });
    expect(failed).toMatchObject({
      error: { code: 'TRANSFORM_FAILED', message: 'The transform threw TypeError (orders-0@7)' },
      stage: 'transform',
    });
  });

  it.each([
    ['a reset connection', Object.assign(new Error('x'), { code: 'ECONNRESET' })],
    ['a failed fetch', new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }) })],
    ['a timeout', new DOMException('x', 'TimeoutError')],
    ['an abort', new DOMException('x', 'AbortError')],
    ['a RetriableError of its own', new RetriableError('LOOKUP_DOWN', 'lookup is down')],
  ])('that meets %s is retriable', async (_, error) => {
    const failed = await prepareWith({ transform: () => Promise.reject(error) });
    expect(failed).toMatchObject({ error: { class: 'retriable' } });
  });

  it('does not see tombstones unless it asked for them', () => {
    const seen: unknown[] = [];
    const transform: Preparation['transform'] = (record) => {
      seen.push(record.value);
      return record;
    };
    prepareWith({ transform }, sourceRecord('k', null));
    expect(seen).toEqual([]);
    prepareWith({ transform, tombstones: 'transform' }, sourceRecord('k', null));
    expect(seen).toEqual([null]);
  });

  it('runs after the ready-made ones, which may drop', () => {
    const ready = [(record: KafkaRecord) => ({ ...record, value: 'ready' })];
    expect(prepareWith({ ready, transform: (record) => ({ ...record, value: `${record.value}, own` }) })).toMatchObject({
      value: 'ready, own',
    });
    expect(prepareWith({ ready: [() => null] })).toBeNull();
  });
});

describe('a decoder', () => {
  it('that throws fails its record at its stage', () => {
    expect(prepareWith({}, sourceRecord('k', '{'))).toMatchObject({ error: { code: 'RECORD_UNDECODABLE', class: 'data' }, stage: 'value' });
    const decodeKey = () => {
      throw new DataError('RECORD_UNDECODABLE', 'no');
    };
    expect(prepareWith({ decodeKey })).toMatchObject({ error: { class: 'data' }, stage: 'key' });
  });

  it('may be asynchronous, and is retriable when its registry cannot be reached', async () => {
    expect(await prepareWith({ decodeValue: async () => ({ value: 1 }) })).toMatchObject({ value: 1 });
    const failed = await prepareWith({ decodeValue: () => Promise.reject(Object.assign(new Error('x'), { code: 'ECONNREFUSED' })) });
    expect(failed).toMatchObject({ error: { class: 'retriable' }, stage: 'value' });
  });
});

describe('a replayed dead letter', () => {
  const header = (key: string, value: string) => ({ key, value: Buffer.from(value) });
  const letter = sourceRecord('k', '{"id":1}', {
    topic: 'orders.dlq',
    offset: 2,
    headers: [header(letterHeaders.version, 'orders:1:40:2'), header(letterHeaders.parts, '1')],
  });

  it('keeps the version it failed with, and sends only its failed parts', () => {
    const transform: Preparation['transform'] = (record) => [record, { ...record }, { ...record }];
    const outputs = prepareWith({ believesReplays: (topic) => topic === 'orders.dlq', transform }, letter);
    expect(outputs).toMatchObject([
      { part: 1, version: { topic: 'orders', partition: 1, offset: 40, epoch: 2 }, origin: { topic: 'orders.dlq', offset: 2 } },
    ]);
  });

  it('is as old as it was when it failed, whatever time its letter was given', () => {
    const dated = {
      ...letter,
      headers: [header(letterHeaders.version, 'orders:1:40:2'), header(letterHeaders.timestamp, '1000')],
      timestampType: 'append' as const,
    };
    expect(prepareWith({ believesReplays: () => true }, dated)).toMatchObject({ timestamp: 1000, timestampType: 'create' });
  });

  it('is an ordinary record where its headers are not believed', () => {
    expect(prepareWith({}, letter)).toMatchObject({ part: 0, version: { topic: 'orders.dlq', offset: 2, epoch: 0 } });
  });
});

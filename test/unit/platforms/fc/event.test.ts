import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../../lib/core/errors.ts';
import { readBatch } from '../../../../lib/platforms/fc/event.ts';
import { eventOf, framings } from '../../../support/fc-events.ts';
import { sourceRecord } from '../../../support/records.ts';

const data = { topic: 'orders', partition: 7, offset: 25, timestamp: 1_795_248_000_589, key: 'customer-17', value: '{"id":1}' };
const cloudEvent = (content: unknown) => ({ specversion: '1.0', id: 'x', time: '2026-11-21T08:00:00.589Z', data: content });
const read = (event: unknown) => readBatch(eventOf(event));
const one = (fields: Readonly<Record<string, unknown>>) => read([cloudEvent({ ...data, ...fields })])[0];
const text = (bytes: Uint8Array | null | undefined) => (bytes == null ? bytes : Buffer.from(bytes).toString());

/** The record without the form in which its bytes are kept. */
const plain = ({ origin, timestamp, headers, key, value }: ReturnType<typeof sourceRecord>) => ({
  ...{ origin, timestamp, key: text(key), value: text(value) },
  headers: headers.map((header) => [header.key, text(header.value)]),
});

describe('an event', () => {
  const record = sourceRecord('k', '{"id":1}', { topic: 'orders', partition: 3, offset: 14 });
  const bare = { ...record, key: null, value: null };

  it.each(Object.entries(framings))('of %s holds the record, also without key and value', (_, frame) => {
    expect(read(frame([record])).map(plain)).toEqual([plain(record)]);
    expect(read(frame([bare])).map(plain)).toEqual([plain(bare)]);
  });

  it.each(Object.entries(framings).slice(0, 4))('of %s holds any records, sorted by topic, partition and offset', (_, frame) => {
    const headers = fc.array(fc.record({ key: fc.constantFrom('a', 'b'), value: fc.string().map((value) => Buffer.from(value)) }));
    const any = fc.record({
      topic: fc.constantFrom('a', 'b'),
      partition: fc.nat(3),
      offset: fc.maxSafeNat(),
      key: fc.option(fc.string({ unit: 'grapheme' })),
      value: fc.option(fc.string({ unit: 'grapheme' })),
      headers: frame === framings['records of the old connector'] ? fc.constant([]) : headers,
    });
    const name = ({ origin }: typeof record) => `${origin.topic}-${origin.partition}@${String(origin.offset).padStart(17, '0')}`;
    const batches = fc.uniqueArray(any, { selector: ({ topic, partition, offset }) => `${topic}-${partition}@${offset}` });
    fc.assert(
      fc.property(batches, (given) => {
        const records = given.map(({ key, value, ...place }) => sourceRecord(key, value, { ...place, timestamp: 1 }));
        const sorted = records.toSorted((a, b) => (name(a) < name(b) ? -1 : 1));
        expect(read(frame(records)).map(plain)).toEqual(sorted.map(plain));
      }),
      { numRuns: 50 },
    );
  });

  it('may hold its elements in several framings', () => {
    const records = [1, 2, 3].map((offset) => sourceRecord('k', 'v', { offset }));
    const mixed = records.map(
      (each, index) => [framings['bare data'], framings['CloudEvents as text'], framings['CloudEvents as objects']][index]!([each])[0],
    );
    expect(read(mixed).map(({ origin }) => origin.offset)).toEqual([1, 2, 3]);
  });

  it('holds a record once that came twice', () => {
    expect(read([cloudEvent(data), cloudEvent({ ...data, offset: 26 }), JSON.stringify(cloudEvent(data))])).toHaveLength(2);
  });

  it('may hold the data of a CloudEvent as text and as base64', () => {
    const base64 = { ...cloudEvent(undefined), data_base64: eventOf(data).toString('base64') };
    for (const event of [cloudEvent(JSON.stringify(data)), base64]) expect(text(read([event])[0]?.value)).toBe('{"id":1}');
  });
});

describe('a record', () => {
  it('tells no key from an empty one, and a tombstone from empty text', () => {
    expect(one({ key: null, value: null })).toMatchObject({ key: null, value: null });
    expect(one({ key: undefined, value: undefined })).toMatchObject({ key: null, value: null });
    expect([text(one({ key: '' })?.key), text(one({ value: '' })?.value)]).toEqual(['', '']);
  });

  it('takes numbers that are written as text', () => {
    expect(one({ partition: '7', offset: '25', timestamp: '5' })).toMatchObject({ origin: { partition: 7, offset: 25 }, timestamp: 5 });
  });

  it('has the time of its CloudEvent where it has none of its own', () => {
    expect(one({ timestamp: undefined })?.timestamp).toBe(Date.parse('2026-11-21T08:00:00.589Z'));
  });

  it.each([['{"id":12345678901234567890,"price":1.10}'], ['[1e400,-0]'], ['7'], ['true']])(
    'keeps the digits of the JSON value %s',
    (value) => {
      const event = `[{"specversion":"1.0","data":{"topic":"orders","partition":0,"offset":"1","value":${value}}}]`;
      expect(text(readBatch(Buffer.from(event))[0]?.value)).toBe(value);
      expect(text(readBatch(eventOf([JSON.parse(event)[0] && event.slice(1, -1)]))[0]?.value)).toBe(value);
    },
  );

  it.each([
    ['none', undefined, []],
    ['null', null, []],
    ['an empty list', { headers: [], isReadOnly: false }, []],
    [
      'text',
      {
        headers: [
          { key: 'a', value: 'x' },
          { key: 'b', value: 'y' },
          { key: 'a', value: 'z' },
        ],
      },
      [
        ['a', 'x'],
        ['b', 'y'],
        ['a', 'z'],
      ],
    ],
    ['bytes of Java', { headers: [{ key: 'a', value: [-61, -87] }] }, [['a', 'é']]],
    ['buffers', { headers: [{ key: 'a', value: { type: 'Buffer', data: [195, 169] } }] }, [['a', 'é']]],
    [
      'no value',
      { headers: [{ key: 'a', value: null }, { key: 'b' }] },
      [
        ['a', ''],
        ['b', ''],
      ],
    ],
    [
      'one-entry objects',
      { headers: [{ a: 'x' }, { a: [121] }] },
      [
        ['a', 'x'],
        ['a', 'y'],
      ],
    ],
    ['a bare list', [{ key: 'a', value: 'x' }], [['a', 'x']]],
    [
      'a map',
      { a: 'x', b: [121] },
      [
        ['a', 'x'],
        ['b', 'y'],
      ],
    ],
    [
      'something else',
      { headers: [{ key: 'a', value: { of: 1 } }, { b: 2 }] },
      [
        ['a', '{"of":1}'],
        ['b', '2'],
      ],
    ],
  ])('has headers of %s', (_, headers, expected) => {
    expect(one({ headers })?.headers.map(({ key, value }) => [key, text(value)])).toEqual(expected);
  });

  it('that the trigger cut off is no value and no tombstone', () => {
    const [record] = read([{ ...data, overflowFlag: true, value: '{"id":', valueSize: 40_000_000 }]);
    expect(record).toMatchObject({ value: null, incomplete: { class: 'data', code: 'OVERSIZE' } });
    expect(record?.incomplete?.message).toContain('40000000 bytes');
    expect(read([{ ...data, overflowFlag: false }])[0]).not.toHaveProperty('incomplete');
  });
});

describe('what cannot be acknowledged', () => {
  const refused = (event: Buffer): ConfigError => {
    try {
      readBatch(event);
    } catch (error) {
      if (error instanceof ConfigError) return error;
      throw error;
    }
    throw new Error('Expected it to be refused.');
  };

  it.each([
    ['text', ['hello']],
    ['numbers', [1]],
    ['bare values', [{ id: 1 }]],
    ['data without an offset', [cloudEvent({ topic: 'orders', partition: 0, value: 'secret' })]],
    ['no data', [cloudEvent(undefined)]],
    ['data of text', [cloudEvent('hello')]],
    ['null', null],
  ])('is an event of %s, as nothing tells its records apart', (_, event) => {
    expect(refused(eventOf(event))).toMatchObject({ code: 'EVENT_WITHOUT_OFFSETS', message: expect.stringContaining('eventSchema') });
  });

  it.each([
    ['an offset that a double cannot hold', '{"topic":"t","partition":0,"offset":9007199254740993}'],
    ['such an offset as text', '{"topic":"t","partition":0,"offset":"9007199254740993"}'],
    ['such an offset next to a JSON value', '{"topic":"t","partition":0,"offset":9007199254740993,"value":{"secret":1}}'],
    ['a negative offset', '{"topic":"t","partition":0,"offset":-1}'],
    ['a partition of text', '{"topic":"t","partition":"first","offset":1}'],
    ['a topic without a name', '{"topic":"","partition":0,"offset":1}'],
    ['headers of text', '{"topic":"t","partition":0,"offset":1,"headers":"secret"}'],
    ['no JSON', '{"topic":"t","value":"secret'],
    ['nothing', ''],
  ])('is an event with %s', (_, event) => {
    const error = refused(Buffer.from(event));
    expect(error.code).toBe('EVENT_MALFORMED');
    expect(error.message).not.toContain('secret');
  });

  it('is an event that is not UTF-8', () => {
    expect(refused(Buffer.from([0x22, 0xff, 0x22])).code).toBe('EVENT_MALFORMED');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Decoded } from '../../../lib/core/format.ts';
import { json } from '../../../lib/formats/json.ts';

const origin = { topic: 'quakes', partition: 2, offset: 17 };
const newDecoder = () => json.decoder({ envelope: 'connect' });
const decodeText = (text: string, decoder = newDecoder()) => decoder(Buffer.from(text), origin) as Decoded;
const decode = (schema: unknown, payload: unknown) => decodeText(JSON.stringify({ schema, payload }));
const logical = (name: string, type: string, more: object = {}) => ({
  type,
  name: `org.apache.kafka.connect.data.${name}`,
  version: 1,
  ...more,
});
const decimal = (scale: number) => logical('Decimal', 'bytes', { parameters: { scale: String(scale) } });
const struct = (fields: Record<string, object>) => ({
  type: 'struct',
  name: 'quake',
  fields: Object.entries(fields).map(([field, schema]) => ({ field, ...schema })),
});

describe("Kafka Connect's JSON envelope", () => {
  it('takes schema and payload apart, and says that the bytes are not the value', () => {
    const schema = struct({
      id: { type: 'string' },
      mag: { type: 'double', optional: true },
      depth: { type: 'float' },
      felt: { type: 'boolean' },
      sig: { type: 'int32' },
      seen: { type: 'int64' },
      raw: { type: 'bytes' },
      price: decimal(2),
      day: logical('Date', 'int32'),
      at: logical('Time', 'int32'),
      time: logical('Timestamp', 'int64'),
      tags: { type: 'array', items: { type: 'string' } },
      place: { type: 'struct', fields: [{ field: 'net', type: 'string' }] },
    });
    const payload = {
      id: 'nc1',
      mag: null,
      depth: 1.5,
      felt: false,
      sig: 0,
      seen: 5,
      raw: 'AQI=',
      price: 'MDk=',
      day: 20_000,
      at: 1_001,
      time: 1_760_000_000_123,
      tags: ['a'],
      place: { net: 'nc' },
    };
    expect(decode(schema, payload)).toEqual({
      unwrapped: true,
      schema: {
        name: 'quake',
        fields: [
          { name: 'id', type: 'string', optional: false },
          { name: 'mag', type: 'double', optional: true },
          { name: 'depth', type: 'float', optional: false },
          { name: 'felt', type: 'boolean', optional: false },
          { name: 'sig', type: 'integer', optional: false },
          { name: 'seen', type: 'bigint', optional: false },
          { name: 'raw', type: 'bytes', optional: false },
          { name: 'price', type: 'decimal', optional: false, scale: 2 },
          { name: 'day', type: 'date', optional: false },
          { name: 'at', type: 'time', optional: false },
          { name: 'time', type: 'timestamp', optional: false },
          { name: 'tags', type: 'json', optional: false },
          { name: 'place', type: 'json', optional: false },
        ],
      },
      value: {
        id: 'nc1',
        mag: null,
        depth: 1.5,
        felt: false,
        sig: 0,
        seen: 5,
        raw: Uint8Array.of(1, 2),
        price: '123.45',
        day: '2024-10-04',
        at: '00:00:01.001',
        time: '2025-10-09T08:53:20.123Z',
        tags: ['a'],
        place: { net: 'nc' },
      },
    });
  });

  it('takes a null payload as a tombstone, whatever the schema says', () => {
    expect(decode({ type: 'string' }, null)).toEqual({ value: null, unwrapped: true });
    expect(decode(null, null)).toEqual({ value: null, unwrapped: true });
  });

  it('takes a payload without a schema as it is', () => {
    expect(decode(null, { a: [1] })).toEqual({ value: { a: [1] }, unwrapped: true });
    expect(decode({ type: 'string' }, 'nc1')).toEqual({ value: 'nc1', unwrapped: true });
  });

  it('keeps the digits of an int64 beyond 2^53', () => {
    const { value } = decodeText('{"schema":{"type":"struct","fields":[{"field":"n","type":"int64"}]},"payload":{"n":9007199254740993}}');
    expect(value).toEqual({ n: 9_007_199_254_740_993n });
  });

  it('keeps the digits of a decimal written as a number', () => {
    const schema = JSON.stringify(struct({ n: decimal(20), d: { type: 'double' }, i: { type: 'int32' } }));
    const { value } = decodeText(`{"schema":${schema},"payload":{"n":1.10000000000000000001,"d":1.50,"i":1.0}}`);
    expect(value).toEqual({ n: '1.10000000000000000001', d: 1.5, i: 1 });
  });

  it.each<[string, number, string?]>([
    ['', 0],
    ['AA==', 0, '0'],
    ['/w==', 0, '-1'],
    ['/w==', 3, '-0.001'],
    ['AIA=', 2, '1.28'],
    ['gA==', 2, '-1.28'],
    ['AQ==', -2, '100'],
    ['!', 1],
  ])('reads the decimal %j of scale %i as %s', (base64, scale, expected) => {
    if (expected === undefined) expect(() => decode(decimal(scale), base64)).toThrow('Expected payload to be what its schema says');
    else expect(decode(decimal(scale), base64).value).toBe(expected);
  });

  it('reads any decimal back', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }), fc.integer({ min: 0, max: 40 }), (unscaled, scale) => {
        const length = 26;
        const hex = BigInt.asUintN(length * 8, unscaled)
          .toString(16)
          .padStart(length * 2, '0');
        const text = decode(decimal(scale), Buffer.from(hex, 'hex').toString('base64')).value as string;
        expect(BigInt(text.replace('.', ''))).toBe(unscaled);
        expect(text.length - text.lastIndexOf('.') - 1).toBe(text.includes('.') ? scale : text.length);
      }),
    );
  });

  it('reads maps with text keys as objects and others as pairs', () => {
    const map = (keys: string) => ({ type: 'map', keys: { type: keys }, values: { type: 'int32' } });
    expect(decode(map('string'), JSON.parse('{"a":1,"__proto__":2}')).value).toEqual(JSON.parse('{"a":1,"__proto__":2}'));
    expect(decode(map('int32'), [[1, 2]]).value).toEqual([[1, 2]]);
  });

  it('fills in defaults, and refuses a missing value that the schema requires', () => {
    expect(decode(struct({ a: { type: 'int32', default: 7 }, b: { type: 'int32', optional: true } }), {}).value).toEqual({ a: 7, b: null });
    expect(() => decode(struct({ a: { type: 'int32' } }), {})).toThrow(
      'Expected payload.a to have a value, as its schema requires one (quakes-2@17)',
    );
  });

  it('never takes a field from the prototype', () => {
    expect(decode(struct({ constructor: { type: 'string', optional: true } }), {}).value).toEqual({ constructor: null });
    const { value } = decodeText(
      '{"schema":{"type":"struct","fields":[{"field":"__proto__","type":"string"}]},"payload":{"__proto__":"x"}}',
    );
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.entries(value as object)).toEqual([['__proto__', 'x']]);
  });

  it('gives records of the same schema the same schema object', () => {
    const decoder = newDecoder();
    const texts = ['{"a":1}', '{"a":2}'].map(
      (payload) => `{"schema":${JSON.stringify(struct({ a: { type: 'int32' } }))},"payload":${payload}}`,
    );
    const [first, second] = texts.map((text) => decodeText(text, decoder));
    expect(first!.schema).toBe(second!.schema);
    expect([first!.value, second!.value]).toEqual([{ a: 1 }, { a: 2 }]);
  });

  it.each(['{"payload":1}', '{"schema":null}', '{"schema":null,"payload":1,"more":1}', '[]', '1', '"sentinel"', 'null'])(
    'refuses %s, which is no envelope',
    (text) => {
      expect(() => decodeText(text)).toThrow('Expected an object with exactly schema and payload');
    },
  );

  it.each([
    [{ type: 'int32' }, 'sentinel'],
    [{ type: 'int32' }, 1.5],
    [{ type: 'string' }, 1],
    [{ type: 'boolean' }, 0],
    [{ type: 'bytes' }, 'sentinel!'],
    [{ type: 'array', items: { type: 'string' } }, { sentinel: 1 }],
    [{ type: 'array', items: { type: 'string' } }, ['a', 1]],
    [{ type: 'map', keys: { type: 'string' }, values: { type: 'string' } }, 1],
    [struct({ a: { type: 'string' } }), 'sentinel'],
    [logical('Date', 'int32'), 1.5],
    [logical('Time', 'int32'), 86_400_000],
    [logical('Timestamp', 'int64'), 9e15],
    [logical('Decimal', 'bytes'), 'AA=='],
    [{ type: 'sentinel' }, 1],
    [{ type: 'constructor' }, 1],
    [{ type: 'struct', fields: [{ type: 'string' }] }, {}],
    ['sentinel', 1],
    [{ type: 'array' }, []],
  ])('refuses %j with %j and says where, without the value', (schema, payload) => {
    const act = () => decode(schema, payload);
    expect(act).toThrow(/payload.*\(quakes-2@17\)/);
    expect(act).not.toThrow(/sentinel/);
  });
});

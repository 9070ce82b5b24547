import { describe, expect, it } from 'vitest';
import type { Decoded } from '../../../lib/core/format.ts';
import { debezium } from '../../../lib/formats/debezium.ts';

const origin = { topic: 'shop.public.orders', partition: 0, offset: 7 };
const decode = (value: unknown, columns: Record<string, string> = {}): Decoded =>
  debezium.decoder({ columns })(Buffer.from(JSON.stringify(value)), origin) as Decoded;

const field = (name: string, type: string, more: object = {}) => ({ field: name, type, optional: true, ...more });
const row = (fields: readonly object[], name: string) => ({
  type: 'struct',
  fields,
  optional: true,
  name: 'shop.public.orders.Value',
  field: name,
});
const envelope = (fields: readonly object[], after: object) => ({
  schema: {
    type: 'struct',
    name: 'shop.public.orders.Envelope',
    fields: [row(fields, 'before'), row(fields, 'after'), { type: 'string', field: 'op' }],
  },
  payload: { before: null, after, op: 'c' },
});
/** One column of this type, decoded. */
const decoded = (type: string, name: string, value: unknown, parameters?: object): unknown => {
  const found = decode(envelope([field('x', type, { name, parameters })], { x: value })).value;
  return (found as { after: { x: unknown } }).after.x;
};

describe('the encodings of Debezium', () => {
  it.each([
    ['int32', 'io.debezium.time.Date', 19782, '2024-02-29'],
    ['int32', 'io.debezium.time.Date', -719528, '0001-01-01 BC'],
    ['int32', 'org.apache.kafka.connect.data.Date', 19782, '2024-02-29'],
    ['int32', 'io.debezium.time.Time', 45_296_789, '12:34:56.789'],
    ['int64', 'io.debezium.time.MicroTime', 45_296_789_012, '12:34:56.789012'],
    ['int64', 'io.debezium.time.MicroTime', 86_400_000_000, '24:00:00.000000'],
    ['int64', 'io.debezium.time.NanoTime', 45_296_789_012_345, '12:34:56.789012345'],
    ['int32', 'org.apache.kafka.connect.data.Time', 45_296_789, '12:34:56.789'],
    ['int64', 'io.debezium.time.Timestamp', 1_709_210_096_789, '2024-02-29T12:34:56.789'],
    ['int64', 'io.debezium.time.MicroTimestamp', 1_709_210_096_789_012, '2024-02-29T12:34:56.789012'],
    ['int64', 'io.debezium.time.MicroTimestamp', -1, '1969-12-31T23:59:59.999999'],
    ['int64', 'org.apache.kafka.connect.data.Timestamp', 1_709_210_096_789, '2024-02-29T12:34:56.789Z'],
    ['string', 'io.debezium.time.ZonedTimestamp', '2024-02-29T12:34:56.789012+05:30', '2024-02-29T12:34:56.789012+05:30'],
    ['string', 'io.debezium.time.ZonedTime', '12:34:56Z', '12:34:56Z'],
    ['string', 'io.debezium.time.IsoDate', '2024-02-29Z', '2024-02-29'],
    ['string', 'io.debezium.time.IsoTime', '12:34:56.789Z', '12:34:56.789'],
    ['string', 'io.debezium.time.IsoTimestamp', '2024-02-29T12:34:56Z', '2024-02-29T12:34:56'],
    ['int32', 'io.debezium.time.Year', 2024, 2024],
    ['int64', 'io.debezium.time.MicroDuration', -1_500_000, 'PT-1.500000S'],
    ['int64', 'io.debezium.time.NanoDuration', 1_500_000_001, 'PT1.500000001S'],
    ['string', 'io.debezium.time.Interval', 'P1Y2M3DT4H5M6.78S', 'P1Y2M3DT4H5M6.78S'],
    ['string', 'io.debezium.data.Json', '{"a":[1,"x"],"b":9007199254740993}', { a: [1, 'x'], b: 9_007_199_254_740_993n }],
    ['string', 'io.debezium.data.Json', '__debezium_unavailable_value', '__debezium_unavailable_value'],
    ['string', 'io.debezium.data.Uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
    ['string', 'io.debezium.data.Enum', 'large', 'large'],
    ['struct', 'io.debezium.data.VariableScaleDecimal', { scale: 2, value: 'AeJA' }, '1234.56'],
    ['struct', 'io.debezium.data.VariableScaleDecimal', { scale: 0, value: '/w==' }, '-1'],
    ['struct', 'io.debezium.data.VariableScaleDecimal', { scale: -3, value: '/w==' }, '-1000'],
    ['double', 'none', 12.5, 12.5],
    ['string', 'none', '1234567890.123456789', '1234567890.123456789'],
  ])('of %s %s are read: %j', (type, name, value, expected) => {
    expect(decoded(type, name, value)).toEqual(expected);
  });

  it('of numbers that a double cannot hold are read to their last digit', () => {
    const schema = JSON.stringify(envelope([field('x', 'int64', { name: 'io.debezium.time.NanoTimestamp' })], { x: 0 }));
    const value = debezium.decoder({ columns: {} })(Buffer.from(schema.replace('"x":0', '"x":1709210096789012345')), origin) as Decoded;
    expect((value.value as { after: object }).after).toEqual({ x: '2024-02-29T12:34:56.789012345' });
    const end = debezium.decoder({ columns: {} })(Buffer.from(schema.replace('"x":0', '"x":9223372036825200000')), origin) as Decoded;
    expect((end.value as { after: object }).after).toEqual({ x: 'infinity' });
    for (const [digits, expected] of [
      ['9223372036825200', 'infinity'],
      ['-9223372036832400', '-infinity'],
    ] as const) {
      const inMs = schema.replaceAll('NanoTimestamp', 'Timestamp').replace('"x":0', `"x":${digits}`);
      const value = debezium.decoder({ columns: {} })(Buffer.from(inMs), origin) as Decoded;
      expect((value.value as { after: object }).after).toEqual({ x: expected });
    }
  });

  it('of decimals and bits say their scale and length', () => {
    expect(decoded('bytes', 'org.apache.kafka.connect.data.Decimal', 'AeJA', { scale: '2' })).toBe('1234.56');
    expect(decoded('bytes', 'io.debezium.data.Bits', 'BQE=', { length: '10' })).toBe('0100000101');
    expect(decoded('bytes', 'none', 'AQI=')).toEqual(new Uint8Array([1, 2]));
  });

  it('that do not fit their schema are a data error which names the column and not the value', () => {
    expect(() => decoded('int32', 'io.debezium.time.Date', 'sentinel')).toThrow(/payload\.after\.x.*orders-0@7/);
    expect(() => decoded('int64', 'io.debezium.time.MicroTime', -5)).toThrow(/payload\.after\.x/);
    for (const scale of [2_147_483_647, -2_147_483_648])
      expect(() => decoded('struct', 'io.debezium.data.VariableScaleDecimal', { scale, value: 'AQ==' })).toThrow(/payload\.after\.x/);
  });
});

it('tells the types of the row, not those of its envelope', () => {
  const fields = [
    field('id', 'int32'),
    field('at', 'int64', { name: 'io.debezium.time.MicroTimestamp' }),
    field('doc', 'string', { name: 'io.debezium.data.Json' }),
  ];
  expect(decode(envelope(fields, { id: 1, at: 0, doc: '{}' })).schema?.fields).toEqual([
    { name: 'id', type: 'integer', optional: true },
    { name: 'at', type: 'timestamp', optional: true },
    { name: 'doc', type: 'json', optional: true },
  ]);
});

it('leaves records without a schema as they are, but for the columns that the options name', () => {
  const change = {
    before: { at: 0 },
    after: { at: 1_709_210_096_789_012, price: 'AeJA', photo: 'AQI=', big: '__debezium_unavailable_value' },
    op: 'u',
  };
  expect(decode(change).value).toEqual(change);
  expect(decode(change, { at: 'MicroTimestamp', price: 'Decimal(2)', photo: 'Bytes', big: 'Bytes' }).value).toEqual({
    before: { at: '1970-01-01T00:00:00.000000' },
    after: { at: '2024-02-29T12:34:56.789012', price: '1234.56', photo: new Uint8Array([1, 2]), big: '__debezium_unavailable_value' },
    op: 'u',
  });
  expect(decode({ price: 'Dw==' }, { price: 'Decimal(-2)' }).value).toEqual({ price: '1500' });
  expect(decode({ at: 5, id: 1 }, { at: 'Date' }).value).toEqual({ at: '1970-01-06', id: 1 });
  expect(() => decode({ at: 'x' }, { at: 'Date' })).toThrow(/column "at"/);
  expect(() => decode({ at: 'x' }, { at: 'Dates' })).toThrow(/connector\.value\.columns\.at/);
});

it('reads keys with and without a schema', () => {
  const schema = { type: 'struct', name: 'shop.public.orders.Key', fields: [{ type: 'int64', optional: false, field: 'id' }] };
  expect(decode({ schema, payload: { id: 5 } }).value).toEqual({ id: 5 });
  expect(decode({ id: 5 }).value).toEqual({ id: 5 });
  expect(decode({ schema: null, payload: null }).value).toBeNull();
});

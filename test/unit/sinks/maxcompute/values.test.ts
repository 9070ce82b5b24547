import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseColumnType } from '../../../../lib/clients/maxcompute/column-type.ts';
import { createRowBuffer } from '../../../../lib/clients/maxcompute/row-buffer.ts';
import { type ValueSettings, valueWriter } from '../../../../lib/sinks/maxcompute/values.ts';
import { parseZone } from '../../../../lib/sinks/maxcompute/zone.ts';
import { readRecords } from '../../../support/servers/maxcompute/record-stream.ts';
import { column } from '../../../support/servers/maxcompute/types.ts';

const settings: ValueSettings = {
  zone: parseZone('+08:00', 'timeZone'),
  extraDigits: 'error',
  maxFieldBytes: 100,
  ignoresMembers: false,
};

/** What is read back of a value in a column of that type; undefined when it is refused. */
function stored(type: string, value: unknown, changes: Partial<ValueSettings> = {}): unknown {
  const writer = valueWriter(parseColumnType(type), { ...settings, ...changes });
  if (writer === undefined) throw new Error(`${type} is not written`);
  const rows = createRowBuffer(1);
  rows.beginRow();
  rows.field(1, writer.wireType);
  if (writer.write(rows, value) !== undefined) return undefined;
  rows.endRow();
  return readRecords(rows.finish(), [column('c', type)])[0]?.['c'];
}

describe('whole numbers', () => {
  it.each([
    ['tinyint', -128, 127],
    ['smallint', -32_768, 32_767],
    ['int', -2_147_483_648, 2_147_483_647],
  ])('fit into %s from %d to %d', (type, least, most) => {
    for (const fitting of [least, most, 0]) {
      expect(stored(type, fitting)).toBe(fitting);
      expect(stored(type, BigInt(fitting))).toBe(fitting);
      expect(stored(type, String(fitting))).toBe(fitting);
    }
    for (const wrong of [least - 1, most + 1, 0.5, Number.NaN, '1.0', '', ' 1', true, {}, []]) expect(stored(type, wrong)).toBeUndefined();
  });

  it('keep every digit in BIGINT', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n }), (value) => {
        expect(BigInt(stored('bigint', value) as number)).toBe(value);
        expect(BigInt(stored('bigint', String(value)) as number)).toBe(value);
      }),
    );
  });

  it.each([-(2n ** 63n), 2n ** 63n, 2 ** 63, '9223372036854775808', 1.5, '1e3', true, null])('%s is none for BIGINT', (value) => {
    expect(stored('bigint', value)).toBeUndefined();
  });
});

describe('numbers', () => {
  it('take what a double can say, also that it is none', () => {
    for (const value of [0.1, -0.5, 5e-324, 1.7976931348623157e308]) expect(stored('double', value)).toBe(value);
    expect(stored('double', '1.5e3')).toBe(1_500);
    expect(String(stored('double', Number.NaN))).toBe('NaN');
    expect(stored('double', 'one')).toBeUndefined();
    expect(stored('double', '0x10')).toBeUndefined();
  });

  it('are refused by FLOAT when they would become infinite', () => {
    expect(stored('float', 1.5)).toBe(1.5);
    expect(stored('float', 1e39)).toBeUndefined();
    expect(String(stored('float', Number.POSITIVE_INFINITY))).toBe('Infinity');
  });
});

it.each([
  ['boolean', true, true],
  ['boolean', 'false', false],
  ['boolean', 1, undefined],
  ['string', 'żółć 𝒳', 'żółć 𝒳'],
  ['string', 12.5, '12.5'],
  ['string', 9007199254740993n, '9007199254740993'],
  ['string', true, 'true'],
  ['string', { a: [1, null] }, '{"a":[1,null]}'],
  ['string', new Date(0), '1970-01-01T00:00:00.000Z'],
  ['string', new Date(Number.NaN), undefined],
  ['string', Buffer.from('żółć'), 'żółć'],
  ['string', Buffer.from([0xff]), undefined],
  ['string', 'half \ud800', undefined],
  ['string', 'x'.repeat(100), 'x'.repeat(100)],
  ['string', 'x'.repeat(101), undefined],
  ['string', 'ż'.repeat(51), undefined],
  ['varchar(3)', '日本国', '日本国'],
  ['varchar(3)', '𝒳𝒳𝒳', '𝒳𝒳𝒳'],
  ['varchar(3)', 'abcd', undefined],
  ['char(2)', 'ab', 'ab'],
  ['binary', Buffer.from([0, 255]), Buffer.from([0, 255]).toString('base64')],
  ['binary', 'text', Buffer.from('text').toString('base64')],
  ['binary', Buffer.alloc(101), undefined],
  ['json', { big: 9007199254740993n }, '{"big":9007199254740993}'],
  ['json', 'text', '"text"'],
  ['json', Number.NaN, undefined],
  ['decimal(10,2)', 12.34, '12.34'],
  ['decimal(10,2)', 12.345, undefined],
  ['date', '2026-03-04', '2026-03-04'],
  ['date', '2026-02-29', undefined],
  ['date', new Date('2026-03-04T23:59:59Z'), '2026-03-04'],
  ['date', '0001-01-01', '0001-01-01'],
  ['date', '0000-12-31', undefined],
  ['date', 19_601, undefined],
  ['datetime', '2026-03-04T05:06:07.891Z', '2026-03-04T05:06:07.891Z'],
  ['datetime', '2026-03-04 05:06:07', '2026-03-03T21:06:07.000Z'],
  ['datetime', '2026-03-04T05:06:07+05:30', '2026-03-03T23:36:07.000Z'],
  ['datetime', -1, '1969-12-31T23:59:59.999Z'],
  ['datetime', 'soon', undefined],
  ['datetime', Number.POSITIVE_INFINITY, undefined],
  ['datetime', 1e15, undefined],
])('%s takes %o as %o', (type, value, expected) => {
  expect(stored(type, value)).toEqual(expected);
});

it('keeps nanoseconds of timestamps, before the epoch as well', () => {
  expect(stored('timestamp', '2023-09-01T00:00:00.123456789Z')).toBe(stored('timestamp', '2023-09-01 08:00:00.123456789'));
  expect(String(stored('timestamp', '2023-09-01T00:00:00.123456789Z'))).toContain('123456789');
  expect(String(stored('timestamp', '1969-12-31T23:59:59.500Z'))).toContain('1969-12-31T23:59:59.5');
  expect(String(stored('timestamp', -500))).toBe(String(stored('timestamp', '1969-12-31T23:59:59.500Z')));
});

it('writes what a clock shows into TIMESTAMP_NTZ', () => {
  expect(String(stored('timestamp_ntz', '2023-09-01 08:00:00'))).toContain('2023-09-01T08:00:00');
  expect(String(stored('timestamp_ntz', '2023-09-01T00:00:00Z'))).toContain('2023-09-01T08:00:00');
});

it('leaves no doubt about nested members', () => {
  expect(stored('array<bigint>', [1, null, -2])).toEqual([1, null, -2]);
  expect(stored('array<bigint>', [1, 'one'])).toBeUndefined();
  expect(stored('map<string,bigint>', { k1: 1, k2: null })).toEqual([
    ['k1', 1],
    ['k2', null],
  ]);
  expect(stored('struct<a:bigint,b:array<string>>', { A: 7, b: ['x'] })).toEqual({ a: 7, b: ['x'] });
  expect(stored('struct<a:bigint>', { a: 7, other: 1 })).toBeUndefined();
  expect(stored('struct<a:bigint>', { a: 7, other: 1 }, { ignoresMembers: true })).toEqual({ a: 7 });
  expect(stored('array<bigint>', 'text')).toBeUndefined();
});

it('does not write types that it does not know', () => {
  for (const type of ['interval_day_time', 'geography', 'array<vector>', 'map<string,geography>', 'struct<a:geography>'])
    expect(valueWriter(parseColumnType(type), settings)).toBeUndefined();
});

interface Vector {
  readonly name: string;
  readonly types: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  readonly body: string;
}

const { vectors } = JSON.parse(readFileSync(new URL('../../../fixtures/maxcompute/records.json', import.meta.url), 'utf8')) as {
  readonly vectors: readonly Vector[];
};

it.each(vectors.filter(({ types }) => !types.some((type) => type.startsWith('interval') || type === 'json')))(
  'writes $name as other clients do',
  ({ types, rows, body }) => {
    const writers = types.map((type) => valueWriter(parseColumnType(type), { ...settings, maxFieldBytes: 1_000 })!);
    const buffer = createRowBuffer();
    for (const row of rows) {
      buffer.beginRow();
      for (const [index, value] of row.entries()) {
        if (value === null) continue;
        buffer.field(index + 1, writers[index]!.wireType);
        expect(writers[index]!.write(buffer, natural(types[index] ?? '', value))).toBeUndefined();
      }
      buffer.endRow();
    }
    expect(buffer.finish().toString('hex')).toBe(body);
  },
);

/** A value of the vectors as a record would hold it. */
function natural(type: string, value: unknown): unknown {
  if (type === 'binary') return Buffer.from(value as string, 'hex');
  if (type === 'date') return new Date(Number(value) * 86_400_000);
  if (type === 'datetime') return Number(value);
  if (type === 'double' || type === 'float') return Number(value);
  if (!type.startsWith('timestamp')) return value;
  const [seconds, nanos] = value as [number, number];
  const text = `${new Date(seconds * 1_000).toISOString().slice(0, 19)}.${String(nanos).padStart(9, '0')}`;
  return type === 'timestamp' ? `${text}Z` : text;
}

import { describe, expect, it } from 'vitest';
import type { Column } from '../../../../lib/sinks/postgres/catalog.ts';
import { expectedBy, foundIn, toTextFor } from '../../../../lib/sinks/postgres/values.ts';

const column = (base: string, more: Partial<Column> = {}): Column => ({
  name: 'c',
  type: base,
  unlimited: base,
  base,
  kind: 'plain',
  notNull: false,
  hasDefault: false,
  generated: false,
  ...more,
});

describe('what fits a column', () => {
  it.each<[string, unknown, string | undefined, Partial<Column>?]>([
    ['int8', 42, '42'],
    ['int8', -0, '0'],
    ['int8', 9007199254740993n, '9007199254740993'],
    ['int8', 2n ** 63n, undefined],
    ['int8', -(2n ** 63n), '-9223372036854775808'],
    ['int8', 2 ** 63, undefined],
    ['int8', 1.5, undefined],
    ['int8', ' 42 ', ' 42 '],
    ['int8', '99999999999999999999', undefined],
    ['int8', 'x', undefined],
    ['int8', true, undefined],
    ['int8', {}, undefined],
    ['int2', 32_768, undefined],
    ['int2', 32_767, '32767'],
    ['float8', 1e300, '1e+300'],
    ['float8', Number.NaN, 'NaN'],
    ['float8', 'Infinity', 'Infinity'],
    ['float8', '1.5e3', '1.5e3'],
    ['float8', '1,5', undefined],
    ['numeric', 999.99, '999.99', { precision: 5, scale: 2 }],
    ['numeric', 1e6, undefined, { precision: 5, scale: 2 }],
    ['bool', true, 't'],
    ['bool', 'no', 'no'],
    ['bool', 2, undefined],
    ['text', 1.5, '1.5'],
    ['text', 5n, '5'],
    ['text', { a: [1n] }, '{"a":[1]}'],
    ['text', 'a\0b', undefined],
    ['text', '\ud800', undefined],
    ['text', '😀', '😀'],
    ['varchar', 'äöü', 'äöü', { maxLength: 3 }],
    ['varchar', '😀😀😀', '😀😀😀', { maxLength: 3 }],
    ['varchar', 'abcd', undefined, { maxLength: 3 }],
    ['varchar', 'abc   ', 'abc   ', { maxLength: 3 }],
    ['jsonb', 'text', '"text"'],
    ['jsonb', { a: 'x\0' }, undefined],
    ['jsonb', { a: '\\u0000' }, '{"a":"\\\\u0000"}'],
    ['jsonb', ['\udc00'], undefined],
    ['jsonb', { '\ud800': 1 }, undefined],
    ['json', { a: 'x\0' }, '{"a":"x\\u0000"}'],
    ['jsonb', Number.NaN, undefined],
    ['timestamptz', 0, '1970-01-01T00:00:00.000Z'],
    ['timestamptz', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['timestamptz', new Date(Number.NaN), undefined],
    ['timestamptz', '2024-02-29T00:00:00Z', '2024-02-29T00:00:00Z'],
    ['timestamptz', '2024-00-29T00:00:00Z', undefined],
    ['timestamptz', 'infinity', 'infinity'],
    ['timestamptz', 'soon', undefined],
    ['timestamptz', true, undefined],
    ['date', 20240229, undefined],
    ['date', '2024-02-29', '2024-02-29'],
    ['time', new Date(0), '00:00:00.000Z'],
    ['uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
    ['uuid', 'a0ee', undefined],
    ['bytea', new Uint8Array([0, 255]), '\\x00ff'],
    ['text', ['a', null, [1]], undefined, { kind: 'enum', labels: ['a'] }],
    ['text', 'a', 'a', { kind: 'enum', labels: ['a'] }],
    ['text', 'b', undefined, { kind: 'enum', labels: ['a'] }],
    ['text', ['a"b', null, 'c\\', 1], '{"a\\"b",NULL,"c\\\\","1"}', { kind: 'array' }],
    ['int4', [[1], [2]], '{{"1"},{"2"}}', { kind: 'array' }],
    ['int4', '{1,2}', '{1,2}', { kind: 'array' }],
    ['int4', 7, undefined, { kind: 'array' }],
    ['text', [{ a: 1 }], '{"{\\"a\\":1}"}', { kind: 'array' }],
  ])('%s and %o', (base, value, text, more) => {
    expect(toTextFor(column(base, more))(value)).toBe(text);
  });

  it('is described without repeating the value', () => {
    expect(expectedBy(column('int8', { type: 'bigint' }))).toBe('a value for bigint');
    expect(['secret', 5, null, ['secret'], { secret: 1 }, new Date(0), Buffer.from('secret')].map(foundIn)).toEqual([
      'text',
      'a number',
      'nothing',
      'a list',
      'an object',
      'a date',
      'bytes',
    ]);
  });
});

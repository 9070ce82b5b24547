import { describe, expect, it } from 'vitest';
import type { Column } from '../../../../lib/sinks/postgres/catalog.ts';
import { canonical, isOnlySpelling, isSameAsJson } from '../../../../lib/sinks/postgres/spelling.ts';

const column = (base: string, more: Partial<Column> = {}): Column => ({
  name: 'id',
  type: base,
  unlimited: base,
  base,
  kind: 'plain',
  notNull: true,
  hasDefault: false,
  generated: false,
  ...more,
});

describe('the text of a key', () => {
  it.each([
    ['int4', ' +007 ', '7'],
    ['int8', '-0', '0'],
    ['int4', '1f', '1f'],
    ['uuid', '{A0EEBC99-9C0B4EF8BB6D6BB9BD380A11}', 'a0eebc999c0b4ef8bb6d6bb9bd380a11'],
    ['bpchar', 'x  ', 'x'],
    ['text', ' x ', ' x '],
  ])('is one for all spellings of a %s', (base, text, expected) => {
    expect(canonical(column(base), text)).toBe(expected);
  });

  it('of an array is left as it is', () => {
    expect(canonical(column('int4', { kind: 'array' }), '{1,2}')).toBe('{1,2}');
  });

  it.each([
    ['text', 'x', true],
    ['int4', '7', true],
    ['int4', '0x7', false],
    ['numeric', '12', true],
    ['numeric', '1.0', false],
    ['float8', '1234567890123456', false],
    ['float4', '1', false],
    ['citext', 'x', false],
    ['date', '2024-02-29', true],
    ['date', 'today', false],
  ])('may or may not have other spellings: %s %s', (base, text, expected) => {
    expect(isOnlySpelling(column(base), text)).toBe(expected);
  });

  it('of an instant is one only in the form of Date, and where the column does not round', () => {
    const text = '2024-02-29T00:00:00.000Z';
    const whole = column('timestamptz', { type: 'timestamp with time zone' });
    expect(isOnlySpelling(whole, text)).toBe(true);
    expect(isOnlySpelling(whole, '2024-02-29T00:00:00Z')).toBe(false);
    expect(isOnlySpelling(column('timestamptz', { type: 'timestamp(0) with time zone' }), text)).toBe(false);
  });

  it('is what the server makes of the JSON, except for numbers as text and what is nested', () => {
    expect([1, 'x', true, 2n ** 70n].map((value) => isSameAsJson(column('numeric'), value))).toEqual([true, true, true, true]);
    expect(isSameAsJson(column('numeric'), 1.5)).toBe(false);
    expect(isSameAsJson(column('text'), 1)).toBe(false);
    expect(isSameAsJson(column('text'), { a: 1 })).toBe(false);
  });
});

import { expect, it } from 'vitest';
import { knownTypes, sqlType } from '../../../../lib/sinks/postgres/types.ts';

it.each([
  ['bigint', 'bigint'],
  ['INT', 'integer'],
  ['doublepericision', 'double precision'],
  ['Double  Precision', 'double precision'],
  ['timestamptz(3)', 'timestamp(3) with time zone'],
  ['timestamp (3) with time zone', 'timestamp(3) with time zone'],
  ['time without time zone', 'time'],
  ['decimal(10, 2)', 'numeric(10,2)'],
  ['character varying(20)', 'varchar(20)'],
  ['text[]', 'text[]'],
])('knows %s as %s', (given, expected) => {
  expect(sqlType(given)).toBe(expected);
});

it.each(['varchr', 'text; drop table x', 'int)', ''])('knows no type %s', (given) => {
  expect(sqlType(given)).toBeUndefined();
});

it('knows its own names', () => {
  expect(knownTypes.map(sqlType)).toEqual(knownTypes);
});

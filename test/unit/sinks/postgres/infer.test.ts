import { expect, it } from 'vitest';
import { inferColumns } from '../../../../lib/sinks/postgres/infer.ts';
import { record } from '../../../support/records.ts';

const infer = (...values: object[]): Record<string, string> =>
  Object.fromEntries(
    inferColumns(
      values.map((value) => record('a', value)),
      (name) => name,
    ),
  );

it('takes the type of the values', () => {
  expect(
    infer({ i: 1, f: 1.5, b: true, s: 'x', o: {}, l: [], d: new Date(0), y: Buffer.from('x'), n: null, big: 2n ** 40n, huge: 2n ** 63n }),
  ).toEqual({
    i: 'bigint',
    f: 'double precision',
    b: 'boolean',
    s: 'text',
    o: 'jsonb',
    l: 'jsonb',
    d: 'timestamp with time zone',
    y: 'bytea',
    n: 'text',
    big: 'bigint',
    huge: 'numeric',
  });
});

it('takes the type of numbers that holds them all', () => {
  expect(infer({ a: 1, b: 1 }, { a: 2.5, b: 2n ** 70n }, { a: null })).toEqual({ a: 'double precision', b: 'numeric' });
});

it('lets no stray value decide', () => {
  expect(infer({ a: 'stray' }, { a: 1 }, { a: 2 })).toEqual({ a: 'bigint' });
  expect(infer({ a: 1 }, { a: 'stray' })).toEqual({ a: 'bigint' });
});

it('believes the schema of a record, and leaves out names that the server would cut', () => {
  const schema = { fields: [{ name: 'at', type: 'timestamp', optional: true }] } as const;
  const columns = inferColumns([{ ...record('a', { at: '2024-02-29T00:00:00Z', ['x'.repeat(64)]: 1, out: 1 }), schema }], (name) =>
    name === 'out' ? undefined : name,
  );
  expect([...columns]).toEqual([['at', 'timestamp with time zone']]);
});

import { expect, it } from 'vitest';
import { parseColumnType } from '../../../../lib/clients/maxcompute/column-type.ts';

it.each([
  ['BIGINT', { name: 'bigint' }],
  ['decimal', { name: 'decimal', precision: 54, scale: 18 }],
  ['Decimal(10, 2)', { name: 'decimal', precision: 10, scale: 2 }],
  ['decimal(20)', { name: 'decimal', precision: 20, scale: 0 }],
  ['varchar(10)', { name: 'varchar', length: 10 }],
  ['TIMESTAMP_NTZ', { name: 'timestamp_ntz' }],
  ['array<decimal(10,2)>', { name: 'array', element: { name: 'decimal', precision: 10, scale: 2 } }],
  [
    'map<string,array<struct<a:bigint,b:boolean>>>',
    {
      name: 'map',
      key: { name: 'string' },
      value: {
        name: 'array',
        element: {
          name: 'struct',
          members: [
            { name: 'a', type: { name: 'bigint' } },
            { name: 'b', type: { name: 'boolean' } },
          ],
        },
      },
    },
  ],
  [
    'struct<`a b:,`:bigint, `c`:map<string, int>>',
    {
      name: 'struct',
      members: [
        { name: 'a b:,', type: { name: 'bigint' } },
        { name: 'c', type: { name: 'map', key: { name: 'string' }, value: { name: 'int' } } },
      ],
    },
  ],
  ['geography', { name: 'unknown' }],
  ['vector<float,3>', { name: 'unknown' }],
])('reads %s', (text, type) => {
  expect(parseColumnType(text)).toEqual(type);
});

import { describe, expect, it } from 'vitest';
import { parseColumnType } from '../../../../lib/clients/maxcompute/column-type.ts';
import type { TableSchema } from '../../../../lib/clients/maxcompute/table.ts';
import { parseConfig } from '../../../../lib/core/config.ts';
import { ConfigError, DataError } from '../../../../lib/core/errors.ts';
import type { KafkaRecord } from '../../../../lib/core/record.ts';
import { encode } from '../../../../lib/sinks/maxcompute/encode.ts';
import { planFor } from '../../../../lib/sinks/maxcompute/plan.ts';
import { maxcompute } from '../../../../lib/sinks/maxcompute.ts';
import { record } from '../../../support/records.ts';
import { readRecords } from '../../../support/servers/maxcompute/record-stream.ts';
import { column } from '../../../support/servers/maxcompute/types.ts';

type Declared = Readonly<Record<string, string>>;
const origin: Declared = { topic: 'string', partition: 'bigint', offset: 'bigint' };

function schemaOf(declared: Declared, partitionKeys: readonly string[] = ['pt']): TableSchema {
  const columns = Object.entries(declared).map(([name, spelled]) => {
    const type = spelled.replace(' not null', '').replace(' default', '');
    return {
      name,
      spelled: type,
      type: parseColumnType(type),
      nullable: !spelled.includes('not null'),
      hasDefault: spelled.includes('default'),
    };
  });
  return { columns, partitionKeys, isView: false };
}

function plan(
  config: object,
  declared: Declared,
  { partitionKeys, maxFieldBytes = 1_000 }: { partitionKeys?: string[]; maxFieldBytes?: number } = {},
) {
  const options = { project: 'p', table: 't', endpoint: 'http://localhost/api', ...config };
  return planFor('t', schemaOf(declared, partitionKeys), maxFieldBytes, parseConfig(maxcompute.config, options, 'connector.sink'));
}

/** What is read back of records. */
function rows(config: object, declared: Declared, ...records: KafkaRecord[]): readonly unknown[] {
  const { bodies, refused } = encode(records, plan(config, declared), 1_000_000);
  for (const error of refused.values()) throw error;
  const columns = Object.entries(declared).map(([name, type]) => column(name, type.replace(' default', '')));
  return bodies.flatMap((body) => readRecords(body.rows, columns));
}

const place = { topic: 'flights', partition: 3, offset: 42, timestamp: 1_700_000_000_000 };
const from = { topic: 'flights', partition: 3, offset: 42 };

describe('key and value', () => {
  const text = { ...origin, insert_time: 'bigint', key: 'string', value: 'string' };

  it('are text next to where the record came from', () => {
    expect(rows({}, text, record('k', { a: 1 }, place))).toEqual([{ ...from, insert_time: 1_700_000_000_000, key: 'k', value: '{"a":1}' }]);
  });

  it('are text as it was received, when nothing touched it', () => {
    const received = { ...record('k', { a: 1 }, place), bytes: Buffer.from('{ "a" : 1 }') };
    expect(rows({}, text, received)).toMatchObject([{ value: '{ "a" : 1 }' }]);
  });

  it('leave text as it is, and bytes as their text', () => {
    expect(rows({}, text, record(Buffer.from('k') as never, 'plain', place))).toMatchObject([{ key: 'k', value: 'plain' }]);
  });

  it('are NULL where there is none', () => {
    expect(rows({}, text, record(null, null, place))).toMatchObject([{ key: null, value: null }]);
  });

  it('say where a replayed record was at first', () => {
    const replayed = { ...record('k', 'v', place), origin: { topic: 'flights.dlq', partition: 0, offset: 7 } };
    expect(rows({}, text, replayed)).toMatchObject([from]);
  });

  it('have no timestamp where the record has none', () => {
    const timestamps = { ...origin, insert_time: 'timestamp', key: 'string', value: 'string' };
    expect(rows({}, timestamps, record('k', 'v', { ...place, timestamp: -1 }))).toMatchObject([{ insert_time: null }]);
  });

  it('do without the timestamp in older tables', () => {
    expect(rows({}, { ...origin, key: 'string', value: 'string' }, record('k', 'v', place))).toEqual([{ ...from, key: 'k', value: 'v' }]);
  });

  it.each([
    ['key', { key: 'k' }],
    ['value', { value: 'v' }],
  ])('are written alone with mode: %s', (mode, expected) => {
    expect(rows({ mode }, { ...origin, [mode]: 'string' }, record('k', 'v', place))).toEqual([{ ...from, ...expected }]);
  });

  it('are bytes with format: binary', () => {
    const declared = { ...origin, key: 'binary', value: 'binary' };
    const [key, value] = [Buffer.from([0, 255]), { a: 1 }];
    expect(rows({ format: 'binary' }, declared, record(key as never, value, place))).toEqual([
      { ...from, key: key.toString('base64'), value: Buffer.from('{"a":1}').toString('base64') },
    ]);
  });

  it('are JSON with format: json, spelled as it was received', () => {
    const declared = { ...origin, value: 'json' };
    const config = { format: 'json', mode: 'value' };
    expect(rows(config, declared, record('k', 'text', place))).toMatchObject([{ value: '"text"' }]);
    const received = { ...record('k', { a: 1 }, place), bytes: Buffer.from('{ "a": 1 }') };
    expect(rows(config, declared, received)).toMatchObject([{ value: '{ "a": 1 }' }]);
  });

  it('do not fit when they are larger than a field may be', () => {
    const { refused } = encode([record('k', 'x'.repeat(1_001), place)], plan({}, text), 1_000);
    expect([...refused.values()][0]?.message).toBe('Expected at most 1000 bytes for column "value", found text (flights-3@42)');
  });
});

describe('fields of an object', () => {
  const config = { mode: 'value', format: 'flatten' };
  const declared = { ...origin, id: 'bigint', name: 'string', at: 'timestamp', tags: 'array<string>' };

  it('go into columns of their names in lower case', () => {
    const value = { ID: 9007199254740993n, Name: { first: 'Ada' }, at: null, tags: ['x'] };
    expect(rows(config, declared, record('k', value, place))).toEqual([
      { ...from, id: 9007199254740993n, name: '{"first":"Ada"}', at: null, tags: ['x'] },
    ]);
  });

  it('are NULL for a tombstone', () => {
    expect(rows(config, declared, record('k', null, place))).toEqual([{ ...from, id: null, name: null, at: null, tags: null }]);
  });

  it('come from the key with mode: key', () => {
    expect(rows({ ...config, mode: 'key' }, { id: 'bigint' }, { ...record('', 'v'), key: { id: 5 } })).toEqual([{ id: 5 }]);
  });

  it('need no columns for the origin', () => {
    expect(rows(config, { id: 'bigint' }, record('k', { id: 5 }))).toEqual([{ id: 5 }]);
  });

  it('named like those of the origin are columns of the table where their type says so', () => {
    expect(rows(config, { id: 'bigint', partition: 'array<string>' }, record('k', { id: 5, partition: ['x'] }))).toEqual([
      { id: 5, partition: ['x'] },
    ]);
  });

  it.each([
    ['a field without a column', { id: 1, other: 'secret' }, /column "other" is missing in table t/],
    ['a field with the name of an origin column', { id: 1, offset: 5 }, /column "offset" is for the origin of records/],
    ['a field whose name looks like a value', { 'my secret!': 1 }, /column of its name is missing/],
    ['two fields of one column', { id: 1, ID: 2 }, /one field for column "id", found several/],
    ['a value that does not fit', { id: 'secret' }, /whole number .* for column "id", found text \(flights-3@42\)/],
    ['a list', ['secret'], /Expected the value to be an object with format: flatten, found a list/],
    ['text', 'secret', /found text/],
  ])('refuses %s without repeating it', (_, value, message) => {
    const { refused, bodies } = encode([record('k', value, place)], plan(config, declared), 1_000);
    const [error] = refused.values();
    expect(bodies).toEqual([]);
    expect(error).toBeInstanceOf(DataError);
    expect(error?.message).toMatch(message);
    expect(error?.message).not.toContain('secret');
  });

  it('are left out, or kept as JSON, when they have no column', () => {
    const value = { id: 1, other: [1], __proto__x: 2 };
    expect(rows({ ...config, unknownFields: 'ignore' }, { id: 'bigint' }, record('k', value))).toEqual([{ id: 1 }]);
    expect(rows({ ...config, unknownFields: 'column' }, { id: 'bigint', extra: 'json' }, record('k', value))).toEqual([
      { id: 1, extra: '{"other":[1],"__proto__x":2}' },
    ]);
    expect(rows({ ...config, unknownFields: 'column' }, { id: 'bigint', extra: 'json' }, record('k', { id: 1 }))).toEqual([
      { id: 1, extra: null },
    ]);
  });

  it('must not be missing where a column is NOT NULL', () => {
    const { refused } = encode([record('k', {}, place)], plan(config, { id: 'bigint not null', n: 'bigint not null default' }), 1_000);
    expect([...refused.values()][0]?.message).toBe('Expected a value, as it is NOT NULL for column "id", found none (flights-3@42)');
  });

  it('leave out columns of types that nobody writes', () => {
    expect(() => plan(config, { id: 'bigint', place: 'geography' })).not.toThrow();
  });
});

describe('CSV', () => {
  const config = { mode: 'value', format: 'csv' };
  const declared = { ...origin, insert_time: 'bigint', id: 'bigint', name: 'string' };

  it('fills the columns that are not of the origin by their position', () => {
    expect(rows(config, declared, record('k', '5,"a,b"', place), record('k', '\\N,"\\N"', place))).toMatchObject([
      { ...from, id: 5, name: 'a,b' },
      { id: null, name: '\\N' },
    ]);
  });

  it('is NULL for a tombstone', () => {
    expect(rows(config, declared, record('k', null, place))).toMatchObject([{ ...from, id: null, name: null }]);
  });

  it.each([
    ['5', /CSV of 2 fields, found 1/],
    ['5,a,b', /CSV of 2 fields, found 3/],
    ['5,"a', /one line of CSV, found other text/],
    ['x,a', /for column "id"/],
    [{ id: 5 }, /one line of CSV, found an object/],
  ])('refuses %o', (value, message) => {
    const { refused } = encode([record('k', value, place)], plan(config, declared), 1_000);
    expect([...refused.values()][0]?.message).toMatch(message);
  });
});

describe('columns by name', () => {
  it('take fields, placeholders with their types, and text', () => {
    const columns = {
      id: 'customer.id',
      WHO: '{key}',
      trace: '{header:trace}',
      place: '{topic}/{partition}',
      at: '{timestamp}',
      day: '{timestamp:yyyyMMdd}',
      whole: '{value}',
      part: '{part}',
    };
    const declared = {
      id: 'bigint',
      who: 'string',
      trace: 'string',
      place: 'string',
      at: 'timestamp',
      day: 'string',
      whole: 'json',
      part: 'int',
      unused: 'string',
    };
    const headers = [{ key: 'trace', value: Buffer.from('abc') }];
    const [row] = rows({ columns }, declared, record('k', { customer: { id: 7 }, ignored: 1 }, { ...place, headers }));
    expect(row).toMatchObject({
      id: 7,
      who: 'k',
      trace: 'abc',
      place: 'flights/3',
      day: '20231114',
      whole: '{"customer":{"id":7},"ignored":1}',
      part: 0,
      unused: null,
    });
    expect(String((row as { at: unknown }).at)).toContain('2023-11-14T22:13:20');
  });

  it('are NULL for fields that are not there', () => {
    expect(rows({ columns: { id: 'a.b', who: '{key.x}' } }, { id: 'bigint', who: 'string' }, record('k', null))).toEqual([
      { id: null, who: null },
    ]);
  });

  it('name the origin as the operator likes it', () => {
    const config = { columns: { id: 'id' }, origin: { topic: 'src', offset: 'pos', epoch: 'gen', part: 'piece' } };
    const declared = { id: 'bigint', src: 'string', partition: 'int', pos: 'decimal(20,0)', gen: 'bigint', piece: 'bigint' };
    expect(rows(config, declared, record('k', { id: 1 }, { ...place, epoch: 2, part: 4 }))).toEqual([
      { id: 1, src: 'flights', partition: 3, pos: '42', gen: 2, piece: 4 },
    ]);
  });
});

it.each([
  [
    'no column for the value',
    {},
    { ...origin, key: 'string' },
    'SINK_COLUMN_MISSING',
    /Table t has no column "value" of type STRING: it takes the value of records/,
  ],
  [
    'no column for the offset',
    {},
    { topic: 'string', partition: 'bigint', key: 'string', value: 'string' },
    'SINK_COLUMN_MISSING',
    /no column "offset"/,
  ],
  [
    'a column of another type',
    {},
    { ...origin, key: 'bigint', value: 'string' },
    'SINK_MISCONFIGURED',
    /column "key" of table t to be STRING or VARCHAR or CHAR, found BIGINT/,
  ],
  [
    'an offset that is text of few characters',
    {},
    { ...origin, offset: 'int', key: 'string', value: 'string' },
    'SINK_MISCONFIGURED',
    /column "offset"/,
  ],
  [
    'no column that is named',
    { columns: { gone: 'x' } },
    { id: 'bigint' },
    'SINK_COLUMN_MISSING',
    /no column "gone": connector\.sink\.columns\.gone names it/,
  ],
  [
    'a named column of the origin',
    { columns: { id: 'id' }, origin: { topic: 'gone' } },
    { id: 'bigint' },
    'SINK_COLUMN_MISSING',
    /"gone".*connector\.sink\.origin/,
  ],
  [
    'no column for other fields',
    { mode: 'value', format: 'flatten', unknownFields: 'column' },
    { id: 'bigint' },
    'SINK_COLUMN_MISSING',
    /"extra"/,
  ],
  [
    'a NOT NULL column that nothing fills',
    { columns: { id: 'id' } },
    { id: 'bigint', must: 'string not null' },
    'SINK_MISCONFIGURED',
    /"must" of table t is NOT NULL/,
  ],
  ['a type that nobody writes', { columns: { id: 'id' } }, { id: 'geography' }, 'SINK_MISCONFIGURED', /GEOGRAPHY, which cannot be written/],
  [
    'another partition column',
    { partition: { column: 'ds' } },
    { ...origin, key: 'string', value: 'string' },
    'SINK_MISCONFIGURED',
    /partition columns of table t to be ds, found pt/,
  ],
  [
    'partitions where none are expected',
    { partition: false },
    { ...origin, key: 'string', value: 'string' },
    'SINK_MISCONFIGURED',
    /to be none, found pt/,
  ],
])('a table with %s is a ConfigError that says so', (_, config, declared, code, message) => {
  const attempt = () => plan(config, declared as Declared);
  expect(attempt).toThrow(ConfigError);
  expect(attempt).toThrow(message);
  expect(attempt).toThrow(expect.objectContaining({ code }));
});

it('a refused record leaves its neighbours as they are', () => {
  const declared = { ...origin, id: 'bigint' };
  const records = [1, 'x', 3].map((id, offset) => record('k', { id }, { ...place, offset }));
  const { bodies, refused } = encode(records, plan({ mode: 'value', format: 'flatten' }, declared), 1_000);
  const columns = Object.entries(declared).map(([name, type]) => column(name, type));
  expect(bodies.flatMap((body) => readRecords(body.rows, columns)).map((row) => row['offset'])).toEqual([0, 2]);
  expect([...refused.keys()]).toEqual([records[1]]);
});

it('cuts bodies at their size, each with the records that are in it', () => {
  const declared = { ...origin, key: 'string', value: 'string' };
  const records = Array.from({ length: 10 }, (_, offset) => record('k', 'x'.repeat(100), { ...place, offset }));
  const { bodies } = encode(records, plan({}, declared), 300);
  const columns = Object.entries(declared).map(([name, type]) => column(name, type));
  expect(bodies.length).toBeGreaterThan(2);
  for (const body of bodies)
    expect(readRecords(body.rows, columns).map((row) => row['offset'])).toEqual(body.records.map(({ version }) => version.offset));
  expect(bodies.flatMap((body) => body.records)).toEqual(records);
});

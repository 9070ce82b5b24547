import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { KafkaRecord } from '../../lib/core/record.ts';
import { record } from '../support/records.ts';
import { describeWith } from '../support/servers/shared.ts';
import { codes, openWorkbench, rawRecord, signal, type Workbench } from './postgres-support.ts';

describeWith(['postgres'], 'values in PostgreSQL', ({ postgres: server }) => {
  let bench: Workbench;
  beforeAll(async () => {
    bench = await openWorkbench(server, 'contract_values');
  });
  afterAll(() => bench?.close());
  beforeEach(() => bench.client.query('drop table if exists things'));

  const upsert = { table: 'things', write: 'upsert', primaryKey: ['id'] };
  const append = { table: 'things' };

  it.each(['raw', 'decoded'])('keeps every digit of big integers and decimals, %s', async (path) => {
    await bench.client.query('create table things (id int primary key, big bigint, exact numeric, doc jsonb)');
    const sink = await bench.open(upsert);
    const json = '{"id": 1, "big": 9007199254740993, "exact": 12345678901234567890123, "doc": {"n": 9007199254740993}}';
    const value = { id: 1, big: 9007199254740993n, exact: 12345678901234567890123n, doc: { n: 9007199254740993n } };
    const sent = path === 'raw' ? rawRecord('a', json) : record('a', value);
    expect(await sink.write([sent], { signal })).toEqual(['delivered']);
    expect(await bench.rows('select big::text, exact::text, doc::text from things')).toEqual([
      { big: '9007199254740993', exact: '12345678901234567890123', doc: '{"n": 9007199254740993}' },
    ]);
  });

  it('keeps decimals of raw records whose neighbour is refused', async () => {
    await bench.client.query('create table things (id int primary key, exact numeric)');
    const sink = await bench.open(upsert);
    const good = Array.from({ length: 20 }, (_, id) => rawRecord('a', `{"id": ${id}, "exact": 0.1234567890123456789012345}`));
    const bad = rawRecord('a', '{"id": 99, "exact": "many"}');
    const outcomes = await sink.write([...good.slice(0, 9), bad, ...good.slice(9)], { signal });
    expect(codes(outcomes).filter((code) => code !== 'delivered')).toEqual(['data SINK_REJECTED_RECORD']);
    expect(await bench.rows('select count(*)::int as n, min(exact)::text as exact from things')).toEqual([
      { n: 20, exact: '0.1234567890123456789012345' },
    ]);
  });

  it.each([
    ['raw upsert', upsert, true],
    ['decoded upsert', upsert, false],
    ['raw append', append, true],
    ['COPY append', append, false],
  ])('refuses what no column can hold, each record for itself: %s', async (_, config, raw) => {
    await bench.client.query('create table things (id int primary key, t text, j jsonb)');
    const sink = await bench.open(config);
    const jsons = [
      '{"id": 1, "t": "a\\u0000b"}',
      '{"id": 2, "t": "fine"}',
      '{"id": 3, "t": "\\ud800"}',
      '{"id": 4, "j": {"deep": ["a\\u0000b"]}}',
      '{"id": 5, "j": "\\udfff"}',
      '{"id": 6, "t": "back\\\\slash, \\"quote\\", tab\\t, line\\nend, \\\\u0000", "j": ["\\\\u0000"]}',
      '{"id": 7, "j": [{"a": [1, {"b": null}]}, "\\ud83d\\ude00"]}',
    ];
    const outcomes = await sink.write(
      jsons.map((json) => (raw ? rawRecord('k', json) : record('k', JSON.parse(json)))),
      { signal },
    );
    const refused = 'data SINK_REJECTED_RECORD';
    expect(codes(outcomes)).toEqual([refused, 'delivered', refused, refused, refused, 'delivered', 'delivered']);
    expect(await bench.rows('select id, t, j from things order by id')).toEqual([
      { id: 2, t: 'fine', j: null },
      { id: 6, t: 'back\\slash, "quote", tab\t, line\nend, \\u0000', j: ['\\u0000'] },
      { id: 7, t: null, j: [{ a: [1, { b: null }] }, '😀'] },
    ]);
  });

  it.each(['raw', 'decoded'])('takes text and milliseconds for timestamps, and refuses numbers for dates: %s', async (path) => {
    await bench.client.query('create table things (id int primary key, at timestamptz, local timestamp, day date, clock time)');
    const sink = await bench.open(upsert);
    const jsons = [
      '{"id": 1, "at": "2024-02-29T23:59:59.999+05:30", "local": "2024-02-29 12:00:00", "day": "2024-02-29", "clock": "23:59"}',
      '{"id": 2, "at": 1709251199123, "local": 1709251199123}',
      '{"id": 3, "day": 20240229}',
      '{"id": 4, "at": "2024-13-01T00:00:00Z"}',
      '{"id": 5, "at": "2024-02-30T00:00:00Z"}',
      '{"id": 6, "at": true}',
    ];
    const outcomes = await sink.write(
      jsons.map((json) => (path === 'raw' ? rawRecord('k', json) : record('k', JSON.parse(json)))),
      { signal },
    );
    const refused = 'data SINK_REJECTED_RECORD';
    expect(codes(outcomes)).toEqual(['delivered', 'delivered', refused, refused, refused, refused]);
    await bench.client.query(`set timezone to 'UTC'`);
    expect(await bench.rows('select id, at::text, local::text, day::text, clock::text from things order by id')).toEqual([
      { id: 1, at: '2024-02-29 18:29:59.999+00', local: '2024-02-29 12:00:00', day: '2024-02-29', clock: '23:59:00' },
      { id: 2, at: '2024-02-29 23:59:59.123+00', local: '2024-02-29 23:59:59.123', day: null, clock: null },
    ]);
  });

  it('takes a Date for every kind of time', async () => {
    await bench.client.query('create table things (id int primary key, at timestamptz, local timestamp, day date, clock time)');
    const sink = await bench.open(upsert);
    const date = new Date('2024-02-29T23:59:59.999Z');
    expect(codes(await sink.write([record('a', { id: 1, at: date, local: date, day: date, clock: date })], { signal }))).toEqual([
      'delivered',
    ]);
    expect(await bench.rows('select local::text, day::text, clock::text from things')).toEqual([
      { local: '2024-02-29 23:59:59.999', day: '2024-02-29', clock: '23:59:59.999' },
    ]);
  });

  it.each(['raw', 'decoded'])('fills arrays, enums, numerics, uuids, bytes and domains: %s', async (path) => {
    await bench.client.query(
      `drop domain if exists short; create domain short as varchar(3); drop type if exists mood; create type mood as enum ('ok', 'sad')`,
    );
    await bench.client.query(
      'create table things (id int primary key, tags text[], grid int[], m mood, price numeric(5,2), u uuid, b bytea, d short, v varchar(3), c char(3), flag boolean)',
    );
    const sink = await bench.open(upsert);
    const good = {
      id: 1,
      tags: ['a,b', 'c"d', null, 'e\\f', ''],
      grid: [
        [1, 2],
        [3, 4],
      ],
      m: 'sad',
      price: 123.456,
      u: 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11',
      b: '\\x00ff',
      d: 'abc',
      v: 'äöü',
      c: 'x',
      flag: true,
    };
    const bad = [
      { m: 'glad' },
      { price: 1000 },
      { u: 'nope' },
      { d: 'abcd' },
      { v: 'abcd' },
      { c: 'abcd' },
      { flag: 'maybe' },
      { grid: [['x']] },
      { id: 1.5 },
    ];
    const values = [good, ...bad.map((fields, index) => ({ id: index + 10, ...fields }))];
    const outcomes = await sink.write(
      values.map((value) => (path === 'raw' ? rawRecord('k', JSON.stringify(value)) : record('k', value))),
      { signal },
    );
    expect(codes(outcomes).slice(1, -1)).toEqual(bad.slice(1).map(() => 'data SINK_REJECTED_RECORD'));
    expect(codes(outcomes).at(-1)).toBe('data SINK_RECORD_WITHOUT_KEY');
    expect(await bench.rows(`select id, tags, grid, m, price::text, u, encode(b, 'hex') as b, d, v, c, flag from things`)).toEqual([
      {
        id: 1,
        tags: ['a,b', 'c"d', null, 'e\\f', ''],
        grid: [
          [1, 2],
          [3, 4],
        ],
        m: 'sad',
        price: '123.46',
        u: good.u.toLowerCase(),
        b: '00ff',
        d: 'abc',
        v: 'äöü',
        c: 'x  ',
        flag: true,
      },
    ]);
  });

  it('never sends the bytes of a record that was copied with another value', async () => {
    await bench.client.query('create table things (id int primary key, t text)');
    const sink = await bench.open(upsert);
    const received = rawRecord('a', '{"id": 1, "t": "old"}');
    const { bytes: _, ...rest } = received;
    const changed: KafkaRecord = { ...rest, value: { id: 1, t: 'new' } };
    await sink.write([changed], { signal });
    expect(await bench.rows('select t from things')).toEqual([{ t: 'new' }]);
  });

  it('does not let bytes that are more than one JSON value move its neighbours', async () => {
    await bench.client.query('create table things (id int primary key, t text)');
    const sink = await bench.open(upsert);
    const tricky = (json: string, id: number): KafkaRecord => ({ ...record('k', { id, t: 'decoded' }), bytes: Buffer.from(json) });
    const outcomes = await sink.write(
      [
        rawRecord('k', '{"id": 1, "t": "one"}'),
        tricky('{"id": 2},{"id": 66}', 2),
        tricky('{"id": 3}}', 3),
        tricky('[{"id": 77}]', 4),
        rawRecord('k', ' {"id": 5, "t": "}"}\n'),
      ],
      { signal },
    );
    expect(codes(outcomes)).toEqual(Array(5).fill('delivered'));
    expect(await bench.rows('select id, t from things order by id')).toEqual([
      { id: 1, t: 'one' },
      { id: 2, t: 'decoded' },
      { id: 3, t: 'decoded' },
      { id: 4, t: 'decoded' },
      { id: 5, t: '}' },
    ]);
  });

  it('leaves columns with a default alone where the field is absent', async () => {
    await bench.client.query(
      `create table things (id int primary key, t text, state text not null default 'new', made timestamptz default now(), twice int generated always as (id * 2) stored)`,
    );
    const sink = await bench.open(upsert);
    const both = [rawRecord('a', '{"id": 1, "t": "x"}'), rawRecord('a', '{"id": 2, "state": "old"}'), record('a', { id: 3, t: 'y' })];
    expect(codes(await sink.write(both, { signal }))).toEqual(['delivered', 'delivered', 'delivered']);
    await sink.write([rawRecord('a', '{"id": 2, "t": "later", "twice": 99}'), record('a', { id: 3, state: null })], { signal });
    expect(await bench.rows('select id, t, state, made is not null as made, twice from things order by id')).toEqual([
      { id: 1, t: 'x', state: 'new', made: true, twice: 2 },
      { id: 2, t: 'later', state: 'old', made: true, twice: 4 },
      { id: 3, t: 'y', state: 'new', made: true, twice: 6 },
    ]);
  });

  it.each(['raw', 'decoded'])('includes, excludes and renames fields: %s', async (path) => {
    await bench.client.query('create table things (id int primary key, magnitude float8, place text)');
    const sink = await bench.open({ ...upsert, fields: { exclude: ['secret'], rename: { mag: 'magnitude' } } });
    const make = (json: string) => (path === 'raw' ? rawRecord('k', json) : record('k', JSON.parse(json)));
    const outcomes = await sink.write(
      [make('{"id": 1, "mag": 5.5, "secret": 1, "place": "x"}'), make('{"id": 2, "magnitude": 1}'), make('{"id": 3, "new": 1}')],
      { signal },
    );
    expect(codes(outcomes)).toEqual(['delivered', 'data SINK_UNKNOWN_FIELD', 'data SINK_UNKNOWN_FIELD']);
    const narrow = await bench.open({ ...upsert, fields: { include: ['id', 'place'] } });
    expect(codes(await narrow.write([make('{"id": 4, "place": "y", "mag": 1, "anything": true}')], { signal }))).toEqual(['delivered']);
    expect(await bench.rows('select * from things order by id')).toEqual([
      { id: 1, magnitude: 5.5, place: 'x' },
      { id: 4, magnitude: null, place: 'y' },
    ]);
  });

  it.each(['raw', 'decoded'])('ignores unknown fields, or keeps them in a column: %s', async (path) => {
    await bench.client.query('create table things (id int primary key, a text, more jsonb)');
    const make = (json: string) => (path === 'raw' ? rawRecord('k', json) : record('k', JSON.parse(json)));
    const ignoring = await bench.open({ ...upsert, unknownFields: 'ignore' });
    const keeping = await bench.open({ ...upsert, unknownFields: 'column', unknownFieldsColumn: 'more', fields: { exclude: ['out'] } });
    await ignoring.write([make('{"id": 1, "a": "x", "b": 1}')], { signal });
    await keeping.write([make('{"id": 2, "a": "x", "b": {"c": 1}, "__proto__": 3, "out": 1}'), make('{"id": 3, "a": "y"}')], { signal });
    expect(await bench.rows('select id, a, more::text from things order by id')).toEqual([
      { id: 1, a: 'x', more: null },
      { id: 2, a: 'x', more: '{"b": {"c": 1}, "__proto__": 3}' },
      { id: 3, a: 'y', more: null },
    ]);
  });

  it.each(['raw', 'decoded'])('cuts nothing that is too long, in arrays and bits neither: %s', async (path) => {
    await bench.client.query('create table things (id int primary key, codes varchar(3)[], flags bit(3), many bit(3)[])');
    const sink = await bench.open(upsert);
    const jsons = [
      '{"id": 1, "codes": ["abc"], "flags": "101", "many": ["101"]}',
      '{"id": 2, "codes": ["abc", "abcd"]}',
      '{"id": 3, "flags": "1011"}',
      '{"id": 4, "flags": "1"}',
      '{"id": 5, "many": ["1011"]}',
    ];
    const outcomes = await sink.write(
      jsons.map((json) => (path === 'raw' ? rawRecord('k', json) : record('k', JSON.parse(json)))),
      { signal },
    );
    expect(codes(outcomes)).toEqual(['delivered', ...Array(4).fill('data SINK_REJECTED_RECORD')]);
    expect(await bench.rows('select * from things')).toEqual([{ id: 1, codes: ['abc'], flags: '101', many: expect.anything() }]);
  });

  it.each(['raw', 'decoded'])('makes each element of an array what a column of its type would get: %s', async (path) => {
    await bench.client.query('create table things (id int primary key, docs jsonb[], times timestamptz[], flags bool[])');
    const sink = await bench.open(upsert);
    const json = '{"id": 1, "docs": ["1", "x", {"a": "b"}, 2, null], "times": ["2024-02-29T00:00:00Z"], "flags": [true, false]}';
    expect(codes(await sink.write([path === 'raw' ? rawRecord('k', json) : record('k', JSON.parse(json))], { signal }))).toEqual([
      'delivered',
    ]);
    expect(await bench.rows('select docs::text, flags, times[1]::text as at from things')).toEqual([
      { docs: String.raw`{"\"1\"","\"x\"","{\"a\": \"b\"}",2,NULL}`, flags: [true, false], at: expect.stringContaining('2024-02-29') },
    ]);
  });

  it('takes bytes for the elements of an array of bytes', async () => {
    await bench.client.query('create table things (id int primary key, parts bytea[])');
    const sink = await bench.open(upsert);
    expect(codes(await sink.write([record('k', { id: 1, parts: [Buffer.from('\x00a'), new Uint8Array([255])] })], { signal }))).toEqual([
      'delivered',
    ]);
    expect(await bench.rows(`select encode(parts[1], 'hex') as a, encode(parts[2], 'hex') as b from things`)).toEqual([
      { a: '0061', b: 'ff' },
    ]);
  });

  it('delivers a raw record that the server takes whatever its neighbours are', async () => {
    await bench.client.query(
      `drop type if exists grade; create type grade as enum ('1', '2'); create table things (id int primary key, at timestamptz, local timestamp, day timestamptz, g grade)`,
    );
    const good = [
      '{"id": 1, "at": 1760000000000000, "local": 1760000000000000}',
      '{"id": 2, "at": -99999999999000}',
      '{"id": 3, "g": 2}',
      '{"id": 4, "at": 1709251199123.456}',
      '{"id": 5, "at": "20000-01-01T00:00:00Z"}',
      '{"id": 6, "at": "0044-03-15 BC"}',
    ].map((json) => rawRecord('k', json));
    const bad = [7, 8, 9].map((id) => rawRecord('k', `{"id": ${id}, "at": "many"}`));
    const alone = await bench.open(upsert);
    expect(codes(await alone.write(good, { signal }))).toEqual(good.map(() => 'delivered'));
    const read = 'select id, extract(epoch from at)::text as at, extract(epoch from local)::text as local, g from things order by id';
    const stored = await bench.rows(read);
    await bench.client.query('truncate things');
    expect(codes(await alone.write([...bad, ...good], { signal })).slice(3)).toEqual(good.map(() => 'delivered'));
    expect(await bench.rows(read)).toEqual(stored);
    await bench.client.query('truncate things');
    const decoded = good.map(({ bytes: _, ...rest }) => rest);
    expect(codes(await alone.write(decoded, { signal }))).toEqual(good.map(() => 'delivered'));
    expect(await bench.rows(read)).toEqual(stored);
  });

  it('refuses a number that JSON can say and a double cannot, rather than store infinity', async () => {
    await bench.client.query('create table things (id int primary key, f float8, t text)');
    const sink = await bench.open(upsert);
    const outcomes = await sink.write([rawRecord('k', '{"id": 1, "f": 1e400}'), rawRecord('k', '{"id": 2, "f": 1e300}')], { signal });
    expect(codes(outcomes)).toEqual(['data SINK_REJECTED_RECORD', 'delivered']);
    expect(codes(await sink.write([record('k', { id: 3, f: Number.POSITIVE_INFINITY })], { signal }))).toEqual(['delivered']);
    expect(await bench.rows('select id, f::text from things order by id')).toEqual([
      { id: 2, f: '1e+300' },
      { id: 3, f: 'Infinity' },
    ]);
  });
});

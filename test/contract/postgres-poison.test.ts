import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { record } from '../support/records.ts';
import { describeWith } from '../support/servers/shared.ts';
import { codes, openWorkbench, rawRecord, signal, type Workbench } from './postgres-support.ts';

describeWith(['postgres'], 'records that must not stop the others in PostgreSQL', ({ postgres: server }) => {
  let bench: Workbench;
  beforeAll(async () => {
    bench = await openWorkbench(server, 'contract_poison');
  });
  afterAll(() => bench?.close());
  beforeEach(async () => {
    await bench.client.query('drop schema public cascade; create schema public');
  });

  const upsert = { table: 'things', write: 'upsert', primaryKey: ['id'] };

  it.each(['raw', 'decoded'])('adds a row of nothing but defaults for an empty object: %s', async (path) => {
    await bench.client.query('create table things (id bigserial, at timestamptz default now())');
    const sink = await bench.open({ table: 'things' });
    const empty = () => (path === 'raw' ? rawRecord('k', '{}') : record('k', {}));
    expect(codes(await sink.write([empty(), empty()], { signal }))).toEqual(['delivered', 'delivered']);
    expect(await bench.rows('select count(*)::int as n, count(id)::int as ids, count(at)::int as times from things')).toEqual([
      { n: 2, ids: 2, times: 2 },
    ]);
  });

  it.each(['raw', 'decoded'])('writes a key without anything else where all other columns have defaults: %s', async (path) => {
    await bench.client.query(`create table things (id text primary key, state text default 'new')`);
    const sink = await bench.open({ ...upsert, primaryKeyFrom: 'key', guard: 'none' });
    const empty = (key: string) => (path === 'raw' ? rawRecord(key, '{}') : record(key, {}));
    expect(codes(await sink.write([empty('a'), empty('b'), empty('a')], { signal }))).toEqual(Array(3).fill('delivered'));
    expect(await bench.rows('select * from things order by id')).toEqual([
      { id: 'a', state: 'new' },
      { id: 'b', state: 'new' },
    ]);
  });

  it('refuses a key that no integer is spelled like, and takes what only the server can read', async () => {
    await bench.client.query('create table things (id int primary key, t text)');
    const sink = await bench.open(upsert);
    const ids = ['1f', '0x', '+5', ' 6 ', '7', { n: 2n ** 70n }];
    const outcomes = await sink.write(
      ids.map((id) => record('k', { id, t: 'x' })),
      { signal },
    );
    expect(codes(outcomes)).toEqual([
      'data SINK_REJECTED_RECORD',
      'data SINK_REJECTED_RECORD',
      'delivered',
      'delivered',
      'delivered',
      'data SINK_RECORD_WITHOUT_KEY',
    ]);
    expect(ids.map((id) => sink.identity?.(record('k', { id, t: 'x' }))).every((identity) => identity !== undefined)).toBe(true);
    expect(await bench.rows('select id from things order by id')).toEqual([{ id: 5 }, { id: 6 }, { id: 7 }]);
  });

  it.each(['autoCreate', 'autoEvolve'])(
    'refuses a field that cannot be the name of a column, and delivers its neighbours: %s',
    async (option) => {
      if (option === 'autoEvolve') await bench.client.query('create table things (id int primary key, t text)');
      const sink = await bench.open({ ...upsert, [option]: true });
      const names = ['a\0b', 'xmin', 'tableoid', '\ud800', 'x'.repeat(64), ''];
      const bad = names.map((name, index) => record('k', { id: index, [name]: 1 }));
      const outcomes = await sink.write([...bad, record('k', { id: 98, t: 'x' }), record('k', { id: 99, t: 'y' })], { signal });
      expect(codes(outcomes)).toEqual([...names.map(() => 'data SINK_UNKNOWN_FIELD'), 'delivered', 'delivered']);
      expect(await bench.rows('select * from things order by id')).toEqual([
        { id: expect.anything(), t: 'x' },
        { id: expect.anything(), t: 'y' },
      ]);
    },
  );

  it('makes a table with its key and the columns of the guard however many fields the first record has', async () => {
    const sink = await bench.open({ ...upsert, autoCreate: true, maxColumns: 12, guard: { field: 'updated' } });
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`f${n}`, n]));
    const outcomes = await sink.write([record('k', { ...many, id: 1, updated: 1 }), record('k', { id: 2, updated: 1, f0: 1 })], { signal });
    expect(codes(outcomes)).toEqual(['data SINK_UNKNOWN_FIELD', 'delivered']);
  });

  it.each(['COPY', 'raw'])('delivers a record whose timestamp is in microseconds: %s', async (path) => {
    await bench.client.query(
      'create table things (t text, _sluice_topic text, _sluice_partition int, _sluice_offset bigint, _sluice_epoch int, _sluice_part int, _sluice_timestamp timestamptz)',
    );
    const sink = await bench.open({ table: 'things', origin: true });
    const make = (timestamp: number) =>
      path === 'raw' ? rawRecord('k', '{"t": "x"}', { timestamp }) : record('k', { t: 'x' }, { timestamp });
    const outcomes = await sink.write([make(1_760_000_000_000_000), make(1_760_000_000_000), make(-1), make(1e17)], { signal });
    expect(codes(outcomes)).toEqual(['delivered', 'delivered', 'delivered', 'data SINK_REJECTED_RECORD']);
    expect(await bench.rows('select extract(epoch from _sluice_timestamp)::text as at from things')).toEqual([
      { at: '1760000000000.000000' },
      { at: '1760000000.000000' },
      { at: '-0.001000' },
    ]);
  });

  it('takes names of any spelling for what they are', async () => {
    const name = `we"ird'; drop table x; --`;
    const column = `a"b'$1::int, `;
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
    await bench.client.query(
      `create schema ${quoted(name)}; create table ${quoted(name)}.${quoted(name)} (${quoted(column)} int primary key, "Größe" text)`,
    );
    const sink = await bench.open({ table: name, schema: name, write: 'upsert', primaryKey: [column], autoEvolve: true });
    const outcomes = await sink.write(
      [rawRecord('k', JSON.stringify({ [column]: 1, Größe: 'x', [`n'"`]: 1 })), record('k', { [column]: 2, Größe: 'y', größe: 'z' })],
      { signal },
    );
    expect(codes(outcomes)).toEqual(['delivered', 'delivered']);
    expect(await bench.rows(`select * from ${quoted(name)}.${quoted(name)} order by 1`)).toEqual([
      { [column]: 1, Größe: 'x', [`n'"`]: '1', größe: null },
      { [column]: 2, Größe: 'y', [`n'"`]: null, größe: 'z' },
    ]);
  });

  it('sees that a table was changed so that it takes what it refused', async () => {
    let now = Date.now();
    await bench.client.query('create table things (id int primary key, n int, t text not null)');
    const sink = await bench.open(upsert, { now: () => now });
    const records = () => [
      record('k', { id: 1, n: 1, t: 'x' }),
      record('k', { id: 2, n: 2 ** 40, t: 'x' }),
      record('k', { id: 3, t: 'x', more: 1 }),
      record('k', { id: 4, n: 4 }),
    ];
    const refused = 'data SINK_REJECTED_RECORD';
    expect(codes(await sink.write(records(), { signal }))).toEqual(['delivered', refused, 'data SINK_UNKNOWN_FIELD', refused]);
    await bench.client.query('alter table things alter column n type bigint, add column more int, alter column t drop not null');
    now += 60_000;
    expect(codes(await sink.write(records(), { signal }))).toEqual(Array(4).fill('delivered'));
    expect(await bench.rows('select * from things order by id')).toHaveLength(4);
  });

  it('writes to partitioned tables, and to columns that fill themselves', async () => {
    await bench.client.query(
      `create table things (id int, day date, twice int generated always as (id * 2) stored, serial bigint generated always as identity, other bigint generated by default as identity, primary key (id, day)) partition by range (day);
       create table things_2024 partition of things for values from ('2024-01-01') to ('2025-01-01')`,
    );
    const sink = await bench.open({ ...upsert, primaryKey: ['id', 'day'] });
    const outcomes = await sink.write(
      [
        rawRecord('k', '{"id": 1, "day": "2024-02-01", "serial": 7}'),
        record('k', { id: 2, day: '2024-03-01', other: 5 }),
        record('k', { id: 3, day: '2031-01-01' }),
        rawRecord('k', '{"id": 1, "day": "2024-02-01", "other": 9}'),
      ],
      { signal },
    );
    expect(codes(outcomes)).toEqual(['delivered', 'delivered', 'data SINK_REJECTED_RECORD', 'delivered']);
    expect(await bench.rows('select id, twice, other::int from things order by id')).toEqual([
      { id: 1, twice: 2, other: 9 },
      { id: 2, twice: 4, other: 5 },
    ]);
  });
});

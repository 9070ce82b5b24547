import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { record } from '../support/records.ts';
import { describeWith } from '../support/servers/shared.ts';
import { codes, openWorkbench, rawRecord, signal, type Workbench } from './postgres-support.ts';

/** What version 6 of AnalyticDB for PostgreSQL, at the level of PostgreSQL 9.4 with upserts, does not take. */
const forbidden: readonly (readonly [what: string, RegExp])[] = [
  ['merge', /\bmerge\s+into\b/i],
  ['materialized, which came with PostgreSQL 12', /\bmaterialized\b/i],
  ['an alias for the target of an insert', /\binsert into ("[^"]+"\.)?"[^"]+"\s+as\s/i],
  ['a conflict by the name of a constraint', /\bon conflict on constraint\b/i],
  ['if not exists for columns', /\badd column if not exists\b/i],
  [
    'functions that came later',
    /\b(hashtextextended|to_jsonb|jsonb_set|jsonb_insert|jsonb_build_\w+|jsonb_path_\w+|jsonb_agg|num_nulls|to_regclass|gen_random_uuid)\s*\(/i,
  ],
  ['columns of the catalog that came later', /\b(attidentity|attgenerated|indnkeyatts)\b/i],
  ['operators of jsonb that came later', /(?:::jsonb\)?\s*\|\|)|(?:-\s*\$\d+::text\[\])/i],
  ['identity or generated columns', /\bgenerated\s+(always|by default)\b/i],
  ['a statement that writes within another', /\bwith\b[^;]*\bas\s*\(\s*(insert|update|delete)\b/i],
  ['a query where a conflict is decided', /\bdo update set\b[^;]*\bwhere\b[^;]*\bselect\b/i],
];

const guardColumns =
  '_sluice_topic text, _sluice_partition int, _sluice_offset bigint, _sluice_epoch int, _sluice_part int, _sluice_timestamp timestamptz, _sluice_written_at timestamptz, _sluice_deleted boolean, _sluice_guard bigint';
const upsert = { table: 'things', write: 'upsert', primaryKey: ['region', 'id'], dialect: 'analyticdb' };
const byKey = { ...upsert, primaryKeyFrom: 'key' };

describeWith(['postgres'], 'the dialect of AnalyticDB for PostgreSQL', ({ postgres: server }) => {
  let bench: Workbench;
  const sent: { readonly text: string; readonly values: number }[] = [];
  beforeAll(async () => {
    bench = await openWorkbench(server, 'contract_dialect');
  });
  afterAll(() => bench?.close());
  beforeEach(async () => {
    await bench.client.query('drop schema public cascade; create schema public');
    await bench.client.query(
      `create table things (region text, id int, n int, text text, extra jsonb, ${guardColumns}, primary key (region, id))`,
    );
    // As Greenplum keeps it: here a table of ours, there one of the catalog.
    await bench.client.query('create table gp_distribution_policy (localoid oid, distkey int2vector)');
    await distribute('things', '1');
    sent.length = 0;
    const original = pg.Client.prototype.query;
    vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...args: unknown[]) {
      const [first, values] = args as [string | { text?: string }, unknown[] | undefined];
      const text = typeof first === 'string' ? first : (first?.text ?? '');
      if (this !== bench.client) sent.push({ text, values: Array.isArray(values) ? values.length : 0 });
      return (original as (...args: unknown[]) => unknown).apply(this, args) as never;
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    expect(sent.length).toBeGreaterThan(0);
    for (const { text, values } of sent) {
      expect(breaches(text)).toEqual([]);
      for (const name of setBy(text)) expect(['region', 'id']).not.toContain(name);
      expect(values).toBeLessThanOrEqual(65_535);
    }
  });
  const distribute = (table: string, columns: string) =>
    bench.client.query(`insert into gp_distribution_policy values ('${table}'::regclass, '${columns}')`);
  const things = () => bench.rows('select region, id, n from things where _sluice_deleted is not true order by region, id');
  const key = (id: number, region = 'eu') => ({ region, id });

  it.each([
    ['by version, soft deletes', byKey],
    ['by version, hard deletes', { ...byKey, deletes: 'hard' }],
    ['by a field', { ...byKey, guard: { field: 'n' } }],
    ['not at all, hard deletes', { ...byKey, guard: 'none' }],
  ])('upserts and deletes rows, guarded %s', async (_name, config) => {
    const sink = await bench.open(config);
    const first = [record(key(1), { n: 1, text: 'a' }), record(key(2), { n: 2 }), record(key(1), { n: 3 }), record(key(3), { n: 4 })];
    expect(codes(await sink.write(first.slice(0, 2), { signal }))).toEqual(['delivered', 'delivered']);
    expect(codes(await sink.write([...first.slice(2), record(key(2), null)], { signal }))).toEqual(Array(3).fill('delivered'));
    expect(await things()).toEqual([
      { ...key(1), n: 3 },
      { ...key(3), n: 4 },
    ]);
    if (JSON.stringify(config).includes('none')) return;
    expect(codes(await sink.write([first[0] ?? record(null, null)], { signal }))).toEqual(['ignored']);
  });

  it('upserts the bytes of records, rows of nothing but a key, and refuses one bad row', async () => {
    const sink = await bench.open(upsert);
    const raw = (id: number, n: string) => rawRecord('x', `{"region": "eu", "id": ${id}, "n": ${n}}`);
    const outcomes = await sink.write([raw(1, '1'), raw(2, '"x"'), raw(3, '3'), raw(1, '5')], { signal });
    expect(codes(outcomes)).toEqual(['delivered', 'data SINK_REJECTED_RECORD', 'delivered', 'delivered']);
    expect(await things()).toEqual([
      { ...key(1), n: 5 },
      { ...key(3), n: 3 },
    ]);
    await bench.client.query('create table keys (region text, id int, primary key (region, id))');
    await distribute('keys', '1 2');
    const keys = await bench.open({ ...upsert, table: 'keys' });
    for (let round = 0; round < 2; round++) expect(codes(await keys.write([record('x', key(1))], { signal }))).toEqual(['delivered']);
    expect(await bench.rows('select * from keys')).toEqual([key(1)]);
  });

  it('adds rows by COPY, by their bytes, by their origin, and with offsets', async () => {
    await bench.client.query('create table plain (n int)');
    const plain = { table: 'plain', dialect: 'analyticdb' };
    const sinks = [await bench.open(plain), await bench.open({ ...plain, offsets: {}, autoCreate: true })];
    const rows = [record('x', { n: 1 }, { offset: 1 }), rawRecord('x', '{"n": 2}', { offset: 2 })];
    for (const sink of sinks) expect(codes(await sink.write(rows, { signal }))).toEqual(['delivered', 'delivered']);
    expect(codes(await (sinks[1] as (typeof sinks)[0]).write(rows, { signal }))).toEqual(['delivered', 'delivered']);
    expect(await bench.rows('select n from plain order by n')).toEqual([{ n: 1 }, { n: 1 }, { n: 2 }, { n: 2 }]);
    const byOrigin = await bench.open({ table: 'origins', primaryKeyFrom: 'origin', dialect: 'analyticdb', autoCreate: true });
    for (let round = 0; round < 2; round++) await byOrigin.write(rows, { signal });
    expect(await bench.rows('select n::int from origins order by n')).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it('makes and extends tables', async () => {
    const sink = await bench.open({ ...byKey, table: 'fresh', autoCreate: true, autoEvolve: true });
    await sink.write([record(key(1), { n: 1 })], { signal });
    expect(codes(await sink.write([record(key(1), { n: 1, more: 'x' })], { signal }))).toEqual(['delivered']);
    expect(await bench.rows('select region, id::int, n::int, more from fresh')).toEqual([{ ...key(1), n: 1, more: 'x' }]);
  });

  it.each(['upsert', 'insert'])('makes changes of rows, of which one moves to another server, with write: %s', async (write) => {
    const sink = await bench.open({ ...upsert, write, changes: 'analyticdb' });
    const changes = [
      { op: 'c', after: { ...key(1), n: 1 } },
      { op: 'c', after: { ...key(2), n: 2 } },
      { op: 'u', before: key(1), after: { ...key(1), n: 3 } },
      { op: 'u', before: key(1), after: { ...key(1, 'us'), n: 4 } },
      { op: 'd', before: key(2) },
    ].map((value) => record(null, value));
    expect(codes(await sink.write(changes, { signal }))).toEqual(Array(5).fill('delivered'));
    expect(await things()).toEqual([{ ...key(1, 'us'), n: 4 }]);
  });

  it('makes the changes of Debezium, guarded, partial, deleted and truncated', async () => {
    const sink = await bench.open({ ...byKey, changes: 'debezium', guard: { field: 'lsn' }, truncates: 'apply' });
    const change = (op: string, lsn: number, after: object | null) => ({ op, before: null, after, source: { lsn } });
    const untold = '__debezium_unavailable_value';
    const row = (n: number, text: string) => ({ ...key(1), n, text });
    for (const [value, expected] of [
      [change('c', 10, row(1, 'large')), 'delivered'],
      [change('u', 20, row(2, untold)), 'delivered'],
      [change('u', 15, row(9, 'old')), 'ignored'],
      [change('d', 30, null), 'delivered'],
      [null, 'delivered'],
      [change('t', 40, null), 'delivered'],
      [change('c', 50, row(5, 'new')), 'delivered'],
    ] as const)
      expect(codes(await sink.write([record(key(1), value)], { signal }))).toEqual([expected]);
    expect(await things()).toEqual([{ ...key(1), n: 5 }]);
  });

  it('finds rows to change by any columns where it only adds rows', async () => {
    await bench.client.query('create table heap (id int, n int)');
    await distribute('heap', '1');
    const sink = await bench.open({ table: 'heap', changes: 'analyticdb', primaryKey: ['id'], dialect: 'analyticdb' });
    const values = [
      { op: 'c', after: { id: 1, n: 1 } },
      { op: 'c', after: { id: 2, n: 1 } },
      { op: 'u', before: { id: 1 }, after: { id: 1, n: 7 } },
      { op: 'd', before: { id: 2 } },
    ];
    expect(
      codes(
        await sink.write(
          values.map((value) => record(null, value)),
          { signal },
        ),
      ),
    ).toEqual(Array(4).fill('delivered'));
    expect(await bench.rows('select * from heap')).toEqual([{ id: 1, n: 7 }]);
  });

  it('refuses a table whose distribution key is no part of the primary key, and a server that has none', async () => {
    await bench.client.query("update gp_distribution_policy set distkey = '3'");
    const [stray] = await (await bench.open(upsert)).write([record('x', { ...key(1), n: 1 })], { signal });
    expect(stray).toMatchObject({ class: 'config', message: expect.stringContaining('distributed by "n"') });
    await bench.client.query('drop table gp_distribution_policy');
    const [other] = await (await bench.open(upsert)).write([record('x', { ...key(1), n: 1 })], { signal });
    expect(other).toMatchObject({ class: 'config', message: expect.stringContaining('connector.sink.dialect') });
  });

  it('is needed: what is sent to PostgreSQL itself would be refused', async () => {
    const sink = await bench.open({ ...byKey, dialect: 'postgres', deletes: 'hard' });
    await sink.write([record(key(1), { n: 1 }), record(key(2), null)], { signal });
    const found = sent.splice(0).flatMap(({ text }) => breaches(text));
    expect(found.some((breach) => breach.startsWith('materialized'))).toBe(true);
    expect(found.some((breach) => breach.startsWith('columns of the catalog'))).toBe(true);
    expect(setBy('insert into "t" ("id") select 1 on conflict ("id") do update set "id" = excluded."id", "n" = 1 where true')).toEqual([
      'id',
      'n',
    ]);
    await (await bench.open(upsert)).write([record('x', { ...key(1), n: 1 })], { signal });
  });

  it('plans by the planner that is asked for', async () => {
    const sink = await bench.open({ ...upsert, optimizer: false });
    // Only Greenplum knows the setting.
    expect(codes(await sink.write([record('x', { ...key(1), n: 1 })], { signal }))).toEqual(['config SINK_MISCONFIGURED']);
    expect(sent.some(({ text }) => text.endsWith('set optimizer to off'))).toBe(true);
  });
});

/** What of a statement is forbidden. */
function breaches(text: string): string[] {
  return forbidden.flatMap(([what, pattern]) => (pattern.test(text) ? [`${what}: ${text}`] : []));
}

/** The columns that a statement sets in rows that are there. */
function setBy(text: string): string[] {
  const [, list = ''] = /\b(?:do update set|update (?:"[^"]+"\.)?"[^"]+" (?:as )?t set)\s(.*?)(?:\swhere\s|\sfrom\s|$)/is.exec(text) ?? [];
  return [...list.matchAll(/(?:^|,\s*)"([^"]+)"\s*=/g)].map(([, name = '']) => name);
}

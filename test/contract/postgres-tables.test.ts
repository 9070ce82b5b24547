import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { ConfigError, RetriableError } from '../../lib/core/errors.ts';
import { record } from '../support/records.ts';
import { describeWith } from '../support/servers/shared.ts';
import { codes, openWorkbench, rawRecord, signal, type Workbench } from './postgres-support.ts';

const versionColumns =
  '_sluice_topic text, _sluice_partition integer, _sluice_offset bigint, _sluice_epoch integer, _sluice_part integer, _sluice_timestamp timestamptz, _sluice_written_at timestamptz, _sluice_deleted boolean';

describeWith(['postgres'], 'tables in PostgreSQL', ({ postgres: server }) => {
  let bench: Workbench;
  beforeAll(async () => {
    bench = await openWorkbench(server, 'contract_tables');
  });
  afterAll(() => bench?.close());
  beforeEach(async () => {
    await bench.client.query('drop schema public cascade; create schema public');
  });

  const upsert = { table: 'things', write: 'upsert', primaryKey: ['id'] };
  const byKey = { ...upsert, primaryKeyFrom: 'key' };

  it('makes a table whose types hold the first records, and refuses what does not fit later', async () => {
    const sink = await bench.open({ ...upsert, autoCreate: true });
    const first = { id: 1, count: 5, share: 1, flag: true, name: 'x', list: [1], nothing: null, big: 9007199254740993n, huge: 2n ** 70n };
    expect(codes(await sink.write([record('a', first), record('b', { id: 2, share: 1.5 })], { signal }))).toEqual([
      'delivered',
      'delivered',
    ]);
    expect(codes(await sink.write([record('c', { id: 3, count: 'many' }), record('d', { id: 4, count: '7' })], { signal }))).toEqual([
      'data SINK_REJECTED_RECORD',
      'delivered',
    ]);
    expect(codes(await sink.write([record('c', { id: 5, other: 1 })], { signal }))).toEqual(['data SINK_UNKNOWN_FIELD']);
    const types = await bench.rows(
      `select column_name || ' ' || data_type as c from information_schema.columns where table_name = 'things' order by ordinal_position`,
    );
    expect(types.map(({ c }) => c)).toEqual([
      'id bigint',
      'count bigint',
      'share double precision',
      'flag boolean',
      'name text',
      'list jsonb',
      'nothing text',
      'big bigint',
      'huge numeric',
    ]);
  });

  it('takes types from the schema of records, and keys of several columns', async () => {
    const sink = await bench.open({ table: 'things', write: 'upsert', primaryKey: ['a', 'b'], primaryKeyFrom: 'key', autoCreate: true });
    const schema = {
      fields: [
        { name: 'price', type: 'decimal', optional: true, scale: 2 },
        { name: 'day', type: 'date', optional: true },
      ],
    } as const;
    const one = { ...record({ a: 1, b: 'x' }, { price: '12.50', day: '2024-02-29' }), schema };
    const outcomes = await sink.write(
      [one, record({ a: 1, b: 'y' }, { price: null }), record({ a: 1 }, { price: null }), record('text', {})],
      { signal },
    );
    expect(codes(outcomes)).toEqual(['delivered', 'delivered', 'data SINK_RECORD_WITHOUT_KEY', 'data SINK_RECORD_WITHOUT_KEY']);
    expect(await bench.rows('select a, b, price::text, day::text, _sluice_topic from things order by b')).toEqual([
      { a: '1', b: 'x', price: '12.50', day: '2024-02-29', _sluice_topic: 'orders' },
      { a: '1', b: 'y', price: null, day: null, _sluice_topic: 'orders' },
    ]);
  });

  it('says which table is missing, and what to set', async () => {
    const sink = await bench.open({ ...upsert, table: 'app.things' });
    const [outcome] = await sink.write([record('a', { id: 1 })], { signal });
    expect(outcome).toBeInstanceOf(ConfigError);
    expect(String(outcome)).toContain(
      'Table "app.things" does not exist. Create it, or set connector.sink.autoCreate to true. A schema is named by connector.sink.schema.',
    );
    await expect(sink.probe?.({ signal })).rejects.toThrow(ConfigError);
    await bench.client.query('create schema app; create table app.things (id int primary key)');
    const inSchema = await bench.open({ ...upsert, schema: 'app' });
    expect(codes(await inSchema.write([record('a', { id: 1 })], { signal }))).toEqual(['delivered']);
  });

  it('says what a table lacks for the key or the guard, with the statement that adds it', async () => {
    await bench.client.query('create table things (id int, t text)');
    const [noIndex] = await (await bench.open(upsert)).write([record('a', { id: 1 })], { signal });
    expect(String(noIndex)).toContain('create unique index on "public"."things" ("id")');
    await bench.client.query('alter table things add primary key (id)');
    const [noColumns] = await (await bench.open(byKey)).write([record('1', { t: 'x' })], { signal });
    expect(noColumns).toBeInstanceOf(ConfigError);
    const added = /alter table .*?;/.exec(String(noColumns))?.[0] ?? '';
    await bench.client.query(added);
    expect(codes(await (await bench.open(byKey)).write([record('1', { t: 'x' })], { signal }))).toEqual(['delivered']);
  });

  it('sees within one write that a table was changed under it', async () => {
    await bench.client.query('create table things (id int primary key, a text)');
    const sink = await bench.open({ ...upsert, unknownFields: 'ignore' });
    await sink.write([record('x', { id: 1, a: 'x', b: 1 })], { signal });
    await bench.client.query('alter table things drop column a, add column b int');
    expect(codes(await sink.write([record('x', { id: 2, a: 'x', b: 2 })], { signal }))).toEqual(['delivered']);
    await bench.client.query('drop table things');
    expect(codes(await sink.write([record('x', { id: 3 })], { signal }))).toEqual(['config SINK_TARGET_MISSING']);
    await bench.client.query('create table things (id int primary key)');
    expect(codes(await sink.write([record('x', { id: 3 })], { signal }))).toEqual(['delivered']);
  });

  it('adds columns for new fields while two workers find them at the same time', async () => {
    const sinks = await Promise.all([1, 2, 3].map(() => bench.open({ ...upsert, autoCreate: true, autoEvolve: true })));
    const writes = sinks.map(async (sink, worker) => {
      for (let n = 0; n < 6; n++) {
        const records = [record('k', { id: worker * 100 + n, [`shared${n}`]: n, [`own${worker}`]: 'x', empty: null })];
        expect(codes(await sink.write(records, { signal }))).toEqual(['delivered']);
      }
    });
    await Promise.all(writes);
    const [count] = await bench.rows('select count(*)::int as rows, count(shared5)::int as shared, count(own2)::int as own from things');
    expect(count).toEqual({ rows: 18, shared: 3, own: 6 });
  });

  it('adds columns for raw records too, and no more than maxColumns', async () => {
    await bench.client.query('create table things (id int primary key)');
    const sink = await bench.open({ ...upsert, autoEvolve: true, maxColumns: 3 });
    expect(
      codes(await sink.write([rawRecord('a', '{"id": 1, "a": 1, "n": null}'), rawRecord('a', '{"id": 2, "a": "x"}')], { signal })),
    ).toEqual(['delivered', 'data SINK_REJECTED_RECORD']);
    expect(codes(await sink.write([rawRecord('a', '{"id": 3, "b": 1}'), rawRecord('a', '{"id": 4, "c": 1}')], { signal }))).toEqual([
      'delivered',
      'data SINK_UNKNOWN_FIELD',
    ]);
    expect(await bench.rows('select id, a, b from things order by id')).toEqual([
      { id: 1, a: '1', b: null },
      { id: 3, a: null, b: '1' },
    ]);
  });

  it('writes to the table of the topic, of a field, or that a transform chose, within the allow-list', async () => {
    await bench.client.query('create table "orders.eu" (id int primary key); create table "orders.us" (id int primary key)');
    const sink = await bench.open({ write: 'upsert', primaryKey: ['id'], table: '{topic}', allow: ['orders.u*'] });
    const outcomes = await sink.write(
      [
        record('a', { id: 1 }, { topic: 'orders.eu' }),
        record('a', { id: 2 }, { topic: 'orders.eu', target: 'orders.us' }),
        record('a', { id: 3 }, { topic: 'orders.eu', target: 'pg_class' }),
      ],
      { signal },
    );
    expect(codes(outcomes)).toEqual(['delivered', 'delivered', 'data TARGET_NOT_ALLOWED']);
    expect(await bench.rows('select (select min(id) from "orders.eu") as eu, (select min(id) from "orders.us") as us')).toEqual([
      { eu: 1, us: 2 },
    ]);
  });

  it('never deadlocks two writers on overlapping keys', async () => {
    await bench.client.query(`create table things (id text primary key, n int, ${versionColumns})`);
    const configs = [byKey, { ...byKey, guard: 'none' }, { ...byKey, guard: 'none', write: 'update' }, { ...byKey, deletes: 'hard' }];
    const before = await bench.rows('select deadlocks::int as n from pg_stat_database where datname = current_database()');
    const writes = Array.from({ length: 6 }, async (_, worker) => {
      const sink = await bench.open({ ...configs[worker % configs.length], unknownFields: 'ignore' });
      for (let round = 0; round < 8; round++) {
        const keys = Array.from({ length: 200 }, (_, n) => `k${(n * 37 + worker * 11 + round * 5) % 300}`);
        const records = keys.map((key, n) => record(key, n % 7 === 0 && worker % 4 !== 2 ? null : { n }, { offset: round * 1_000 + n }));
        const outcomes = await sink.write(records, { signal });
        expect(codes(outcomes).filter((code) => !['delivered', 'ignored', 'retriable SINK_LOST_RACE'].includes(code))).toEqual([]);
      }
    });
    await Promise.all(writes);
    await sleep(600); // the server reports what it counted with a delay
    await bench.client.query('select pg_stat_clear_snapshot()');
    expect(await bench.rows('select deadlocks::int as n from pg_stat_database where datname = current_database()')).toEqual(before);
  });

  it('cancels what runs when the signal aborts, and leaves nothing in flight', async () => {
    await bench.client.query('create table things (id int primary key)');
    const sink = await bench.open({ ...upsert, connections: 1 });
    await sink.write([record('a', { id: 0 })], { signal });
    await bench.client.query('begin; lock table things in access exclusive mode');
    const controller = new AbortController();
    const writing = sink.write([record('a', { id: 1 })], { signal: controller.signal });
    const running = `select count(*)::int as n from pg_stat_activity where application_name = 'sluice test' and state = 'active' and datname = current_database()`;
    const active = async (): Promise<unknown> => {
      await bench.client.query('select pg_stat_clear_snapshot()'); // a transaction sees the same activity for as long as it lasts
      return (await bench.rows(running))[0]?.['n'];
    };
    await expect.poll(active).toBe(1);
    const abortedAt = performance.now();
    controller.abort();
    const [outcome] = await writing;
    expect(outcome).toBeInstanceOf(RetriableError);
    expect(performance.now() - abortedAt).toBeLessThan(1_000);
    expect(await active()).toBe(0);
    await bench.client.query('commit');
    expect(await bench.rows('select id from things')).toEqual([{ id: 0 }]);
    expect(codes(await sink.write([record('a', { id: 2 })], { signal }))).toEqual(['delivered']);
  });

  it('a statement that takes too long is retriable', async () => {
    await bench.client.query('create table things (id int primary key)');
    const sink = await bench.open({ ...upsert, statementTimeoutMs: 200 });
    await sink.write([record('a', { id: 0 })], { signal });
    await bench.client.query('begin; lock table things in access exclusive mode');
    expect(codes(await sink.write([record('a', { id: 1 })], { signal }))).toEqual(['retriable SINK_UNAVAILABLE']);
    await bench.client.query('commit');
  });

  it('answers retriable for a server that is read only', async () => {
    await bench.client.query('create table things (id int primary key)');
    await bench.client.query('alter database contract_tables set default_transaction_read_only to on');
    const sink = await bench.open(upsert);
    try {
      expect(codes(await sink.write([record('a', { id: 1 })], { signal }))).toEqual(['retriable SINK_UNAVAILABLE']);
      await expect(sink.probe?.({ signal })).rejects.toThrow(RetriableError);
    } finally {
      await bench.client.query('alter database contract_tables set default_transaction_read_only to off');
    }
  });

  it('connects by a connection string, whose words never get into a message', async () => {
    await bench.client.query('create table things (id int primary key)');
    const url = new URL(server.url);
    url.pathname = 'contract_tables';
    url.searchParams.set('sslmode', 'disable');
    const config = { ...upsert, url: { env: 'URL' } };
    const plain = await bench.open(config, { secret: url.toString() });
    expect(codes(await plain.write([record('a', { id: 1 })], { signal }))).toEqual(['delivered']);
    const encrypted = await bench.open({ ...config, tls: { ca: server.ca } }, { secret: url.toString() });
    expect(codes(await encrypted.write([record('a', { id: 2 })], { signal }))).toEqual(['delivered']);
    expect(
      await bench.rows(
        `select count(*)::int as n from pg_stat_ssl join pg_stat_activity using (pid) where ssl and application_name = 'sluice test' and datname = current_database()`,
      ),
    ).not.toEqual([{ n: 0 }]);
    await expect(bench.open(config, { secret: 'sentinel:5432 user=sentinel' })).rejects.toThrow(
      /^Expected connector.sink.url to hold a connection string(?!.*sentinel)/,
    );
    url.password = 'sentinel';
    const [refused] = await (await bench.open(config, { secret: url.toString() })).write([record('a', { id: 3 })], { signal });
    expect(refused).toMatchObject({ code: 'SINK_UNAUTHORIZED', unauthorized: true });
    expect(String(refused)).not.toContain('sentinel');
    url.password = server.password;
    url.pathname = 'nowhere';
    expect(codes(await (await bench.open(config, { secret: url.toString() })).write([record('a', { id: 3 })], { signal }))).toEqual([
      'config SINK_TARGET_MISSING',
    ]);
  });

  it('speaks TLS, and says whom to trust when it does not', async () => {
    await bench.client.query('create table things (id int primary key)');
    const trusting = await bench.open({ ...upsert, tls: { ca: server.ca } });
    expect(codes(await trusting.write([record('a', { id: 1 })], { signal }))).toEqual(['delivered']);
    const [outcome] = await (await bench.open({ ...upsert, tls: true })).write([record('a', { id: 2 })], { signal });
    expect(outcome).toBeInstanceOf(ConfigError);
    expect(String(outcome)).toContain('connector.sink.tls.ca');
    const controller = new AbortController();
    await bench.client.query('begin; lock table things in access exclusive mode');
    const writing = trusting.write([record('a', { id: 3 })], { signal: controller.signal });
    await sleep(100);
    controller.abort();
    expect(codes(await writing)).toEqual(['retriable ABORTED']);
    await bench.client.query('commit');
    expect(await bench.rows('select id from things')).toEqual([{ id: 1 }]);
  });

  it('gives a row that a constraint refused a second chance once its neighbours made room', async () => {
    await bench.client.query('create table things (id int primary key, mail text unique)');
    const sink = await bench.open(upsert);
    await sink.write([record('a', { id: 2, mail: 'x' })], { signal });
    const outcomes = await sink.write(
      [record('a', { id: 2, mail: 'y' }), record('b', { id: 1, mail: 'x' }), record('c', { id: 3, mail: 'y' })],
      { signal },
    );
    expect(codes(outcomes)).toEqual(['delivered', 'delivered', 'data SINK_REJECTED_RECORD']);
    expect(await bench.rows('select * from things order by id')).toEqual([
      { id: 1, mail: 'x' },
      { id: 2, mail: 'y' },
    ]);
  });

  it('keeps where a row came from, when it was produced and when it was written', async () => {
    await bench.client.query(`create table things (id text primary key, t text, ${versionColumns})`);
    const sink = await bench.open(byKey, { now: () => Date.parse('2026-01-02T03:04:05.678Z') });
    const options = { topic: 'quakes', partition: 3, offset: 41, part: 2, epoch: 1, timestamp: Date.parse('2026-01-01T00:00:00.001Z') };
    await sink.write([record('a', { t: 'x' }, options)], { signal });
    await sink.write([record('a', null, { ...options, offset: 42 })], { signal });
    await bench.client.query(`set timezone to 'UTC'`);
    expect(await bench.rows('select to_jsonb(things) as row from things')).toEqual([
      {
        row: {
          id: 'a',
          t: null,
          _sluice_topic: 'quakes',
          _sluice_partition: 3,
          _sluice_offset: 42,
          _sluice_epoch: 1,
          _sluice_part: 2,
          _sluice_timestamp: '2026-01-01T00:00:00.001+00:00',
          _sluice_written_at: '2026-01-02T03:04:05.678+00:00',
          _sluice_deleted: true,
        },
      },
    ]);
    await bench.client.query(
      'create table copies (t text, o_topic text, o_partition int, o_offset bigint, o_epoch int, o_part int, o_timestamp timestamptz)',
    );
    const append = await bench.open({ table: 'copies', origin: true, columnPrefix: 'o_' });
    await append.write([record('a', { t: 'x' }, options), rawRecord('a', '{"t": "y"}', options)], { signal });
    expect(
      await bench.rows(
        'select t, o_topic, o_partition, o_offset, o_part, extract(epoch from o_timestamp)::text as at from copies order by t',
      ),
    ).toEqual(['x', 'y'].map((t) => ({ t, o_topic: 'quakes', o_partition: 3, o_offset: '41', o_part: 2, at: '1767225600.001000' })));
  });

  it('refuses a soft delete where columns take no NULL, and says what to do', async () => {
    await bench.client.query(`create table things (id text primary key, t text not null, ${versionColumns})`);
    const sink = await bench.open(byKey);
    const outcomes = await sink.write([record('a', { t: 'x' }), record('b', null)], { signal });
    expect(codes(outcomes)).toEqual(['delivered', 'config SINK_MISCONFIGURED']);
    expect(String(outcomes[1])).toContain('connector.sink.deletes');
  });

  it('updates what is there although other columns take no NULL, and merges updates of one write in order', async () => {
    await bench.client.query('create table things (id text primary key, name text not null, a int, b int, more jsonb)');
    await bench.client.query(`insert into things values ('x', 'kept', 1, 1, '{"p": 1}')`);
    const sink = await bench.open({ ...byKey, write: 'update', guard: 'none', unknownFields: 'column', unknownFieldsColumn: 'more' });
    const outcomes = await sink.write(
      [
        record('x', { a: 2, q: 2 }),
        record('x', { b: null }),
        record('x', { a: 3, r: 3 }),
        record('new', { a: 1 }),
        record('new', { a: 2, name: 'n' }),
        record('gone', { name: 'g' }),
        record('gone', null),
        record('back', { name: 'h', a: 1 }),
        record('back', null),
        record('back', { name: 'i' }),
      ],
      { signal },
    );
    expect(codes(outcomes)).toEqual(Array(10).fill('delivered'));
    expect(await bench.rows('select id, name, a, b, more from things order by id')).toEqual([
      { id: 'back', name: 'i', a: null, b: null, more: null },
      { id: 'new', name: 'n', a: 2, b: null, more: null },
      { id: 'x', name: 'kept', a: 3, b: null, more: { p: 1, q: 2, r: 3 } },
    ]);
  });

  it('tells which of merged updates is to blame', async () => {
    await bench.client.query('create table things (id text primary key, a int check (a > 0), b int)');
    const sink = await bench.open({ ...byKey, write: 'update' });
    const outcomes = await sink.write([record('x', { a: 1 }), record('x', { a: -1 }), record('x', { b: 2 })], { signal });
    expect(codes(outcomes)).toEqual(['delivered', 'data SINK_REJECTED_RECORD', 'delivered']);
    expect(await bench.rows('select * from things')).toEqual([{ id: 'x', a: 1, b: 2 }]);
  });

  it('collapses rows of one key only to what the server takes, and writes the predecessor of a refused one', async () => {
    await bench.client.query(`create table things (id text primary key, n int check (n > 0), ${versionColumns})`);
    const sink = await bench.open(byKey);
    const outcomes = await sink.write(
      [
        record('a', { n: 1 }, { offset: 1 }),
        record('a', { n: 2 }, { offset: 2 }),
        record('a', { n: -3 }, { offset: 3 }),
        record('a', { n: 0 }, { offset: 4 }),
      ],
      { signal },
    );
    expect(codes(outcomes)).toEqual(['delivered', 'delivered', 'data SINK_REJECTED_RECORD', 'data SINK_REJECTED_RECORD']);
    expect(await bench.rows('select id, n, _sluice_offset from things')).toEqual([{ id: 'a', n: 2, _sluice_offset: '2' }]);
  });

  it('tells partitions that collide in one write from older records', async () => {
    await bench.client.query(`create table things (id text primary key, n int, ${versionColumns})`);
    const sink = await bench.open(byKey);
    const outcomes = await sink.write(
      [
        record('a', { n: 1 }, { partition: 1, offset: 5 }),
        record('a', { n: 2 }, { partition: 2, offset: 9 }),
        record('a', { n: 3 }, { partition: 1, offset: 6 }),
      ],
      { signal },
    );
    expect(codes(outcomes)).toEqual(['delivered', 'config GUARD_AHEAD', 'delivered']);
    expect(await bench.rows('select n from things')).toEqual([{ n: 3 }]);
  });
});

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openConnector, realClock } from '../../lib/compose.ts';
import type { BatchMeasurement } from '../../lib/core/connector.ts';
import type { Decoded } from '../../lib/core/format.ts';
import { silentLog } from '../../lib/core/log.ts';
import type { KafkaRecord } from '../../lib/core/record.ts';
import { parseSettings } from '../../lib/core/settings.ts';
import type { Sink } from '../../lib/core/sink.ts';
import { debezium } from '../../lib/formats/debezium.ts';
import { postgres } from '../../lib/sinks/postgres.ts';
import { type RecordOptions, record } from '../support/records.ts';
import { describeWith } from '../support/servers/shared.ts';
import { codes, openWorkbench, signal, type Workbench } from './postgres-support.ts';

const unavailable = '__debezium_unavailable_value';
const decode = debezium.decoder({ columns: {} });
let lsn = 1_000;

/** An envelope as the PostgreSQL connector writes it. */
const change = (op: string, before: object | null, after: object | null, source: object = {}) => ({
  before,
  after,
  source: {
    version: '3.0.0.Final',
    connector: 'postgresql',
    name: 'shop',
    db: 'shop',
    schema: 'public',
    table: 'things',
    lsn: lsn++,
    ...source,
  },
  op,
  ts_ms: 1_760_000_000_000,
});

/** A record as it comes out of the format: bytes, decoded. */
function decoded(key: object | null, value: object | null, options: RecordOptions = {}): KafkaRecord {
  const read = (part: object): Decoded =>
    decode(Buffer.from(JSON.stringify(part)), { topic: 'orders', partition: 0, offset: 0 }) as Decoded;
  const found = value === null ? null : read(value);
  const made = record(key === null ? null : read(key).value, found?.value ?? null, options);
  return found?.schema === undefined ? made : { ...made, schema: found.schema };
}

const guardColumns =
  '_sluice_topic text, _sluice_partition int, _sluice_offset bigint, _sluice_epoch int, _sluice_part int, _sluice_timestamp timestamptz, _sluice_written_at timestamptz, _sluice_deleted boolean, _sluice_guard bigint';
const base = { table: 'things', changes: 'debezium', write: 'upsert', primaryKey: ['id'] };
const unguarded = { ...base, guard: 'none' };
const byLsn = { ...base, guard: { field: 'lsn' } };

describeWith(['postgres'], 'changes of rows as Debezium writes them', ({ postgres: server }) => {
  let bench: Workbench;
  beforeAll(async () => {
    bench = await openWorkbench(server, 'contract_debezium');
  });
  afterAll(() => bench?.close());
  beforeEach(async () => {
    await bench.client.query(`drop schema public cascade; create schema public; set timezone to 'UTC'`);
    await bench.client.query(`create table things (id int primary key, name text, big text, ${guardColumns})`);
  });
  const things = (columns = 'id, name') => bench.rows(`select ${columns} from things where _sluice_deleted is not true order by id`);
  const write = async (sink: Sink, ...records: readonly KafkaRecord[]) => codes(await sink.write(records, { signal }));

  describe.each([
    ['unguarded', unguarded],
    ['guarded by version', base],
    ['guarded by lsn', byLsn],
  ])('%s', (_name, config) => {
    it('are inserts, snapshots, updates, deletes and their tombstones', async () => {
      const sink = await bench.open(config);
      const [a, b, c] = [{ id: 1 }, { id: 2 }, { id: 3 }];
      const snapshot = { snapshot: 'true', lsn: 500 };
      const outcomes = await write(
        sink,
        decoded(a, change('r', null, { ...a, name: 'snapshot' }, snapshot)),
        decoded(b, change('r', null, { ...b, name: 'snapshot' }, snapshot)),
        decoded(c, change('c', null, { ...c, name: 'new' })),
        decoded(b, change('u', null, { ...b, name: 'newer' })),
        decoded(a, change('d', a, null)),
        decoded(a, null),
      );
      expect(outcomes).toEqual(Array(6).fill('delivered'));
      expect(await things()).toEqual([
        { id: 2, name: 'newer' },
        { id: 3, name: 'new' },
      ]);
    });

    it('move a row as a delete, its tombstone and an insert', async () => {
      const sink = await bench.open(config);
      await write(sink, decoded({ id: 1 }, change('c', null, { id: 1, name: 'a' })));
      const header = (key: string, id: number) => ({ headers: [{ key, value: Buffer.from(JSON.stringify({ id })) }] });
      const moved = [
        decoded({ id: 1 }, change('d', { id: 1, name: 'a' }, null), header('__debezium.newkey', 2)),
        decoded({ id: 1 }, null),
        decoded({ id: 2 }, change('c', null, { id: 2, name: 'a' }), header('__debezium.oldkey', 1)),
      ];
      expect(await write(sink, ...moved)).toEqual(Array(3).fill('delivered'));
      expect(await things()).toEqual([{ id: 2, name: 'a' }]);
      await write(sink, ...moved);
      expect(await things()).toEqual([{ id: 2, name: 'a' }]);
    });

    it('leave a column as it is where its value is unavailable, in one write and in several', async () => {
      await bench.client.query('alter table things alter big set not null');
      for (const size of [1, 10]) {
        await bench.client.query('truncate things');
        const sink = await bench.open(config);
        const records = [
          decoded({ id: 1 }, change('c', null, { id: 1, name: 'a', big: 'large' })),
          decoded({ id: 1 }, change('u', null, { id: 1, name: 'b', big: unavailable })),
          decoded({ id: 2 }, change('c', null, { id: 2, name: 'x', big: 'first' })),
          decoded({ id: 2 }, change('u', null, { id: 2, name: 'y', big: 'second' })),
          decoded({ id: 2 }, change('u', null, { id: 2, name: unavailable, big: unavailable })),
        ];
        for (let from = 0; from < records.length; from += size)
          expect(await write(sink, ...records.slice(from, from + size))).toEqual(records.slice(from, from + size).map(() => 'delivered'));
        expect(await things('id, name, big')).toEqual([
          { id: 1, name: 'b', big: 'large' },
          { id: 2, name: 'y', big: 'second' },
        ]);
      }
    });

    it('end in the same state whenever they come again from any offset on', { timeout: 60_000 }, async () => {
      const sink = await bench.open(config);
      await fc.assert(
        fc.asyncProperty(history, fc.nat(), fc.nat(), async (steps, cut, size) => {
          const { records, states } = play(steps);
          await bench.client.query('truncate things');
          const failed = cut % (records.length + 1);
          await inPieces(sink, records.slice(0, failed), 1 + (size % 7));
          expect(await things('id, name, big')).toEqual(states[failed]);
          for (let from = failed; from >= 0; from -= 1 + (size % 3)) {
            await inPieces(sink, records.slice(from), 1 + (size % 11));
            expect(await things('id, name, big')).toEqual(states[records.length]);
          }
        }),
        { numRuns: 20, ...(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) }) },
      );
    });
  });

  describe('the guard', () => {
    it('keeps an older change out by its lsn, whatever its offset', async () => {
      const sink = await bench.open(byLsn);
      const at = (lsn: number, name: string, offset: number) => decoded({ id: 1 }, change('u', null, { id: 1, name }, { lsn }), { offset });
      expect(await write(sink, at(50, 'newer', 10))).toEqual(['delivered']);
      expect(await write(sink, at(40, 'older', 11))).toEqual(['ignored']);
      // The first of these is written as the second.
      expect(await write(sink, at(40, 'older', 12), at(60, 'newest', 13), at(55, 'late', 14))).toEqual([
        'delivered',
        'delivered',
        'ignored',
      ]);
      expect(await things()).toEqual([{ id: 1, name: 'newest' }]);
      expect(await write(sink, at(60, 'tie', 20), at(60, 'lower', 15))).toEqual(['delivered', 'ignored']);
      expect(await things()).toEqual([{ id: 1, name: 'tie' }]);
    });

    it('keeps an older change from filling the gaps of a newer one', async () => {
      const sink = await bench.open(byLsn);
      const at = (lsn: number, big: string) => decoded({ id: 1 }, change('u', null, { id: 1, name: `${lsn}`, big }, { lsn }));
      await write(sink, at(50, 'newer'));
      expect(await write(sink, at(40, 'older'), at(60, unavailable))).toEqual(['ignored', 'delivered']);
      expect(await things('name, big')).toEqual([{ name: '60', big: 'newer' }]);
    });

    it('keeps what was deleted deleted, by the lsn of the delete, which a tombstone keeps', async () => {
      const sink = await bench.open(byLsn);
      const at = (op: string, lsn: number) =>
        decoded({ id: 1 }, change(op, op === 'd' ? { id: 1 } : null, op === 'd' ? null : { id: 1, name: op }, { lsn }));
      await write(sink, at('c', 50), at('d', 60), decoded({ id: 1 }, null));
      expect(await things()).toEqual([]);
      expect(await write(sink, at('u', 55))).toEqual(['ignored']);
      expect(await things()).toEqual([]);
      expect(await bench.rows('select _sluice_guard from things')).toEqual([{ _sluice_guard: '60' }]);
      expect(await write(sink, at('d', 40))).toEqual(['ignored']);
      expect(await write(sink, at('c', 70))).toEqual(['delivered']);
      expect(await things()).toEqual([{ id: 1, name: 'c' }]);
    });

    it('may be the time of the change, and takes a snapshot without a place by its offset', async () => {
      const sink = await bench.open({ ...base, guard: { field: 'ts_ms' } });
      const at = (ts_ms: number, name: string) => decoded({ id: 1 }, change('u', null, { id: 1, name }, { ts_ms }));
      expect(await write(sink, at(50, 'a'))).toEqual(['delivered']);
      expect(await write(sink, at(49, 'b'))).toEqual(['ignored']);
      const lsnSink = await bench.open(byLsn);
      const snapshot = decoded({ id: 1 }, change('r', null, { id: 1, name: 'snapshot' }, { lsn: null }));
      expect(await write(lsnSink, snapshot)).toEqual(['delivered']);
      expect(await bench.rows('select name, _sluice_guard from things')).toEqual([{ name: 'snapshot', _sluice_guard: '50' }]);
      const lacking = decoded({ id: 1 }, change('u', null, { id: 1, name: 'x' }, { lsn: null }));
      expect(await write(lsnSink, lacking)).toEqual(['data SINK_REJECTED_RECORD']);
    });

    it('may be a time in nanoseconds', async () => {
      const sink = await bench.open({ ...base, guard: { field: 'ts_ns' } });
      const at = (ts_ns: bigint, name: string) => record({ id: 1 }, change('u', null, { id: 1, name }, { ts_ns }), { topic: 'orders' });
      expect(await write(sink, at(1_760_000_000_000_000_002n, 'a'))).toEqual(['delivered']);
      expect(await write(sink, at(1_760_000_000_000_000_001n, 'b'))).toEqual(['ignored']);
      expect(await write(sink, at(9_223_372_036_854_775_808n, 'c'))).toEqual(['data SINK_REJECTED_RECORD']);
      expect(await things()).toEqual([{ id: 1, name: 'a' }]);
    });

    it('says that a deleted row cannot be kept without its values', async () => {
      await bench.client.query('alter table things alter name set not null');
      const sink = await bench.open(base);
      const records = [decoded({ id: 1 }, change('c', null, { id: 1, name: 'a' })), decoded({ id: 1 }, change('d', { id: 1 }, null))];
      const outcomes = await sink.write(records, { signal });
      expect(codes(outcomes)).toEqual(['delivered', 'config SINK_MISCONFIGURED']);
      expect(outcomes[1]).toHaveProperty('message', expect.stringContaining('connector.sink.deletes to hard'));
      const hard = await bench.open({ ...base, deletes: 'hard' });
      expect(codes(await hard.write(records, { signal }))).toEqual(['delivered', 'delivered']);
      expect(await things()).toEqual([]);
    });

    it('says that a topic was created again', async () => {
      const sink = await bench.open(base);
      await write(sink, decoded({ id: 1 }, change('c', null, { id: 1, name: 'a' }), { offset: 90 }));
      const again = decoded({ id: 1 }, change('c', null, { id: 1, name: 'b' }), { offset: 3, timestamp: Date.now() + 60_000 });
      expect(await write(sink, again)).toEqual(['config GUARD_AHEAD']);
    });
  });

  describe('a truncate', () => {
    const truncate = () => decoded(null, change('t', null, null));

    it.each([
      ['unguarded', unguarded],
      ['guarded by version', base],
      ['guarded by lsn', byLsn],
    ])('empties the table where the options say so, in its place among the others, %s', async (_name, config) => {
      const sink = await bench.open({ ...config, truncates: 'apply' });
      const outcomes = await write(
        sink,
        decoded({ id: 1 }, change('c', null, { id: 1, name: 'a' })),
        decoded({ id: 2 }, change('c', null, { id: 2, name: 'b' })),
        truncate(),
        decoded({ id: 2 }, change('c', null, { id: 2, name: 'c' })),
      );
      expect(outcomes).toEqual(Array(4).fill('delivered'));
      expect(await things()).toEqual([{ id: 2, name: 'c' }]);
    });

    it('leaves rows that say when they were emptied', async () => {
      let now = 1_000;
      const sink = await bench.open({ ...base, truncates: 'apply' }, { now: () => now });
      await write(sink, decoded({ id: 1 }, change('c', null, { id: 1, name: 'a' })));
      now = 5_000;
      await write(sink, truncate());
      expect(await bench.rows('select extract(epoch from _sluice_written_at)::int as s from things')).toEqual([{ s: 5 }]);
    });

    it('does nothing otherwise', async () => {
      const sink = await bench.open(unguarded);
      expect(await write(sink, decoded({ id: 1 }, change('c', null, { id: 1, name: 'a' })), truncate())).toEqual(['delivered', 'ignored']);
      expect(await things()).toEqual([{ id: 1, name: 'a' }]);
    });

    it('that is older than a row leaves it, where a guard can tell', async () => {
      const sink = await bench.open({ ...byLsn, truncates: 'apply' });
      const old = truncate();
      await write(sink, decoded({ id: 1 }, change('c', null, { id: 1, name: 'a' })));
      await write(sink, old);
      expect(await things()).toEqual([{ id: 1, name: 'a' }]);
    });
  });

  it.each([
    ['unguarded', unguarded],
    ['guarded by version', base],
  ])('set what they tell in a row that somebody else adds at the same time, %s', async (_name, config) => {
    const sink = await bench.open(config);
    await bench.client.query('begin');
    await bench.client.query(`insert into things (id, name, big) values (1, 'a', 'large')`);
    const written = write(sink, decoded({ id: 1 }, change('u', null, { id: 1, name: 'b', big: unavailable })));
    const watcher = new pg.Client({ ...server, database: 'contract_debezium' });
    await watcher.connect();
    onTestFinished(() => watcher.end());
    await vi.waitFor(async () => {
      const waiting = `select 1 from pg_stat_activity where datname = 'contract_debezium' and wait_event_type = 'Lock'`;
      expect((await watcher.query(waiting)).rowCount).toBe(1);
    });
    await bench.client.query('commit');
    expect(await written).toEqual(['delivered']);
    expect(await things('id, name, big')).toEqual([{ id: 1, name: 'b', big: 'large' }]);
  });

  it('have nothing to do before there is a row to make the table for', async () => {
    const sink = await bench.open({ ...byLsn, table: 'made', autoCreate: true });
    const early = [
      decoded({ id: 1 }, change('d', null, null)),
      decoded({ id: 1 }, null),
      decoded({ id: 1 }, { ts_ms: 1_760_000_000_000 }),
      decoded({ id: 1 }, change('u', null, { id: 1, name: 'a' }, { lsn: null })),
    ];
    expect(await write(sink, ...early)).toEqual(['ignored', 'ignored', 'ignored', 'data SINK_REJECTED_RECORD']);
    expect(await write(sink, decoded({ id: 1 }, change('c', null, { id: 1, name: 'b' })))).toEqual(['delivered']);
    expect(await bench.rows('select name from made')).toEqual([{ name: 'b' }]);
  });

  it('make tables and columns of unwrapped rows, but none for values that are unavailable', async () => {
    const sink = await bench.open({ ...unguarded, table: 'made', autoCreate: true, autoEvolve: true });
    const row = (fields: object) => decoded({ id: 1 }, { id: 1, ...fields, __deleted: 'false' });
    expect(await write(sink, row({ name: 'a', size: unavailable }))).toEqual(['delivered']);
    expect(await write(sink, row({ name: 'a', colour: 'red', size: unavailable }))).toEqual(['delivered']);
    expect(await write(sink, row({ name: 'b', size: 5 }))).toEqual(['delivered']);
    expect(await bench.rows('select id::int, name, colour, size::int from made')).toEqual([{ id: 1, name: 'b', colour: 'red', size: 5 }]);
  });

  it('are told from what else is in the topics of Debezium', async () => {
    const sink = await bench.open(unguarded);
    const others = [
      { ts_ms: 1_760_000_000_000 },
      { status: 'BEGIN', id: '571', event_count: null },
      { source: {}, ddl: 'create table x ()', tableChanges: [] },
      { op: 'm', ts_ms: 1, source: {}, message: { prefix: 'p', content: 'AQ==' } },
    ];
    expect(await write(sink, ...others.map((value) => decoded({ id: 1 }, value)))).toEqual(Array(4).fill('ignored'));
    const wrong = [{ op: 'x' }, { name: 'no change' }, change('c', null, null)];
    expect(await write(sink, ...wrong.map((value) => decoded({ id: 1 }, value)))).toEqual(Array(3).fill('data SINK_REJECTED_RECORD'));
    const key = record('{"id":1}', change('c', null, { id: 1 }));
    const [outcome] = await sink.write([key], { signal });
    expect(outcome).toHaveProperty('message', expect.stringContaining('connector.key'));
    expect(await things()).toEqual([]);
  });

  it('may be unwrapped, with deletes marked', async () => {
    const sink = await bench.open(unguarded);
    await write(
      sink,
      decoded({ id: 1 }, { id: 1, name: 'a', __deleted: 'false', __lsn: 5 }),
      decoded({ id: 2 }, { id: 2, name: 'b', __deleted: 'false' }),
    );
    await write(sink, decoded({ id: 1 }, { id: 1, name: 'a', __deleted: 'true' }));
    expect(await things()).toEqual([{ id: 2, name: 'b' }]);
  });

  it.each(['lsn', '__lsn'])('are guarded where they are unwrapped too, by %s', async (field) => {
    const sink = await bench.open({ ...base, guard: { field } });
    const at = (lsn: number | undefined, name: string, isDeleted = false) =>
      decoded({ id: 1 }, { id: 1, name, __deleted: String(isDeleted), ...(lsn === undefined ? {} : { __lsn: lsn }) });
    expect(await write(sink, at(50, 'newer'))).toEqual(['delivered']);
    expect(await write(sink, at(40, 'older'))).toEqual(['ignored']);
    expect(await write(sink, at(45, 'older', true))).toEqual(['ignored']);
    expect(await write(sink, at(undefined, 'nowhere'))).toEqual(['data SINK_REJECTED_RECORD']);
    expect(await things()).toEqual([{ id: 1, name: 'newer' }]);
    expect(await write(sink, at(60, 'newest', true))).toEqual(['delivered']);
    expect(await things()).toEqual([]);
  });

  it('find their row in the value where the options say so', async () => {
    const sink = await bench.open({ ...unguarded, primaryKeyFrom: 'value' });
    await write(sink, decoded(null, change('c', null, { id: 1, name: 'a' })), decoded(null, change('c', null, { id: 2, name: 'b' })));
    const outcomes = await write(
      sink,
      decoded(null, change('u', { id: 1 }, { id: 3, name: 'a' })),
      decoded(null, change('d', { id: 2 }, null)),
      decoded(null, null),
      decoded(null, change('d', null, null)),
    );
    expect(outcomes).toEqual(['delivered', 'delivered', 'ignored', 'data SINK_RECORD_WITHOUT_KEY']);
    expect(await things()).toEqual([{ id: 3, name: 'a' }]);
  });

  it.each([
    ['guarded by version', {}],
    ['guarded by lsn', { guard: { field: 'lsn' } }],
    ['unguarded', { guard: 'none' }],
  ])('come through a connector as a topic holds them, from any offset on, %s', async (_name, config) => {
    const lines = readFileSync(new URL('../fixtures/changes/debezium.jsonl', import.meta.url), 'utf8')
      .trim()
      .split('\n');
    const bytes = (part: unknown) => (part === null ? null : Buffer.from(JSON.stringify(part)));
    const sources = lines.map((line, offset) => {
      const { key, value, headers = {} } = JSON.parse(line);
      return {
        origin: { topic: 'shop.public.products', partition: 0, offset },
        timestamp: 1_760_000_000_000 + offset,
        timestampType: 'create' as const,
        headers: Object.entries(headers).map(([name, header]) => ({ key: name, value: bytes(header) ?? new Uint8Array() })),
        key: bytes(key),
        value: bytes(value),
      };
    });
    const { host, port, user } = server;
    const reports: BatchMeasurement[] = [];
    const connector = await openConnector(
      { sink: postgres },
      {
        name: 'products',
        settings: parseSettings({
          trigger: { topic: 'shop.public.products' },
          key: 'debezium',
          value: 'debezium',
          sink: {
            ...{ type: 'postgres', host, port, user, password: { env: 'PASSWORD' }, database: 'contract_debezium' },
            ...{ table: 'products', changes: 'debezium', write: 'upsert', primaryKey: ['id'], autoCreate: true, ...config },
          },
        }),
        environment: {
          env: { PASSWORD: server.password },
          clock: realClock,
          log: silentLog,
          reportBatch: (report) => reports.push(report),
        },
      },
    );
    onTestFinished(() => connector.close());
    for (const from of [0, 3, 6, 1, 0]) {
      const settlement = await connector.process(sources.slice(from), { mode: 'partial', deadline: Date.now() + 30_000 });
      expect(settlement.partitions.map(({ prefix }) => prefix)).toEqual([sources.length - from]);
      expect(reports.at(-1)).toMatchObject({ redelivered: 0, deadLettered: 0 });
      const where = JSON.stringify(config).includes('none') ? 'true' : '_sluice_deleted is not true';
      expect(await bench.rows(`select id::int, name, price::text, created::text, doc from products where ${where} order by id`)).toEqual([
        { id: 1, name: 'lamp, green', price: '1234.56', created: '2024-02-29 12:34:56.789012+00', doc: 'a long text' },
        { id: 4, name: 'desk', price: '0.01', created: '2024-02-29 12:34:56.789012+00', doc: 'another long text' },
      ]);
    }
  });

  it('with schemas make a table that holds every encoding', async () => {
    const columns: Record<string, [type: string, name: string | undefined, value: unknown, expected: string, parameters?: object]> = {
      id: ['int64', undefined, 1, '1'],
      precise: ['bytes', 'org.apache.kafka.connect.data.Decimal', 'AeJA', '1234.56', { scale: '2' }],
      as_text: ['string', undefined, '1234.560', '1234.560'],
      as_double: ['double', undefined, 1234.56, '1234.56'],
      variable: ['struct', 'io.debezium.data.VariableScaleDecimal', { scale: 1, value: 'Dw==' }, '1.5'],
      day: ['int32', 'io.debezium.time.Date', 19782, '2024-02-29'],
      connect_day: ['int32', 'org.apache.kafka.connect.data.Date', 19782, '2024-02-29'],
      time_ms: ['int32', 'io.debezium.time.Time', 45_296_789, '12:34:56.789'],
      time_us: ['int64', 'io.debezium.time.MicroTime', 45_296_789_012, '12:34:56.789012'],
      time_ns: ['int64', 'io.debezium.time.NanoTime', 45_296_789_012_000, '12:34:56.789012'],
      at_ms: ['int64', 'io.debezium.time.Timestamp', 1_709_210_096_789, '2024-02-29 12:34:56.789+00'],
      at_us: ['int64', 'io.debezium.time.MicroTimestamp', 1_709_210_096_789_012, '2024-02-29 12:34:56.789012+00'],
      at_connect: ['int64', 'org.apache.kafka.connect.data.Timestamp', 1_709_210_096_789, '2024-02-29 12:34:56.789+00'],
      zoned: ['string', 'io.debezium.time.ZonedTimestamp', '2024-02-29T12:34:56.789012+05:30', '2024-02-29 07:04:56.789012+00'],
      zoned_time: ['string', 'io.debezium.time.ZonedTime', '12:34:56Z', '12:34:56Z'],
      doc: ['string', 'io.debezium.data.Json', '{"a": [1, 2]}', '{"a": [1, 2]}'],
      bits: ['bytes', 'io.debezium.data.Bits', 'BQ==', '0101', { length: '4' }],
      photo: ['bytes', undefined, 'AQI=', '\\x0102'],
      flag: ['boolean', undefined, true, 'true'],
      list: ['array', undefined, ['a', 'b'], '["a", "b"]'],
    };
    const fields = Object.entries(columns).map(([field, [type, name, , , parameters]]) => ({
      field,
      type,
      name,
      parameters,
      optional: true,
      ...(type === 'array' ? { items: { type: 'string' } } : {}),
    }));
    const row = Object.fromEntries(Object.entries(columns).map(([name, [, , value]]) => [name, value]));
    const struct = (field: string) => ({ type: 'struct', field, optional: true, name: 'shop.public.typed.Value', fields });
    const envelope = {
      schema: {
        type: 'struct',
        name: 'shop.public.typed.Envelope',
        fields: [struct('before'), struct('after'), { type: 'string', field: 'op' }],
      },
      payload: { before: null, after: row, op: 'c' },
    };
    const key = { schema: { type: 'struct', fields: [{ type: 'int64', field: 'id' }] }, payload: { id: 1 } };
    const sink = await bench.open({ ...unguarded, table: 'typed', autoCreate: true });
    expect(await write(sink, decoded(key, envelope))).toEqual(['delivered']);
    const [found] = await bench.rows(
      `select ${Object.keys(columns)
        .map((name) => `${name}::text`)
        .join(', ')} from typed`,
    );
    expect(found).toEqual(Object.fromEntries(Object.entries(columns).map(([name, [, , , expected]]) => [name, expected])));
  });

  it('take intervals, ranges of time and bits in columns of those types', async () => {
    await bench.client.query(
      'create table spans (id int primary key, span interval, micros interval, bits bit(4), clock timetz, late timestamp)',
    );
    const fields = [
      ['span', 'string', 'io.debezium.time.Interval'],
      ['micros', 'int64', 'io.debezium.time.MicroDuration'],
      ['bits', 'bytes', 'io.debezium.data.Bits', { length: '4' }],
      ['clock', 'string', 'io.debezium.time.ZonedTime'],
      ['late', 'int64', 'io.debezium.time.MicroTimestamp'],
    ].map(([field, type, name, parameters]) => ({ field, type, name, parameters, optional: true }));
    const after = { span: 'P1Y2M3DT4H5M6.78S', micros: -1_500_000, bits: 'BQ==', clock: '12:34:56+02:00', late: -1 };
    const schema = {
      type: 'struct',
      name: 'x.Envelope',
      fields: [
        { type: 'struct', field: 'after', fields },
        { type: 'string', field: 'op' },
      ],
    };
    const sink = await bench.open({ ...unguarded, table: 'spans' });
    expect(await write(sink, decoded({ id: 1 }, { schema, payload: { after, op: 'c' } }))).toEqual(['delivered']);
    expect(await bench.rows('select span::text, micros::text, bits::text, clock::text, late::text from spans')).toEqual([
      {
        span: '1 year 2 mons 3 days 04:05:06.78',
        micros: '-00:00:01.5',
        bits: '0101',
        clock: '12:34:56+02',
        late: '1969-12-31 23:59:59.999999',
      },
    ]);
  });
});

async function inPieces(sink: Sink, records: readonly KafkaRecord[], size: number): Promise<void> {
  for (let from = 0; from < records.length; from += size) {
    const found = codes(await sink.write(records.slice(from, from + size), { signal }));
    expect(found.filter((code) => code !== 'delivered' && code !== 'ignored')).toEqual([]);
  }
}

interface Step {
  readonly op: 'put' | 'toast' | 'delete' | 'move';
  readonly id: number;
  readonly to: number;
  readonly name: string;
}

const history = fc.array(
  fc.record({
    op: fc.constantFrom<Step['op']>('put', 'toast', 'toast', 'delete', 'move'),
    id: fc.integer({ min: 1, max: 3 }),
    to: fc.integer({ min: 1, max: 3 }),
    name: fc.constantFrom('a', 'b', 'c', 'd'),
  }),
  { minLength: 1, maxLength: 12 },
);

/** What a database would send for these steps, and what it holds after each record. */
function play(steps: readonly Step[]): { records: KafkaRecord[]; states: object[][] } {
  const rows = new Map<number, { name: string; big: string }>();
  const records: KafkaRecord[] = [];
  const states: object[][] = [[]];
  const send = (id: number, value: object | null): void => {
    records.push(decoded({ id }, value, { offset: records.length }));
    states.push([...rows].toSorted(([a], [b]) => a - b).map(([key, row]) => ({ id: key, ...row })));
  };
  const remove = (id: number): void => {
    rows.delete(id);
    send(id, change('d', { id }, null));
    send(id, null);
  };
  for (const [index, { op, id, to, name }] of steps.entries()) {
    const there = rows.get(id);
    if (op === 'delete') {
      if (there !== undefined) remove(id);
    } else if (op === 'move') {
      if (there === undefined || rows.has(to)) continue;
      remove(id);
      rows.set(to, there);
      send(to, change('c', null, { id: to, ...there }));
    } else if (there === undefined || op === 'put') {
      const row = { name, big: `large ${index}` };
      rows.set(id, row);
      send(id, change(there === undefined ? 'c' : 'u', null, { id, ...row }));
    } else {
      rows.set(id, { ...there, name });
      send(id, change('u', null, { id, name, big: unavailable }));
    }
  }
  return { records, states };
}

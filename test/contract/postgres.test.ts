import pg from 'pg';
import type { KafkaRecord } from '../../lib/core/record.ts';
import { postgres } from '../../lib/sinks/postgres.ts';
import { startProxy } from '../support/servers/proxy.ts';
import { describeWith } from '../support/servers/shared.ts';
import { parseExact } from './kit/exact.ts';
import type { Mode, Stored, TargetReader } from './kit/mode.ts';
import type { Sample } from './kit/samples.ts';
import { describeSink } from './sink-contract.ts';

interface PostgresTarget extends TargetReader {
  /** The way through the proxy. */
  readonly address: { readonly host: string; readonly port: number; readonly database: string; readonly user: string };
}

interface PostgresMode extends Mode<PostgresTarget> {
  /** Statements that make the tables; none where the sink makes them. */
  readonly tables?: string;
  readonly read: (client: pg.Client) => Promise<Stored[]>;
}

const connection = ({ address }: PostgresTarget): object => ({ ...address, password: { env: 'PASSWORD' }, connectTimeoutMs: 2_000 });

/** A row as JSON text, so that the digits of its numbers are kept. */
const rowsOf = async (client: pg.Client, query: string): Promise<Readonly<Record<string, unknown>>[]> => {
  const { rows } = await client.query(`select to_jsonb(q)::text as row from (${query}) q`);
  return rows.map(
    ({ row }: { row: string }) => parseExact(row.replace(longNumber, (digits) => String(Number(digits)))) as Record<string, unknown>,
  );
};
/** 1.5e300 and 5e-324 as the server writes them. */
const longNumber = /\b\d[\d.]{99,}\b/g;

const refusedNames = new Set(['a NUL character', 'a lone surrogate']);
/** A sample travels inside of a jsonb column. */
const nested =
  (extra: object = {}): NonNullable<Mode['sample']> =>
  (sample: Sample, key: string) => ({
    value: { id: key, n: 1, text: 't', data: sample.value, ...extra },
    refused: refusedNames.has(sample.name),
  });
/** Fits the columns until PostgreSQL looks at it. */
const poison = (record: KafkaRecord): KafkaRecord => ({ ...record, value: { ...(record.value as object), n: 'not a number' } });
const poisonForServer = (record: KafkaRecord): KafkaRecord => ({ ...record, value: { ...(record.value as object), n: -5 } });

const columns = 'n bigint check (n >= 0), text text, data jsonb';
const withoutId = ({ value, key }: KafkaRecord): unknown => ({ ...(value as object), id: (value as { id?: unknown })?.id ?? key });
const guardColumns =
  '_sluice_topic text, _sluice_partition integer, _sluice_offset bigint, _sluice_epoch integer, _sluice_part integer, _sluice_timestamp timestamptz, _sluice_written_at timestamptz';

const readRows =
  (where = 'true', id: (row: Readonly<Record<string, unknown>>) => string | undefined = ({ id: key }) => String(key)) =>
  async (client: pg.Client): Promise<Stored[]> => {
    const rows = await rowsOf(client, `select * from things where ${where}`);
    return rows.map((row) => {
      const value = Object.fromEntries(Object.entries(row).filter(([name, cell]) => !name.startsWith('_sluice_') && cell !== null));
      const found = id(row);
      return found === undefined ? { value } : { id: found, value };
    });
  };

const originId = (row: Readonly<Record<string, unknown>>): string =>
  `${row['_sluice_topic']}-${row['_sluice_partition']}-${row['_sluice_offset']}-${row['_sluice_part']}`;

const unauthorized = (config: object) => (target: PostgresTarget) => ({
  config: { ...connection(target), ...config },
  secrets: { PASSWORD: 'a wrong password' },
});
const missing = (config: object) => (target: PostgresTarget) => ({ config: { ...connection(target), ...config, table: 'nowhere' } });

const upsert = { table: 'things', write: 'upsert', primaryKey: ['id'] };
const byKey = { ...upsert, primaryKeyFrom: 'key' };
const keyed = { id: (record: KafkaRecord) => String(record.key), stored: withoutId } as const;

/** What the sink answers of a change, by the row it leaves. */
const afterOf = ({ value }: KafkaRecord): Readonly<Record<string, unknown>> | undefined =>
  (value as { after?: Readonly<Record<string, unknown>> } | null)?.after ?? undefined;
const changed = (row: object): object => ({ before: null, after: row, op: 'c' });
const changePoison = (record: KafkaRecord): KafkaRecord => ({ ...record, value: changed({ ...afterOf(record), n: 'not a number' }) });
const changeSample: NonNullable<Mode['sample']> = (sample, key) => ({
  value: changed({ id: key, n: 1, text: 't', data: sample.value }),
  stored: { id: key, n: 1, text: 't', data: sample.value },
  refused: refusedNames.has(sample.name),
});
const noIdentity = 'a change may touch two rows, so the sink itself sees to their order';

const modes: readonly PostgresMode[] = [
  {
    name: 'upsert by key, guarded, soft deletes',
    config: (target) => ({ ...connection(target), ...byKey }),
    tables: `create table things (id text primary key, ${columns}, ${guardColumns}, _sluice_deleted boolean)`,
    read: readRows('not _sluice_deleted'),
    identity: 'key',
    guard: 'version',
    ...keyed,
    sample: nested(),
    poison,
    unauthorized: unauthorized(byKey),
    missing: missing(byKey),
  },
  {
    name: 'upsert by key, guarded, other fields into a jsonb column',
    config: (target) => ({ ...connection(target), ...byKey, unknownFields: 'column' }),
    tables: `create table things (id text primary key, n bigint check (n >= 0), extra jsonb, ${guardColumns}, _sluice_deleted boolean)`,
    read: async (client) => {
      const rows = await rowsOf(client, 'select id, n, extra from things where not _sluice_deleted');
      return rows.map(({ id, n, extra }) => ({ id: String(id), value: { ...(n === null ? {} : { n }), ...(extra ?? {}) } }));
    },
    identity: 'key',
    guard: 'version',
    id: keyed.id,
    value: (key, n) => ({ n, text: `${n} of ${key}` }),
    sample: (sample) => ({
      value: sample.value,
      refused: refusedNames.has(sample.name) || typeof sample.value !== 'object',
    }),
    poison,
  },
  {
    name: 'upsert by key, guarded, tables made and extended by the sink',
    config: (target) => ({ ...connection(target), ...byKey, autoCreate: true, autoEvolve: true }),
    read: readRows('not _sluice_deleted'),
    identity: 'key',
    guard: 'version',
    ...keyed,
    sample: nested(),
    poison,
    without: {
      'a batch of nothing but refused records fails record by record': 'what comes first decides the types',
    },
  },
  {
    name: 'upsert by key, guarded, hard deletes',
    config: (target) => ({ ...connection(target), ...byKey, deletes: 'hard' }),
    tables: `create table things (id text primary key, ${columns}, ${guardColumns})`,
    read: readRows(),
    identity: 'key',
    ...keyed,
    sample: nested(),
    poison,
  },
  {
    name: 'upsert by key, guarded by a field',
    config: (target) => ({ ...connection(target), ...byKey, guard: { field: 'n' } }),
    tables: `create table things (id text primary key, ${columns}, ${guardColumns}, _sluice_deleted boolean)`,
    read: readRows('not _sluice_deleted'),
    identity: 'key',
    guard: { field: 'n' },
    ...keyed,
    sample: nested(),
    poison,
  },
  {
    name: 'upsert by key, unguarded',
    config: (target) => ({ ...connection(target), ...byKey, guard: 'none' }),
    tables: `create table things (id text primary key, ${columns})`,
    read: readRows(),
    identity: 'key',
    ...keyed,
    sample: nested(),
    poison: poisonForServer,
  },
  {
    name: 'upsert by a field of the value',
    config: (target) => ({ ...connection(target), ...upsert }),
    tables: `create table things (id text primary key, ${columns})`,
    read: readRows(),
    identity: 'value',
    sample: nested(),
    poison,
    unauthorized: unauthorized(upsert),
    missing: missing(upsert),
  },
  {
    name: 'update by key',
    config: (target) => ({ ...connection(target), ...byKey, write: 'update' }),
    tables: `create table things (id text primary key, a integer, b integer, ${columns})`,
    read: readRows(),
    identity: 'key',
    ...keyed,
    sample: nested(),
    partialUpdates: (key) => ({ first: { id: key, a: 1, n: 1 }, second: { id: key, b: 2, n: 2 }, merged: { id: key, a: 1, b: 2, n: 2 } }),
    poison,
  },
  {
    name: 'insert by origin',
    config: (target) => ({ ...connection(target), table: 'things', primaryKeyFrom: 'origin' }),
    tables: `create table things (id text, ${columns}, ${guardColumns.split(', _sluice_timestamp')[0]}, primary key (_sluice_topic, _sluice_partition, _sluice_offset, _sluice_epoch, _sluice_part))`,
    read: readRows('true', originId),
    identity: 'record',
    sample: nested(),
    poison: poisonForServer,
    missing: missing({ primaryKeyFrom: 'origin' }),
  },
  {
    name: 'insert by key, where the first row stays',
    config: (target) => ({ ...connection(target), ...byKey, write: 'insert' }),
    tables: `create table things (id text primary key, ${columns})`,
    read: readRows(),
    identity: 'key',
    ...keyed,
    sample: nested(),
    poison,
    mayExceed: { ordered: 'nothing is ever overwritten, but a record that failed and comes again must not come after its successor' },
    without: {
      'a batch that is redelivered whole leaves what was there': 'the first of two records of one key stays',
      'several records of one identity in one write leave what they leave one by one': 'the first of two records of one key stays',
      'records with one identity are one thing, and with different identities different things':
        'the first of two records of one key stays',
      'a target that hangs is let go when the signal aborts, and nothing stays in flight': 'the first of two records of one key stays',
      'all parts of a fan-out arrive': 'what is there already is answered ignored',
      'what a transform made of a record is stored, never the bytes it came from': 'the first of two records of one key stays',
      'random batches with random faults end in what the records say': 'the first of two records of one key stays',
    },
  },
  {
    name: 'changes of AnalyticDB',
    config: (target) => ({ ...connection(target), ...upsert, changes: 'analyticdb' }),
    tables: `create table things (id text primary key, ${columns})`,
    read: readRows(),
    identity: 'value',
    id: (record) => String(afterOf(record)?.['id']),
    value: (key, n) => changed({ id: key, n, text: `${n} of ${key}` }),
    stored: afterOf,
    sample: changeSample,
    poison: changePoison,
    unauthorized: unauthorized({ ...upsert, changes: 'analyticdb' }),
    missing: missing({ ...upsert, changes: 'analyticdb' }),
    without: { 'records with one identity are one thing, and with different identities different things': noIdentity },
  },
  {
    name: 'changes of Debezium, guarded',
    sharesWith: 'changes of AnalyticDB',
    config: (target) => ({ ...connection(target), ...byKey, changes: 'debezium' }),
    tables: `create table things (id text primary key, ${columns}, ${guardColumns}, _sluice_deleted boolean)`,
    read: readRows('not _sluice_deleted'),
    identity: 'key',
    guard: 'version',
    key: (text) => ({ id: text }),
    id: ({ key }) => String((key as { id: string }).id),
    value: (key, n) => changed({ id: key, n, text: `${n} of ${key}` }),
    stored: (record) => ({ ...afterOf(record), id: (record.key as { id: string }).id }),
    sample: changeSample,
    poison: changePoison,
    without: { 'records with one identity are one thing, and with different identities different things': noIdentity },
  },
  {
    name: 'append with offsets',
    config: (target) => ({ ...connection(target), table: 'things', offsets: {} }),
    tables: `create table things (id text, ${columns}); create table sluice_offsets (connector text, target text, topic text, "partition" integer, epoch integer, "offset" bigint, part integer, gaps text, refused text, "timestamp" bigint, newest bigint, updated_at timestamptz, primary key (connector, target, topic, "partition", epoch))`,
    read: readRows('true', () => undefined),
    identity: 'none',
    sample: nested(),
    poison,
    unauthorized: unauthorized({ offsets: {} }),
    missing: missing({ offsets: {} }),
  },
  {
    name: 'append',
    config: (target) => ({ ...connection(target), table: 'things' }),
    tables: `create table things (id text, ${columns})`,
    read: readRows('true', () => undefined),
    identity: 'none',
    sample: nested(),
    poison,
    unauthorized: unauthorized({}),
    missing: missing({}),
  },
];

/** What the server says when a write is done. */
function answerTo({ name }: Mode): RegExp {
  if (/changes|offsets/.test(name)) return /COMMIT\0/;
  return name.startsWith('insert by key') ? /SELECT \d+\0/ : /(INSERT 0|UPDATE|DELETE|COPY) \d+\0/;
}

/** Makes the table fail every write with this SQLSTATE. */
const refusing = (state: string): string =>
  `create function refuse() returns trigger language plpgsql as $$ begin raise exception using errcode = '${state}'; end $$; create trigger refuse before insert or update or delete on things for each row execute function refuse()`;

describeWith(['postgres'], 'a real PostgreSQL', ({ postgres: server }) => {
  describeSink<PostgresTarget>({
    definition: postgres,
    modes,
    async target(mode) {
      const { tables, read } = modes.find(({ name }) => name === mode.name) as PostgresMode;
      const database = `contract_${modes.findIndex(({ name }) => name === mode.name)}`;
      const admin = new pg.Client(server.url);
      await admin.connect();
      await admin.query(`drop database if exists ${database} with (force)`);
      await admin.query(`create database ${database}`);
      const client = new pg.Client({ ...server, database });
      await client.connect();
      const proxy = await startProxy(server);
      const refuse = (state: string) => async (): Promise<void> => void (await client.query(refusing(state)));
      const reset = async (): Promise<void> => {
        const exists = (await client.query(`select to_regclass('things') as found`)).rows[0]?.found !== null;
        if (!exists && tables !== undefined) await client.query(tables);
        else if (exists) await client.query(tables === undefined ? 'drop table things' : 'truncate things');
        if (exists && tables?.includes('sluice_offsets') === true) await client.query('truncate sluice_offsets');
      };
      return {
        address: { host: proxy.host, port: proxy.port, database, user: server.user },
        secrets: { PASSWORD: server.password },
        async read() {
          const exists = (await client.query(`select to_regclass('things') as found`)).rows[0]?.found !== null;
          return exists ? read(client) : [];
        },
        reset,
        faults: {
          pass: async () => {
            await proxy.pass();
            await client.query('drop function if exists refuse cascade');
          },
          refuse: () => proxy.refuse(),
          hang: () => proxy.hang(),
          cut: () => proxy.cut(),
          others: {
            'answer lost': {
              start: () => proxy.loseAnswer(answerTo(mode)),
              expected: 'retriable',
            },
            // A trigger says what the server itself would say.
            ...(tables === undefined
              ? {}
              : {
                  full: { start: refuse('53100'), expected: 'retriable' },
                  unavailable: { start: refuse('57P03'), expected: 'retriable' },
                }),
          },
        },
        async close() {
          await proxy.stop();
          await client.end();
          await admin.query(`drop database if exists ${database} with (force)`);
          await admin.end();
        },
      };
    },
  });
});

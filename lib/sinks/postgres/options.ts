import { type Static, Type } from 'typebox';
import { deployed } from '../../core/deployed.ts';
import { Secret } from '../../core/secret.ts';

const Name = (description: string) => Type.String({ minLength: 1, maxLength: 63, description });
const Names = (description: string) => Type.Array(Type.String({ minLength: 1 }), { default: [], description });

export const options = Type.Object({
  url: Type.Optional(
    Secret({ description: 'Connection string, e.g. postgresql://user:password@host:5432/database. Takes the place of the fields below.' }),
  ),
  host: Type.Optional(deployed(Type.String({ minLength: 1, description: 'Host name, or the folder of a Unix socket.' }))),
  port: Type.Integer({ minimum: 1, maximum: 65_535, default: 5_432, description: 'Port of the server.' }),
  database: Type.Optional(Type.String({ minLength: 1, description: 'Database to connect to.' })),
  user: Type.Optional(Type.String({ minLength: 1, description: 'Role to connect as.' })),
  password: Type.Optional(Secret({ description: 'Password of the role.' })),
  tls: Type.Optional(
    Type.Union(
      [
        Type.Boolean(),
        Type.Object({
          ca: Type.Optional(Type.String({ minLength: 1, description: 'Certificates of the authorities to trust, as PEM text.' })),
          cert: Type.Optional(Type.String({ minLength: 1, description: 'Certificate of the client, as PEM text.' })),
          key: Type.Optional(Secret({ description: 'Private key of the client, as PEM text.' })),
          servername: Type.Optional(
            Type.String({ minLength: 1, description: 'Name that the certificate of the server must have, when it is not the host.' }),
          ),
          verify: Type.Boolean({ default: true, description: 'Whether the certificate of the server is checked.' }),
        }),
      ],
      { description: 'Whether the connection is encrypted, and whom it trusts. Goes before the sslmode of a connection string.' },
    ),
  ),
  dialect: Type.Union([Type.Literal('postgres'), Type.Literal('analyticdb')], {
    default: 'postgres',
    description:
      'Whose SQL is sent. analyticdb keeps to what AnalyticDB for PostgreSQL takes from version 6 on, as Greenplum does, and never sets a distribution key; there write is upsert, or insert without a primaryKey.',
  }),
  optimizer: Type.Optional(
    Type.Boolean({
      description:
        "With dialect: analyticdb, whether statements are planned by the server's own optimizer. false plans many small writes faster.",
    }),
  ),
  schema: Type.Optional(Name('Schema of the tables. Without it the search path of the role decides.')),
  table: Type.String({
    minLength: 1,
    default: '{topic}',
    description:
      'Table to write to, as it is spelled in the catalog: no quotes, no schema. Placeholders such as {topic}, {value.field} or {target} are filled in.',
  }),
  allow: Names('Tables, and prefixes that end in *, that records may choose by their target or by a placeholder.'),
  maxTargets: Type.Integer({ minimum: 1, default: 100, description: 'Different tables at most that records may choose within a day.' }),
  write: Type.Union([Type.Literal('insert'), Type.Literal('upsert'), Type.Literal('update')], {
    default: 'insert',
    description:
      'What a record does. insert adds a row, or leaves the row of its key as it is; upsert writes the whole row, so that fields it lacks become NULL unless their column has a default; update sets the fields it has, leaves the others alone, and adds a row where there is none.',
  }),
  primaryKey: Names('Columns of the primary key, or of another unique index. With write: insert and none, rows are only added.'),
  primaryKeyFrom: Type.Optional(
    Type.Union([Type.Literal('key'), Type.Literal('value'), Type.Literal('origin')], {
      description:
        'Where the columns of the primary key come from: the Kafka key (itself, or its fields of the same names), fields of the value (the default), or topic, partition, offset, epoch and part of the record, in columns of their own.',
    }),
  ),
  guard: Type.Optional(
    Type.Union([Type.Literal('version'), Type.Literal('none'), Type.Object({ field: Type.String({ minLength: 1 }) })], {
      description:
        'What keeps an older record from overwriting a newer one with write: upsert: its place in Kafka, a column whose higher value wins, or nothing. Default: version where the primary key comes from the Kafka key, otherwise none. Versions are kept in columns of the table, see columnPrefix.',
    }),
  ),
  deletes: Type.Optional(
    Type.Union([Type.Literal('soft'), Type.Literal('hard'), Type.Literal('ignore')], {
      description:
        'What a tombstone does. soft keeps the row with its version, empties its other columns and sets the column deleted (prefixed), so that readers leave out such rows; hard deletes the row and forgets its version, so that an older record can come back. Default: soft with a guard, hard without, ignore where the Kafka key does not name the row.',
    }),
  ),
  changes: Type.Optional(
    Type.Union([Type.Literal('analyticdb'), Type.Literal('debezium')], {
      description:
        'Takes records for changes of rows: analyticdb reads {"op": "c", "u" or "d", "before": …, "after": …}, debezium the envelope of Debezium (set connector.key and connector.value to debezium). Changes are made in their order, those of one write in one transaction; an update may change the primary key. For analyticdb the primary key comes from the rows, for debezium from the Kafka key.',
    }),
  ),
  truncates: Type.Union([Type.Literal('ignore'), Type.Literal('apply')], {
    default: 'ignore',
    description:
      'Whether a truncate among the changes of Debezium empties the table. Without a guard that is fit for topics of one partition: a truncate that comes twice also takes what other partitions brought since.',
  }),
  unavailableValue: Type.String({
    minLength: 1,
    default: '__debezium_unavailable_value',
    description:
      'What stands for a value that is not part of a change, as Debezium writes it for large columns that did not change. The column keeps its value; a row that is new here, or whose key changed, gets NULL or the default.',
  }),
  offsets: Type.Optional(
    Type.Object(
      {
        table: Type.String({
          minLength: 1,
          maxLength: 63,
          default: 'sluice_offsets',
          description: 'Table that the offsets are kept in, in the same schema. autoCreate creates it too.',
        }),
      },
      {
        description:
          'Keeps the offsets of what is written in the target, in the transaction that writes it: with write: insert and no primaryKey each record is then added exactly once. A record that comes again is left out; one that was refused before is still added.',
      },
    ),
  ),
  origin: Type.Boolean({
    default: false,
    description: 'Whether each row says which record it came from, in prefixed columns. A guard stores them anyway.',
  }),
  columnPrefix: Type.String({
    minLength: 1,
    maxLength: 40,
    default: '_sluice_',
    description: 'What the names of columns for version, time of writing and deletion start with.',
  }),
  autoCreate: Type.Boolean({
    default: false,
    description: 'Whether a missing table is created, with types that hold the first records or that their schema names.',
  }),
  autoEvolve: Type.Boolean({ default: false, description: 'Whether columns are added for new fields, and for a guard.' }),
  maxColumns: Type.Integer({
    minimum: 1,
    maximum: 1_600,
    default: 250,
    description: 'Columns up to which tables grow by autoEvolve. A record that would add more is refused.',
  }),
  unknownFields: Type.Union([Type.Literal('error'), Type.Literal('ignore'), Type.Literal('column')], {
    default: 'error',
    description: 'What happens to fields without a column: the record is refused, they are left out, or they go into a jsonb column.',
  }),
  unknownFieldsColumn: Type.String({
    minLength: 1,
    maxLength: 63,
    default: 'extra',
    description: 'The jsonb column for unknownFields: column.',
  }),
  columns: Type.Optional(
    Type.Record(Type.String({ minLength: 1 }), Type.String({ minLength: 1 }), {
      description:
        'Columns to write and their types, e.g. { id: bigint, at: timestamp with time zone }. Default: those of the table. A table that autoCreate makes has these.',
    }),
  ),
  fields: Type.Optional(
    Type.Object(
      {
        include: Type.Optional(Names('Fields of the value to write; others are left out.')),
        exclude: Type.Optional(Names('Fields of the value to leave out.')),
        rename: Type.Optional(
          Type.Record(Type.String(), Type.String({ minLength: 1 }), { description: 'Columns by field, where their names differ.' }),
        ),
      },
      { description: 'Which fields of the value are written, and to which columns.' },
    ),
  ),
  batchRows: Type.Integer({ minimum: 1, maximum: 10_000, default: 1_000, description: 'Rows at most in one statement.' }),
  batchBytes: Type.Integer({
    minimum: 1_000,
    maximum: 100_000_000,
    default: 8_000_000,
    description: 'Bytes of values at most in one write.',
  }),
  connections: Type.Integer({ minimum: 1, maximum: 100, default: 2, description: 'Connections at most that one process keeps.' }),
  connectTimeoutMs: Type.Integer({ minimum: 100, default: 5_000, description: 'Milliseconds that connecting may take.' }),
  statementTimeoutMs: Type.Integer({
    minimum: 100,
    default: 30_000,
    description: 'Milliseconds that one statement may take before it is cancelled and tried again.',
  }),
});
export type Options = Static<typeof options>;

/** The options with everything that follows from them decided. */
export interface Settings {
  readonly dialect: Options['dialect'];
  readonly write: Options['write'];
  readonly key: { readonly from: 'none' | 'key' | 'value' | 'origin'; readonly columns: readonly string[] };
  /** Records are changes of rows, in this form. */
  readonly changes: Options['changes'];
  readonly guard: { readonly type: 'none' } | { readonly type: 'version' } | { readonly type: 'field'; readonly column: string };
  readonly deletes: 'soft' | 'hard' | 'ignore';
  readonly columns: VersionColumns;
  /** Which of the columns of ours each row gets. */
  readonly stores: {
    readonly version: boolean;
    readonly timestamp: boolean;
    readonly writtenAt: boolean;
    readonly deleted: boolean;
    readonly guard: boolean;
  };
}

/** The names of our own columns. */
export interface VersionColumns {
  readonly topic: string;
  readonly partition: string;
  readonly offset: string;
  readonly epoch: string;
  readonly part: string;
  readonly timestamp: string;
  readonly writtenAt: string;
  readonly deleted: string;
  readonly guard: string;
}

export function settingsOf(config: Options): Settings {
  const { changes } = config;
  const from = config.primaryKeyFrom ?? (changes === 'debezium' ? 'key' : config.primaryKey.length > 0 ? 'value' : 'none');
  const columns = versionColumns(config.columnPrefix);
  const guard = guardOf(config, from);
  const guarded = guard.type !== 'none';
  const mayDelete = changes !== undefined || (config.write !== 'insert' && from === 'key');
  const deletes = config.deletes ?? (!mayDelete ? 'ignore' : guarded ? 'soft' : 'hard');
  return {
    dialect: config.dialect,
    changes,
    write: config.write,
    key: {
      from,
      columns: from === 'origin' ? [columns.topic, columns.partition, columns.offset, columns.epoch, columns.part] : config.primaryKey,
    },
    guard,
    deletes,
    columns,
    stores: {
      version: guarded || config.origin || from === 'origin',
      timestamp: guarded || config.origin,
      writtenAt: guarded,
      deleted: deletes === 'soft',
      guard: changes !== undefined && guard.type === 'field',
    },
  };
}

function guardOf(config: Options, from: Settings['key']['from']): Settings['guard'] {
  // What a change says of its place in the log is no column of the row.
  if (typeof config.guard === 'object' && config.changes !== undefined)
    return { type: 'field', column: versionColumns(config.columnPrefix).guard };
  if (typeof config.guard === 'object') return { type: 'field', column: config.fields?.rename?.[config.guard.field] ?? config.guard.field };
  return { type: config.guard ?? (config.write === 'upsert' && from === 'key' ? 'version' : 'none') };
}

function versionColumns(prefix: string): VersionColumns {
  return {
    topic: `${prefix}topic`,
    partition: `${prefix}partition`,
    offset: `${prefix}offset`,
    epoch: `${prefix}epoch`,
    part: `${prefix}part`,
    timestamp: `${prefix}timestamp`,
    writtenAt: `${prefix}written_at`,
    deleted: `${prefix}deleted`,
    guard: `${prefix}guard`,
  };
}

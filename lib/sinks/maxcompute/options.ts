import { type Static, Type } from 'typebox';
import { ConfigError } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import type { Guarantees, SinkMode } from '../../core/sink.ts';
import { reader } from './columns.ts';
import { partitioner } from './partition.ts';
import { partition } from './partition-options.ts';
import { parseZone } from './zone.ts';

const Name = (description: string) => Type.String({ pattern: '^[A-Za-z0-9_]{1,128}$', description });

export const options = Type.Object({
  project: Name('Project that holds the table.'),
  schema: Type.Optional(Name('Schema of the table, in projects that have schemas.')),
  table: Type.String({
    minLength: 1,
    description: 'Table to write to. Placeholders such as {topic}, {value.field} or {target} are filled in.',
  }),
  allow: Type.Array(Type.String({ minLength: 1 }), {
    default: [],
    description: 'Tables, and prefixes that end in *, that records may choose by their target or by a placeholder.',
  }),
  maxTargets: Type.Integer({ minimum: 1, default: 100, description: 'Different tables at most that records may choose within a day.' }),
  endpoint: Type.String({
    format: 'uri',
    description: 'Endpoint of MaxCompute with its path, e.g. https://service.cn-hangzhou.maxcompute.aliyun.com/api.',
  }),
  tunnelEndpoint: Type.Optional(
    Type.String({
      format: 'uri',
      description:
        'Endpoint of the Tunnel service, e.g. https://dt.cn-hangzhou.maxcompute.aliyun.com. Without it MaxCompute is asked, and may name a host that can only be reached from inside of Alibaba Cloud.',
    }),
  ),
  quota: Type.Optional(
    Type.String({ minLength: 1, description: 'Tunnel quota whose slots are used. Without it the shared ones of the project.' }),
  ),
  region: Type.Optional(
    Type.String({
      pattern: '^[a-z0-9-]+$',
      description: 'Region, e.g. cn-hangzhou: requests are then signed with the newer signature, by a key made for that region and day.',
    }),
  ),
  credentials: Type.Optional(
    Type.Object(
      {
        accessKeyId: Secret({ description: 'AccessKey ID.' }),
        accessKeySecret: Secret({ description: 'AccessKey secret.' }),
        securityToken: Type.Optional(Secret({ description: 'Token of temporary credentials (STS).' })),
      },
      {
        description:
          'AccessKey to sign requests with. Without it those of the role that the platform lends the function. It needs CreateInstance on the project, and Describe, Alter and Update on the table.',
      },
    ),
  ),
  mode: Type.Union([Type.Literal('default'), Type.Literal('key'), Type.Literal('value')], {
    default: 'default',
    description:
      'What is written of a record: its key and its value into the columns key and value, or one of them. Columns of topic, partition and offset are written in each mode.',
  }),
  format: Type.Union([Type.Literal('text'), Type.Literal('binary'), Type.Literal('csv'), Type.Literal('json'), Type.Literal('flatten')], {
    default: 'text',
    description:
      'How key and value are written. text: as text into STRING columns; binary: their bytes into BINARY columns; json: into JSON columns. csv takes text apart into the columns of the table by their position, \\N without quotes is NULL; flatten writes the fields of an object into columns of the same names, in lower case, and what is nested as JSON. csv, json and flatten need mode: key or value.',
  }),
  columns: Type.Optional(
    Type.Record(Type.String(), Type.String({ minLength: 1 }), {
      description:
        'What goes into each column: a dotted field of the value, or text with placeholders such as {key.id}, {header:trace} or {topic}/{value.kind}. One placeholder alone keeps the type of what it names. Takes the place of mode and format; fields and columns that are not named are left out.',
    }),
  ),
  origin: Type.Optional(
    Type.Object(
      {
        topic: Type.Optional(Name('Column for the topic, STRING. Default: topic.')),
        partition: Type.Optional(Name('Column for the partition, BIGINT. Default: partition.')),
        offset: Type.Optional(Name('Column for the offset, BIGINT. Default: offset.')),
        timestamp: Type.Optional(
          Name('Column for the timestamp of the record in milliseconds, BIGINT. Default: insert_time, where the table has it.'),
        ),
        epoch: Type.Optional(
          Name('Column for the epoch, BIGINT, which tells offsets of a topic that was created again from those before.'),
        ),
        part: Type.Optional(Name('Column for the position within what a transform made of one record, BIGINT.')),
      },
      {
        description:
          'Columns that say which record a row came from. A query drops duplicates by topic, partition and offset (and part, where a transform makes several rows of one record). With format: flatten or columns those of them are written that the table has, or that are named here.',
      },
    ),
  ),
  partition,
  createPartitions: Type.Boolean({ default: true, description: 'Whether partitions that are missing are created.' }),
  maxPartitions: Type.Integer({
    minimum: 1,
    maximum: 60_000,
    default: 2_000,
    description:
      'Different partition values at most that records may lead to within a day. What leads to more is refused: a table holds 60000.',
  }),
  tombstones: Type.Union([Type.Literal('row'), Type.Literal('ignore')], {
    default: 'row',
    description: 'What a record without a value does: a row whose value is NULL, or nothing.',
  }),
  unknownFields: Type.Union([Type.Literal('error'), Type.Literal('ignore'), Type.Literal('column')], {
    default: 'error',
    description:
      'What format: flatten does with fields that have no column: the record is refused, they are left out, or they go as JSON into one column. Before a record is refused the table is looked up again; otherwise a column that was added is filled after five minutes at most.',
  }),
  unknownFieldsColumn: Type.String({
    pattern: '^[A-Za-z0-9_]{1,128}$',
    default: 'extra',
    description: 'The column for unknownFields: column, JSON or STRING.',
  }),
  timeZone: Type.String({
    minLength: 1,
    default: 'UTC',
    description: 'Time zone of dates and times that are texts without one, such as +08:00 or Asia/Shanghai.',
  }),
  extraDigits: Type.Union([Type.Literal('error'), Type.Literal('round')], {
    default: 'error',
    description:
      'What happens to a number with more digits after the point than its DECIMAL column has: the record is refused, or it is rounded half up.',
  }),
  upload: Type.Union([Type.Literal('stream'), Type.Literal('block')], {
    default: 'stream',
    description:
      'Which tunnel is used. stream: rows are there with the answer, for functions and small batches; when an answer is lost, the rows of that request come twice. block: all rows of a partition value in a batch become visible with one commit, for workers with large batches, as MaxCompute takes 500 sessions of a table in 5 minutes and 75 commits in 15 seconds; when a commit stays unanswered the service is asked what became of it, so its rows come twice only if that is never found out. Either way what Kafka delivers again, such as after a crash, comes again.',
  }),
  compression: Type.Union([Type.Literal('none'), Type.Literal('deflate'), Type.Literal('zstd')], {
    default: 'deflate',
    description: 'How rows are compressed on their way. zstd is not offered in every region.',
  }),
  batchRecords: Type.Integer({ minimum: 1, maximum: 200_000, default: 10_000, description: 'Records at most in one write.' }),
  batchBytes: Type.Integer({
    minimum: 1_000,
    maximum: 512_000_000,
    default: 32_000_000,
    description: 'Bytes of values at most in one write.',
  }),
  blockBytes: Type.Integer({
    minimum: 1_000,
    maximum: 256_000_000,
    default: 64_000_000,
    description: 'Bytes of encoded rows at which the next block, or the next request of a stream, is begun.',
  }),
  concurrency: Type.Integer({
    minimum: 1,
    maximum: 32,
    default: 4,
    description: 'Partition values at most that are uploaded at the same time.',
  }),
  maxSessions: Type.Integer({
    minimum: 1,
    maximum: 1_000,
    default: 64,
    description: 'Stream sessions at most that are kept for the next batch, one for each partition value.',
  }),
  requestTimeoutMs: Type.Integer({
    minimum: 100,
    default: 60_000,
    description: 'Milliseconds that one request may take before it is tried again.',
  }),
});
export type Options = Static<typeof options>;

/** A message for each combination that makes no sense. */
export function checkOptions(config: Options): { path: string; message: string }[] {
  const problems: { path: string; message: string }[] = [];
  const expect = (holds: boolean, path: string, message: string): void => {
    if (!holds) problems.push({ path, message });
  };
  const { mode, format, columns } = config;
  if (columns === undefined)
    expect(
      mode !== 'default' || format === 'text' || format === 'binary',
      'mode',
      `Expected mode: key or value with format: ${format}, which has room for one of them only.`,
    );
  else expect(Object.keys(columns).length > 0, 'columns', 'Expected columns to name at least one column, e.g. { id: id }.');
  expect(
    config.unknownFields === 'error' || (format === 'flatten' && columns === undefined),
    'unknownFields',
    'Expected no unknownFields unless format is flatten: otherwise no field is looked for by its name.',
  );
  const tries: readonly (readonly [string, () => unknown])[] = [
    ['partition', () => partitioner(config.partition, { maxPartitions: config.maxPartitions, now: () => 0 })],
    ['timeZone', () => parseZone(config.timeZone, 'connector.sink.timeZone')],
    ['columns', () => Object.entries(columns ?? {}).map(([name, text]) => reader(text, `connector.sink.columns.${name}`))],
  ];
  for (const [path, attempt] of tries) {
    const message = problemOf(attempt);
    if (message !== undefined) problems.push({ path, message });
  }
  return problems;
}

function problemOf(attempt: () => unknown): string | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

/** The tunnels know no keys: a row that is sent again is there again. */
export function guaranteesOf(): Guarantees {
  return { idempotent: false, ordered: false, deletes: false, partial: true };
}

const example = { project: 'analytics', table: 'orders', endpoint: 'https://service.cn-hangzhou.maxcompute.aliyun.com/api' };

/** The two tunnels: each of them at least once. */
export const modes: readonly SinkMode[] = [
  { name: 'stream', config: example },
  { name: 'stream, fields of the value into columns', config: { ...example, mode: 'value', format: 'flatten' } },
  { name: 'block uploads', config: { ...example, upload: 'block' } },
];

import { type Static, Type } from 'typebox';
import { checkStoreOptions, storeOptions } from '../../clients/object-store/options.ts';
import { zoneNamed } from '../../core/calendar.ts';
import { ConfigError } from '../../core/errors.ts';
import { parseTemplate } from '../../core/template.ts';
import { openPaths } from './path.ts';

const Name = Type.String({ minLength: 1 });

/** The options of the sink, as in serverless.yml. */
export const options = Type.Object({
  ...storeOptions,
  path: Type.String({
    minLength: 1,
    default: '{topic}',
    description:
      "Where objects go below the bucket, without a slash at either end. Placeholders are filled in for each record, e.g. quakes/{timestamp:yyyy/MM/dd/HH} or, for tools that know Hive's style, lake/{topic}/dt={timestamp:yyyy-MM-dd}/type={value.type}.",
  }),
  time: Type.Union(
    [
      Type.Literal('record'),
      Type.Literal('processing'),
      Type.Object({
        field: Name,
        unit: Type.Union([Type.Literal('s'), Type.Literal('ms'), Type.Literal('us'), Type.Literal('ns')], {
          default: 'ms',
          description: 'What numbers in the field count since the epoch. Dates are read as in ISO 8601.',
        }),
      }),
    ],
    {
      default: 'record',
      description:
        "Which time {timestamp:…} shows: the record's, a field of its value, or that of writing. With the time of writing a record that is delivered again may go to another path and be there twice.",
    },
  ),
  timeZone: Type.String({ minLength: 1, default: 'UTC', description: 'Time zone of {timestamp:…}, by its IANA name, e.g. Asia/Shanghai.' }),
  allow: Type.Array(Name, {
    default: [],
    description: 'Paths, and prefixes that end in *, that records may choose by a field, key, header or their target.',
  }),
  maxTargets: Type.Integer({
    minimum: 1,
    default: 1_000,
    description: 'Most paths that records may choose within a day; how many hours, days or partitions they spread over does not count.',
  }),
  format: Type.Union([Type.Literal('json-lines'), Type.Literal('json-array'), Type.Literal('csv'), Type.Literal('raw')], {
    default: 'json-lines',
    description:
      'What is in an object: a JSON value a line, one JSON array, rows of CSV, or the bytes of values. JSON that no transform touched is passed on as it came.',
  }),
  envelope: Type.Array(Type.Union([Type.Literal('metadata'), Type.Literal('key'), Type.Literal('headers')]), {
    default: [],
    description:
      'What is written beside each value: metadata is topic, partition, offset, epoch, part and timestamp. In JSON the value is then the field "value"; in CSV these are columns of their own, before the others.',
  }),
  csv: Type.Optional(
    Type.Object(
      {
        columns: Type.Array(Type.Union([Name, Type.Object({ name: Name, field: Name })]), {
          minItems: 1,
          description: 'Fields of the value by their dotted names, in order; { name, field } gives one another name.',
        }),
        header: Type.Boolean({ default: true, description: 'Whether the first row of each object names the columns.' }),
        delimiter: Type.Union([Type.Literal(','), Type.Literal(';'), Type.Literal('\t'), Type.Literal('|')], {
          default: ',',
          description: 'What stands between two fields.',
        }),
        null: Type.String({ default: '', description: 'What stands for a null or absent field. Text that looks the same is quoted.' }),
      },
      { description: 'How rows are written, with format: csv.' },
    ),
  ),
  framing: Type.Union([Type.Literal('newline'), Type.Literal('length'), Type.Literal('none')], {
    default: 'newline',
    description:
      'What tells records apart with format: raw: each is a line, or follows its length in four bytes (big-endian), or nothing does.',
  }),
  compression: Type.Union([Type.Literal('none'), Type.Literal('gzip'), Type.Literal('zstd')], {
    default: 'none',
    description: 'How objects are compressed; their names then end in .gz or .zst.',
  }),
  compressionLevel: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 19, description: 'Level of the compression: gzip knows 1 to 9, zstd 1 to 19.' }),
  ),
  tombstones: Type.Union([Type.Literal('ignore'), Type.Literal('write')], {
    default: 'ignore',
    description: 'What a record without a value does: nothing, or it is written with null for its value.',
  }),
  maxBytes: Type.Integer({
    minimum: 1_000,
    maximum: 1_000_000_000,
    default: 64_000_000,
    description:
      "Bytes before compression at which an object ends. How much there is to write at once is the trigger's or the worker's batch.",
  }),
  maxRecords: Type.Integer({ minimum: 1, default: 1_000_000, description: 'Records at which an object ends.' }),
  closed: Type.Optional(
    Type.Object(
      {
        every: Type.Union([Type.Literal('hour'), Type.Literal('day')], { description: 'What is told to be complete, in timeZone.' }),
        name: Type.String({
          minLength: 1,
          description: 'Name of the object that says so, e.g. quakes/{timestamp:yyyy/MM/dd/HH}/_SUCCESS; {timestamp:…} is the beginning.',
        }),
        partitions: Type.Integer({
          minimum: 1,
          description:
            'How many partitions the topics have together. All of them have to be past the end, so one without records holds it up.',
        }),
        graceMinutes: Type.Number({
          minimum: 0,
          default: 10,
          description:
            'How much later than the end a record of each partition has to be. Records that are later still are written all the same.',
        }),
        content: Type.Union([Type.Literal('empty'), Type.Literal('manifest')], {
          default: 'empty',
          description: 'Whether the object is empty or a manifest: JSON with the names of the objects beside and below it.',
        }),
      },
      {
        description:
          'Writes an object for each hour or day that is complete. A partition that is past the end leaves a mark below _sluice/closed, and the last of the marks brings the object about.',
      },
    ),
  ),
  concurrency: Type.Integer({ minimum: 1, maximum: 64, default: 8, description: 'Most paths that are written at the same time.' }),
});
export type Options = Static<typeof options>;

interface Problem {
  readonly path: string;
  readonly message: string;
}

/** A message for each combination of options that makes no sense. */
export function checkOptions(config: Options): readonly Problem[] {
  const problems: Problem[] = [];
  const say = (option: string, message: string) => problems.push({ path: `connector.sink.${option}`, message });
  const { path, format, envelope, csv, compression, compressionLevel, tombstones } = config;
  if (/^\/|\/\/|\/$/.test(path)) say('path', 'Expected connector.sink.path to have no slash at its ends and no empty part.');
  if (format === 'csv' && csv === undefined)
    say('csv', 'Expected connector.sink.csv, as format is csv. Set csv.columns to the fields that make up a row.');
  if (format !== 'csv' && csv !== undefined)
    say('csv', 'Expected connector.sink.csv only with format: csv. Leave it out, or set format to csv.');
  if (format === 'raw' && envelope.length > 0)
    say('envelope', 'Expected connector.sink.envelope to be empty, as raw bytes leave no room for it. Set format: json-lines.');
  if (format === 'raw' && tombstones === 'write')
    say('tombstones', 'Expected connector.sink.tombstones to be ignore, as raw bytes cannot say that there is no value.');
  if (compressionLevel !== undefined && (compression === 'none' || (compression === 'gzip' && compressionLevel > 9)))
    say('compressionLevel', 'Expected connector.sink.compressionLevel only with compression: gzip, up to 9, or zstd, up to 19.');
  checkClosed(config, say);
  try {
    zoneNamed(config.timeZone);
    openPaths(config, () => 0);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    say('path', error.message);
  }
  return [...checkStoreOptions(config), ...problems];
}

/** True where a record that comes again has the same path. */
export function isDeterministic({ time, path }: Pick<Options, 'time' | 'path'>): boolean {
  return time !== 'processing' || !path.includes('{timestamp:');
}

function checkClosed({ closed, time, path, timeZone }: Options, say: (option: string, message: string) => void): void {
  if (closed === undefined) return;
  if (time === 'processing')
    say(
      'closed',
      'Expected connector.sink.closed only with time: record or a field, as records that come late go to the path of their writing.',
    );
  try {
    const { directory } = openPaths({ path, time: 'record', timeZone, allow: ['x'], maxTargets: 1 }, () => 0);
    const template = parseTemplate(closed.name, 'connector.sink.closed.name', { timeZone });
    const isByTime = template.stableMs !== undefined && template.stableMs < Number.POSITIVE_INFINITY;
    if (!isByTime || /\{(?:topic|partition)\}/.test(closed.name) || !closed.name.startsWith(directory))
      say(
        'closed.name',
        `Expected connector.sink.closed.name to begin with "${directory}" and to have a {timestamp:…} and no other placeholder, so that each ${closed.every} has one name.`,
      );
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    say('closed.name', error.message);
  }
}

import { type Static, Type } from 'typebox';
import { DataError } from '../core/errors.ts';
import { type KafkaRecord, type LogicalType, originName } from '../core/record.ts';
import { defineTransform } from '../core/transform.ts';
import { fieldExists, objectValue, schemaMemo, setOwn } from './object-value.ts';

const Source = Type.Union(
  [
    Type.Literal('topic'),
    Type.Literal('partition'),
    Type.Literal('offset'),
    Type.Literal('timestamp'),
    Type.Literal('key'),
    Type.Object({ header: Type.String({ minLength: 1, description: 'Name of the header; the last one counts when it repeats.' }) }),
    Type.Object({
      value: Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()], { description: 'The same for every record.' }),
    }),
  ],
  { description: 'One of topic, partition, offset, timestamp, key, { header: name } or { value: something fixed }.' },
);
type Source = Static<typeof Source>;

/** Adds fields that say where a record comes from, or the same to all. A key or header that is not there gives null. */
export const insertField = defineTransform({
  name: 'insertField',
  summary: 'Adds fields from what Kafka knows of a record, from its headers, or with a fixed value.',
  config: Type.Object({
    fields: Type.Record(Type.String(), Source, {
      description:
        'The new field and where it comes from, e.g. { source_topic: topic, source_offset: offset, trace: { header: traceparent }, env: { value: prod } }. A timestamp is ISO 8601 text in UTC; headers are text; a key or header that is not there gives null.',
    }),
    overwrite: Type.Boolean({
      default: false,
      description: 'Whether a field of the same name is replaced; otherwise a record that has one is an error.',
    }),
  }),
  create({ fields, overwrite }) {
    const inserts = Object.entries(fields).map(([name, source]) => ({ name, type: typeOf(source), read: reader(source) }));
    const withInserts = schemaMemo((schema) => ({
      ...schema,
      fields: [
        ...schema.fields.filter(({ name }) => !Object.hasOwn(fields, name)),
        ...inserts.flatMap(({ name, type }) => (type === undefined ? [] : [{ name, type, optional: true }])),
      ],
    }));

    return (record) => {
      if (record.value === null) return record;
      const value = { ...objectValue(record, 'insertField') };
      for (const { name, read } of inserts) {
        if (!overwrite && Object.hasOwn(value, name)) throw fieldExists(name, 'insertField', record);
        setOwn(value, name, read(record));
      }
      return { ...record, value, ...(record.schema === undefined ? {} : { schema: withInserts(record.schema) }) };
    };
  },
});

function reader(source: Source): (record: KafkaRecord) => unknown {
  if (typeof source === 'object') {
    if ('header' in source) return (record) => headerText(record, source.header);
    return () => source.value;
  }
  switch (source) {
    case 'topic':
      return ({ origin }) => origin.topic;
    case 'partition':
      return ({ origin }) => origin.partition;
    case 'offset':
      return ({ origin }) => origin.offset;
    case 'timestamp':
      return (record) => timestampText(record);
    case 'key':
      return ({ key }) => key;
  }
}

/** Undefined when only the record knows: the schema then leaves the field out. */
function typeOf(source: Source): LogicalType | undefined {
  if (typeof source === 'string') return metadataTypes[source];
  if ('header' in source) return 'string';
  const { value } = source;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'bigint' : 'double';
  return value === null ? undefined : typeof value === 'boolean' ? 'boolean' : 'string';
}

const metadataTypes: Readonly<Record<Extract<Source, string>, LogicalType | undefined>> = {
  topic: 'string',
  partition: 'integer',
  offset: 'bigint',
  timestamp: 'timestamp',
  key: undefined,
};

/** Kafka says -1 for a record without a timestamp. */
function timestampText({ timestamp }: KafkaRecord): string | null {
  return timestamp >= 0 && timestamp <= 8.64e15 ? new Date(timestamp).toISOString() : null;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function headerText(record: KafkaRecord, name: string): string | null {
  const header = record.headers.findLast(({ key }) => key === name);
  if (header === undefined) return null;
  try {
    return utf8.decode(header.value);
  } catch {
    throw new DataError('HEADER_NOT_TEXT', `Expected header "${name}" to be UTF-8, found something else (${originName(record.origin)})`);
  }
}

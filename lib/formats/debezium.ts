import { Type } from 'typebox';
import { ConfigError } from '../core/errors.ts';
import { isObject } from '../core/field.ts';
import { defineFormat } from '../core/format.ts';
import { toJson } from '../core/json.ts';
import type { Origin } from '../core/record.ts';
import { envelopeOf, payloadReader } from './connect-envelope.ts';
import { type ConnectSchema, readConnectSchema, recordSchemaOf } from './connect-schema.ts';
import { columnTypes, debeziumTypes, typeOfColumn } from './debezium-types.ts';
import { decodeJson } from './json.ts';
import { undecodable } from './undecodable.ts';

/** Changes of rows as Debezium writes them in JSON. The value stays an envelope of `before`, `after`, `op` and `source`; its columns become what their encodings mean. */
export const debezium = defineFormat({
  name: 'debezium',
  summary: 'Changes of rows in the JSON of Debezium, with or without schemas: for values, and for keys.',
  config: Type.Object({
    columns: Type.Record(Type.String(), Type.String({ minLength: 1 }), {
      default: {},
      description:
        'How columns are encoded where records carry no schemas, by the names Debezium gives its types, e.g. { created: MicroTimestamp, price: Decimal(2), photo: Bytes }. A record with a schema says it itself.',
    }),
  }),
  // An envelope is nothing that a target could take as it came.
  carriesJson: false,
  borrows: true,
  decoder({ columns }) {
    const unwrap = payloadReader(decodeJson, readSchema);
    const convert = columnReader(columns);
    return (bytes, origin) => {
      const value = decodeJson(bytes, origin);
      const envelope = envelopeOf(value);
      return envelope === undefined ? { value: convert(value, origin), unwrapped: true } : unwrap(envelope, bytes, origin);
    };
  },
  encode: (value) => Buffer.from(toJson(value)),
});

/** The schema of an envelope is known by that of its rows. */
function readSchema(schema: unknown, origin: Origin): ConnectSchema {
  const read = readConnectSchema(schema, origin, debeziumTypes);
  const fields = isObject(schema) && Array.isArray(schema['fields']) ? schema['fields'] : [];
  const after: unknown = fields.find((field) => isObject(field) && field['field'] === 'after');
  const recordSchema = after === undefined ? undefined : recordSchemaOf(after, debeziumTypes);
  return recordSchema === undefined ? read : { ...read, recordSchema };
}

/** Reads columns without a schema, in rows of an envelope or in the value itself. */
function columnReader(columns: Readonly<Record<string, string>>): (value: unknown, origin: Origin) => unknown {
  const readers = Object.entries(columns).map(([column, type]) => [column, typeOfColumn(type) ?? unknownType(column, type)] as const);
  if (readers.length === 0) return (value) => value;
  const convertRow = (row: unknown, origin: Origin): unknown => {
    if (!isObject(row)) return row;
    const converted: Record<string, unknown> = { ...row };
    for (const [column, read] of readers) {
      const found = Object.hasOwn(row, column) ? row[column] : null;
      if (found === null || isUnavailable(found)) continue;
      converted[column] =
        read(found) ??
        fail(undecodable(`Expected column ${JSON.stringify(column)} as connector.value.columns says, found something else`, origin));
    }
    return converted;
  };
  return (value, origin) => {
    if (!isObject(value)) return value;
    if (!Object.hasOwn(value, 'op')) return convertRow(value, origin);
    return { ...value, before: convertRow(value['before'], origin), after: convertRow(value['after'], origin) };
  };
}

/** Text that stands for a value which the change does not tell. */
function isUnavailable(value: unknown): boolean {
  return typeof value === 'string' && value.startsWith('__debezium_');
}

function unknownType(column: string, type: string): never {
  throw new ConfigError(
    'CONFIG_INVALID',
    `Expected connector.value.columns.${column} to be a type of Debezium, got ${JSON.stringify(type)}. Set it to one of ${columnTypes.join(', ')}.`,
  );
}

function fail(error: Error): never {
  throw error;
}

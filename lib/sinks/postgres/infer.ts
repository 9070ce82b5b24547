import { isObject } from '../../core/field.ts';
import type { KafkaRecord, LogicalType, SchemaField } from '../../core/record.ts';
import { maxNameBytes } from './sql.ts';

/** Types by column, such that every record's fields fit. Names the server would cut are left out. */
export function inferColumns(
  records: readonly KafkaRecord[],
  columnOf: (field: string) => string | undefined,
): ReadonlyMap<string, string> {
  const types = new Map<string, string | undefined>();
  for (const { value, schema } of records) {
    if (!isObject(value)) continue;
    const named = schema === undefined ? undefined : new Map(schema.fields.map((field) => [field.name, field]));
    for (const [field, fieldValue] of Object.entries(value)) {
      const column = columnOf(field);
      if (column === undefined || Buffer.byteLength(column) > maxNameBytes || column === '') continue;
      const logical = named?.get(field);
      const type = logical === undefined ? typeOf(fieldValue) : logicalType(logical);
      types.set(column, common(types.get(column), type));
    }
  }
  // What was never anything but null may turn out to be anything, and text holds most.
  return new Map([...types].map(([column, type]) => [column, type ?? 'text']));
}

/** The type that holds a value; undefined for null. */
export function typeOf(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  switch (typeof value) {
    case 'number':
      return Number.isSafeInteger(value) ? 'bigint' : 'double precision';
    case 'bigint':
      return BigInt.asIntN(64, value) === value ? 'bigint' : 'numeric';
    case 'boolean':
      return 'boolean';
    case 'string':
      return 'text';
    default:
      return value instanceof Date ? 'timestamp with time zone' : ArrayBuffer.isView(value) ? 'bytea' : 'jsonb';
  }
}

const logicalTypes: Readonly<Record<LogicalType, string>> = {
  boolean: 'boolean',
  integer: 'integer',
  bigint: 'bigint',
  float: 'real',
  double: 'double precision',
  decimal: 'numeric',
  string: 'text',
  bytes: 'bytea',
  date: 'date',
  time: 'time',
  timestamp: 'timestamp with time zone',
  json: 'jsonb',
};

function logicalType({ type }: SchemaField): string {
  return logicalTypes[type];
}

const widening: readonly string[] = ['bigint', 'numeric', 'double precision'];

/** The narrowest type that holds both. */
function common(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || a === b) return b ?? a;
  if (b === undefined) return a;
  if (widening.includes(a) && widening.includes(b)) return a === 'numeric' || b === 'numeric' ? 'numeric' : 'double precision';
  return a === 'jsonb' || b === 'jsonb' ? 'jsonb' : 'text';
}

import { isObject } from '../../core/field.ts';
import type { KafkaRecord, LogicalType } from '../../core/record.ts';
import { isColumnName } from './sql.ts';

/** Types by column, such that most records' fields fit: a stray value is that record's problem. Names that no column can have are left out. */
export function inferColumns(
  records: readonly KafkaRecord[],
  columnOf: (field: string) => string | undefined,
): ReadonlyMap<string, string> {
  const tallies = new Map<string, Tally>();
  for (const { value, schema } of records) {
    if (!isObject(value)) continue;
    const named = schema === undefined ? undefined : new Map(schema.fields.map((field) => [field.name, field]));
    for (const [field, fieldValue] of Object.entries(value)) {
      const column = columnOf(field);
      if (column === undefined || !isColumnName(column)) continue;
      const logical = named?.get(field);
      const type = logical === undefined ? typeOf(fieldValue) : logicalTypes[logical.type];
      const tally = tallies.get(column) ?? { counts: new Map(), number: undefined };
      tallies.set(column, tally);
      if (type === undefined) continue;
      const kind = numbers.includes(type) ? 'number' : type;
      if (kind === 'number') tally.number = wider(tally.number, type);
      tally.counts.set(kind, (tally.counts.get(kind) ?? 0) + 1);
    }
  }
  return new Map([...tallies].map(([column, tally]) => [column, mostFrequent(tally)]));
}

interface Tally {
  readonly counts: Map<string, number>;
  number: string | undefined;
}

function mostFrequent({ counts, number }: Tally): string {
  let found = 'text'; // what was never anything but null may turn out to be anything, and text holds most
  let most = 0;
  for (const [kind, count] of counts) {
    if (count <= most) continue;
    most = count;
    found = kind === 'number' ? (number ?? 'numeric') : kind;
  }
  return found;
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

const numbers: readonly string[] = ['bigint', 'double precision', 'numeric'];

/** The narrowest type of numbers that holds both. */
function wider(a: string | undefined, b: string): string {
  return a === undefined || a === b ? b : a === 'numeric' || b === 'numeric' ? 'numeric' : 'double precision';
}

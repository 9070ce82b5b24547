import type { RowBuffer } from '../../clients/maxcompute/row-buffer.ts';
import type { Column, TableSchema } from '../../clients/maxcompute/table.ts';
import { ConfigError, DataError } from '../../core/errors.ts';
import { type KafkaRecord, originName } from '../../core/record.ts';
import { columnSources } from './columns.ts';
import { csvSources, flattenSources } from './fields.ts';
import type { Options } from './options.ts';
import { originSources } from './origin.ts';
import { levelsOf } from './partition-options.ts';
import { payloadSources } from './payload.ts';
import { foundIn, valueWriter, type WriteValue } from './values.ts';
import { parseZone } from './zone.ts';

/** How records become rows of a table as it is now. */
export interface Plan {
  /** Differs when the table does. */
  readonly signature: string;
  readonly partitionKeys: readonly string[];
  /** Appends a row, or throws a DataError, having appended nothing. */
  write(record: KafkaRecord, rows: RowBuffer): void;
}

/** Where the values of some columns come from. */
export interface Sources {
  readonly columns: readonly Filled[];
  /** Puts the values of these columns where they belong; called once per record. Throws a DataError. */
  fill(record: KafkaRecord, values: unknown[]): void;
}

export interface Filled {
  readonly column: Column;
  /** Takes the place of what the column's type says. */
  readonly write?: WriteValue;
}

/** What is known of a table while its plan is made. */
export interface PlanContext {
  readonly table: string;
  readonly config: Options;
  readonly maxFieldBytes: number;
  /** The columns that are not partitions. */
  readonly columns: ReadonlyMap<string, Column>;
  /** Positions of columns in `values`. */
  readonly positions: ReadonlyMap<Column, number>;
  /** Throws a ConfigError that names the column where it is missing or of another type; `why` says who wants it. */
  expect(name: string, types: readonly string[], why: string): Column;
}

/** Throws a ConfigError that names the column for a table that does not fit the options. */
export function planFor(table: string, schema: TableSchema, maxFieldBytes: number, config: Options): Plan {
  expectPartitions(table, schema, config);
  const context = contextOf(table, schema, maxFieldBytes, config);
  const origin = originSources(context);
  const rest = restSources(context, new Set(origin.columns.map(({ column }) => column)));
  const filled = new Map([...origin.columns, ...rest.columns].map((each) => [each.column, each]));
  const cells = schema.columns.flatMap((column, index) => {
    const each = filled.get(column);
    return each === undefined ? emptyCell(column, context) : [cell(column, index, each, context)];
  });
  const values: unknown[] = Array(schema.columns.length);

  return {
    signature: signatureOf(schema, maxFieldBytes),
    partitionKeys: schema.partitionKeys,
    write(record, rows) {
      values.fill(null);
      rest.fill(record, values);
      origin.fill(record, values);
      rows.beginRow();
      for (const { number, wireType, name, nullable, write } of cells) {
        const value = values[number - 1];
        if (value === null || value === undefined) {
          if (!nullable) throw refused(name, 'a value, as it is NOT NULL', 'none', record);
          continue;
        }
        rows.field(number, wireType);
        const expected = write(rows, value);
        if (expected !== undefined) throw refused(name, expected, foundIn(value), record);
      }
      rows.endRow();
    },
  };
}

/** The same text for the same columns. */
export function signatureOf({ columns }: TableSchema, maxFieldBytes: number): string {
  return JSON.stringify([maxFieldBytes, ...columns.map(({ name, spelled, nullable }) => [name, spelled.replaceAll(' ', ''), nullable])]);
}

function contextOf(table: string, schema: TableSchema, maxFieldBytes: number, config: Options): PlanContext {
  const columns = new Map(schema.columns.map((column) => [column.name, column]));
  return {
    ...{ table, config, maxFieldBytes, columns },
    positions: new Map(schema.columns.map((column, index) => [column, index])),
    expect(name, types, why) {
      const column = columns.get(name.toLowerCase());
      if (column === undefined) throw missing(table, name, types[0], why);
      if (types.length > 0 && !types.includes(column.type.name)) {
        const message = `Expected column ${JSON.stringify(column.name)} of table ${table} to be ${types.map((type) => type.toUpperCase()).join(' or ')}, found ${column.spelled.toUpperCase()}: ${why}.`;
        throw new ConfigError('SINK_MISCONFIGURED', message);
      }
      return column;
    },
  };
}

function missing(table: string, name: string, type: string | undefined, why: string): ConfigError {
  const message = `Table ${table} has no column ${JSON.stringify(name)}${type === undefined ? '' : ` of type ${type.toUpperCase()}`}: ${why}. Add the column, or change the option.`;
  return new ConfigError('SINK_COLUMN_MISSING', message);
}

function expectPartitions(table: string, { partitionKeys, isView }: TableSchema, { partition }: Options): void {
  if (isView) throw new ConfigError('SINK_MISCONFIGURED', `${table} is a view. Set connector.sink.table to a table.`);
  const expected = levelsOf(partition).map(({ column }) => column.toLowerCase());
  if (expected.join() === partitionKeys.join()) return;
  const names = (columns: readonly string[]): string => (columns.length === 0 ? 'none' : columns.join(', '));
  const message = `Expected the partition columns of table ${table} to be ${names(expected)}, found ${names(partitionKeys)}. Set connector.sink.partition to its columns, or to false where there are none.`;
  throw new ConfigError('SINK_MISCONFIGURED', message);
}

function restSources(context: PlanContext, taken: ReadonlySet<Column>): Sources {
  const { columns, format } = context.config;
  if (columns !== undefined) return columnSources(context, columns, taken);
  if (format === 'flatten') return flattenSources(context, taken);
  return format === 'csv' ? csvSources(context, taken) : payloadSources(context);
}

interface Cell {
  readonly number: number;
  readonly wireType: number;
  readonly name: string;
  readonly nullable: boolean;
  readonly write: WriteValue;
}

function cell(column: Column, index: number, { write }: Filled, { table, config, maxFieldBytes }: PlanContext): Cell {
  const zone = parseZone(config.timeZone, 'connector.sink.timeZone');
  const settings = { zone, extraDigits: config.extraDigits, maxFieldBytes, ignoresMembers: config.unknownFields !== 'error' };
  const writer = valueWriter(column.type, settings);
  if (writer === undefined) {
    const message = `Column ${JSON.stringify(column.name)} of table ${table} is ${column.spelled.toUpperCase()}, which cannot be written. Leave it out of connector.sink.columns, or use another type.`;
    throw new ConfigError('SINK_MISCONFIGURED', message);
  }
  // What a default fills need not be there.
  return {
    number: index + 1,
    name: column.name,
    nullable: column.nullable || column.hasDefault,
    wireType: writer.wireType,
    write: write ?? writer.write,
  };
}

function emptyCell(column: Column, { table }: PlanContext): readonly Cell[] {
  if (column.nullable || column.hasDefault) return [];
  const message = `Column ${JSON.stringify(column.name)} of table ${table} is NOT NULL, and nothing goes into it. Name it in connector.sink.columns, or let it be NULL.`;
  throw new ConfigError('SINK_MISCONFIGURED', message);
}

function refused(column: string, expected: string, found: string, { origin }: KafkaRecord): DataError {
  return new DataError(
    'VALUE_INVALID',
    `Expected ${expected} for column ${JSON.stringify(column)}, found ${found} (${originName(origin)})`,
  );
}

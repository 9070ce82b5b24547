import { ConfigError } from '../../core/errors.ts';
import type { Column, Table } from './catalog.ts';
import type { Options, Settings } from './options.ts';
import { quoted } from './sql.ts';
import { type ToText, toTextFor } from './values.ts';

/** A column that a field of the value, or of the key, goes to. */
export interface FieldColumn {
  readonly field: string;
  readonly column: Column;
  readonly toText: ToText;
  /** NULL would be refused, and there is no default to take its place. */
  readonly required: boolean;
}

/** How records become rows of one table. */
export interface Plan {
  readonly table: Table;
  /** The primary key, in its order. */
  readonly key: readonly FieldColumn[];
  /** Fields of the value. The primary key is among them where it comes from the value. */
  readonly fields: readonly FieldColumn[];
  /** Position in `fields` by name of the field; -1 for what is left out on purpose. */
  readonly positions: ReadonlyMap<string, number>;
  /** Positions of fields whose column has a default, which stands where the field is absent. */
  readonly defaulted: readonly number[];
  readonly required: readonly number[];
  /** Takes what has no column. */
  readonly extra: FieldColumn | undefined;
  /** Whether records may go in as the JSON text they came as. */
  readonly takesRaw: boolean;
}

/** Columns of ours and their types, as far as this mode stores them. */
export function ownColumns({ columns, stores, key }: Settings): ReadonlyMap<string, string> {
  const own = new Map<string, string>();
  if (stores.version) {
    own.set(columns.topic, 'text');
    own.set(columns.partition, 'integer');
    own.set(columns.offset, 'bigint');
    own.set(columns.epoch, 'integer');
    own.set(columns.part, 'integer');
  }
  if (stores.timestamp) own.set(columns.timestamp, 'timestamp with time zone');
  if (stores.writtenAt) own.set(columns.writtenAt, 'timestamp with time zone');
  if (stores.deleted) own.set(columns.deleted, 'boolean');
  if (stores.guard) own.set(columns.guard, 'bigint');
  return key.from === 'origin' || own.size > 0 ? own : new Map();
}

/** The column of a field; undefined for a field that is left out. */
export function columnName(field: string, { fields }: Options): string | undefined {
  if (fields?.include !== undefined && fields.include.length > 0 && !fields.include.includes(field)) return undefined;
  if (fields?.exclude?.includes(field)) return undefined;
  const renamed = fields?.rename;
  return renamed !== undefined && Object.hasOwn(renamed, field) ? renamed[field] : field;
}

/** Throws a ConfigError that says what is missing in the table and how to get it. */
export function planTable(table: Table, config: Options, settings: Settings): Plan {
  const own = ownColumns(settings);
  const missing = [...own].filter(([name]) => !table.columns.has(name));
  if (missing.length > 0) {
    const added = missing.map(([name, type]) => `add column ${quoted(name)} ${type}`).join(', ');
    throw misconfigured(
      `Table ${JSON.stringify(table.name)} lacks columns that connector.sink.${settings.stores.writtenAt ? 'guard' : 'origin'} needs. Run: alter table ${table.sql} ${added}; or set connector.sink.autoEvolve${settings.stores.writtenAt ? ', or connector.sink.guard to none' : ''}.`,
    );
  }
  checkKey(table, settings);
  const absent = Object.keys(config.columns ?? {}).filter((name) => !table.columns.has(name));
  if (absent.length > 0)
    throw misconfigured(
      `Table ${JSON.stringify(table.name)} has no column ${absent.map((name) => JSON.stringify(name)).join(', ')} of connector.sink.columns. Add it, or leave it out there.`,
    );
  const inverse = new Map(Object.entries(config.fields?.rename ?? {}).map(([field, column]) => [column, field]));
  const fieldOf = (name: string): string => inverse.get(name) ?? name;
  const keyColumns = settings.key.columns.flatMap((name) => {
    const column = table.columns.get(name);
    return column === undefined ? [] : [fieldColumn(fieldOf(name), column)];
  });
  const extraColumn = config.unknownFields === 'column' ? table.columns.get(config.unknownFieldsColumn) : undefined;
  if (config.unknownFields === 'column' && (extraColumn === undefined || extraColumn.base !== 'jsonb'))
    throw misconfigured(
      `Table ${JSON.stringify(table.name)} has no jsonb column ${JSON.stringify(config.unknownFieldsColumn)} for connector.sink.unknownFields. Run: alter table ${table.sql} add column ${quoted(config.unknownFieldsColumn)} jsonb; or set connector.sink.unknownFieldsColumn.`,
    );
  const fields: FieldColumn[] = [];
  const positions = new Map<string, number>();
  for (const column of table.columns.values()) {
    if (own.has(column.name) || column === extraColumn) continue;
    if (config.columns !== undefined && !Object.hasOwn(config.columns, column.name)) continue;
    const field = fieldOf(column.name);
    // A renamed field leaves its own name to nobody.
    if (columnName(field, config) !== column.name) continue;
    const fromKey = settings.key.from === 'key' && settings.key.columns.includes(column.name);
    positions.set(field, column.generated || fromKey ? -1 : fields.length);
    if (!column.generated && !fromKey) fields.push(fieldColumn(field, column));
  }
  for (const field of config.fields?.exclude ?? []) positions.set(field, -1);
  const { guard } = settings;
  if (guard.type === 'field' && !own.has(guard.column) && !fields.some(({ column }) => column.name === guard.column))
    throw misconfigured(
      `Table ${JSON.stringify(table.name)} has no column ${JSON.stringify(guard.column)} that a field is written to, which connector.sink.guard needs. Add it, or set connector.sink.guard.`,
    );
  const defaulted = fields.flatMap(({ column }, position) => (column.hasDefault ? [position] : []));
  return {
    table,
    key: keyColumns,
    fields,
    positions,
    defaulted,
    required: fields.flatMap(({ column }, position) => (column.notNull ? [position] : [])),
    extra: extraColumn === undefined ? undefined : fieldColumn(extraColumn.name, extraColumn),
    takesRaw:
      settings.write !== 'update' &&
      (fields.length > 0 || extraColumn !== undefined) &&
      fields.every(({ field }) => Buffer.byteLength(field) <= 63) &&
      // Left out on purpose, so it is neither a column nor unknown: only the decoded value tells.
      !(extraColumn !== undefined && (config.fields?.include?.length ?? 0) > 0),
  };
}

function fieldColumn(field: string, column: Column): FieldColumn {
  return { field, column, toText: toTextFor(column), required: column.notNull && !column.hasDefault };
}

function checkKey(table: Table, { key, changes, write }: Settings): void {
  if (key.from === 'none') return;
  const lacking = key.columns.filter((name) => !table.columns.has(name));
  if (lacking.length > 0)
    throw misconfigured(
      `Table ${JSON.stringify(table.name)} has no column ${lacking.map((name) => JSON.stringify(name)).join(', ')} of the primary key. Add it, or set connector.sink.primaryKey.`,
    );
  const stray = table.distribution.filter((name) => !key.columns.includes(name));
  if (stray.length > 0)
    throw misconfigured(
      `Table ${JSON.stringify(table.name)} is distributed by ${stray.map((name) => JSON.stringify(name)).join(', ')}, which is no column of the primary key and so could not stay as it is. Distribute it by columns of connector.sink.primaryKey.`,
    );
  // What only adds rows finds them by any columns.
  if (changes !== undefined && write === 'insert') return;
  const wanted = key.columns.toSorted().join('\0');
  if (!table.uniqueKeys.some((names) => names.toSorted().join('\0') === wanted))
    throw misconfigured(
      `Table ${JSON.stringify(table.name)} has no primary key or unique index of exactly (${key.columns.join(', ')}). Run: create unique index on ${table.sql} (${key.columns.map(quoted).join(', ')}); or set connector.sink.primaryKey.`,
    );
}

function misconfigured(message: string): ConfigError {
  return new ConfigError('SINK_MISCONFIGURED', message);
}

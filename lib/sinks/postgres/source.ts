import type { Column } from './catalog.ts';
import type { Statement } from './database.ts';
import type { Settings } from './options.ts';
import type { FieldColumn, Plan } from './plan.ts';
import { jsonbArray } from './raw.ts';
import type { Row } from './rows.ts';
import { arrayText, quoted } from './sql.ts';

/** A column of the target and the expression that fills it. */
export interface Filled {
  readonly name: string;
  readonly expression: string;
}

/** The column of `d` that counts its rows from 1, by a name that no column of a table is likely to have. */
export const ordinal = '"sluice row"';

/** Rows as a table expression `d`, and what each column takes from it. */
export interface Source {
  readonly key: readonly Filled[];
  readonly fields: readonly Filled[];
  readonly own: readonly Filled[];
  readonly from: string;
  readonly values: Statement['values'];
}

const plainTypes: ReadonlySet<string> = new Set(['int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'bool']);
const typedTypes: ReadonlySet<string> = new Set([
  ...plainTypes,
  'json',
  'jsonb',
  'timestamptz',
  'timestamp',
  'date',
  'time',
  'timetz',
  'uuid',
  'bytea',
]);
/** A cast to these with a length would cut a key, and find another row. */
const cutTypes: ReadonlySet<string> = new Set(['varchar', 'bpchar', 'bit', 'varbit']);
const textTypes: ReadonlySet<string> = new Set(['text', 'varchar', 'bpchar', 'citext', 'name']);

/** How texts for this column travel: as an array of which type, and cast to what. */
function travels({ kind, base, unlimited }: Column): { array: string; cast: string } {
  if (kind === 'plain' && typedTypes.has(base)) return { array: base, cast: '' };
  // An explicit cast would cut what is too long, in silence.
  if (textTypes.has(base) && kind !== 'array') return { array: 'text', cast: '' };
  return { array: 'text', cast: `::${unlimited}` };
}

/** Describes rows of one shape: their own bytes where `raw`, arrays of texts otherwise. */
export function sourceOf(
  rows: readonly Row[],
  plan: Plan,
  settings: Settings,
  options: { readonly writtenAt: number; readonly raw: boolean },
): Source {
  const values: (string | Buffer | number | boolean | null)[] = [];
  const functions: string[] = [];
  const aliases: string[] = [];
  const parameter = (value: string | Buffer | number | boolean | null): string => `$${values.push(value)}`;
  const alias = (): string => aliases[aliases.push(`c${aliases.length}`) - 1] ?? '';
  const array = (column: Column, text: (row: Row) => string | null | undefined): string => {
    const { array: type, cast } = travels(column);
    functions.push(`unnest(${parameter(arrayText(rows, plainTypes.has(type), text))}::${type}[])`);
    return `${alias()}${cast}`;
  };

  const present = presentFields(rows, plan, settings);
  let fields: Filled[] = [];
  if (options.raw && (present.length > 0 || plan.extra !== undefined)) {
    const document = parameter(jsonbArray(rows.map(({ bytes }) => bytes)));
    if (present.length > 0) {
      const definitions = present.map(({ field, column }) => `${quoted(field)} ${isTime(column) ? 'jsonb' : column.type}`);
      functions.push(`jsonb_to_recordset(${document}::jsonb) as (${definitions.join(', ')})`);
      fields = present.map(({ column }) => ({ name: column.name, expression: fromJson(column, alias()) }));
    }
    if (plan.extra !== undefined) {
      functions.push(`jsonb_array_elements(${document}::jsonb)`);
      const known = parameter(arrayText([...plan.positions.keys()], false, (name) => name));
      fields.push({ name: plan.extra.column.name, expression: `nullif(${alias()} - ${known}::text[], '{}'::jsonb)` });
    }
  } else if (!options.raw) {
    for (const { column, position } of present) {
      const isEmpty = !rows.some(({ cells }) => typeof cells[position] === 'string');
      fields.push({ name: column.name, expression: isEmpty ? `null::${column.type}` : array(column, ({ cells }) => cells[position]) });
    }
    if (plan.extra !== undefined && !(settings.write === 'update' && rows[0]?.extra === null))
      fields.push({
        name: plan.extra.column.name,
        expression: array(plan.extra.column, ({ extra }) => extra),
      });
  }

  const key =
    settings.key.from !== 'key'
      ? []
      : plan.key.map(({ column }, index) => ({
          name: column.name,
          expression: array(column, (row) => row.key[index]),
        }));
  const own: Filled[] = [];
  const each = (name: string, type: string, of: (row: Row) => string | number): void => {
    const first = rows[0] === undefined ? null : of(rows[0]);
    if (rows.every((row) => of(row) === first)) {
      own.push({ name, expression: `${parameter(first)}::${type}` });
      return;
    }
    functions.push(`unnest(${parameter(arrayText(rows, type !== 'text', of))}::${type}[])`);
    own.push({ name, expression: alias() });
  };
  const { columns, stores } = settings;
  if (stores.version) {
    each(columns.topic, 'text', ({ record }) => record.version.topic);
    each(columns.partition, 'int4', ({ record }) => record.version.partition);
    each(columns.offset, 'int8', ({ record }) => record.version.offset);
    each(columns.epoch, 'int4', ({ record }) => record.version.epoch);
    each(columns.part, 'int4', ({ record }) => record.part);
  }
  if (stores.timestamp) {
    functions.push(`unnest(${parameter(arrayText(rows, true, ({ record }) => record.timestamp))}::float8[])`);
    own.push({ name: columns.timestamp, expression: `to_timestamp(${alias()} / 1000)` });
  }
  if (stores.writtenAt) own.push({ name: columns.writtenAt, expression: `to_timestamp(${parameter(options.writtenAt)}::float8 / 1000)` });
  if (stores.deleted) own.push({ name: columns.deleted, expression: rows[0]?.kind === 'tombstone' ? 'true' : 'false' });
  if (stores.guard) {
    functions.push(`unnest(${parameter(arrayText(rows, true, ({ guard }) => guard))}::int8[])`);
    own.push({ name: columns.guard, expression: alias() });
  }
  if (functions.length === 0) {
    functions.push(`generate_series(1, ${parameter(rows.length)}::int4)`);
    alias();
  }
  return { key, fields, own, from: `rows from (${functions.join(', ')}) with ordinality as d(${aliases.join(', ')}, ${ordinal})`, values };
}

/** The fields that a statement for these rows says something about. */
function presentFields(rows: readonly Row[], plan: Plan, { write }: Settings): readonly (FieldColumn & { readonly position: number })[] {
  const [first] = rows;
  const all = plan.fields.map((field, position) => ({ ...field, position }));
  if (first === undefined || first.kind === 'tombstone') return [];
  if (write === 'update') return all.filter(({ position }) => first.cells[position] !== undefined);
  if (plan.defaulted.length === 0) return all;
  const absent = new Set(plan.defaulted.filter((_, index) => first.shape[index] !== '1'));
  return all.filter(({ position }) => !absent.has(position));
}

function isTime({ kind, base }: Column): boolean {
  return kind === 'plain' && (base === 'timestamptz' || base === 'timestamp' || base === 'date' || base === 'time' || base === 'timetz');
}

/** A number is milliseconds since the epoch for a timestamp, and nothing sensible for a date or time, which the server would read as digits. */
function fromJson(column: Column, name: string): string {
  if (!isTime(column)) return name;
  const { base, type } = column;
  if (base === 'timestamptz' || base === 'timestamp') {
    const instant = `to_timestamp(${name}::float8 / 1000)${base === 'timestamp' ? ` at time zone 'UTC'` : ''}`;
    return `case jsonb_typeof(${name}) when 'number' then ${instant} else (${name} #>> '{}')::${type} end`;
  }
  return `(case jsonb_typeof(${name}) when 'string' then ${name} #>> '{}' else jsonb_typeof(${name}) end)::${type}`;
}

/** What a key is cast to such that it stays whole. */
export function keyCast({ base, type, unlimited }: Column): string {
  return cutTypes.has(base) ? unlimited : type;
}

/** The primary keys of rows as `d(k0, …, n)`, each expression ready to be compared with its column. */
export function keysOf(
  rows: readonly Row[],
  plan: Plan,
  values: (string | Buffer | number | boolean | null)[],
): { from: string; names: string[]; matches: string } {
  const functions: string[] = [];
  const matches: string[] = [];
  const names = plan.key.map((_, index) => `k${index}`);
  for (const [index, { column }] of plan.key.entries()) {
    const { array } = travels(column);
    values.push(arrayText(rows, plainTypes.has(array), ({ key }) => key[index]));
    functions.push(`unnest($${values.length}::${array}[])`);
    matches.push(`t.${quoted(column.name)} = d.k${index}::${keyCast(column)}`);
  }
  return { from: `rows from (${functions.join(', ')})`, names, matches: matches.join(' and ') };
}

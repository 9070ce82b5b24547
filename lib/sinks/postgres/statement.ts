import { firstWins } from './collapse.ts';
import type { Statement } from './database.ts';
import { guardCondition, type StoredVersion, versionCondition } from './guard.ts';
import type { Settings } from './options.ts';
import type { Plan } from './plan.ts';
import type { Row } from './rows.ts';
import { type Filled, keysOf, ordinal, sourceOf } from './source.ts';
import { arrayText, quoted } from './sql.ts';

export interface StatementOptions {
  /** Milliseconds since the epoch. */
  readonly writtenAt: number;
  /** Send the rows' own bytes. */
  readonly raw: boolean;
}

/** The statement that writes rows of one kind and shape, other than by an update. It answers by its row count; where the first row wins, by the positions of the rows it added, counted from 1. */
export function writeStatement(rows: readonly Row[], plan: Plan, settings: Settings, options: StatementOptions): Statement {
  if (rows[0]?.kind === 'tombstone')
    return settings.deletes === 'soft' ? markStatement(rows, plan, settings, options) : deleteStatement(rows, plan, settings);
  return insertStatement(rows, plan, settings, options);
}

function insertStatement(rows: readonly Row[], plan: Plan, settings: Settings, options: StatementOptions): Statement {
  const { key, fields, own, from, values } = sourceOf(rows, plan, settings, options);
  const filled = [...key, ...fields, ...own];
  const names = filled.map(({ name }) => quoted(name)).join(', ');
  const target = settings.key.columns.map(quoted).join(', ');
  if (firstWins(settings)) {
    const same = settings.key.columns.map((name) => `w.${quoted(name)} = d.${quoted(name)}`).join(' and ');
    const text = `with d as materialized (select ${selected(filled)}, ${ordinal} from ${from}), w as (insert into ${plan.table.sql} (${names}) select ${names} from d order by ${ordinal} on conflict (${target}) do nothing returning ${target}) select d.${ordinal}::int4 as n from d join w on ${same}`;
    return { text, values };
  }
  const list = filled.length === 0 ? '' : ` (${names})`; // a row of nothing but defaults
  const insert = `insert into ${plan.table.sql}${list} select ${filled.map(({ expression }) => expression).join(', ')} from ${from}`;
  if (settings.key.from === 'none') return { text: insert, values };
  const isOnlyKey = settings.dialect === 'analyticdb' && filled.every(({ name }) => settings.key.columns.includes(name));
  if (settings.write === 'insert' || isOnlyKey) return { text: `${insert} on conflict (${target}) do nothing`, values };
  return { text: `${insert} on conflict (${target}) do update set ${assignments(filled, settings)}${guarded(settings, plan)}`, values };
}

/** Keeps a row for what was deleted, with its version and without its values. */
function markStatement(rows: readonly Row[], plan: Plan, settings: Settings, options: StatementOptions): Statement {
  const { key, own, from, values } = sourceOf(rows, plan, settings, { ...options, raw: false });
  const filled = [...key, ...own];
  const { guard, columns } = settings;
  const guarding = plan.fields.find(({ column }) => guard.type === 'field' && guard.column === column.name)?.column;
  // A tombstone has no value of this field; a default would pass for one.
  const inserted = guarding === undefined ? filled : [...filled, { name: guarding.name, expression: `null::${guarding.type}` }];
  const condition =
    guard.type === 'field' ? versionCondition(columns, 'excluded', plan.table.sql) : guardCondition(settings, 'excluded', plan.table.sql);
  const emptied = [...plan.fields, ...(plan.extra === undefined ? [] : [plan.extra])]
    .filter(({ column }) => !column.notNull && column !== guarding)
    .map(({ column }) => `${quoted(column.name)} = null`);
  const text = `insert into ${plan.table.sql} (${inserted.map(({ name }) => quoted(name)).join(', ')}) select ${inserted.map(({ expression }) => expression).join(', ')} from ${from} on conflict (${settings.key.columns.map(quoted).join(', ')}) do update set ${[assignments(filled, settings), ...emptied].join(', ')}${condition === undefined ? '' : ` where ${condition}`}`;
  return { text, values };
}

function deleteStatement(rows: readonly Row[], plan: Plan, settings: Settings): Statement {
  const values: (string | number)[] = [];
  const { from, names, matches } = keysOf(rows, plan, values as never);
  const functions = [from.slice('rows from ('.length, -1)];
  const columns = [...names];
  const { guard, columns: own } = settings;
  if (guard.type !== 'none') {
    const add = (name: string, type: string, of: (row: Row) => string | number): void => {
      values.push(arrayText(rows, type !== 'text', of));
      functions.push(`unnest($${values.length}::${type}[])`);
      columns.push(quoted(name));
    };
    add(own.topic, 'text', ({ record }) => record.version.topic);
    add(own.partition, 'int4', ({ record }) => record.version.partition);
    add(own.offset, 'int8', ({ record }) => record.version.offset);
    add(own.epoch, 'int4', ({ record }) => record.version.epoch);
    add(own.part, 'int4', ({ record }) => record.part);
  }
  const condition = guard.type === 'field' ? versionCondition(own, 'd') : guardCondition(settings, 'd');
  // Rows that are spread over servers are not locked one by one.
  if (settings.dialect === 'analyticdb') {
    const also = condition === undefined ? '' : ` and (${condition})`;
    return {
      text: `delete from ${plan.table.sql} t using rows from (${functions.join(', ')}) as d(${columns.join(', ')}) where ${matches}${also}`,
      values,
    };
  }
  const text = `with d as materialized (select * from rows from (${functions.join(', ')}) with ordinality as d(${columns.join(', ')}, ${ordinal})), ${locked(plan, matches)} delete from ${plan.table.sql} t using d where ${matches} and (select count(*) from locked) >= 0${condition === undefined ? '' : ` and (${condition})`}`;
  return { text, values };
}

/**
 * Sets what the rows say and nothing else, where there are such rows; answers with their positions, counted from 1. An insert that turns into an
 * update would have to satisfy every NOT NULL first.
 */
export function updateStatement(rows: readonly Row[], plan: Plan, settings: Settings, options: StatementOptions): Statement {
  const { filled, set, from, values } = updated(rows, plan, settings, options);
  const matches = settings.key.columns.map((name) => `t.${quoted(name)} = d.${quoted(name)}`).join(' and ');
  const data = `with d as materialized (select ${selected(filled)}, ${ordinal} from ${from}), ${locked(plan, matches)}`;
  if (set.length === 0) return { text: `${data} select d.${ordinal}::int4 as n from d join ${plan.table.sql} t on ${matches}`, values };
  const text = `${data} update ${plan.table.sql} t set ${assigned(set, plan, 'd')} from d where ${matches} and (select count(*) from locked) >= 0 returning d.${ordinal}::int4 as n`;
  return { text, values };
}

/** Adds the rows that an update did not find, unless somebody else did by now. */
export function addStatement(rows: readonly Row[], plan: Plan, settings: Settings, options: StatementOptions): Statement {
  const { filled, set, from, values } = updated(rows, plan, settings, options);
  const names = filled.map(({ name }) => quoted(name)).join(', ');
  const action = set.length === 0 ? 'nothing' : `update set ${assigned(set, plan, 'excluded')}`;
  const text = `insert into ${plan.table.sql} as t (${names}) select ${filled.map(({ expression }) => expression).join(', ')} from ${from} on conflict (${settings.key.columns.map(quoted).join(', ')}) do ${action}`;
  return { text, values };
}

function updated(rows: readonly Row[], plan: Plan, settings: Settings, options: StatementOptions) {
  const { key, fields, own, from, values } = sourceOf(rows, plan, settings, { ...options, raw: false });
  const filled = [...key, ...fields, ...own];
  const isKey = new Set(settings.key.columns);
  return { filled, set: filled.filter(({ name }) => !isKey.has(name)), from, values };
}

function assigned(set: readonly Filled[], plan: Plan, from: string): string {
  const extra = plan.extra?.column.name;
  return set
    .map(({ name }) => {
      const taken = `${from}.${quoted(name)}`;
      return `${quoted(name)} = ${name === extra ? `coalesce(t.${quoted(name)}, '{}'::jsonb) || ${taken}` : taken}`;
    })
    .join(', ');
}

/** Locks rows in the order in which they were given, as inserting does. The server's order of keys is not ours. */
function locked(plan: Plan, matches: string): string {
  return `locked as materialized (select 1 from ${plan.table.sql} t join d on ${matches} order by d.${ordinal} for update of t)`;
}

/** Reads back whose version is stored for these rows, by position counted from 1. */
export function storedStatement(rows: readonly Row[], plan: Plan, { columns }: Settings): Statement {
  const values: (string | Buffer | number | boolean | null)[] = [];
  const { from, names, matches } = keysOf(rows, plan, values);
  const version = [columns.topic, columns.partition, columns.offset, columns.epoch, columns.part].map((name) => `t.${quoted(name)}`);
  const text = `select d.n::int4 as n, ${version.map((name, index) => `${name} as v${index}`).join(', ')}, (extract(epoch from t.${quoted(columns.writtenAt)}) * 1000)::float8 as written_at from ${from} with ordinality as d(${names.join(', ')}, n) join ${plan.table.sql} t on ${matches}`;
  return { text, values };
}

/** One row of the answer to `storedStatement`. A row that nobody of ours wrote has no version. */
export function readStored(found: Readonly<Record<string, unknown>>): { readonly n: number; readonly stored: StoredVersion } {
  const { n, v0, v1, v2, v3, v4, written_at: writtenAt } = found;
  return {
    n: Number(n),
    stored: {
      topic: String(v0),
      partition: Number(v1),
      offset: Number(v2),
      epoch: Number(v3 ?? Number.NEGATIVE_INFINITY),
      part: Number(v4),
      writtenAt: Number(writtenAt ?? Number.POSITIVE_INFINITY),
    },
  };
}

function selected(filled: readonly Filled[]): string {
  return filled.map(({ name, expression }) => `${expression} as ${quoted(name)}`).join(', ');
}

function assignments(filled: readonly Filled[], { key }: Settings): string {
  const isKey = new Set(key.columns);
  const set = filled.filter(({ name }) => !isKey.has(name));
  // A row that is nothing but its key is still written, so that it counts.
  return (set.length > 0 ? set : filled).map(({ name }) => `${quoted(name)} = excluded.${quoted(name)}`).join(', ');
}

function guarded(settings: Settings, plan: Plan): string {
  const condition = guardCondition(settings, 'excluded', plan.table.sql);
  return condition === undefined ? '' : ` where ${condition}`;
}

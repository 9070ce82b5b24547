import type { Statement } from '../database.ts';
import { guardCondition } from '../guard.ts';
import type { Settings } from '../options.ts';
import type { Plan } from '../plan.ts';
import { type Filled, keyCast, keysOf, sourceOf } from '../source.ts';
import { arrayText, quoted } from '../sql.ts';
import { type ChangedRow, settingsOfChanges } from './operations.ts';

/** Statements for rows of one shape, in what AnalyticDB's oldest version understands: no alias of the target of an insert, no MERGE, keys never set. */
export interface ChangeStatements {
  /** Adds rows, and fails where one is there. */
  insert(rows: readonly ChangedRow[]): Statement;
  /** Adds rows, or sets what they tell where there are such. */
  upsert(rows: readonly ChangedRow[]): Statement;
  /** Sets what the rows tell, where there are such. */
  update(rows: readonly ChangedRow[]): Statement;
  /** Adds those rows that are not there; those that somebody else adds meanwhile are set as by an update. */
  insertMissing(rows: readonly ChangedRow[]): Statement;
  delete(rows: readonly ChangedRow[]): Statement;
  /** Keeps a row for what was deleted, with its version and without its values. */
  mark(rows: readonly ChangedRow[]): Statement;
  truncate(row: ChangedRow): Statement;
}

type Values = (string | Buffer | number | boolean | null)[];

export function changeStatements(plan: Plan, settings: Settings, writtenAt: () => number): ChangeStatements {
  const { columns, key, guard, stores } = settings;
  const table = plan.table.sql;
  const target = key.columns.map(quoted).join(', ');
  const isKey = new Set(key.columns);
  const asUpdates = settingsOfChanges(settings);

  /** Rows as a table expression `d` with a column for each that is filled. */
  const source = (rows: readonly ChangedRow[]): { filled: Filled[]; from: string; values: Statement['values'] } => {
    const { key: keyColumns, fields, own, from, values } = sourceOf(rows, plan, asUpdates, { writtenAt: writtenAt(), raw: false });
    return { filled: [...keyColumns, ...fields, ...own], from, values };
  };

  const condition = (incoming: string, row: string): string => guardCondition(settings, incoming, row) ?? '';
  const where = (condition: string): string => (condition === '' ? '' : ` where ${condition}`);
  const assigned = (filled: readonly Filled[], from: string, row: string): string =>
    filled
      .filter(({ name }) => !isKey.has(name))
      .map(({ name }) => {
        const taken = `${from}.${quoted(name)}`;
        // A change without a place in the log leaves the one that is known.
        return `${quoted(name)} = ${stores.guard && name === columns.guard ? `coalesce(${taken}, ${row}.${quoted(name)})` : taken}`;
      })
      .join(', ');
  const inserted = ({ filled, from }: { filled: readonly Filled[]; from: string }): string =>
    `insert into ${table} (${filled.map(({ name }) => quoted(name)).join(', ')}) select ${filled.map(({ expression }) => expression).join(', ')} from ${from}`;
  const data = ({ filled, from }: { filled: readonly Filled[]; from: string }): string =>
    `(select ${filled.map(({ name, expression }) => `${expression} as ${quoted(name)}`).join(', ')} from ${from}) d`;
  const matches = key.columns.map((name) => `t.${quoted(name)} = d.${quoted(name)}`).join(' and ');
  const emptied = plan.fields
    .filter(({ column }) => !column.notNull && !isKey.has(column.name))
    .map(({ column }) => `${quoted(column.name)} = null`);

  return {
    insert(rows) {
      const found = source(rows);
      return { text: inserted(found), values: found.values };
    },
    upsert(rows) {
      const found = source(rows);
      const set = assigned(found.filled, 'excluded', table);
      const action = set === '' ? 'nothing' : `update set ${set}${where(condition('excluded', table))}`;
      return { text: `${inserted(found)} on conflict (${target}) do ${action}`, values: found.values };
    },
    update(rows) {
      const found = source(rows);
      const set = assigned(found.filled, 'd', 't');
      const guarding = condition('d', 't');
      // A row that is nothing but its key has nothing to set.
      if (set === '') return { text: 'select 1 where false', values: [] };
      return {
        text: `update ${table} t set ${set} from ${data(found)} where ${matches}${guarding === '' ? '' : ` and (${guarding})`}`,
        values: found.values,
      };
    },
    insertMissing(rows) {
      const found = source(rows);
      const names = found.filled.map(({ name }) => quoted(name)).join(', ');
      const set = assigned(found.filled, 'excluded', table);
      const action = set === '' ? 'nothing' : `update set ${set}${where(condition('excluded', table))}`;
      return {
        text: `insert into ${table} (${names}) select ${names} from ${data(found)} where not exists (select 1 from ${table} t where ${matches}) on conflict (${target}) do ${action}`,
        values: found.values,
      };
    },
    delete(rows) {
      const { from, values } = keysWithVersion(rows, plan, settings);
      const guarding = condition('d', 't');
      return {
        text: `delete from ${table} t using ${from.text} where ${from.matches}${guarding === '' ? '' : ` and (${guarding})`}`,
        values,
      };
    },
    mark(rows) {
      const { from, values } = keysWithVersion(rows, plan, settings);
      const parameter = values.push(writtenAt());
      const own: readonly Filled[] = [
        ...[columns.topic, columns.partition, columns.offset, columns.epoch, columns.part].map((name) => ({
          name,
          expression: `d.${quoted(name)}`,
        })),
        { name: columns.timestamp, expression: `to_timestamp(d.${quoted(columns.timestamp)} / 1000)` },
        { name: columns.writtenAt, expression: `to_timestamp($${parameter}::float8 / 1000)` },
        { name: columns.deleted, expression: 'true' },
        ...(stores.guard ? [{ name: columns.guard, expression: `d.${quoted(columns.guard)}` }] : []),
      ];
      const keys = plan.key.map(({ column }, index) => ({ name: column.name, expression: `d.k${index}::${keyCast(column)}` }));
      const names = [...keys, ...own].map(({ name }) => quoted(name)).join(', ');
      const selected = [...keys, ...own].map(({ expression }) => expression).join(', ');
      const set = [assigned(own, 'excluded', table), ...emptied].join(', ');
      const guarding = where(condition('excluded', table));
      return {
        text: `insert into ${table} (${names}) select ${selected} from ${from.text} on conflict (${target}) do update set ${set}${guarding}`,
        values,
      };
    },
    truncate(row) {
      if (guard.type === 'none') return { text: `delete from ${table}`, values: [] };
      const { from, values } = keysWithVersion([row], { ...plan, key: [] }, settings);
      const guarding = condition('d', 't');
      if (settings.deletes !== 'soft') return { text: `delete from ${table} t using ${from.text} where ${guarding}`, values };
      const names = [
        columns.topic,
        columns.partition,
        columns.offset,
        columns.epoch,
        columns.part,
        ...(stores.guard ? [columns.guard] : []),
      ];
      const parameter = values.push(writtenAt());
      const times = [
        `${quoted(columns.timestamp)} = to_timestamp(d.${quoted(columns.timestamp)} / 1000)`,
        `${quoted(columns.writtenAt)} = to_timestamp($${parameter}::float8 / 1000)`,
      ];
      const set = [...assignedFrom(names), ...times, `${quoted(columns.deleted)} = true`, ...emptied].join(', ');
      return { text: `update ${table} t set ${set} from ${from.text} where ${guarding}`, values };
    },
  };

  function assignedFrom(names: readonly string[]): string[] {
    return names.map((name) => `${quoted(name)} = d.${quoted(name)}`);
  }
}

/** The keys of rows as `d(k0, …)`, with their versions where there is a guard to look at them. */
function keysWithVersion(
  rows: readonly ChangedRow[],
  plan: Plan,
  { columns, guard, stores }: Settings,
): { from: { text: string; matches: string }; values: Values } {
  const values: Values = [];
  const { from, names, matches } = keysOf(rows, plan, values);
  const functions = plan.key.length === 0 ? [] : [from.slice('rows from ('.length, -1)];
  const add = (name: string, type: string, text: string): void => {
    values.push(text);
    functions.push(`unnest($${values.length}::${type}[])`);
    names.push(quoted(name));
  };
  if (guard.type !== 'none') {
    add(
      columns.topic,
      'text',
      arrayText(rows, false, ({ record }) => record.version.topic),
    );
    add(
      columns.partition,
      'int4',
      arrayText(rows, true, ({ record }) => record.version.partition),
    );
    add(
      columns.offset,
      'int8',
      arrayText(rows, true, ({ record }) => record.version.offset),
    );
    add(
      columns.epoch,
      'int4',
      arrayText(rows, true, ({ record }) => record.version.epoch),
    );
    add(
      columns.part,
      'int4',
      arrayText(rows, true, ({ record }) => record.part),
    );
    add(
      columns.timestamp,
      'float8',
      arrayText(rows, true, ({ record }) => record.timestamp),
    );
  }
  if (stores.guard) add(columns.guard, 'int8', guardTexts(rows));
  return { from: { text: `rows from (${functions.join(', ')}) as d(${names.join(', ')})`, matches }, values };
}

function guardTexts(rows: readonly ChangedRow[]): string {
  return arrayText(rows, true, ({ guard }) => guard);
}

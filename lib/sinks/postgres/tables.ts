import { isDeepStrictEqual } from 'node:util';
import { ConfigError } from '../../core/errors.ts';
import { isObject } from '../../core/field.ts';
import type { KafkaRecord } from '../../core/record.ts';
import { qualified, readTable, type Table } from './catalog.ts';
import type { Database, Statement } from './database.ts';
import { inferColumns, typeOf } from './infer.ts';
import type { Options, Settings } from './options.ts';
import { columnName, ownColumns, type Plan, planTable } from './plan.ts';
import { maxNameBytes, quoted } from './sql.ts';
import { sqlType } from './types.ts';

/** What is known of the tables, created and extended where the options say so. */
export interface Tables {
  /** Throws a ConfigError when the table is not there or not fit. The records are the first ones, should it have to be created. */
  plan(table: string, records: readonly KafkaRecord[], signal: AbortSignal): Promise<Plan>;
  /** Adds columns for fields of these records that have none. */
  evolve(plan: Plan, records: readonly KafkaRecord[], signal: AbortSignal): Promise<Plan>;
  exists(table: string, signal: AbortSignal): Promise<boolean>;
  /** Looks at the table again next time. */
  forget(table: string): void;
  /** The same, looked up and changed within a transaction. */
  through(inside: Database): Tables;
  /** Whether the table is another one by now than the plan says. Looks at it at most every few seconds. */
  changed(plan: Plan, signal: AbortSignal): Promise<boolean>;
}

const lookAgainMs = 5_000;
/** Plans at most that are kept: records may choose new tables every day. */
const maxPlans = 1_000;

interface Known {
  readonly plans: Map<string, Plan>;
  readonly looks: Map<string, { readonly at: number; readonly looking: Promise<void> }>;
}

export function openTables(
  database: Database,
  config: Options,
  settings: Settings,
  now: () => number,
  known: Known = { plans: new Map(), looks: new Map() },
): Tables {
  const { plans, looks } = known;
  const { schema, dialect } = config;

  const read = async (table: string, signal: AbortSignal): Promise<Table | undefined> =>
    readTable(database, { table, schema }, signal, dialect);

  const change = async (table: string, statement: Statement, signal: AbortSignal): Promise<void> => {
    // One worker at a time: PostgreSQL's own `if not exists` is not safe against another one.
    const hash = dialect === 'postgres' ? 'hashtextextended($1, 0)' : 'hashtext($1)';
    const lock = { text: `select pg_advisory_xact_lock(${hash})`, values: [`sluice ${qualified({ table, schema })}`] };
    const patience = { text: `set local lock_timeout to '5s'`, values: [] };
    await database.transact([patience, lock, statement], signal);
  };

  const create = async (table: string, records: readonly KafkaRecord[], signal: AbortSignal): Promise<void> => {
    const inferred = config.columns === undefined ? inferColumns(records, (field) => columnName(field, config)) : declared(config.columns);
    const { key, guard } = settings;
    const own = ownColumns(settings);
    // What the sink cannot do without comes first, so that many fields leave room for it.
    const needed = new Map(key.from === 'key' ? keyTypes(records, key.columns) : []);
    for (const name of needed.keys()) needed.set(name, (config.columns && inferred.get(name)) ?? needed.get(name) ?? 'text');
    if (key.from === 'value') for (const name of key.columns) needed.set(name, inferred.get(name) ?? 'text');
    if (guard.type === 'field' && !own.has(guard.column) && !needed.has(guard.column))
      needed.set(guard.column, inferred.get(guard.column) ?? 'text');
    if (config.unknownFields === 'column') needed.set(config.unknownFieldsColumn, 'jsonb');
    const room = Math.max(0, config.maxColumns - needed.size - own.size);
    const others = [...inferred].filter(([name]) => !needed.has(name) && !own.has(name)).slice(0, room);
    const definitions = [...needed, ...others, ...own].map(([name, type]) => `${quoted(name)} ${type}`);
    if (settings.key.from !== 'none') definitions.push(`primary key (${settings.key.columns.map(quoted).join(', ')})`);
    const text = `create table if not exists ${qualified({ table, schema })} (${definitions.join(', ')})`;
    await change(table, { text, values: [] }, signal);
  };

  const add = async (table: string, columns: ReadonlyMap<string, string>, signal: AbortSignal): Promise<void> => {
    // A column that somebody else added meanwhile fails the statement, and is found when the table is looked at again.
    const add = dialect === 'postgres' ? 'add column if not exists' : 'add column';
    const added = [...columns].map(([name, type]) => `${add} ${quoted(name)} ${type}`);
    await change(table, { text: `alter table ${qualified({ table, schema })} ${added.join(', ')}`, values: [] }, signal);
  };

  const load = async (table: string, records: readonly KafkaRecord[], signal: AbortSignal): Promise<Plan> => {
    let found = await read(table, signal);
    if (found === undefined && config.autoCreate && records.length > 0) {
      await create(table, records, signal);
      found = await read(table, signal);
    }
    if (found === undefined) throw missing(table, schema);
    const own = new Map(ownColumns(settings));
    if (config.unknownFields === 'column') own.set(config.unknownFieldsColumn, 'jsonb');
    for (const name of found.columns.keys()) own.delete(name);
    if (own.size > 0 && config.autoEvolve) {
      await add(table, own, signal);
      found = (await read(table, signal)) ?? found;
    }
    return planTable(found, config, settings);
  };

  const forget = (table: string): void => {
    plans.delete(table);
    looks.delete(table);
  };

  const lookAt = async (plan: Plan, signal: AbortSignal): Promise<void> => {
    const { table } = plan;
    const found = await read(table.name, signal);
    if (plans.get(table.name) === plan && !isDeepStrictEqual(found, table)) plans.delete(table.name);
  };

  return {
    async plan(table, records, signal) {
      const known = plans.get(table);
      if (known !== undefined) return known;
      const at = now();
      const plan = await load(table, records, signal);
      plans.set(table, plan);
      looks.set(table, { at, looking: Promise.resolve() });
      const [oldest] = plans.keys();
      if (plans.size > maxPlans && oldest !== undefined) forget(oldest);
      return plan;
    },
    async changed(plan, signal) {
      const { name } = plan.table;
      let look = looks.get(name);
      if (look === undefined || now() - look.at >= lookAgainMs) {
        look = { at: now(), looking: lookAt(plan, signal) };
        looks.set(name, look);
        look.looking.catch(() => looks.delete(name));
      }
      await look.looking;
      return plans.get(name) !== plan;
    },
    async evolve(plan, records, signal) {
      const table = plan.table.name;
      const columnOf = (field: string): string | undefined => (plan.positions.has(field) ? undefined : columnName(field, config));
      const known = plan.table.columns;
      const wanted = [...inferColumns(records.map(withoutNulls), columnOf)].filter(([name]) => !known.has(name));
      const room = Math.max(0, config.maxColumns - known.size);
      if (wanted.length === 0 || room === 0) return plan;
      await add(table, new Map(wanted.slice(0, room)), signal);
      plans.delete(table);
      return this.plan(table, records, signal);
    },
    through: (inside) => openTables(inside, config, settings, now, known),
    exists: async (table, signal) => (await read(table, signal)) !== undefined,
    forget,
  };
}

function declared(columns: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(columns).map(([name, type]) => [name, sqlType(type) ?? 'text']));
}

function missing(table: string, schema: string | undefined): ConfigError {
  const hint = schema === undefined && table.includes('.') ? ' A schema is named by connector.sink.schema.' : '';
  return new ConfigError(
    'SINK_TARGET_MISSING',
    `Table ${JSON.stringify(table)} does not exist. Create it, or set connector.sink.autoCreate to true.${hint}`,
  );
}

/** A field that is null says nothing about the type of its column, which can wait. */
function withoutNulls(record: KafkaRecord): KafkaRecord {
  if (!isObject(record.value)) return record;
  return { ...record, value: Object.fromEntries(Object.entries(record.value).filter(([, value]) => value !== null)) };
}

function keyTypes(records: readonly KafkaRecord[], names: readonly string[]): ReadonlyMap<string, string> {
  const types = new Map<string, string>();
  for (const name of names) {
    const found = new Set(records.map(({ key }) => typeOf(isObject(key) ? (Object.hasOwn(key, name) ? key[name] : null) : key)));
    found.delete(undefined);
    const [only = 'text'] = found;
    types.set(
      name,
      found.size === 1 && only !== 'jsonb' && only !== 'double precision' && Buffer.byteLength(name) <= maxNameBytes ? only : 'text',
    );
  }
  return types;
}

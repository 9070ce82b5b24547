import { DataError, RetriableError } from '../core/errors.ts';
import type { KafkaRecord } from '../core/record.ts';
import { router } from '../core/route.ts';
import { defineSink, type Outcome, type Sink } from '../core/sink.ts';
import { parseTemplate } from '../core/template.ts';
import { changeWriter } from './postgres/changes/write.ts';
import { checkOptions, guaranteesOf } from './postgres/check.ts';
import { clientConfig } from './postgres/connection.ts';
import { openDatabase } from './postgres/database.ts';
import { errorRules, toConnectorError } from './postgres/errors.ts';
import { identityOf } from './postgres/key.ts';
import { offsetStore } from './postgres/offsets/store.ts';
import { onceWriter } from './postgres/offsets/write.ts';
import { options, settingsOf } from './postgres/options.ts';
import { openTables } from './postgres/tables.ts';
import { tableWriter } from './postgres/write.ts';

const example = { url: { env: 'DATABASE_URL' }, table: 'orders' };
const byKey = { primaryKey: ['id'], primaryKeyFrom: 'key' };

export const postgres = defineSink({
  name: 'postgres',
  summary: 'Writes records into tables of PostgreSQL, and of what speaks its protocol.',
  config: options,
  check: checkOptions,
  guarantees: guaranteesOf,
  limits: ({ batchRows, batchBytes }) => ({ records: batchRows, bytes: batchBytes }),
  permissions: () => [],
  modes: [
    { name: 'append', config: { ...example } },
    { name: 'append with offsets kept in the target', config: { ...example, offsets: {} } },
    { name: 'insert by origin', config: { ...example, primaryKeyFrom: 'origin' } },
    { name: 'insert by key, where the first row stays', config: { ...example, ...byKey, write: 'insert' } },
    { name: 'upsert by key, guarded by version', config: { ...example, ...byKey, write: 'upsert' } },
    { name: 'upsert by key, guarded by a field', config: { ...example, ...byKey, write: 'upsert', guard: { field: 'updated' } } },
    { name: 'upsert by key, guarded, hard deletes', config: { ...example, ...byKey, write: 'upsert', deletes: 'hard' } },
    { name: 'upsert by a field of the value', config: { ...example, primaryKey: ['id'], write: 'upsert' } },
    { name: 'partial updates by key', config: { ...example, ...byKey, write: 'update' } },
    { name: 'changes of AnalyticDB, upsert', config: { ...example, changes: 'analyticdb', primaryKey: ['id'], write: 'upsert' } },
    { name: 'changes of AnalyticDB, insert', config: { ...example, changes: 'analyticdb', primaryKey: ['id'] } },
    { name: 'changes of Debezium, guarded by version', config: { ...example, changes: 'debezium', primaryKey: ['id'], write: 'upsert' } },
    {
      name: 'changes of Debezium, guarded by lsn',
      config: { ...example, changes: 'debezium', primaryKey: ['id'], write: 'upsert', guard: { field: 'lsn' } },
    },
    {
      name: 'changes of Debezium, unguarded',
      config: { ...example, changes: 'debezium', primaryKey: ['id'], write: 'upsert', guard: 'none' },
    },
  ],
  errors: errorRules,
  async open(config, { connector, secret, now }): Promise<Sink> {
    const settings = settingsOf(config);
    const template = parseTemplate(config.table, 'connector.sink.table');
    const { allow, maxTargets, connections, connectTimeoutMs, statementTimeoutMs } = config;
    const route = router({ path: 'connector.sink.table', template, allow, maxTargets, valid: validName, now });
    const client = await clientConfig(config, secret, connector);
    const session = config.optimizer === undefined ? {} : { session: `set optimizer to ${config.optimizer ? 'on' : 'off'}` };
    const database = openDatabase({ client, connections, connectTimeoutMs, statementTimeoutMs, now, ...session });
    const tables = openTables(database, config, settings, now);
    const context = { database, tables, config, settings, now };
    const store = config.offsets === undefined ? undefined : offsetStore(config, connector);
    const writer =
      settings.changes !== undefined
        ? changeWriter(context)
        : store !== undefined
          ? onceWriter({ ...context, store })
          : tableWriter(context);
    const fieldsByColumn = new Map(Object.entries(config.fields?.rename ?? {}).map(([field, column]) => [column, field]));
    const fieldOf = (column: string): string => fieldsByColumn.get(column) ?? column;

    return {
      identity(record) {
        // A change may touch two rows; changes are written in their order anyway.
        if (settings.changes !== undefined) return null;
        const identity = identityOf(record, settings, fieldOf);
        if (identity === null) return null;
        const table = orUndefined(() => route(record));
        return table === undefined ? null : `${table}\0${identity}`;
      },
      async write(records, { signal }) {
        if (signal.aborted) throw new RetriableError('ABORTED', 'The time for writing is over');
        const outcomes: Outcome[] = Array(records.length);
        for (const [table, positions] of byTable(records, route, outcomes)) {
          const part = positions.length === records.length ? records : positions.flatMap((position) => records[position] ?? []);
          const answers = await writer.write(table, part, signal);
          for (const [index, position] of positions.entries()) outcomes[position] = answers[index] ?? unanswered();
        }
        return outcomes;
      },
      async probe({ signal }) {
        try {
          const { rows } = await database.run({ text: 'show transaction_read_only', values: [] }, signal);
          if (rows[0]?.transaction_read_only === 'on')
            throw new RetriableError('SINK_UNAVAILABLE', 'PostgreSQL is read only at the moment, as a standby is before it takes over');
          await store?.check(database, signal);
          if (template.constant === undefined) return;
          tables.forget(template.constant);
          if (!(config.autoCreate && !(await tables.exists(template.constant, signal)))) await tables.plan(template.constant, [], signal);
        } catch (error) {
          throw toConnectorError(error);
        }
      },
      close: () => database.close(),
    };
  },
});

/** Positions by table, in order; a record that may not go where it wants gets its outcome. */
function byTable(records: readonly KafkaRecord[], route: (record: KafkaRecord) => string, outcomes: Outcome[]): Map<string, number[]> {
  const tables = new Map<string, number[]>();
  for (const [position, record] of records.entries()) {
    try {
      const table = route(record);
      const positions = tables.get(table);
      if (positions === undefined) tables.set(table, [position]);
      else positions.push(position);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      outcomes[position] = error;
    }
  }
  return tables;
}

function validName(name: string): boolean | string {
  return Buffer.byteLength(name) <= 63 || 'a table name of at most 63 bytes';
}

function orUndefined<Result>(make: () => Result): Result | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

function unanswered(): RetriableError {
  return new RetriableError('SINK_FAILED', 'The record was not written');
}

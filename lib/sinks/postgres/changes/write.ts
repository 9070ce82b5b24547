import { ConfigError, type ConnectorError, DataError, RetriableError } from '../../../core/errors.ts';
import { type KafkaRecord, originName } from '../../../core/record.ts';
import type { Outcome } from '../../../core/sink.ts';
import type { Database } from '../database.ts';
import { sqlState, staleStates, toConnectorError } from '../errors.ts';
import type { Options, Settings } from '../options.ts';
import { StaleTable, unwritten } from '../piece.ts';
import type { Plan } from '../plan.ts';
import type { Tables } from '../tables.ts';
import { refusedMark, type TableWriter } from '../write.ts';
import { applyChanges } from './apply.ts';
import { analyticdbChanges, debeziumChanges, type Fields, type ReadChange } from './change.ts';
import { ChangeRecord } from './change-record.ts';
import { type Operation, operationMaker } from './operations.ts';
import { changeStatements } from './statements.ts';
import { type Told, toldBy } from './unavailable.ts';

export interface ChangeContext {
  readonly database: Database;
  readonly tables: Tables;
  readonly config: Options;
  readonly settings: Settings;
  readonly now: () => number;
}

/** Writes changes of rows: those of one write in one transaction, unless the server refuses some of them. */
export function changeWriter(context: ChangeContext): TableWriter {
  const { config, settings, tables } = context;
  const guardField = typeof config.guard === 'object' ? config.guard.field : undefined;
  const read = settings.changes === 'debezium' ? debeziumChanges(guardField) : analyticdbChanges(guardField);
  return {
    async write(table, records, signal) {
      const outcomes: (Outcome | undefined)[] = Array(records.length).fill(undefined);
      try {
        await writeOnce(context, read, table, records, outcomes, signal, true);
      } catch (error) {
        if (!(error instanceof StaleTable)) throw error;
        tables.forget(table);
        await writeOnce(context, read, table, records, outcomes, signal, false);
      }
      return outcomes.map((outcome) => outcome ?? unwritten());
    },
  };
}

/** Settles every record that has no outcome yet. */
async function writeOnce(
  context: ChangeContext,
  read: ReadChange,
  table: string,
  records: readonly KafkaRecord[],
  outcomes: (Outcome | undefined)[],
  signal: AbortSignal,
  mayBeStale: boolean,
): Promise<void> {
  const { database, settings, tables, now } = context;
  let mayHaveChanged = mayBeStale;
  let stopped: ConnectorError | undefined;
  try {
    if (await isTooEarly(context, read, table, records, signal)) {
      for (const [position, record] of records.entries()) outcomes[position] ??= withoutTable(record, read);
      return;
    }
    const { plan, operations } = await operationsOf(context, read, table, records, outcomes, signal, mayBeStale);
    const statements = changeStatements(plan, settings, now);
    /** Makes changes in their order; halves them until it is known whose fault a refusal is. */
    const make = async (some: readonly Operation[]): Promise<void> => {
      const [first] = some;
      if (first === undefined) return;
      try {
        const answers = await database.transaction((inside) => applyChanges(inside, some, { plan, settings, statements, signal }), signal);
        for (const [position, outcome] of answers) outcomes[position] = outcome;
      } catch (error) {
        const state = sqlState(error);
        if (mayBeStale && state !== undefined && staleStates.has(state)) throw new StaleTable();
        const failure = toConnectorError(error);
        if (!(failure instanceof DataError)) throw failure;
        if (mayHaveChanged && (await tables.changed(plan, signal))) throw new StaleTable();
        mayHaveChanged = false;
        if (some.length === 1) {
          outcomes[first.position] = named(failure, records[first.position]);
          return;
        }
        const middle = some.length >> 1;
        await make(some.slice(0, middle));
        await make(some.slice(middle));
      }
    };
    await make(operations);
  } catch (error) {
    if (error instanceof StaleTable) throw error;
    stopped = toConnectorError(error);
  }
  if (stopped === undefined) return;
  if (stopped instanceof ConfigError) tables.forget(table);
  const failure = stopped instanceof DataError ? new RetriableError('SINK_FAILED', stopped.message) : stopped;
  for (const position of records.keys()) outcomes[position] ??= failure;
}

/** What the records that have no outcome yet do to the table; what cannot be done gets its outcome. */
async function operationsOf(
  { config, settings, tables }: ChangeContext,
  read: ReadChange,
  table: string,
  records: readonly KafkaRecord[],
  outcomes: (Outcome | undefined)[],
  signal: AbortSignal,
  mayBeStale: boolean,
): Promise<{ plan: Plan; operations: Operation[] }> {
  const open = [...records.keys()].filter((position) => outcomes[position] === undefined);
  const told = toldBy(config.unavailableValue);
  let plan = await tables.plan(table, rowsOf(records, read, told), signal);
  for (let mayEvolve = config.autoEvolve; ; mayEvolve = false) {
    const maker = operationMaker(plan, config, settings, read, { mayEvolve });
    const refusal = settings.deletes === 'soft' ? refusedMark(plan, settings) : undefined;
    const operations: Operation[] = [];
    const strangers: KafkaRecord[] = [];
    for (const position of open) {
      const record = records[position];
      if (record === undefined) continue;
      const made = maker.operation(record, position);
      if (made === 'unknown') strangers.push(record);
      else if (made === 'nothing') outcomes[position] = 'ignored';
      else if (made instanceof DataError) outcomes[position] = made;
      else if (made.remove !== undefined && refusal !== undefined) outcomes[position] = refusal;
      else operations.push(made);
    }
    const refused = open.filter((position) => outcomes[position] instanceof DataError);
    const isStale = strangers.length === 0 && refused.length > 0 && mayBeStale && (await tables.changed(plan, signal));
    if (strangers.length === 0 && !isStale) return { plan, operations };
    for (const position of open) outcomes[position] = undefined;
    if (isStale) throw new StaleTable();
    plan = await tables.evolve(plan, rowsOf(strangers, read, told), signal);
  }
}

/** The rows as records of their own, from which the types of columns can be told. */
function rowsOf(records: readonly KafkaRecord[], read: ReadChange, told: (row: Fields) => Told): KafkaRecord[] {
  return records.flatMap((record) => {
    const row = rowOf(record, read);
    return row === undefined ? [] : [new ChangeRecord(record, told(row).row)];
  });
}

function rowOf(record: KafkaRecord, read: ReadChange): Fields | undefined {
  try {
    const change = read(record);
    if (change.type === 'delete') return change.before;
    return change.type === 'insert' || change.type === 'update' ? change.after : undefined;
  } catch (error) {
    if (error instanceof DataError) return undefined; // its outcome, when it is written
    throw error;
  }
}

/** Whether the table is still to be made, and nothing tells of a row that it could be made for. Then there is no row to change either. */
async function isTooEarly(
  { config, tables }: ChangeContext,
  read: ReadChange,
  table: string,
  records: readonly KafkaRecord[],
  signal: AbortSignal,
): Promise<boolean> {
  if (!config.autoCreate || records.some((record) => rowOf(record, read) !== undefined)) return false;
  return !(await tables.exists(table, signal));
}

function withoutTable(record: KafkaRecord, read: ReadChange): Outcome {
  try {
    read(record);
    return 'ignored';
  } catch (error) {
    if (error instanceof DataError) return error;
    throw error;
  }
}

function named(error: DataError, record: KafkaRecord | undefined): DataError {
  return record === undefined ? error : new DataError(error.code, `${error.message} (${originName(record.origin)})`);
}

import { ConfigError, type ConnectorError, DataError, RetriableError } from '../../core/errors.ts';
import type { KafkaRecord } from '../../core/record.ts';
import type { Outcome } from '../../core/sink.ts';
import { type Chain, firstWins, joinRule, nextRound, rowOf } from './collapse.ts';
import { toConnectorError } from './errors.ts';
import type { Settings } from './options.ts';
import { type PieceContext, pieceWriter, StaleTable, unwritten } from './piece.ts';
import type { Plan } from './plan.ts';
import { type Row, type RowMaker, rowMaker } from './rows.ts';
import type { Tables } from './tables.ts';

export interface WriteContext extends Omit<PieceContext, 'changed'> {
  readonly tables: Tables;
}

export interface TableWriter {
  /** Writes records that all go into one table; answers one outcome per record. */
  write(table: string, records: readonly KafkaRecord[], signal: AbortSignal): Promise<readonly Outcome[]>;
}

/** Writes without a second look at the table. Throws a StaleTable when it is not what it was, unless that is known to be no excuse. */
export async function writeRows(
  context: WriteContext,
  table: string,
  records: readonly KafkaRecord[],
  signal: AbortSignal,
  mayBeStale: boolean,
): Promise<readonly Outcome[]> {
  const outcomes: (Outcome | undefined)[] = Array(records.length).fill(undefined);
  await writeOnce(context, table, records, outcomes, signal, mayBeStale);
  return outcomes.map((outcome) => outcome ?? unwritten());
}

export function tableWriter(context: WriteContext): TableWriter {
  return {
    async write(table, records, signal) {
      const outcomes: (Outcome | undefined)[] = Array(records.length).fill(undefined);
      try {
        await writeOnce(context, table, records, outcomes, signal, true);
      } catch (error) {
        if (!(error instanceof StaleTable)) throw error;
        context.tables.forget(table);
        await writeOnce(context, table, records, outcomes, signal, false);
      }
      return outcomes.map((outcome) => outcome ?? unwritten());
    },
  };
}

/** Settles every record that has no outcome yet. */
async function writeOnce(
  context: WriteContext,
  table: string,
  records: readonly KafkaRecord[],
  outcomes: (Outcome | undefined)[],
  signal: AbortSignal,
  mayBeStale: boolean,
): Promise<void> {
  const { settings, tables } = context;
  const open = [...records.keys()].filter((position) => outcomes[position] === undefined);
  let stopped: ConnectorError | undefined;
  try {
    const { plan, maker, rows } = await rowsOf(context, table, records, open, outcomes, signal, mayBeStale);
    const joins = joinRule(settings, guardValue(settings, plan));
    const writer = pieceWriter({ ...context, changed: tables.changed }, plan, maker, signal, mayBeStale);
    let waiting = rows;
    const certain = rows.every((row) => row.certain);
    if (!certain || areDistinct(rows)) {
      const answers = certain ? await writer.write(rows) : await writer.writeInTurn(rows);
      for (const [index, { position }] of rows.entries()) outcomes[position] = answers[index] ?? unwritten();
      waiting = [];
    }
    while (waiting.length > 0) {
      const { chains, later } = nextRound(waiting, joins);
      const again: Row[] = [];
      const answers = await writer.write(chains.map((chain) => rowOf(chain, settings)));
      for (const [index, chain] of chains.entries()) again.push(...settle(chain, answers[index] ?? unwritten(), outcomes, settings));
      waiting = [...again, ...later].sort((a, b) => a.position - b.position);
    }
    if (certain) await writer.secondChances(outcomes);
  } catch (error) {
    if (error instanceof StaleTable) throw error;
    stopped = toConnectorError(error);
  }
  if (stopped === undefined) return;
  if (stopped instanceof ConfigError) tables.forget(table);
  const failure = stopped instanceof DataError ? new RetriableError('SINK_FAILED', stopped.message) : stopped;
  for (const position of open) outcomes[position] ??= failure;
}

/** Rows for the records that can become some; what cannot gets its outcome. */
async function rowsOf(
  { config, settings, tables }: WriteContext,
  table: string,
  records: readonly KafkaRecord[],
  open: readonly number[],
  outcomes: (Outcome | undefined)[],
  signal: AbortSignal,
  mayBeStale: boolean,
): Promise<{ plan: Plan; maker: RowMaker; rows: Row[] }> {
  let plan = await tables.plan(table, records, signal);
  for (let mayEvolve = config.autoEvolve; ; mayEvolve = false) {
    const maker = rowMaker(plan, config, settings, { mayEvolve });
    const rows: Row[] = [];
    const strangers: KafkaRecord[] = [];
    for (const position of open) {
      const record = records[position];
      if (record === undefined) continue;
      if (settings.deletes === 'ignore' && record.value === null && record.bytes === undefined) {
        outcomes[position] = 'ignored';
        continue;
      }
      const row = maker.row(record, position);
      if (row === 'unknown') strangers.push(record);
      else if (row instanceof DataError) outcomes[position] = row;
      else if (row.kind === 'tombstone' && settings.deletes === 'soft') {
        const refusal = refusedMark(plan, settings);
        if (refusal === undefined) rows.push(row);
        else outcomes[position] = refusal;
      } else rows.push(row);
    }
    const refused = open.filter((position) => outcomes[position] instanceof DataError);
    const isStale = strangers.length === 0 && refused.length > 0 && mayBeStale && (await tables.changed(plan, signal));
    if (strangers.length === 0 && !isStale) return { plan, maker, rows };
    for (const position of refused) outcomes[position] = undefined;
    if (isStale) throw new StaleTable();
    plan = await tables.evolve(plan, strangers, signal);
  }
}

/** Why the table can keep no row for what was deleted, if it cannot. */
export function refusedMark(plan: Plan, { key, guard }: Settings): ConfigError | undefined {
  const guards = (name: string): boolean => guard.type === 'field' && guard.column === name;
  const column = plan.fields.find(
    ({ required, column: { name, notNull } }) => (required || (notNull && guards(name))) && !key.columns.includes(name),
  )?.column.name;
  if (column === undefined) return undefined;
  return new ConfigError(
    'SINK_MISCONFIGURED',
    `A soft delete keeps a row without values, and column ${JSON.stringify(column)} of table ${JSON.stringify(plan.table.name)} takes no NULL. Drop its NOT NULL, or set connector.sink.deletes to hard or ignore.`,
  );
}

/** Whether no two rows are the same one, as is mostly so. */
function areDistinct(rows: readonly Row[]): boolean {
  const identities = new Set<string>();
  for (const { identity } of rows) {
    if (identity === null) return true;
    identities.add(identity);
  }
  return identities.size === rows.length;
}

function guardValue({ guard }: Settings, plan: Plan): (row: Row) => unknown {
  if (guard.type !== 'field') return () => undefined;
  const found = plan.fields.find(({ column }) => column.name === guard.column);
  if (found === undefined || !countingTypes.has(found.column.base)) return () => undefined; // 10 comes before 9 as text
  const { field } = found;
  return ({ record }) => {
    const value = (record.value as Readonly<Record<string, unknown>> | null)?.[field];
    return value instanceof Date ? value.getTime() : value;
  };
}

const countingTypes: ReadonlySet<string> = new Set(['int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'timestamptz', 'timestamp']);

/** Gives the rows of a chain their outcomes; answers those that have to be written after all. */
function settle(chain: Chain, answer: Outcome, outcomes: (Outcome | undefined)[], settings: Settings): Row[] {
  const { write } = settings;
  const winner = firstWins(settings) ? chain[0] : (chain[chain.length - 1] ?? chain[0]);
  if (answer instanceof DataError && chain.length > 1) {
    if (write === 'update') return chain.map((row) => ({ ...row, alone: true }));
    outcomes[winner.position] = answer;
    return chain.filter((row) => row !== winner);
  }
  const others = firstWins(settings) && answer === 'delivered' ? 'ignored' : answer;
  for (const row of chain) outcomes[row.position] = row === winner ? answer : others;
  return [];
}

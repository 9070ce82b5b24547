import { type ConnectorError, DataError, RetriableError } from '../../core/errors.ts';
import { originName } from '../../core/record.ts';
import type { Outcome } from '../../core/sink.ts';
import { byIdentity, firstWins } from './collapse.ts';
import { copyOf } from './copy.ts';
import type { Database } from './database.ts';
import { sqlState, staleStates, toConnectorError } from './errors.ts';
import { grouped, runs } from './groups.ts';
import { settleByVersion } from './guard.ts';
import type { Options, Settings } from './options.ts';
import type { Plan } from './plan.ts';
import type { Row, RowMaker } from './rows.ts';
import { addStatement, readStored, storedStatement, updateStatement, writeStatement } from './statement.ts';

/** The table is not what it was when it was looked up. */
export class StaleTable extends Error {}

export interface PieceContext {
  readonly database: Database;
  readonly config: Options;
  readonly settings: Settings;
  readonly now: () => number;
  /** Whether the table is another one by now. */
  readonly changed: (plan: Plan, signal: AbortSignal) => Promise<boolean>;
}

export interface PieceWriter {
  /** Writes rows, at most one per identity. */
  write(rows: readonly Row[]): Promise<readonly Outcome[]>;
  /** Writes rows of which some may be the same one, each after those before it. */
  writeInTurn(rows: readonly Row[]): Promise<readonly Outcome[]>;
  /** Tries once more what a constraint refused: a row after it may have made room. */
  secondChances(outcomes: (Outcome | undefined)[]): Promise<void>;
}

export function pieceWriter(
  { database, config, settings, now, changed }: PieceContext,
  plan: Plan,
  maker: RowMaker,
  signal: AbortSignal,
  mayBeStale: boolean,
): PieceWriter {
  let stopped: ConnectorError | undefined;
  let mayHaveChanged = mayBeStale;
  let wroteSome = false;
  const constrained: Row[] = [];
  const written = new Map<string, number>();

  const executeUpdate = async (rows: readonly Row[]): Promise<readonly Outcome[]> => {
    const options = { writtenAt: now(), raw: false };
    // Two statements, each of its own transaction: in one, locks would not be taken in the order of the keys.
    const { rows: there } = await database.run(updateStatement(rows, plan, settings, options), signal);
    const found = new Set(there.map(({ n }: { n: number }) => n));
    const others = rows.filter((_, index) => !found.has(index + 1));
    if (others.length > 0) await database.run(addStatement(others, plan, settings, options), signal);
    return rows.map(() => 'delivered');
  };

  const execute = async (rows: readonly Row[], raw: boolean): Promise<readonly Outcome[]> => {
    const isAppend = settings.key.from === 'none';
    const copy = isAppend && !raw ? copyOf(rows, plan, settings) : undefined;
    if (copy !== undefined) {
      await database.copy(copy.text, copy.input, signal);
      return rows.map(() => 'delivered');
    }
    if (settings.write === 'update' && rows[0]?.kind === 'value') return executeUpdate(rows);
    const result = await database.run(writeStatement(rows, plan, settings, { writtenAt: now(), raw }), signal);
    const isTombstone = rows[0]?.kind === 'tombstone';
    if (firstWins(settings)) {
      const added = new Set(result.rows.map(({ n }: { n: number }) => n));
      return rows.map((_, index) => (added.has(index + 1) ? 'delivered' : 'ignored'));
    }
    if (settings.guard.type === 'none' || result.rowCount === rows.length) return rows.map(() => 'delivered');
    const { rows: found } = await database.run(storedStatement(rows, plan, settings), signal);
    const stored = new Map(found.map((row) => Object.values(readStored(row)) as [number, ReturnType<typeof readStored>['stored']]));
    const isHardDelete = isTombstone && settings.deletes === 'hard';
    return rows.map(({ record }, index) => {
      const version = stored.get(index + 1);
      return version === undefined && isHardDelete ? 'delivered' : settleByVersion(record, version, settings.guard);
    });
  };

  /** Sends rows of one kind and shape; halves them until it is known whose fault a refusal is. */
  const send = async (rows: readonly Row[], raw: boolean, checked = false): Promise<readonly Outcome[]> => {
    const [first] = rows;
    if (first === undefined) return [];
    const fault = stopped;
    if (fault !== undefined) return rows.map(() => fault);
    try {
      const outcomes = await execute(rows, raw);
      wroteSome = true;
      return outcomes;
    } catch (error) {
      const state = sqlState(error);
      if (mayBeStale && state !== undefined && staleStates.has(state)) throw new StaleTable();
      const failure = toConnectorError(error);
      if (!(failure instanceof DataError)) {
        stopped = failure;
        return rows.map(() => failure);
      }
      // What is only added would be there twice.
      if (mayHaveChanged && !(wroteSome && settings.key.from === 'none') && (await changed(plan, signal))) throw new StaleTable();
      mayHaveChanged = false;
      if (rows.length === 1) {
        if (raw) {
          const decoded = maker.decoded(first);
          return decoded instanceof DataError ? [decoded] : send([decoded], false);
        }
        if (state?.startsWith('23')) constrained.push(first);
        return [named(failure, first)];
      }
      return raw && !checked && rows.length > 2 ? sendChecked(rows) : halves(rows, raw, checked);
    }
  };

  const halves = async (rows: readonly Row[], raw: boolean, checked: boolean): Promise<readonly Outcome[]> => {
    const middle = rows.length >> 1;
    const first = await send(rows.slice(0, middle), raw, checked);
    return [...first, ...(await send(rows.slice(middle), raw, checked))];
  };

  /** Sorts out what the types of the columns refuse, and sends the bytes of the rest again. */
  const sendChecked = async (rows: readonly Row[]): Promise<readonly Outcome[]> => {
    const outcomes: Outcome[] = [];
    const good: [number, Row][] = [];
    for (const [index, row] of rows.entries()) {
      const decoded = maker.decoded(row);
      if (decoded instanceof DataError) outcomes[index] = decoded;
      else good.push([index, row]);
    }
    const rest = good.map(([, row]) => row);
    const answers = rest.length < rows.length ? await send(rest, true, true) : await halves(rest, true, true);
    for (const [at, [index]] of good.entries()) outcomes[index] = answers[at] ?? unwritten();
    return outcomes;
  };

  const write = async (rows: readonly Row[]): Promise<readonly Outcome[]> => {
    const groups = grouped(rows);
    const outcomes: Outcome[] = Array(rows.length);
    const rowAt = (index: number): Row => rows[index] as Row;
    for (const group of groups) {
      if (rows[0]?.identity !== null) group.sort((a, b) => byIdentity(rowAt(a), rowAt(b)));
      for (let from = 0; from < group.length; from += config.batchRows) {
        const piece = group.slice(from, from + config.batchRows);
        const raw = rowAt(piece[0] ?? 0).bytes !== undefined;
        const answers = await send(piece.map(rowAt), raw);
        for (const [at, index] of piece.entries()) outcomes[index] = answers[at] ?? unwritten();
        if (constrained.length > 0)
          for (const index of piece) if (outcomes[index] === 'delivered') written.set(rowAt(index).identity ?? '', rowAt(index).position);
      }
    }
    return outcomes;
  };

  return {
    write,
    async writeInTurn(rows) {
      const outcomes: Outcome[] = [];
      // An update that finds a row twice takes either; other statements refuse it, and are halved.
      const most = settings.write === 'update' ? 1 : config.batchRows;
      for (const run of runs(rows, most)) outcomes.push(...(await send(run, run[0]?.bytes !== undefined)));
      return outcomes;
    },
    async secondChances(outcomes) {
      if (constrained.length === 0 || stopped !== undefined || settings.key.from === 'none') return;
      const again = constrained.splice(0).sort((a, b) => a.position - b.position);
      for (const row of again) {
        // What came after it must not be undone.
        if (!(outcomes[row.position] instanceof DataError) || (written.get(row.identity ?? '') ?? -1) > row.position) continue;
        const [answer] = await send([row], false);
        if (answer !== undefined) outcomes[row.position] = answer;
      }
    },
  };
}

function named(error: DataError, { record }: Row): DataError {
  return new DataError(error.code, `${error.message} (${originName(record.origin)})`);
}

/** Where no answer says anything else. */
export function unwritten(): RetriableError {
  return new RetriableError('SINK_FAILED', 'The record was not written');
}

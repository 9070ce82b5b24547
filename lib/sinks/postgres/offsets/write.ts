import { ConfigError, type ConnectorError, DataError, RetriableError } from '../../../core/errors.ts';
import type { KafkaRecord } from '../../../core/record.ts';
import type { Outcome } from '../../../core/sink.ts';
import { toConnectorError } from '../errors.ts';
import { StaleTable, unwritten } from '../piece.ts';
import { type TableWriter, type WriteContext, writeRows } from '../write.ts';
import { advanced, isWritten, type Position } from './position.ts';
import { type Lane, laneName, type OffsetStore, OffsetsMissing } from './store.ts';

interface Context extends WriteContext {
  readonly store: OffsetStore;
}

/** Adds each record once: rows and offsets are written in one transaction, which locks the partitions it writes for. */
export function onceWriter(context: Context): TableWriter {
  const { database, store, tables } = context;
  return {
    async write(table, records, signal) {
      let mayBeStale = true;
      let mayCreate = true;
      for (;;) {
        try {
          return await writeOnce(context, table, records, signal, mayBeStale);
        } catch (error) {
          if (error instanceof OffsetsMissing && mayCreate) {
            mayCreate = false;
            const failure = await store.create(database, signal).then(() => undefined, toConnectorError);
            if (failure !== undefined) return records.map(() => failure);
          } else if (error instanceof StaleTable && mayBeStale) {
            mayBeStale = false;
            tables.forget(table);
          } else {
            tables.forget(table);
            return records.map(() => failureOf(error));
          }
        }
      }
    },
  };
}

function failureOf(error: unknown): ConnectorError {
  if (error instanceof OffsetsMissing) return new RetriableError('SINK_UNAVAILABLE', 'The table of offsets was dropped while it was used');
  const failure = toConnectorError(error);
  return failure instanceof DataError ? new RetriableError('SINK_FAILED', failure.message) : failure;
}

interface Group {
  readonly lane: Lane;
  readonly positions: number[];
}

/** Throws what keeps the transaction from being committed: nothing is written then. */
async function writeOnce(
  context: Context,
  table: string,
  records: readonly KafkaRecord[],
  signal: AbortSignal,
  mayBeStale: boolean,
): Promise<readonly Outcome[]> {
  const { database, store, tables, now } = context;
  const groups = byLane(records);
  return database.transaction(
    async (inside) => {
      const lanes = [...groups.values()].map(({ lane }) => lane);
      const before = await store.lock(inside, table, lanes, signal);
      const outcomes: Outcome[] = Array(records.length);
      const open: number[] = [];
      const repeated = new Map<number, number>();
      for (const [name, { positions }] of groups) open.push(...unwrittenOf(before.get(name), positions, records, outcomes, repeated));
      open.sort((a, b) => a - b);
      if (open.length === 0) return outcomes;

      const rows = open.flatMap((position) => records[position] ?? []);
      const answers = await writeRows({ ...context, database: inside, tables: tables.through(inside) }, table, rows, signal, mayBeStale);
      const failure = answers.find((answer) => answer instanceof RetriableError || answer instanceof ConfigError);
      if (failure !== undefined) throw failure;
      for (const [index, position] of open.entries()) outcomes[position] = answers[index] ?? unwritten();

      for (const [position, first] of repeated) outcomes[position] = outcomes[first] ?? unwritten();

      const isOpen = new Set(open);
      const after: [Lane, Position][] = [];
      for (const [name, { lane, positions }] of groups) {
        const written = positions.flatMap((position) => {
          const record = records[position];
          return record === undefined || !isOpen.has(position) ? [] : [{ record, isRefused: outcomes[position] instanceof DataError }];
        });
        if (written.length > 0) after.push([lane, advanced(before.get(name), written, now())]);
      }
      await store.save(inside, table, after, signal);
      return outcomes;
    },
    signal,
    { savepoints: true },
  );
}

/** Where a record comes from in Kafka: a dead letter that is replayed has a place of its own. */
function byLane(records: readonly KafkaRecord[]): ReadonlyMap<string, Group> {
  const groups = new Map<string, Group>();
  for (const [position, { origin, version }] of records.entries()) {
    const lane = { topic: origin.topic, partition: origin.partition, epoch: version.epoch };
    const name = laneName(lane);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, { lane, positions: [position] });
    else group.positions.push(position);
  }
  return groups;
}

/** Positions of records that are not written yet; the others get their outcome, or are named as repeating one of these. */
function unwrittenOf(
  before: Position | undefined,
  positions: readonly number[],
  records: readonly KafkaRecord[],
  outcomes: Outcome[],
  repeated: Map<number, number>,
): number[] {
  const open: number[] = [];
  const taken = new Map<string, number>();
  for (const position of positions) {
    const record = records[position];
    if (record === undefined) continue;
    try {
      const name = `${record.origin.offset}:${record.part}`;
      const first = taken.get(name);
      if (first !== undefined) repeated.set(position, first);
      else if (isWritten(before, record)) outcomes[position] = 'delivered';
      else {
        open.push(position);
        taken.set(name, position);
      }
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      // The rest of the partition is of the new topic as well.
      for (const each of positions) {
        outcomes[each] = error;
        repeated.delete(each);
      }
      return [];
    }
  }
  return open;
}

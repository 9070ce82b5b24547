import { ConfigError, DataError, RetriableError } from '../../core/errors.ts';
import { type KafkaRecord, originName } from '../../core/record.ts';
import type { Outcome } from '../../core/sink.ts';
import { toConnectorError } from './classification.ts';

/** Records that go to one partition of one table. */
export interface Group {
  readonly table: string;
  readonly partition: string | undefined;
  readonly records: readonly KafkaRecord[];
}

/** Says what became of records. */
export type Settle = (records: readonly KafkaRecord[], outcome: Outcome) => void;

/** Writes a group. What it has not settled when it throws has failed with what it threw. */
export type WriteGroup = (group: Group, signal: AbortSignal, settle: Settle) => Promise<void>;

export interface WriteSettings {
  readonly writeGroup: WriteGroup;
  /** Throws a DataError for a record that may not go where it wants. */
  readonly tableOf: (record: KafkaRecord) => string;
  readonly partitionOf: (record: KafkaRecord) => string | undefined;
  readonly ignoresTombstones: boolean;
  /** Groups that are written at the same time. */
  readonly concurrency: number;
}

/** Sorts records by table and partition and writes the groups, each on its own: one that fails does not fail the others. */
export async function writeRecords(
  records: readonly KafkaRecord[],
  signal: AbortSignal,
  settings: WriteSettings,
): Promise<readonly Outcome[]> {
  const outcomes = new Map<KafkaRecord, Outcome>();
  const settle: Settle = (settled, outcome) => {
    for (const record of settled) outcomes.set(record, outcome);
  };
  const groups = groupsOf(records, settings, settle);
  const next = groups.values();
  const work = async (): Promise<void> => {
    for (const group of next) await writeNarrowed(group, signal, settings.writeGroup, settle);
  };
  await Promise.all(Array.from({ length: Math.min(settings.concurrency, groups.length) }, work));
  return records.map((record) => outcomes.get(record) ?? new RetriableError('SINK_FAILED', 'The record was not written'));
}

function groupsOf(records: readonly KafkaRecord[], { tableOf, partitionOf, ignoresTombstones }: WriteSettings, settle: Settle): Group[] {
  const groups = new Map<string, Group & { readonly records: KafkaRecord[] }>();
  for (const record of records) {
    try {
      if (ignoresTombstones && record.value === null) {
        settle([record], 'ignored');
        continue;
      }
      const [table, partition] = [tableOf(record), partitionOf(record)];
      const name = `${table}/${partition ?? ''}`;
      const group = groups.get(name);
      if (group === undefined) groups.set(name, { table, partition, records: [record] });
      else group.records.push(record);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      settle([record], error);
    }
  }
  return [...groups.values()];
}

/** Writes a group; a DataError for all of it is narrowed down by halving, until it belongs to one record. */
async function writeNarrowed(group: Group, signal: AbortSignal, writeGroup: WriteGroup, settle: Settle): Promise<void> {
  const settled = new Set<KafkaRecord>();
  try {
    await writeGroup(group, signal, (records, outcome) => {
      for (const record of records) settled.add(record);
      settle(records, outcome);
    });
  } catch (error) {
    const failure = toConnectorError(error, signal);
    const rest = group.records.filter((record) => !settled.has(record));
    const [only] = rest;
    if (failure instanceof DataError && rest.length > 1 && !signal.aborted) {
      const middle = rest.length >> 1;
      for (const half of [rest.slice(0, middle), rest.slice(middle)])
        await writeNarrowed({ ...group, records: half }, signal, writeGroup, settle);
    } else if (failure instanceof DataError && only !== undefined)
      settle(rest, new DataError(failure.code, `${failure.message} (${originName(only.origin)})`));
    else
      settle(
        rest,
        failure instanceof ConfigError || failure instanceof RetriableError ? failure : new RetriableError('SINK_FAILED', failure.message),
      );
  }
}

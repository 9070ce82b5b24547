import { DataError, RetriableError } from '../../core/errors.ts';
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
  const groups = groupsOf(records, settings, outcomes);
  const next = groups.values();
  const work = async (): Promise<void> => {
    for (const group of next) await writeNarrowed(group, signal, settings.writeGroup, outcomes);
  };
  await Promise.all(Array.from({ length: Math.min(settings.concurrency, groups.length) }, work));
  return records.map((record) => outcomes.get(record) ?? new RetriableError('SINK_FAILED', 'The record was not written'));
}

function groupsOf(
  records: readonly KafkaRecord[],
  { tableOf, partitionOf, ignoresTombstones }: WriteSettings,
  outcomes: Map<KafkaRecord, Outcome>,
): Group[] {
  const groups = new Map<string, Group & { readonly records: KafkaRecord[] }>();
  for (const record of records) {
    try {
      if (ignoresTombstones && record.value === null) {
        outcomes.set(record, 'ignored');
        continue;
      }
      const [table, partition] = [tableOf(record), partitionOf(record)];
      const name = `${table}/${partition ?? ''}`;
      const group = groups.get(name);
      if (group === undefined) groups.set(name, { table, partition, records: [record] });
      else group.records.push(record);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      outcomes.set(record, error);
    }
  }
  return [...groups.values()];
}

/** Writes a group; a DataError for all of it is narrowed down by halving, until it belongs to one record. */
async function writeNarrowed(
  group: Group,
  signal: AbortSignal,
  writeGroup: WriteGroup,
  outcomes: Map<KafkaRecord, Outcome>,
): Promise<void> {
  const settle: Settle = (records, outcome) => {
    for (const record of records) outcomes.set(record, outcome);
  };
  try {
    await writeGroup(group, signal, settle);
  } catch (error) {
    const failure = toConnectorError(error, signal);
    const rest = group.records.filter((record) => !outcomes.has(record));
    const [only] = rest;
    if (!(failure instanceof DataError)) settle(rest, failure);
    else if (signal.aborted) settle(rest, new RetriableError('ABORTED', 'The time for writing is over'));
    else if (rest.length > 1) {
      const middle = rest.length >> 1;
      for (const half of [rest.slice(0, middle), rest.slice(middle)])
        await writeNarrowed({ ...group, records: half }, signal, writeGroup, outcomes);
    } else if (only !== undefined) settle(rest, new DataError(failure.code, `${failure.message} (${originName(only.origin)})`));
  }
}

import { ConfigError, RetriableError } from '../../core/errors.ts';
import { type KafkaRecord, originName } from '../../core/record.ts';
import type { Outcome } from '../../core/sink.ts';
import type { Settings, VersionColumns } from './options.ts';
import { quoted } from './sql.ts';

/** What the target keeps of the record that a row came from. */
export interface StoredVersion {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly epoch: number;
  readonly part: number;
  /** Milliseconds since the epoch. */
  readonly writtenAt: number;
}

/** The condition under which a row, by default `t`, gives way to `incoming`, as SQL; nothing where every record wins. */
export function guardCondition({ guard, columns }: Settings, incoming: string, row = 't'): string | undefined {
  if (guard.type === 'none') return undefined;
  const stored = (name: string): string => `${row}.${quoted(name)}`;
  const given = (name: string): string => `${incoming}.${quoted(name)}`;
  const { topic, partition, offset, epoch, part } = columns;
  if (guard.type === 'version')
    return [
      `${stored(epoch)} is null`,
      `${stored(epoch)} < ${given(epoch)}`,
      `(${stored(epoch)} = ${given(epoch)} and ${stored(topic)} = ${given(topic)} and ${stored(partition)} = ${given(partition)} and (${stored(offset)}, ${stored(part)}) <= (${given(offset)}, ${given(part)}))`,
    ].join(' or ');
  const field = guard.column;
  return `case when ${given(field)} <> ${stored(field)} then ${given(field)} > ${stored(field)} else ${versionCondition(columns, incoming, row)} end`;
}

/** Whether `incoming` has at least the version of the row, wherever both came from: what settles a tie of guard fields. */
export function versionCondition(columns: VersionColumns, incoming: string, row = 't'): string {
  const list = (of: string): string => [columns.epoch, columns.offset, columns.part].map((name) => `${of}.${quoted(name)}`).join(', ');
  return `(${row}.${quoted(columns.epoch)} is null or (${list(row)}) <= (${list(incoming)}))`;
}

/** What became of a record that the guard may have kept out, by what is stored now. */
export function settleByVersion(record: KafkaRecord, stored: StoredVersion | undefined, guard: Settings['guard']): Outcome {
  const { version, part, timestamp } = record;
  if (stored === undefined)
    return new RetriableError('SINK_LOST_RACE', `The row changed while it was written (${originName(record.origin)})`);
  const isSame =
    stored.topic === version.topic &&
    stored.partition === version.partition &&
    stored.epoch === version.epoch &&
    stored.offset === version.offset &&
    stored.part === part;
  if (isSame) return 'delivered';
  if (guard.type !== 'version' || version.epoch < stored.epoch) return 'ignored';
  if (version.epoch > stored.epoch)
    return new RetriableError('SINK_LOST_RACE', `The row changed while it was written (${originName(record.origin)})`);
  if (version.topic !== stored.topic || version.partition !== stored.partition) return guardAhead(record, 'another partition');
  const isOlder = version.offset - stored.offset || part - stored.part;
  if (isOlder > 0) return new RetriableError('SINK_LOST_RACE', `The row changed while it was written (${originName(record.origin)})`);
  // Produced after the row was written, so its offset cannot be the lower one of the same topic.
  if (timestamp > stored.writtenAt && version.offset < stored.offset)
    return guardAhead(record, 'a higher offset, written before this record was produced');
  return 'ignored';
}

function guardAhead({ origin }: KafkaRecord, found: string): ConfigError {
  return new ConfigError(
    'GUARD_AHEAD',
    `The row of ${originName(origin)} came from ${found}: the topic was created again or its partitions changed. Raise connector.epoch once the old partitions have drained.`,
  );
}

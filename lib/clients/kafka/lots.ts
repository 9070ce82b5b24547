import { ConfigError, type ConnectorError, DataError, RetriableError } from '../../core/errors.ts';
import { refusal } from './errors.ts';
import type { Parcel } from './kafkajs-wire.ts';
import { partitionOf } from './partitioner.ts';
import { encodedSize, type OutgoingRecord } from './record-batch.ts';

export type SendOutcome = 'sent' | ConnectorError;

// In the year 128,000. Differences between timestamps stay exact up to there.
const maxTimestamp = 4_000_000_000_000_000;
const timestampRefused = 32;
// Kafka's error codes for "not this record, or not so many at once". The broker refuses the whole batch for one bad record.
const tooLarge = new Set([10, 18]);
const badRecord: ReadonlyMap<number, string> = new Map([
  [87, "it breaks the topic's rules, e.g. a record without a key in a compacted topic"],
  [2, "it breaks the topic's rules, e.g. a record without a key in a compacted topic"],
]);
const errorTypes: ReadonlyMap<number, string> = new Map([
  [3, 'UNKNOWN_TOPIC_OR_PARTITION'],
  [17, 'INVALID_TOPIC_EXCEPTION'],
  [21, 'INVALID_REQUIRED_ACKS'],
  [29, 'TOPIC_AUTHORIZATION_FAILED'],
  [31, 'CLUSTER_AUTHORIZATION_FAILED'],
  [44, 'POLICY_VIOLATION'],
  [76, 'UNSUPPORTED_COMPRESSION_TYPE'],
]);

/** Records of one partition that wait to be sent, with their places in the answer. */
export interface Lot {
  readonly topic: string;
  readonly partition: number | undefined;
  readonly places: readonly number[];
}

/** What is known while records are given to partitions and sent. */
export interface Assignment {
  readonly counts: ReadonlyMap<string, number>;
  readonly outcomes: (SendOutcome | undefined)[];
  readonly queues: Map<string, Lot[]>;
  readonly turn: number;
  readonly maxBatchBytes: number;
}

/** Puts records into the queues of their partitions, in lots that fit a batch. Answers those that have to wait until their topic's partitions are known. */
export function assign(
  records: readonly OutgoingRecord[],
  places: Iterable<number>,
  { counts, outcomes, queues, turn, maxBatchBytes }: Assignment,
): readonly number[] {
  const waiting: number[] = [];
  const asking = new Set<string>();
  const open = new Map<string, { lot: { topic: string; partition: number | undefined; places: number[] }; bytes: number }>();
  for (const place of places) {
    const record = records[place];
    if (record === undefined || outcomes[place] !== undefined) continue;
    const { topic, key, timestamp = 0 } = record;
    if (!Number.isInteger(timestamp) || timestamp < -1 || timestamp > maxTimestamp) {
      outcomes[place] = new DataError('SINK_TIMESTAMP_REFUSED', "Expected the record's timestamp to be whole milliseconds since the epoch");
      continue;
    }
    const count = counts.get(topic);
    if (count === undefined && asking.has(topic)) {
      waiting.push(place);
      continue;
    }
    if (count === undefined) asking.add(topic);
    else if (record.partition !== undefined && record.partition >= count) {
      outcomes[place] = partitionMissing(count);
      continue;
    }
    const partition = record.partition ?? (count === undefined ? undefined : choosePartition(record.partitionKey ?? key, count, turn));
    const queue = `${topic}/${partition}`;
    const size = encodedSize(record);
    const current = open.get(queue);
    if (current !== undefined && current.bytes + size <= maxBatchBytes) {
      current.lot.places.push(place);
      current.bytes += size;
      continue;
    }
    const lot = { topic, partition, places: [place] };
    open.set(queue, { lot, bytes: size });
    const lots = queues.get(queue);
    if (lots === undefined) queues.set(queue, [lot]);
    else lots.push(lot);
  }
  return waiting;
}

/** What became of a parcel; `split` when one of its records is bad, and it is not known which. */
export function judge(
  { records, errorCode }: Parcel,
  failure: ConnectorError | undefined,
  count: number | undefined,
): SendOutcome | 'split' {
  if (errorCode === 0) return 'sent';
  if (errorCode !== undefined) {
    const isRecord = tooLarge.has(errorCode) || errorCode === timestampRefused || badRecord.has(errorCode);
    if (isRecord && records.length > 1) return 'split';
    if (tooLarge.has(errorCode)) return new DataError('SINK_RECORD_TOO_LARGE', 'Record is larger than the topic takes (max.message.bytes)');
    if (errorCode === timestampRefused)
      return new DataError(
        'SINK_TIMESTAMP_REFUSED',
        "The record's timestamp is outside of what the topic allows (message.timestamp.*.max.ms)",
      );
    if (isRecord) return new DataError('SINK_REJECTED_RECORD', `Kafka refused the record: ${badRecord.get(errorCode)}`);
    const type = errorTypes.get(errorCode);
    return (
      (type === undefined ? undefined : refusal(type)) ?? new RetriableError('KAFKA_UNAVAILABLE', `Kafka answered with error ${errorCode}`)
    );
  }
  // kafkajs leaves out a partition that the topic does not have, or not any more, and says nothing.
  const asked = records[0]?.partition;
  if (failure === undefined && asked !== undefined && count !== undefined && asked >= count) return partitionMissing(count);
  return failure ?? new RetriableError('KAFKA_UNAVAILABLE', 'Kafka did not answer for this record');
}

/** Notes the verdict on a lot, and what it means for the lots behind it. */
export function settle(
  lot: Lot,
  verdict: SendOutcome | 'split',
  { queues, outcomes }: { queues: Map<string, Lot[]>; outcomes: (SendOutcome | undefined)[] },
): void {
  const queue = `${lot.topic}/${lot.partition}`;
  const [, ...rest] = queues.get(queue) ?? [];
  if (verdict === 'split') {
    const middle = Math.ceil(lot.places.length / 2);
    queues.set(queue, [{ ...lot, places: lot.places.slice(0, middle) }, { ...lot, places: lot.places.slice(middle) }, ...rest]);
    return;
  }
  for (const place of lot.places) outcomes[place] = verdict;
  const isHeldBack = verdict !== 'sent' && verdict.class !== 'data';
  // What comes later in the partition must not overtake what will be sent again.
  if (isHeldBack) for (const { places } of rest) for (const place of places) outcomes[place] = verdict;
  if (isHeldBack || rest.length === 0) queues.delete(queue);
  else queues.set(queue, rest);
}

/** By the key as Java does; records without one take turns, a whole `send` at a time. */
export function choosePartition(key: Uint8Array | null, count: number, turn: number): number {
  return key === null ? turn % count : partitionOf(key, count);
}

function partitionMissing(count: number): ConfigError {
  return new ConfigError(
    'KAFKA_PARTITION_MISSING',
    `The topic has ${count} partitions, fewer than the topic that is read. Give it as many, or set partition to key.`,
  );
}

import type { Producer } from 'kafkajs';
import { ConfigError, type ConnectorError, DataError, RetriableError } from '../../core/errors.ts';
import type { Compression } from './codecs.ts';
import { type Connection, named } from './connection.ts';
import { refusal, toConnectorError } from './errors.ts';
import { Parcel } from './kafkajs-wire.ts';
import { partitionOf } from './partitioner.ts';
import { encodedSize, type OutgoingRecord } from './record-batch.ts';

export type SendOutcome = 'sent' | ConnectorError;

export interface RecordProducer {
  /** Sends in order and answers for each record once all replicas have it or it is known not to be there. Aborted, it leaves nothing in flight. */
  send(records: readonly OutgoingRecord[], options: { readonly signal: AbortSignal }): Promise<readonly SendOutcome[]>;
  /** Connects anew, and asks for the topic when one is given. Throws a ConfigError or RetriableError when that fails. */
  probe(topic: string | undefined, options: { readonly signal: AbortSignal }): Promise<void>;
  close(): Promise<void>;
}

export interface ProducerOptions {
  readonly compression?: Compression;
  /** How large a record batch gets at most; below the 1 MB at which brokers refuse by default. */
  readonly maxBatchBytes?: number;
}

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

interface Opened {
  readonly connection: Connection;
  readonly producer: Promise<Producer>;
}

/** Records of one partition that wait to be sent, with their places in the answer. */
interface Lot {
  readonly topic: string;
  readonly partition: number | undefined;
  readonly places: readonly number[];
}

/** A producer that connects when it is first used, and again after a failure that left something open. */
export function recordProducer(
  connect: () => Connection,
  { compression = 'none', maxBatchBytes = 900_000 }: ProducerOptions = {},
): RecordProducer {
  const partitionCounts = new Map<string, number>();
  let turn = 0;
  let opened: Opened | undefined;

  // kafkajs calls this for each parcel; it is the only place where it tells how many partitions there are.
  const createPartitioner = () => (choice: { topic: string; partitionMetadata: readonly unknown[]; message: object }) => {
    const count = choice.partitionMetadata.length;
    partitionCounts.set(choice.topic, count);
    const { partition, records } = choice.message as Parcel;
    return partition ?? choosePartition(records[0]?.key ?? null, count, turn);
  };

  const open = (): Opened => {
    const connection = connect();
    // Not idempotent: that would only guard against retries of kafkajs itself, which are off, and costs a request before the first
    // record. Redelivery comes with another producer id, against which it does nothing.
    const producer = connection.kafka.producer({ createPartitioner, allowAutoTopicCreation: false, retry: { retries: 0 } });
    const own: Opened = {
      connection,
      producer: named(producer.connect()).then(
        () => producer,
        (error: unknown) => {
          connection.destroy();
          if (opened === own) opened = undefined;
          throw error;
        },
      ),
    };
    return own;
  };
  const connected = (): Promise<Producer> => {
    opened ??= open();
    return opened.producer;
  };
  const cut = (): void => {
    const last = opened;
    opened = undefined;
    last?.connection.destroy();
    last?.producer.then((producer) => producer.disconnect()).catch(() => undefined);
  };

  const sendBatch = async (parcels: readonly TopicParcel[]): Promise<void> => {
    const producer = await connected();
    const topicMessages = [...Map.groupBy(parcels, ({ topic }) => topic)].map(([topic, own]) => ({
      topic,
      messages: own.map(({ parcel }) => parcel),
    }));
    await producer.sendBatch({ acks: -1, topicMessages: topicMessages as unknown as TopicMessages });
  };

  /** Sends one parcel for each lot, in one request to each broker. What is not in the parcels afterwards is in the answer, by topic. */
  const sendRound = async (parcels: readonly TopicParcel[], signal: AbortSignal): Promise<ReadonlyMap<string, ConnectorError>> => {
    const topics = new Set(parcels.map(({ topic }) => topic));
    try {
      await unlessAborted(() => sendBatch(parcels), signal);
      return new Map();
    } catch (error) {
      const isSent = parcels.some(({ parcel }) => parcel.isSent);
      if (signal.aborted || parcels.some(({ parcel }) => parcel.isSent && parcel.errorCode === undefined)) cut();
      const failure = signal.aborted ? aborted(error) : toConnectorError(error);
      // A topic that is missing must not fail its neighbours.
      if (topics.size > 1 && failure instanceof ConfigError && !isSent) {
        const each = [...Map.groupBy(parcels, ({ topic }) => topic).values()];
        const failures = new Map<string, ConnectorError>();
        for (const own of each) for (const [topic, reason] of await sendRound(own, signal)) failures.set(topic, reason);
        return failures;
      }
      return new Map([...topics].map((topic) => [topic, failure]));
    }
  };

  return {
    async send(records, { signal }) {
      const outcomes = new Array<SendOutcome | undefined>(records.length);
      const queues = new Map<string, Lot[]>();
      const assignment: Assignment = { counts: partitionCounts, outcomes, queues, turn: ++turn, maxBatchBytes };
      let waiting = assign(records, records.keys(), assignment);
      while (queues.size > 0) {
        const lots = [...queues.values()].flatMap(([lot]) => lot ?? []);
        const parcels = lots.map(({ topic, partition, places }) => ({
          topic,
          parcel: new Parcel(
            places.flatMap((place) => records[place] ?? []),
            partition,
            compression,
          ),
        }));
        const failures = await sendRound(parcels, signal);
        const heldBack = new Map<string, ConnectorError>();
        for (const [index, lot] of lots.entries()) {
          const parcel = parcels[index]?.parcel;
          if (parcel === undefined) continue;
          const verdict = judge(parcel, failures.get(lot.topic), partitionCounts.get(lot.topic));
          settle(lot, verdict, assignment);
          if (typeof verdict === 'object' && verdict.class !== 'data') heldBack.set(lot.topic, verdict);
        }
        // The first record of a topic told how many partitions there are, and the others can be given theirs; or it told what is wrong.
        for (const place of waiting) outcomes[place] = heldBack.get(records[place]?.topic ?? '');
        waiting = assign(records, waiting, assignment);
      }
      return outcomes.map((outcome) => outcome ?? new RetriableError('KAFKA_UNAVAILABLE', 'Kafka was not asked about this record'));
    },
    async probe(topic, { signal }) {
      cut(); // what is known of the cluster may be what is wrong
      const ask = async () => {
        const producer = await connected();
        if (topic !== undefined) await named(producer.sendBatch({ topicMessages: [{ topic, messages: [] }] }));
      };
      try {
        await unlessAborted(ask, signal);
      } catch (error) {
        cut();
        throw signal.aborted ? aborted(error) : toConnectorError(error);
      }
    },
    async close() {
      const last = opened;
      opened = undefined;
      const producer = await last?.producer.catch(() => undefined);
      await producer?.disconnect().catch(() => undefined);
      last?.connection.destroy();
    },
  };
}

interface TopicParcel {
  readonly topic: string;
  readonly parcel: Parcel;
}

type TopicMessages = NonNullable<Parameters<Producer['sendBatch']>[0]['topicMessages']>;

/** Runs the work, and stops waiting for it when the signal aborts. */
async function unlessAborted(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const stop = Promise.withResolvers<never>();
  const onAbort = (): void => stop.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([work(), stop.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function aborted(cause: unknown): RetriableError {
  return new RetriableError('ABORTED', 'Sending to Kafka was aborted, as its time was over', { cause });
}

interface Assignment {
  readonly counts: ReadonlyMap<string, number>;
  readonly outcomes: (SendOutcome | undefined)[];
  readonly queues: Map<string, Lot[]>;
  readonly turn: number;
  readonly maxBatchBytes: number;
}

/** Puts records into the queues of their partitions, in lots that fit a batch. Answers those that have to wait until their topic's partitions are known. */
function assign(
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
    const partition = record.partition ?? (count === undefined ? undefined : choosePartition(key, count, turn));
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
function judge({ records, errorCode }: Parcel, failure: ConnectorError | undefined, count: number | undefined): SendOutcome | 'split' {
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

function settle(
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

function choosePartition(key: Uint8Array | null, count: number, turn: number): number {
  return key === null ? turn % count : partitionOf(key, count);
}

function partitionMissing(count: number): ConfigError {
  return new ConfigError(
    'KAFKA_PARTITION_MISSING',
    `The topic has ${count} partitions, fewer than the topic that is read. Give it as many, or set partition to key.`,
  );
}

import type { Producer } from 'kafkajs';
import { ConfigError, type ConnectorError, RetriableError } from '../../core/errors.ts';
import { aborted, unlessAborted } from './abort.ts';
import type { Compression } from './codecs.ts';
import { type Connection, named } from './connection.ts';
import { toConnectorError } from './errors.ts';
import { Parcel } from './kafkajs-wire.ts';
import { type Assignment, assign, choosePartition, judge, type Lot, type SendOutcome, settle } from './lots.ts';
import type { OutgoingRecord } from './record-batch.ts';

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

interface Opened {
  readonly connection: Connection;
  readonly producer: Promise<Producer>;
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
    return partition ?? choosePartition(records[0]?.partitionKey ?? records[0]?.key ?? null, count, turn);
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

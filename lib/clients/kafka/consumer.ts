import { type Consumer, type EachBatchPayload, type PartitionAssigner, PartitionAssigners, type TopicOffsets } from 'kafkajs';
import { type ConnectorError, RetriableError } from '../../core/errors.ts';
import type { SourceRecord } from '../../core/record.ts';
import { type Connection, named } from './connection.ts';
import { toConnectorError } from './errors.ts';
import { OwnFetch } from './kafkajs-wire.ts';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Where reading goes on: the offset of the next record, not of the last one. */
export interface NextOffset extends TopicPartition {
  readonly offset: number;
}

/** What one fetch brought from one partition. */
export interface FetchedBatch extends TopicPartition {
  /** The offset that was asked for; the first record's may be later. */
  readonly fetchedOffset: number;
  /** None when the fetch brought only what no reader sees. */
  readonly records: readonly SourceRecord[];
  /** The offset after everything fetched, and after what no reader sees: aborted transactions, markers, compacted records. */
  readonly nextOffset: number;
  /** The offset that the next record written to the partition will get. */
  readonly highWatermark: number;
  /** False once the consumer stops. */
  isRunning(): boolean;
  /** True once a seek made these records void. */
  isStale(): boolean;
  /** Tells the group that this member lives; needed about every heartbeat interval while `each` runs. Throws RetriableError `KAFKA_REBALANCED`. */
  heartbeat(): Promise<void>;
}

export interface GroupListener {
  /** A (re)balance is over. Partitions were owned without a break only if they are in both assignments and the member id is the same. */
  joined?(member: { readonly memberId: string; readonly isLeader: boolean; readonly partitions: readonly TopicPartition[] }): void;
  /** A rebalance begins. The member may also lose its place without this: `joined` then comes with another member id. */
  rebalancing?(): void;
  /** Once before each attempt to join, on every way into it. More than one before `joined` means that generations may have passed without this member. */
  joining?(): void;
  fetched?(fetch: { readonly durationMs: number }): void;
  /** Consuming has ended and does not begin again by itself. */
  crashed?(error: ConnectorError): void;
}

export interface ConsumerOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Where to begin when the group has no offset yet; with false, at the end. */
  readonly fromBeginning: boolean;
  /** Bytes of one fetch from one broker. */
  readonly maxBytes?: number;
  readonly maxBytesPerPartition?: number;
  readonly minBytes?: number;
  /** How long a broker waits for `minBytes`, and how long to wait while all partitions are paused. */
  readonly maxWaitMs?: number;
  /** How many calls of `each`, for different partitions, run at the same time. */
  readonly concurrency?: number;
  readonly sessionTimeoutMs?: number;
  readonly rebalanceTimeoutMs?: number;
  readonly heartbeatIntervalMs?: number;
  /** Reads from the nearest replica, where brokers have racks. */
  readonly rack?: string;
}

/** A member of a consumer group that commits nothing by itself. */
export interface GroupConsumer {
  /**
   * Joins the group and calls `each` for what is fetched, one call per partition at a time; the next fetch from a broker follows when
   * the calls for the last one have ended, and begins after its records unless `seek` said otherwise. `each` must not throw.
   */
  run(each: (batch: FetchedBatch) => Promise<void>, listener?: GroupListener): Promise<void>;
  /** Does not fetch these until `resume`. What is being fetched at the moment is dropped and fetched again. */
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /** The next fetch begins there. */
  seek(next: NextOffset): void;
  /** Commits once, under the generation at the time of the call. Throws when it was not done: RetriableError `KAFKA_REBALANCED` when the group moved on. */
  commit(offsets: readonly NextOffset[]): Promise<void>;
  /** Waits for the running calls of `each`, leaves the group and disconnects. */
  stop(): Promise<void>;
  /** Cuts the connections at once, without leaving the group. */
  destroy(): void;
}

/** A consumer of our own records over kafkajs, which keeps the group, the metadata and the connections. */
export function groupConsumer({ kafka, destroy }: Connection, options: ConsumerOptions): GroupConsumer {
  const { groupId, topics, fromBeginning, concurrency = 1, rack = '', maxWaitMs = 500 } = options;
  let onJoining: (() => void) | undefined;
  const consumer = kafka.consumer({
    groupId,
    partitionAssigners: [watched(() => onJoining?.())],
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: maxWaitMs,
    minBytes: options.minBytes ?? 1,
    maxBytes: options.maxBytes ?? 10_485_760,
    maxBytesPerPartition: options.maxBytesPerPartition ?? 1_048_576,
    sessionTimeout: options.sessionTimeoutMs ?? 30_000,
    rebalanceTimeout: options.rebalanceTimeoutMs ?? 60_000,
    heartbeatInterval: options.heartbeatIntervalMs ?? 3_000,
    rackId: new OwnFetch(rack) as unknown as string,
    // Staying in a group is not the pipeline's business, so these retries are not taken from its time.
    retry: { retries: 5, initialRetryTime: 200, maxRetryTime: 5_000, restartOnFailure: async () => false },
  });
  // kafkajs repeats a failed `commitOffsets`, and would do so under a later generation; what it gives to `eachBatch` commits once.
  let commitOnce: EachBatchPayload['commitOffsetsIfNecessary'] | undefined;
  let commits = 0;
  consumer.on(consumer.events.COMMIT_OFFSETS, () => {
    commits++;
  });

  return {
    async run(each, listener = {}) {
      onJoining = listener.joining;
      listen(consumer, listener);
      await named(consumer.connect());
      await named(consumer.subscribe({ topics: [...topics], fromBeginning }));
      const eachBatch = (payload: EachBatchPayload) => {
        commitOnce ??= payload.commitOffsetsIfNecessary;
        return each(toFetched(payload));
      };
      await named(consumer.run({ autoCommit: false, eachBatchAutoResolve: true, partitionsConsumedConcurrently: concurrency, eachBatch }));
    },
    pause(partitions) {
      consumer.pause(byTopic(partitions));
    },
    resume(partitions) {
      consumer.resume(byTopic(partitions));
    },
    seek({ topic, partition, offset }) {
      consumer.seek({ topic, partition, offset: String(offset) });
    },
    async commit(offsets) {
      if (offsets.length === 0) return;
      if (commitOnce !== undefined) return await named(commitOnce({ topics: toOffsets(offsets) }));
      const before = commits;
      await named(consumer.commitOffsets(offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset: String(offset) }))));
      // kafkajs returns without a word when the consumer does not run at the moment.
      if (commits === before)
        throw new RetriableError('KAFKA_REBALANCED', 'Offsets were not committed, as the consumer is not in its group at the moment');
    },
    async stop() {
      await named(consumer.disconnect());
      destroy();
    },
    destroy,
  };
}

function listen(consumer: Consumer, { joined, rebalancing, fetched, crashed }: GroupListener): void {
  const { GROUP_JOIN, REBALANCING, FETCH, CRASH } = consumer.events;
  if (joined !== undefined)
    consumer.on(GROUP_JOIN, ({ payload: { memberId, isLeader, memberAssignment } }) => {
      const partitions = Object.entries(memberAssignment).flatMap(([topic, own]) => own.map((partition) => ({ topic, partition })));
      joined({ memberId, isLeader, partitions });
    });
  if (rebalancing !== undefined) consumer.on(REBALANCING, () => rebalancing());
  if (fetched !== undefined) consumer.on(FETCH, ({ payload: { duration } }) => fetched({ durationMs: duration }));
  if (crashed !== undefined) consumer.on(CRASH, ({ payload: { error } }) => crashed(toConnectorError(error)));
}

function toFetched({ batch, isRunning, isStale, heartbeat }: EachBatchPayload): FetchedBatch {
  return {
    topic: batch.topic,
    partition: batch.partition,
    fetchedOffset: Number((batch as unknown as { readonly fetchedOffset: string }).fetchedOffset),
    records: batch.messages as unknown as readonly SourceRecord[],
    nextOffset: Number(batch.lastOffset()) + 1,
    highWatermark: Number(batch.highWatermark),
    isRunning,
    isStale,
    heartbeat: () => named(heartbeat()),
  };
}

/** kafkajs' own assigner, which says each time that it is asked what to join with. */
function watched(onJoining: () => void): PartitionAssigner {
  return (config) => {
    const assigner = PartitionAssigners.roundRobin(config);
    return {
      name: assigner.name,
      version: assigner.version,
      assign: (group) => assigner.assign(group),
      protocol(subscription) {
        onJoining();
        return assigner.protocol(subscription);
      },
    };
  };
}

function toOffsets(offsets: readonly NextOffset[]): TopicOffsets[] {
  return [...Map.groupBy(offsets, ({ topic }) => topic)].map(([topic, own]) => ({
    topic,
    partitions: own.map(({ partition, offset }) => ({ partition, offset: String(offset) })),
  }));
}

function byTopic(partitions: readonly TopicPartition[]): { topic: string; partitions: number[] }[] {
  return [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, own]) => ({
    topic,
    partitions: own.map(({ partition }) => partition),
  }));
}

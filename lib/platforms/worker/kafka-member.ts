import type { Cluster } from '../../clients/kafka.ts';
import type { Origin } from '../../core/record.ts';
import type { CreateMember, Offsets } from './member.ts';

export interface MemberOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Bytes of one fetch from one broker. */
  readonly fetchBytes: number;
  readonly fetchBytesPerPartition: number;
  readonly sessionTimeoutMs?: number;
  readonly heartbeatIntervalMs?: number;
  readonly rack?: string;
}

// How long a broker keeps a fetch open when there is nothing, and with that how long a partition that is resumed waits at most.
const maxWaitMs = 250;
// The poller decides what runs at the same time, so these calls only hand over. kafkajs goes through this many at every fetch.
const handovers = 32;

/** Members of a consumer group of the cluster. */
export function kafkaMember(
  cluster: Cluster,
  { groupId, topics, fetchBytes, fetchBytesPerPartition, ...rest }: MemberOptions,
): CreateMember {
  return (events) => {
    const consumer = cluster.consumer({
      ...rest,
      groupId,
      topics,
      // Also where a position is out of range: what Kafka deleted is gone, what it still has is read.
      fromBeginning: true,
      maxBytes: fetchBytes,
      maxBytesPerPartition: fetchBytesPerPartition,
      maxWaitMs,
      concurrency: handovers,
    });
    const listener = { joining: events.joining, joined: events.joined, crashed: events.ended };
    return {
      run: () =>
        consumer.run(async (batch) => {
          if (batch.isRunning() && !batch.isStale()) await events.fetched(batch);
        }, listener),
      pause: (partition) => unlessOver(() => consumer.pause([partition])),
      resume: (partition) => unlessOver(() => consumer.resume([partition])),
      seek: (origin) => unlessOver(() => consumer.seek(origin)),
      commit: (offsets) => consumer.commit(offsets),
      leave: () => consumer.stop(),
      destroy: () => consumer.destroy(),
    };
  };
}

// A consumer that crashed refuses these a moment before it says that it crashed.
function unlessOver(act: () => void): void {
  try {
    act();
  } catch {
    // `ended` follows
  }
}

/** What the cluster knows of the offsets of a group, over one connection that is made anew when it was lost. */
export function kafkaOffsets(cluster: Cluster, groupId: string, topics: readonly string[]): Offsets {
  let opening: ReturnType<Cluster['admin']> | undefined;
  const ask = async <Answer>(question: (admin: Awaited<ReturnType<Cluster['admin']>>) => Promise<Answer>): Promise<Answer> => {
    opening ??= cluster.admin();
    const current = opening;
    try {
      return await question(await current);
    } catch (error) {
      if (opening === current) opening = undefined;
      void current.then(
        (admin) => admin.close(),
        () => undefined,
      );
      throw error;
    }
  };
  const ranges = (edge: 'low' | 'high') =>
    ask(async (admin) => {
      const all = await Promise.all(topics.map(async (topic) => ({ topic, ranges: await admin.ranges(topic) })));
      return all.flatMap(({ topic, ranges }) =>
        ranges.map((range): Origin => ({ topic, partition: range.partition, offset: range[edge] })),
      );
    });
  return {
    committed: () => ask((admin) => admin.committed(groupId, topics)),
    beginning: () => ranges('low'),
    end: () => ranges('high'),
    at: (timestamp) => ask(async (admin) => (await Promise.all(topics.map((topic) => admin.offsetsAt(topic, timestamp)))).flat()),
    async close() {
      const current = opening;
      opening = undefined;
      await current?.then(
        (admin) => admin.close(),
        () => undefined,
      );
    },
  };
}

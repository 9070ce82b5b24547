import type { ClusterAdmin } from '../../../clients/kafka/admin.ts';
import type { Cluster } from '../../../clients/kafka.ts';
import { ConfigError, type ConnectorError, RetriableError } from '../../../core/errors.ts';
import type { Log } from '../../../core/log.ts';
import { type Origin, partitionName, type SourceRecord } from '../../../core/record.ts';
import { toEvent } from '../event.ts';
import type { EventSource } from './mapping.ts';
import { type BatchLimits, isFull, payloadBytes, putBack, takeBatch } from './payload.ts';

export interface KafkaEventsOptions {
  readonly cluster: Cluster;
  readonly topic: string;
  readonly groupId: string;
  readonly bootstrapServers: string;
  readonly limits: BatchLimits;
  readonly windowMs: number;
  /** Where partitions begin that the group has not committed: the oldest record, the end, or a time in milliseconds since the epoch. */
  readonly start: 'oldest' | 'end' | number;
  /** Forgets what the group has committed. */
  readonly fromBeginning: boolean;
  /** Ends with the record that is the last now. */
  readonly once: boolean;
  readonly commits: boolean;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
}

/** More records than this wait in memory only within one fetch. */
const maxWaiting = 20_000;
const heartbeatMs = 1_000;

/** Reads a topic in a consumer group of its own and cuts it into events by count, time and size, as a mapping's poller does. */
export async function kafkaEvents(options: KafkaEventsOptions): Promise<EventSource> {
  const { cluster, topic, groupId, limits, windowMs, once, commits, sleep, log } = options;
  const admin = await cluster.admin();
  const plan = await patiently(() => planReading(admin, options), sleep).finally(() => admin.close());
  // Without commits a member of the same group would only take partitions from one that makes them.
  const memberOf = commits ? groupId : `${groupId}-dry`;
  const consumer = cluster.consumer({ groupId: memberOf, topics: [topic], fromBeginning: true, concurrency: 1_000, maxWaitMs: 250 });

  const queues = new Map<string, SourceRecord[]>();
  const positions = new Map(plan.begin); // partition -> the offset after everything fetched
  let batch: readonly SourceRecord[] = [];
  let isVoid = false; // a rebalance came after the batch was taken: what is not committed is fetched again
  let failure: ConnectorError | undefined;
  let wake = (): void => undefined;
  let closed = false;
  let owned: readonly number[] | undefined;

  const waiting = (): number => [...queues.values()].reduce((sum, queue) => sum + queue.length, 0);
  const isRead = (): boolean =>
    once && owned?.every((partition) => (positions.get(partition) ?? 0) >= (plan.end.get(partition) ?? 0)) === true;
  const changed = (ms: number, signal: AbortSignal): Promise<void> => {
    const news = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const over = new AbortController();
    return Promise.race([news, sleep(ms, AbortSignal.any([signal, over.signal]))]).finally(() => over.abort());
  };

  await consumer.run(
    async ({ partition, records, nextOffset, heartbeat, isRunning, isStale }) => {
      if (!isRunning() || isStale()) return;
      const end = once ? (plan.end.get(partition) ?? 0) : Number.POSITIVE_INFINITY;
      const from = positions.get(partition) ?? 0;
      putAfter(
        queues,
        records.filter(({ origin }) => origin.offset >= from && origin.offset < end),
      );
      positions.set(partition, Math.max(from, nextOffset));
      wake();
      const stop = new AbortController();
      while (waiting() > maxWaiting && isRunning() && !isStale() && !closed) {
        await heartbeat().catch(() => stop.abort());
        if (stop.signal.aborted) return;
        await sleep(heartbeatMs, stop.signal);
      }
    },
    {
      joined({ partitions }) {
        isVoid = true;
        queues.clear();
        owned = partitions.map(({ partition }) => partition);
        for (const partition of owned) {
          const offset = plan.begin.get(partition) ?? 0;
          positions.set(partition, offset);
          consumer.seek({ topic, partition, offset });
        }
      },
      crashed(error) {
        failure = error;
        wake();
      },
    },
  );

  return {
    async take(signal) {
      let firstAt: number | undefined;
      while (!signal.aborted) {
        if (failure !== undefined) throw failure;
        const count = waiting();
        if (count > 0) firstAt ??= performance.now();
        const leftMs = firstAt === undefined ? heartbeatMs : windowMs - (performance.now() - firstAt);
        if (count > 0 && (isFull(queues, limits) || leftMs <= 0 || isRead())) {
          batch = takeBatch(queues, limits);
          isVoid = false;
          refuseTooLarge(batch[0], limits);
          wake();
          return toEvent(batch, { eventSource: 'SelfManagedKafka', bootstrapServers: options.bootstrapServers });
        }
        if (count === 0 && isRead()) return undefined;
        await changed(Math.max(1, Math.min(leftMs, heartbeatMs)), signal);
      }
      return undefined;
    },
    async settle(next, againFrom) {
      if (isVoid) return;
      for (const { partition, offset } of next) plan.begin.set(partition, offset);
      putBack(
        queues,
        batch.filter(({ origin }) => origin.offset >= (againFrom.get(partitionName(origin)) ?? Number.POSITIVE_INFINITY)),
      );
      if (!commits) return;
      try {
        await consumer.commit(next);
      } catch (error) {
        if (!(error instanceof RetriableError)) throw error;
        log.warn('Offsets could not be committed, so these records come again after a restart', { code: error.code });
      }
    },
    async close() {
      closed = true;
      await consumer.stop();
    },
  };
}

/** A broker that has just started first has to load its groups. */
async function patiently<Result>(ask: () => Promise<Result>, sleep: KafkaEventsOptions['sleep']): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof RetriableError) || attempt === 6) throw error;
      await sleep(200 * attempt, new AbortController().signal);
    }
  }
}

interface Plan {
  /** The offset at which each partition begins; moved on as it is settled. */
  readonly begin: Map<number, number>;
  readonly end: ReadonlyMap<number, number>;
}

async function planReading(admin: ClusterAdmin, { topic, groupId, start, fromBeginning }: KafkaEventsOptions): Promise<Plan> {
  const ranges = await admin.ranges(topic);
  const committed = fromBeginning ? [] : await admin.committed(groupId, [topic]);
  const atTime = typeof start === 'number' ? await admin.offsetsAt(topic, start) : [];
  const begin = ranges.map(({ partition, low, high }): [number, number] => {
    const known = committed.find((next) => next.partition === partition)?.offset;
    if (known !== undefined) return [partition, Math.max(known, low)];
    if (fromBeginning || start === 'oldest') return [partition, low];
    return [partition, start === 'end' ? high : (atTime.find((next) => next.partition === partition)?.offset ?? high)];
  });
  return { begin: new Map(begin), end: new Map(ranges.map(({ partition, high }) => [partition, high])) };
}

function putAfter(queues: Map<string, SourceRecord[]>, records: readonly SourceRecord[]): void {
  const [first] = records;
  if (first === undefined) return;
  const name = partitionName(first.origin);
  const queue = queues.get(name);
  if (queue === undefined) queues.set(name, [...records]);
  else for (const record of records) queue.push(record);
}

function refuseTooLarge(record: SourceRecord | undefined, { payloadBytes: limit }: BatchLimits): void {
  if (record === undefined || payloadBytes(record) <= limit) return;
  const { topic, partition, offset }: Origin = record.origin;
  throw new ConfigError(
    'RECORD_TOO_LARGE',
    `The record ${topic}-${partition}@${offset} does not fit into an event of Lambda (${limit} bytes), so a mapping stops at it. Run this connector as a worker: npx sluice run.`,
  );
}

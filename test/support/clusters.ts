import { randomUUID } from 'node:crypto';
import type { ClusterConfig } from '../../lib/clients/kafka/cluster-config.ts';
import type { FetchedBatch } from '../../lib/clients/kafka/consumer.ts';
import { type Cluster, type ClusterContext, connectCluster } from '../../lib/clients/kafka.ts';
import { ConfigError, type ConnectorError, RetriableError } from '../../lib/core/errors.ts';
import { silentLog } from '../../lib/core/log.ts';
import type { SourceRecord } from '../../lib/core/record.ts';
import { type ReadSecret, secretName } from '../../lib/core/secret.ts';

/** Answers `{ env: NAME }` from what is given. */
export function secretsOf(secrets: Readonly<Record<string, string>>): ReadSecret {
  return async (reference) => {
    const value = 'env' in reference ? secrets[reference.env] : undefined;
    if (value === undefined) throw new ConfigError('SECRET_MISSING', `There is no secret ${secretName(reference)}.`);
    return value;
  };
}

/** A cluster whose secrets are given. */
export function clusterWith(
  config: ClusterConfig,
  secrets: Readonly<Record<string, string>> = {},
  context: Partial<ClusterContext> = {},
): Promise<Cluster> {
  return connectCluster(config, { secret: secretsOf(secrets), log: silentLog, ...context });
}

/** A new topic with a name of its own. */
export async function newTopic(
  cluster: Cluster,
  { partitions = 1, settings = {} }: { partitions?: number; settings?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const topic = `test-${randomUUID()}`;
  const admin = await cluster.admin();
  await admin.createTopic({ topic, partitions, settings });
  await admin.close();
  return topic;
}

/** Reads a topic to its present end, as a group of its own. */
export async function readTopic(cluster: Cluster, topic: string): Promise<readonly SourceRecord[]> {
  const admin = await cluster.admin();
  const ends = (await admin.ranges(topic)).filter(({ low, high }) => high > low);
  await admin.close();
  return ends.length === 0 ? [] : await readUntil(cluster, topic, new Map(ends.map(({ partition, high }) => [partition, high])));
}

async function readUntil(cluster: Cluster, topic: string, ends: ReadonlyMap<number, number>): Promise<readonly SourceRecord[]> {
  const left = new Map(ends);
  const records: SourceRecord[] = [];
  const done = Promise.withResolvers<'read' | ConnectorError>();
  const consumer = cluster.consumer({ groupId: `test-${randomUUID()}`, topics: [topic], fromBeginning: true, maxWaitMs: 50 });
  const each = async (batch: FetchedBatch): Promise<void> => {
    records.push(...batch.records);
    if (batch.nextOffset >= (left.get(batch.partition) ?? 0)) left.delete(batch.partition);
    if (left.size === 0) done.resolve('read');
  };
  await consumer.run(each, { crashed: done.resolve });
  const end = await done.promise;
  if (end === 'read') {
    await consumer.stop();
    return records;
  }
  consumer.destroy();
  // A broker that has just started still loads its groups.
  if (end instanceof RetriableError) return await readUntil(cluster, topic, ends);
  throw end;
}

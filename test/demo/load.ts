import { type Cluster, connectCluster } from '../../lib/clients/kafka.ts';
import { silentLog } from '../../lib/core/log.ts';
import type { NewRecord } from './quakes.ts';

const secret = (): Promise<string> => Promise.reject(new Error('The demo knows no secrets'));

/** The Kafka of the demo. */
export function demoCluster(brokers: string): Promise<Cluster> {
  return connectCluster({ bootstrapServers: brokers }, { secret, log: silentLog });
}

/** Makes the topics that are not there yet. */
export async function createTopics(cluster: Cluster, topics: Readonly<Record<string, number>>): Promise<void> {
  const admin = await cluster.admin();
  try {
    for (const [topic, partitions] of Object.entries(topics)) await admin.createTopic({ topic, partitions, replicationFactor: 1 });
  } finally {
    await admin.close();
  }
}

/** How many records the partitions of a topic hold or have held. */
export async function endOf(cluster: Cluster, topic: string): Promise<ReadonlyMap<number, number>> {
  const admin = await cluster.admin();
  try {
    return new Map((await admin.ranges(topic)).map(({ partition, high }) => [partition, high]));
  } finally {
    await admin.close();
  }
}

/** Sends records with their key and timestamp. Throws what Kafka said when one was not taken. */
export async function produce(
  cluster: Cluster,
  topic: string,
  batches: Iterable<readonly NewRecord[]> | AsyncIterable<readonly NewRecord[]>,
  report: (sent: number) => void = () => undefined,
): Promise<number> {
  const producer = cluster.producer({ compression: 'lz4' });
  const { signal } = new AbortController();
  let sent = 0;
  try {
    for await (const batch of batches) {
      const outgoing = batch.map(({ key, value, timestamp }) => ({ topic, key: Buffer.from(key), value, headers: [], timestamp }));
      const refused = (await producer.send(outgoing, { signal })).find((outcome) => outcome !== 'sent');
      if (refused !== undefined) throw refused;
      sent += batch.length;
      report(sent);
    }
  } finally {
    await producer.close();
  }
  return sent;
}

import { type Cluster, connectCluster } from '../../lib/clients/kafka.ts';
import { silentLog } from '../../lib/core/log.ts';
import { order } from './orders.ts';

export const partitions = 4;
const recordsPerSend = 10_000;

/** A client for a broker without any security. */
export async function clusterAt(brokers: string): Promise<Cluster> {
  return await connectCluster({ bootstrapServers: brokers }, { secret: async () => '', log: silentLog });
}

/** Makes a topic of orders, numbered from 0, with the number as key. Those for which `broken` answers something are that instead. */
export async function loadOrders(
  cluster: Cluster,
  topic: string,
  records: number,
  broken: (id: number) => object | undefined = () => undefined,
): Promise<void> {
  await createTopic(cluster, topic);
  const producer = cluster.producer();
  const signal = new AbortController().signal;
  for (let from = 0; from < records; from += recordsPerSend) {
    const count = Math.min(recordsPerSend, records - from);
    const outgoing = Array.from({ length: count }, (_, index) => {
      const id = from + index;
      return { topic, key: Buffer.from(String(id)), value: Buffer.from(JSON.stringify(broken(id) ?? order(id))), headers: [] };
    });
    const failed = (await producer.send(outgoing, { signal })).find((outcome) => outcome !== 'sent');
    if (failed !== undefined) throw failed;
  }
  await producer.close();
}

export async function createTopic(cluster: Cluster, topic: string): Promise<void> {
  const admin = await cluster.admin();
  await admin.createTopic({ topic, partitions });
  await admin.close();
}

/** How many records a topic holds. */
export async function countRecords(cluster: Cluster, topic: string): Promise<number> {
  const admin = await cluster.admin();
  const ranges = await admin.ranges(topic);
  await admin.close();
  return ranges.reduce((sum, { low, high }) => sum + high - low, 0);
}

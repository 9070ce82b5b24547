import { startKafka } from '../support/servers/kafka.ts';
import { lazyServers, tableOf } from './destinations.ts';
import { order } from './orders.ts';
import { type BenchOptions, digits, type Finding } from './results.ts';
import { median, typical } from './table.ts';
import { clusterAt, countRecords, createTopic, loadOrders } from './topics.ts';
import { runOnce } from './worker.ts';

const everyNth = 100;

/** What 1 % of bad rows costs a worker that upserts into PostgreSQL: time and CPU with them, divided by those without. */
export async function benchBadRows({ quick, say }: BenchOptions): Promise<Finding> {
  const records = quick ? 20_000 : 200_000;
  const pairs = quick ? 1 : 3;
  const kafka = await startKafka({ heapMb: 512 });
  const servers = lazyServers(await clusterAt(kafka.brokers));
  const { cluster } = servers;
  try {
    say(`badRows: loading twice ${records} orders`);
    await loadOrders(cluster, 'orders', records);
    await loadOrders(cluster, 'orders-1-percent-bad', records, bad);
    const run = async (topic: string, badRecords: number, round: number) => {
      const deadLetterTopic = `${topic}.dlq-${round}`;
      await createTopic(cluster, deadLetterTopic);
      const onError = { deadLetterTopic };
      const destination = await tableOf(servers, { write: 'upsert', primaryKey: ['id'] }, { onError });
      const input = { transforms: false, brokers: kafka.brokers, groupId: `bench-${topic}-${round}`, records };
      const found = await runOnce(destination, { ...input, sink: ['postgres', 'postgres'] }, topic, records - badRecords);
      const letters = await countRecords(cluster, deadLetterTopic);
      if (letters !== badRecords) throw new Error(`Expected ${badRecords} dead letters, found ${letters}.`);
      return found;
    };
    const times: number[] = [];
    const cpus: number[] = [];
    for (let round = 1; round <= pairs; round++) {
      const clean = await run('orders', 0, round);
      const mixed = await run('orders-1-percent-bad', records / everyNth, round);
      times.push(mixed.seconds / clean.seconds);
      cpus.push(mixed.cpuSeconds / clean.cpuSeconds);
      say(`badRows: ${round} of ${pairs}: ${digits(mixed.seconds / clean.seconds)} times as long`);
    }
    return {
      figures: [typical('1 % bad rows, time', 'times that without', times), typical('1 % bad rows, CPU', 'times that without', cpus)],
      results: { badRows: { share: 1 / everyNth, costRatio: digits(median(times)), cpuRatio: digits(median(cpus)) } },
    };
  } finally {
    await servers.stop();
    await kafka.stop();
  }
}

/** Every other one shows in its type already; the rest only the constraints of the table find. */
function bad(id: number): object | undefined {
  if (id % everyNth !== everyNth / 2) return undefined;
  return (id / (everyNth / 2)) % 4 === 1 ? { ...order(id), quantity: 'several' } : { ...order(id), quantity: 0 };
}

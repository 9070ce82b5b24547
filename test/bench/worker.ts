import { workerNodeOptions } from '../../lib/platforms/worker/node-options.ts';
import { startKafka } from '../support/servers/kafka.ts';
import { bulkEndpoint, type Destination, lazyServers, nowhere, otherTopic, type Servers, tableOf } from './destinations.ts';
import { httpEndpoint } from './http-endpoint.ts';
import { tunnelTable } from './maxcompute.ts';
import { bucketOf } from './object-store.ts';
import { bytesPerOrder } from './orders.ts';
import { type BenchOptions, digits, type Finding, type WorkerResult } from './results.ts';
import { inProcess } from './subprocess.ts';
import { type Figure, median, typical } from './table.ts';
import { clusterAt, loadOrders } from './topics.ts';
import type { WorkerInput, WorkerRun } from './worker-process.ts';

interface Configuration {
  readonly sink: WorkerInput['sink'];
  readonly transforms?: boolean;
  /** CPU seconds per million records that are aimed at. */
  readonly goal: number;
  open(servers: Servers): Promise<Destination>;
}

const upsert = { write: 'upsert', primaryKey: ['id'] };
const configurations: Readonly<Record<string, Configuration>> = {
  drop: { sink: ['drop', 'drop'], goal: 8, open: nowhere },
  'postgres-upsert': { sink: ['postgres', 'postgres'], goal: 10, open: (servers) => tableOf(servers, upsert) },
  'postgres-upsert-transform': {
    sink: ['postgres', 'postgres'],
    transforms: true,
    goal: 14,
    open: (servers) => tableOf(servers, upsert),
  },
  'postgres-append': {
    sink: ['postgres', 'postgres'],
    goal: 8,
    open: (servers) => tableOf(servers, { write: 'insert' }, { acceptDuplicates: true }),
  },
  elasticsearch: { sink: ['elasticsearch', 'elasticsearch'], goal: 18, open: bulkEndpoint },
  'object-storage': {
    sink: ['object-storage', 'objectStorage'],
    goal: 7,
    open: async (servers) => bucketOf(await servers.buckets(), { format: 'raw' }, { key: 'bytes', value: 'bytes' }),
  },
  'object-storage-json': {
    sink: ['object-storage', 'objectStorage'],
    goal: 8,
    open: async (servers) => bucketOf(await servers.buckets(), { format: 'json-lines', path: '{topic}/{timestamp:yyyy-MM-dd/HH}' }),
  },
  maxcompute: { sink: ['maxcompute', 'maxcompute'], goal: 14, open: async (servers) => tunnelTable(await servers.maxCompute()) },
  webhook: { sink: ['webhook', 'webhook'], goal: 6, open: () => httpEndpoint({ batch: { format: 'lines' } }) },
  'webhook-single': { sink: ['webhook', 'webhook'], goal: 60, open: () => httpEndpoint({}) },
  'kafka-topic': { sink: ['kafka-topic', 'kafkaTopic'], goal: 10, open: otherTopic },
};
const memoryGoalMb = 300;
const topic = 'orders';

/** Workers, each in a process of its own, from a real Kafka into real or stub destinations. What arrived is counted after each run. */
export async function benchWorker({ quick, only, say }: BenchOptions): Promise<Finding> {
  const chosen = Object.entries(configurations).filter(([name]) => only.length === 0 || only.includes(name));
  if (chosen.length < only.length) throw new Error(`Expected configurations of ${Object.keys(configurations).join(', ')}.`);
  const records = quick ? 40_000 : 1_000_000;
  const rounds = quick ? 1 : 3;
  const kafka = await startKafka({ heapMb: 512 });
  const servers = lazyServers(await clusterAt(kafka.brokers));
  try {
    say(`worker: loading ${records} orders`);
    await loadOrders(servers.cluster, topic, records);
    const runs = new Map<string, WorkerRun[]>(chosen.map(([name]) => [name, []]));
    // Rounds over all of them, so that what the machine does besides falls on all alike.
    for (let round = 1; round <= rounds; round++) {
      for (const [name, configuration] of chosen) {
        const { sink, transforms = false } = configuration;
        const destination = await configuration.open(servers);
        const groupId = `bench-${name}-${round}`;
        const run = await runOnce(destination, { sink, transforms, brokers: kafka.brokers, groupId, records }, topic);
        say(
          `worker: ${name}, ${round} of ${rounds}: ${digits(perMillion(run, records))} CPU-s/M, ${digits(records / run.seconds)} records/s`,
        );
        runs.get(name)?.push(run);
      }
    }
    const findings = chosen.map(([name, { goal }]) => toFinding(name, goal, runs.get(name) ?? [], records));
    return {
      figures: findings.flatMap(({ figures }) => figures),
      results: { worker: Object.fromEntries(findings.map(({ name, result }) => [name, result])) },
    };
  } finally {
    await servers.stop();
    await kafka.stop();
  }
}

/** One worker over the whole topic. Throws when the destination does not hold what it should. */
export async function runOnce(
  destination: Destination,
  input: Omit<WorkerInput, 'connector' | 'env'>,
  from: string,
  expected = input.records,
): Promise<WorkerRun> {
  await destination.prepare();
  const worker: WorkerInput = {
    ...input,
    connector: { trigger: { topic: from }, ...destination.settings },
    env: destination.env ?? {},
  };
  const run = await inProcess<WorkerRun>(new URL('worker-process.ts', import.meta.url), worker, workerNodeOptions);
  const found = (await destination.count()) ?? run.delivered;
  if (found !== expected || run.delivered !== expected)
    throw new Error(`Expected ${expected} records, delivered ${run.delivered}, found ${found}: a fast wrong number is worth nothing.`);
  return run;
}

function perMillion({ cpuSeconds }: WorkerRun, records: number): number {
  return (cpuSeconds / records) * 1_000_000;
}

function toFinding(name: string, goal: number, runs: readonly WorkerRun[], records: number) {
  const cpu = runs.map((run) => perMillion(run, records));
  const rates = runs.map(({ seconds }) => records / seconds);
  const memory = runs.map(({ peakMemoryMb }) => peakMemoryMb);
  const figures: Figure[] = [
    typical(`worker ${name}`, 'CPU-s/M', cpu, { what: 'goal', value: goal }),
    typical(`worker ${name}`, 'records/s', rates),
    typical(`worker ${name}`, 'MB at the peak', memory, { what: 'goal', value: memoryGoalMb }),
  ];
  const result: WorkerResult = {
    records,
    bytesPerRecord: bytesPerOrder,
    recordsPerSecond: digits(median(rates)),
    cpuSecondsPerMillion: digits(median(cpu)),
    peakMemoryMb: digits(median(memory)),
  };
  return { name, figures, result };
}

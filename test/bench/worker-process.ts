import { openConnector, realClock } from '../../lib/compose.ts';
import { silentLog } from '../../lib/core/log.ts';
import type { KafkaRecord } from '../../lib/core/record.ts';
import { parseSettings, topicsOf } from '../../lib/core/settings.ts';
import type { SinkDefinition } from '../../lib/core/sink.ts';
import type { Transform } from '../../lib/core/transform.ts';
import { connectTo, runWorker } from '../../lib/platforms/worker/worker.ts';
import type { Order } from './orders.ts';
import { answer } from './subprocess.ts';
import { clusterAt } from './topics.ts';

export interface WorkerInput {
  /** The file of the sink under lib/sinks and what it exports. */
  readonly sink: readonly [file: string, name: string];
  readonly transforms: boolean;
  readonly connector: unknown;
  readonly brokers: string;
  readonly groupId: string;
  /** How many there are to be read. */
  readonly records: number;
  readonly env: Readonly<Record<string, string>>;
}

/** What it took between the first record fetched and the last one acknowledged. */
export interface WorkerRun {
  readonly seconds: number;
  /** User and system time of the process. */
  readonly cpuSeconds: number;
  readonly peakMemoryMb: number;
  readonly delivered: number;
  readonly deadLettered: number;
}

const patienceMs = 60_000;

answer(async ({ sink: [file, name], transforms, connector: raw, brokers, groupId, records, env }: WorkerInput): Promise<WorkerRun> => {
  const sinks = (await import(`../../lib/sinks/${file}.ts`)) as Record<string, SinkDefinition>;
  const sink = sinks[name];
  if (sink === undefined) throw new Error(`lib/sinks/${file}.ts exports no ${name}.`);
  const settings = parseSettings(raw);
  const counts = { delivered: 0, deadLettered: 0, others: 0 };
  let from: { at: number; cpu: NodeJS.CpuUsage } | undefined;
  let measured: { seconds: number; cpuSeconds: number } | undefined;
  const done = new AbortController();

  const connector = await openConnector(transforms ? { sink, transform: inCents as Transform } : { sink }, {
    name: `bench-${name}`,
    settings,
    cluster: { bootstrapServers: brokers },
    environment: {
      env,
      clock: realClock,
      log: silentLog,
      reportBatch({ delivered, deadLettered, ignored, dropped, skipped, redelivered, lastError }) {
        counts.delivered += delivered;
        counts.deadLettered += deadLettered;
        counts.others += ignored + dropped + skipped;
        if (redelivered > 0 && lastError !== undefined) process.stderr.write(`${lastError.code}: ${lastError.message}\n`);
        if (counts.delivered + counts.deadLettered + counts.others < records || from === undefined) return;
        const { user, system } = process.cpuUsage(from.cpu);
        measured ??= { seconds: (performance.now() - from.at) / 1_000, cpuSeconds: (user + system) / 1_000_000 };
        done.abort();
      },
    },
  });
  const worker = runWorker({
    connector,
    connect: connectTo(() => clusterAt(brokers), { groupId, topics: topicsOf(settings) }),
    startingPosition: { at: 'TRIM_HORIZON' },
    policy: settings.worker,
    untilCaughtUp: { patienceMs },
    signal: done.signal,
    clock: realClock,
    log: silentLog,
    fetched: () => {
      from ??= { at: performance.now(), cpu: process.cpuUsage() };
    },
  });
  const { reason, isCommitted, trouble } = await worker.ended;
  await connector.close();
  if (measured === undefined || !isCommitted)
    throw new Error(
      `The worker ended (${reason}) after ${counts.delivered + counts.deadLettered} of ${records} records: ${trouble?.message}`,
    );
  return {
    ...measured,
    peakMemoryMb: process.resourceUsage().maxRSS / 1_024,
    delivered: counts.delivered,
    deadLettered: counts.deadLettered,
  };
});

/** A small transform, as people write them. */
const inCents: Transform<Order, object> = (record): KafkaRecord<object> => ({
  ...record,
  value: { ...record.value, amount: Math.round(record.value.amount * 100) },
});

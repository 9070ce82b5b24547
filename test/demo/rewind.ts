import { setTimeout as sleep } from 'node:timers/promises';
import { readService } from '../../lib/cli/service.ts';
import type { Cluster } from '../../lib/clients/kafka.ts';
import { workerGroup } from '../../lib/core/consumer-group.ts';
import { readSettings, topicsOf } from '../../lib/core/settings.ts';

const pollMs = 500;

export interface Rewinding {
  readonly config: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly names: readonly string[];
  /** How many records of a topic are enough; of one that holds more, about as many of the newest are read. */
  readonly enough: (topic: string) => number;
  readonly signal: AbortSignal;
}

/**
 * Sets connectors back to the start of their topics, as if nothing they did had been committed. Answers how many records each will read.
 * Waits for workers of earlier demos that Kafka still believes in.
 */
export async function rewind(cluster: Cluster, { config, env, names, enough, signal }: Rewinding): Promise<ReadonlyMap<string, number>> {
  const service = await readService({ file: config, env });
  const admin = await cluster.admin();
  const totals = new Map<string, number>();
  try {
    for (const { name, connector } of service.connectors.filter((own) => names.includes(own.name))) {
      const { settings } = readSettings(connector);
      const groupId = workerGroup({ service: service.name, stage: service.stage, connector: name }, settings);
      while ((await admin.group(groupId)).members > 0 && !signal.aborted) await sleep(pollMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) break;
      let total = 0;
      for (const topic of topicsOf(settings)) {
        const ranges = await admin.ranges(topic);
        const held = ranges.reduce((sum, { low, high }) => sum + high - low, 0);
        const perPartition = held > enough(topic) ? Math.floor(enough(topic) / ranges.length) : Number.POSITIVE_INFINITY;
        const starts = ranges.map(({ partition, low, high }) => ({ partition, offset: Math.max(low, high - perPartition), high }));
        await admin.setCommitted(
          groupId,
          starts.map(({ partition, offset }) => ({ topic, partition, offset })),
        );
        total += starts.reduce((sum, { offset, high }) => sum + high - offset, 0);
      }
      totals.set(name, total);
    }
  } finally {
    await admin.close();
  }
  return totals;
}

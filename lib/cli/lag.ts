import type { ClusterAdmin } from '../clients/kafka/admin.ts';
import type { LogInspector } from '../clients/kafka/log-inspector.ts';
import { ConnectorError, RetriableError } from '../core/errors.ts';
import { readSettings } from '../core/settings.ts';
import { type Position, positions, type ReadingGroup } from '../platforms/offsets.ts';
import { readChosen, type ServiceFlags } from './chosen.ts';
import { clusterSettings, openCluster } from './cluster.ts';
import { findControls, groupsOf, type PlatformFlags } from './controls.ts';
import type { CommandWorld } from './dev.ts';
import { duration } from './duration.ts';
import type { Service, ServiceConnector } from './service.ts';
import { tableLines } from './table.ts';
import { count, counted, terminal } from './terminal.ts';

export interface LagFlags extends ServiceFlags, PlatformFlags {
  readonly brokers?: string;
}

/** A position, and how long its next record has been waiting. */
export interface Waiting extends Position {
  readonly oldestMs?: number;
}

/** Looks into Kafka from here. */
export interface KafkaView {
  readonly admin: ClusterAdmin;
  readonly inspector: LogInspector;
  close(): Promise<void>;
}

const openMs = 10_000;
/** Each needs a fetch of its own. */
const maxLooks = 24;

/** Prints how far behind each partition is. Answers the exit code: 0 when Kafka said it, 1 when it did not. */
export async function lag(flags: LagFlags, names: readonly string[], world: CommandWorld): Promise<number> {
  const out = terminal(world.stdout, world.env);
  const { service, chosen } = await readChosen(flags, names, world);
  const controls = await findControls(service, flags, world);
  const view = await viewKafka(service, flags.brokers, world);
  try {
    const found = [];
    for (const own of chosen) {
      const platform = controls.workersOf(own) !== undefined || flags.on === 'worker' ? 'worker' : 'lambda';
      found.push({ connector: own.name, partitions: await waitingRecords(view, own, groupsOf(service, own, platform), Date.now()) });
    }
    if (flags.json === true) out.line(JSON.stringify(found, null, 2));
    else for (const { connector, partitions } of found) for (const line of lagLines(connector, partitions)) out.line(line);
    return 0;
  } finally {
    await view.close();
  }
}

/** One table of a connector's partitions. */
export function lagLines(connector: string, partitions: readonly Waiting[]): string[] {
  const total = partitions.reduce((sum, each) => sum + each.lag, 0);
  const rows = partitions.map(({ topic, partition, committed, low, high, lag: records, oldestMs }) => [
    `${topic}-${partition}`,
    count(records),
    oldestMs === undefined ? '–' : duration(oldestMs),
    committed === undefined ? '–' : count(committed),
    count(low),
    count(high),
  ]);
  const right = (heading: string) => ({ heading, align: 'right' }) as const;
  const columns = ['partition', right('lag'), right('oldest'), right('next'), right('from'), right('to')];
  return ['', `  ${connector}   ${counted(total, 'record')} to go`, ...tableLines(columns, rows).map((line) => `    ${line}`)];
}

/** Connects to the service's Kafka. Throws a ConfigError or RetriableError when it cannot be reached from here. */
export async function viewKafka(service: Service, brokers: string | undefined, world: CommandWorld): Promise<KafkaView> {
  const { cluster } = await openCluster(clusterSettings(service.cluster, brokers), world.env);
  const opening = cluster.admin();
  const admin = await inTime(opening, openMs, () => void opening.then((late) => late.close()).catch(() => undefined));
  const inspector = await cluster.inspector();
  return {
    admin,
    inspector,
    async close() {
      inspector.destroy();
      await admin.close();
    },
  };
}

/** Where each partition of a connector stands, and since when its next record waits. */
export async function waitingRecords(
  { admin, inspector }: KafkaView,
  own: ServiceConnector,
  groups: readonly ReadingGroup[],
  now: number,
): Promise<readonly Waiting[]> {
  const found = await positions(admin, groups, readSettings(own.connector).settings);
  const behind = found.filter((each) => each.lag > 0);
  if (behind.length > maxLooks) return found;
  const oldest = new Map<Position, number>();
  await Promise.all(
    behind.map(async (each) => {
      try {
        const [first] = await inspector.head(each.topic, each.partition, Math.max(each.low, each.high - each.lag), 1);
        if (first !== undefined && first.timestamp > 0) oldest.set(each, Math.max(0, now - first.timestamp));
      } catch (error) {
        if (!(error instanceof ConnectorError)) throw error; // its age is not known then
      }
    }),
  );
  return found.map((each) => {
    const oldestMs = oldest.get(each);
    return oldestMs === undefined ? each : { ...each, oldestMs };
  });
}

async function inTime<Result>(work: Promise<Result>, ms: number, late: () => void): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      late();
      reject(new RetriableError('KAFKA_UNREACHABLE', `Kafka did not answer in ${ms / 1_000} s`));
    }, ms);
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}

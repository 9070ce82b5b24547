import type { ClusterConfig } from '../../lib/clients/kafka/cluster-config.ts';
import { connectCluster } from '../../lib/clients/kafka.ts';
import { openConnector, realClock } from '../../lib/compose.ts';
import { jsonLog } from '../../lib/core/log.ts';
import { parseSettings, topicsOf } from '../../lib/core/settings.ts';
import type { Transform } from '../../lib/core/transform.ts';
import { connectTo, runWorker } from '../../lib/platforms/worker/worker.ts';
import { postgres } from '../../lib/sinks/postgres.ts';

/** What a worker process is told by its first argument. */
export interface WorkerInput {
  readonly name: string;
  /** As under `connector` of serverless.yml. */
  readonly connector: unknown;
  readonly cluster: ClusterConfig;
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** Whether records go through a transform, which throws where it meets a trap. */
  readonly transforms: boolean;
}

/** What it says whenever a batch is settled, and once when it runs. */
export interface WorkerNews {
  readonly settled: number;
}

const input = JSON.parse(process.argv[2] ?? '{}') as WorkerInput;
const { name, cluster, groupId, sessionTimeoutMs, heartbeatIntervalMs } = input;
const stopping = new AbortController();
process.on('SIGTERM', () => stopping.abort());
process.on('disconnect', () => process.exit(3)); // whoever started it is gone

const log = jsonLog((line) => void process.stdout.write(`${line}\n`), { level: 'debug', now: Date.now, fields: { pid: process.pid } });
const tellParent = (news: WorkerNews): void => void (process.connected && process.send?.(news));
const springTraps: Transform = (record) => {
  if ((record.value as { readonly trap?: true }).trap === true) throw new TypeError('This is a trap.');
  return record;
};

const settings = parseSettings(input.connector);
const connector = await openConnector(input.transforms ? { sink: postgres, transform: springTraps } : { sink: postgres }, {
  name,
  settings,
  cluster,
  environment: {
    env: process.env,
    clock: realClock,
    log,
    reportBatch({ lastError, ...counts }) {
      log.debug('batch', { ...counts, code: lastError?.code, at: lastError?.at });
      tellParent({ settled: counts.records - counts.redelivered });
    },
    reportRetry: (records, attempt, waitMs) => log.debug('retry', { records, attempt, waitMs }),
  },
});
const secret = (): Promise<string> => Promise.reject(new Error('the cluster needs no secret'));
const worker = runWorker({
  connector,
  connect: connectTo(() => connectCluster(cluster, { secret, log }), {
    groupId,
    topics: topicsOf(settings),
    sessionTimeoutMs,
    heartbeatIntervalMs,
  }),
  startingPosition: { at: 'TRIM_HORIZON' },
  policy: settings.worker,
  signal: stopping.signal,
  clock: realClock,
  log,
  tell: (fact) => log.info(fact.type, { ...fact, partitions: 'partitions' in fact ? fact.partitions.join() : undefined }),
});
tellParent({ settled: 0 });
const end = await worker.ended;
await connector.close();
log.info('ended', { reason: end.reason, isCommitted: end.isCommitted });
process.exit(end.isCommitted ? 0 : 4);

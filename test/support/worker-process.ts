import { appendFileSync } from 'node:fs';
import { Type } from 'typebox';
import { connectCluster } from '../../lib/clients/kafka.ts';
import { openConnector, realClock } from '../../lib/compose.ts';
import { silentLog } from '../../lib/core/log.ts';
import { parseSettings } from '../../lib/core/settings.ts';
import { defineSink } from '../../lib/core/sink.ts';
import type { StartingPosition } from '../../lib/platforms/worker/starting-point.ts';
import { connectTo, runWorker } from '../../lib/platforms/worker/worker.ts';

/** What a worker of a test is told: as the message of a process of its own, or in the process of the test. */
export interface WorkerStart {
  readonly brokers: string;
  readonly topic: string;
  readonly groupId: string;
  /** Gets one line per record, `partition@offset value`. */
  readonly file: string;
  readonly untilCaughtUp?: boolean;
  readonly startingPosition?: StartingPosition;
}

// A member that was killed keeps its partitions for this long; the broker's least.
const sessionTimeoutMs = 6_000;

const fileSink = defineSink({
  name: 'file',
  summary: 'Appends records to a file, where a test reads what was delivered, whoever is killed.',
  config: Type.Object({ file: Type.String() }),
  guarantees: () => ({ idempotent: false, ordered: false, deletes: false, partial: true }),
  limits: () => ({ records: 500, bytes: 1_000_000 }),
  permissions: () => [],
  async open({ file }) {
    return {
      async write(records) {
        appendFileSync(file, records.map(({ origin, value }) => `${origin.partition}@${origin.offset} ${String(value)}\n`).join(''));
        return records.map(() => 'delivered' as const);
      },
    };
  },
});

/** A real worker that delivers to a file. */
export async function startWorker(
  { brokers, topic, groupId, file, untilCaughtUp = false, startingPosition = { at: 'TRIM_HORIZON' } }: WorkerStart,
  signal: AbortSignal,
  log = silentLog,
) {
  const settings = parseSettings({ trigger: { topic }, value: 'string', sink: { type: 'file', file }, acceptDuplicates: true });
  const connector = await openConnector(
    { sink: fileSink },
    {
      name: 'to-file',
      settings,
      environment: { env: {}, clock: realClock, log: silentLog, reportBatch: () => undefined },
    },
  );
  const cluster = await connectCluster({ bootstrapServers: brokers }, { secret: async () => '', log: silentLog });
  return runWorker({
    connector,
    connect: connectTo(async () => cluster, { groupId, topics: [topic], sessionTimeoutMs, heartbeatIntervalMs: 500 }),
    startingPosition,
    policy: { ...settings.worker, records: 200 },
    signal,
    clock: realClock,
    log,
    ...(untilCaughtUp ? { untilCaughtUp: { patienceMs: 25_000 } } : {}),
  });
}

if (process.send !== undefined && process.argv[1] === import.meta.filename) {
  process.once('message', (start) => void startWorker(start as WorkerStart, new AbortController().signal));
}

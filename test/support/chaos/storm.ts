import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterAdmin } from '../../../lib/clients/kafka/admin.ts';
import type { Cluster } from '../../../lib/clients/kafka.ts';
import { clusterWith, readTopic } from '../clusters.ts';
import { type Pace, rage } from './faults.ts';
import { judgeLetters } from './letters.ts';
import { type Numbered, type NumberedOptions, numbered } from './numbered.ts';
import type { Stage } from './stage.ts';
import { createTables, faultsOfRows, type Mode, sinks } from './target.ts';
import { type WorkerPool, workerPool } from './worker-pool.ts';

export interface StormConnector extends Omit<NumberedOptions, 'seed'> {
  readonly mode: Mode;
  readonly workers: number;
}

export interface StormOptions {
  readonly seed: number;
  readonly connectors: readonly StormConnector[];
  /** How long records keep coming. */
  readonly producingMs: number;
  /** Faults begin as long as this is not over, and until each kind happened once. */
  readonly ragingMs: number;
  readonly pace: Pace;
  /** How long the workers get to come to the end once it is calm. */
  readonly patienceMs: number;
  readonly tell: (event: string) => void;
}

/** What became of one connector's records. */
export interface Aftermath {
  readonly mode: Mode;
  readonly records: number;
  readonly poison: number;
  /** Offsets that are not committed, or not those at the end, by partition. */
  readonly uncommitted: readonly string[];
  readonly rowFaults: readonly string[];
  readonly letterFaults: readonly string[];
  readonly letters: number;
  readonly repeatedLetters: number;
  /** How many records were settled more than once. */
  readonly repeats: number;
  readonly deserters: readonly string[];
}

export interface StormReport {
  readonly seed: number;
  readonly faults: readonly string[];
  readonly seconds: { readonly raging: number; readonly catchingUp: number; readonly all: number };
  readonly connectors: readonly Aftermath[];
}

const sessionTimeoutMs = 3_000;
const heartbeatIntervalMs = 400;
const tickMs = 100;

/** One connector on its way through the storm. */
interface Run extends StormConnector {
  readonly topic: string;
  readonly groupId: string;
  readonly deadLetterTopic: string;
  readonly numbered: Numbered;
  readonly timestamps: Float64Array;
  readonly pool: WorkerPool;
}

/** Sends numbered records through worker processes while everything around them fails, and reads back what arrived. Closes the stage. */
export async function storm(stage: Stage, options: StormOptions): Promise<StormReport> {
  const logDir = await mkdtemp(join(tmpdir(), 'sluice-storm-'));
  const startedAt = Date.now();
  const runs: Run[] = [];
  try {
    const cluster = await clusterWith({ bootstrapServers: stage.brokers });
    const admin = await cluster.admin();
    await createTables(stage.databaseUrl);
    for (const connector of options.connectors) runs.push(await prepare(connector, options.seed, stage, admin, logDir));
    await Promise.all(runs.flatMap(({ pool }) => pool.running.map(({ up }) => up)));
    options.tell(`the workers are up after ${seconds(startedAt)} s`);
    const report = await weather(options, runs, stage, cluster, admin, startedAt);
    await admin.close();
    if (isCalm(report)) await rm(logDir, { recursive: true });
    else options.tell(`the workers' logs are in ${logDir}`);
    return report;
  } catch (error) {
    options.tell(`the workers' logs are in ${logDir}\n${lastLines(logDir)}`);
    throw error;
  } finally {
    await Promise.all(runs.flatMap(({ pool }) => [...pool.running].map((worker) => worker.kill())));
    await stage.close();
  }
}

/** Whether nothing is wrong. */
export function isCalm({ connectors }: StormReport): boolean {
  return connectors.every(
    ({ uncommitted, rowFaults, letterFaults, deserters }) =>
      uncommitted.length + rowFaults.length + letterFaults.length + deserters.length === 0,
  );
}

async function prepare(connector: StormConnector, seed: number, stage: Stage, admin: ClusterAdmin, logDir: string): Promise<Run> {
  const { mode, records, partitions } = connector;
  const topic = `numbers-${mode}`;
  const deadLetterTopic = `${topic}.dlq`;
  const groupId = `storm-${mode}`;
  await admin.createTopic({ topic, partitions });
  await admin.createTopic({ topic: deadLetterTopic, partitions: 2 });
  const settings = {
    trigger: { topic },
    sink: {
      type: 'postgres',
      url: { env: 'STORM_DATABASE_URL' },
      connectTimeoutMs: 2_000,
      statementTimeoutMs: 5_000,
      batchRows: 500,
      ...sinks[mode],
    },
    onError: { deadLetterTopic },
    // Short, so that batches are given up and begun again as well as retried.
    retry: { baseMs: 50, capMs: 400, maxElapsedMs: 1_500 },
    worker: { records: 1_000, bytes: 400_000, ageMs: 300, idleMs: 20, concurrency: 4 },
  };
  const input = {
    name: `numbers-${mode}`,
    connector: settings,
    cluster: { bootstrapServers: stage.workers.brokers },
    groupId,
    sessionTimeoutMs,
    heartbeatIntervalMs,
    transforms: mode === 'upsert',
  };
  const pool = workerPool(input, { STORM_DATABASE_URL: stage.workers.databaseUrl }, logDir);
  for (let count = 0; count < connector.workers; count++) pool.start();
  const timestamps = new Float64Array(records);
  return { ...connector, topic, groupId, deadLetterTopic, numbered: numbered({ ...connector, seed }), timestamps, pool };
}

async function weather(
  { seed, producingMs, ragingMs, pace, patienceMs, tell }: StormOptions,
  runs: readonly Run[],
  stage: Stage,
  cluster: Cluster,
  admin: ClusterAdmin,
  startedAt: number,
): Promise<StormReport> {
  const faults: string[] = [];
  const beganAt = Date.now();
  const tellFault = (fault: string): void => {
    const line = `${seconds(beganAt)} s: ${fault}`;
    faults.push(line);
    tell(line);
  };
  const pools = runs.map(({ pool }) => pool);
  const raging = rage({ seed, stage, pools, sessionTimeoutMs, pace, untilMs: ragingMs, tell: tellFault });
  await Promise.all([raging, ...runs.map((run) => produce(run, cluster, producingMs))]);
  const calmAt = Date.now();
  tell(`${seconds(beganAt)} s: it is calm`);
  await Promise.all(runs.map((run) => caughtUp(run, admin, patienceMs)));
  const caughtUpAt = Date.now();
  tell(`${seconds(beganAt)} s: everything is committed, or the patience is over`);
  const ends = await Promise.all(
    pools.map((pool) => Promise.all([...pool.running].map(async (worker) => `${worker.name} ended with ${await worker.stop()}`))),
  );
  const connectors = await Promise.all(
    runs.map(async (run, index): Promise<Aftermath> => {
      const letters = judgeLetters(await readTopic(cluster, run.deadLetterTopic), {
        topic: run.topic,
        records: run.numbered,
        timestamps: run.timestamps,
        transforms: run.mode === 'upsert',
      });
      return {
        mode: run.mode,
        records: run.records,
        poison: run.numbered.poison,
        uncommitted: await uncommitted(run, admin),
        rowFaults: await faultsOfRows(stage.databaseUrl, run.mode, run.numbered),
        letterFaults: letters.faults,
        letters: letters.letters,
        repeatedLetters: letters.repeats,
        repeats: run.pool.settled - run.records,
        deserters: [...run.pool.deserters, ...(ends[index] ?? []).filter((end) => !end.endsWith(' 0'))],
      };
    }),
  );
  return {
    seed,
    faults,
    seconds: { raging: (calmAt - beganAt) / 1000, catchingUp: (caughtUpAt - calmAt) / 1000, all: (Date.now() - startedAt) / 1000 },
    connectors,
  };
}

/** Sends the records in their order, spread over the time. */
async function produce({ topic, numbered, timestamps }: Run, cluster: Cluster, producingMs: number): Promise<void> {
  const producer = cluster.producer();
  const from = Date.now();
  for (let sent = 0; sent < numbered.records; ) {
    const due = Math.min(numbered.records, Math.ceil(((Date.now() - from + tickMs) / producingMs) * numbered.records));
    const now = Date.now();
    const records = Array.from({ length: due - sent }, (_, index) => {
      const number = sent + index;
      const { key, value, headers } = numbered.record(number);
      timestamps[number] = now;
      return { topic, partition: numbered.partition(number), key, value, headers, timestamp: now };
    });
    const outcomes = await producer.send(records, { signal: AbortSignal.timeout(30_000) });
    const failed = outcomes.find((outcome) => outcome !== 'sent');
    if (failed !== undefined) throw new Error('A record could not be produced', { cause: failed });
    sent = due;
    if (sent < numbered.records) await sleep(tickMs);
  }
  await producer.close();
}

async function caughtUp(run: Run, admin: ClusterAdmin, patienceMs: number): Promise<void> {
  const until = Date.now() + patienceMs;
  while (Date.now() < until && (await uncommitted(run, admin)).length > 0) await sleep(250);
}

async function uncommitted({ topic, groupId, numbered }: Run, admin: ClusterAdmin): Promise<string[]> {
  const committed = new Map((await admin.committed(groupId, [topic])).map(({ partition, offset }) => [partition, offset]));
  const ranges = await admin.ranges(topic);
  return ranges.flatMap(({ partition, high }) => {
    const expected = numbered.counts[partition];
    if (high !== expected) return [`partition ${partition} has ${high} records instead of ${expected}`];
    const offset = committed.get(partition);
    return offset === high ? [] : [`partition ${partition} is committed up to ${offset ?? 'nothing'} of ${high}`];
  });
}

function lastLines(logDir: string): string {
  return readdirSync(logDir)
    .map((name) => `${name}:\n${readFileSync(join(logDir, name), 'utf8').trimEnd().split('\n').slice(-5).join('\n')}`)
    .join('\n');
}

function seconds(since: number): string {
  return ((Date.now() - since) / 1000).toFixed(1);
}

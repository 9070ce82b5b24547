import { setTimeout as sleep } from 'node:timers/promises';
import { between, generator, pick, shuffled } from './random.ts';
import type { Stage } from './stage.ts';
import type { WorkerPool } from './worker-pool.ts';

export interface FaultContext {
  readonly stage: Stage;
  readonly pools: readonly WorkerPool[];
  readonly sessionTimeoutMs: number;
  readonly random: () => number;
}

/** Does something that must not matter, and undoes it; answers what it was. */
type Fault = (context: FaultContext) => Promise<string>;

const workerFaults = {
  async killed({ pools, random }) {
    const pool = pick(random, pools);
    const worker = pick(random, pool.running);
    const pauseMs = between(random, 0, 1_000);
    await worker.kill();
    await sleep(pauseMs);
    pool.start();
    return `${worker.name} was killed, another came after ${pauseMs} ms`;
  },
  async stopped({ pools, random }) {
    const pool = pick(random, pools);
    const worker = pick(random, pool.running);
    const pauseMs = between(random, 0, 1_000);
    const how = await worker.stop();
    // 4: an offset could not be committed before it left, e.g. as the broker could not be reached.
    if (how !== '0' && how !== '4') throw new Error(`${worker.name} was asked to stop and ended with ${how}.`);
    await sleep(pauseMs);
    pool.start();
    return `${worker.name} was stopped (${how}), another came after ${pauseMs} ms`;
  },
  // Others take its partitions over, and then it goes on with what it was about to write.
  async frozen({ pools, random, sessionTimeoutMs }) {
    const worker = pick(random, pick(random, pools).running);
    const frozenMs = sessionTimeoutMs + between(random, 500, 2_000);
    worker.freeze();
    await sleep(frozenMs);
    worker.thaw();
    return `${worker.name} was frozen for ${frozenMs} ms`;
  },
  async 'one more'({ pools, random }) {
    const pool = pick(random, pools);
    const worker = pool.start();
    const staysMs = between(random, 1_000, 3_000);
    await sleep(staysMs);
    // It may be the one that was killed meanwhile.
    const how = pool.running.includes(worker) ? await worker.stop() : 'nobody';
    return `${worker.name} joined, and left after ${staysMs} ms (${how})`;
  },
} satisfies Readonly<Record<string, Fault>>;

const databaseFaults = {
  async stopped({ stage, random }) {
    const downMs = between(random, 500, 2_000);
    await stage.postgres.stop();
    await sleep(downMs);
    await stage.postgres.start();
    return `the database was stopped for ${downMs} ms`;
  },
  async killed({ stage, random }) {
    const downMs = between(random, 0, 1_000);
    await stage.postgres.kill();
    await sleep(downMs);
    await stage.postgres.start();
    return `the database was killed, and started after ${downMs} ms`;
  },
  async cut({ stage }) {
    const { connections } = stage.database;
    stage.database.cut();
    return `${connections} connections to the database were cut`;
  },
  hanging: ({ stage, random }) => hang('database', stage.database, between(random, 500, 2_500)),
  slow: ({ stage, random }) => slow('database', stage.database, between(random, 50, 300)),
} satisfies Readonly<Record<string, Fault>>;

const brokerFaults = {
  async cut({ stage }) {
    const { connections } = stage.broker;
    stage.broker.cut();
    return `${connections} connections to the broker were cut`;
  },
  async refusing({ stage, random }) {
    const downMs = between(random, 300, 1_500);
    await stage.broker.refuse();
    await sleep(downMs);
    await stage.broker.pass();
    return `the broker could not be reached for ${downMs} ms`;
  },
  hanging: ({ stage, random }) => hang('broker', stage.broker, between(random, 500, 2_000)),
  slow: ({ stage, random }) => slow('broker', stage.broker, between(random, 20, 100)),
} satisfies Readonly<Record<string, Fault>>;

async function hang(name: string, proxy: Stage['broker'], ms: number): Promise<string> {
  proxy.hang();
  await sleep(ms);
  await proxy.pass();
  return `the ${name} did not answer for ${ms} ms`;
}

async function slow(name: string, proxy: Stage['broker'], delayMs: number): Promise<string> {
  proxy.delay(delayMs);
  await sleep(1_500);
  proxy.delay(0);
  return `the ${name} was slow by ${delayMs} ms`;
}

// Workers die more often than servers.
const lanes: readonly (readonly [string, readonly Fault[]])[] = [
  ['workers', [...Object.values(workerFaults), workerFaults.killed, workerFaults.stopped]],
  ['database', Object.values(databaseFaults)],
  ['broker', Object.values(brokerFaults)],
];

/** When the next fault comes: when so many records were settled since the last one, so that it hits something at work, or after a time. */
export interface Pace {
  /** Records settled between two faults of one kind of target, on average. */
  readonly records: number;
  readonly maxMs: number;
}

export interface FaultOptions {
  readonly seed: number;
  readonly stage: Stage;
  readonly pools: readonly WorkerPool[];
  readonly sessionTimeoutMs: number;
  readonly pace: Pace;
  /** Every fault happens once at least, and then they go on until this is over. */
  readonly untilMs: number;
  readonly tell: (fault: string) => void;
}

/** Faults of workers, database and broker at the same time, in an order that the seed decides. */
export async function rage({ seed, pace, untilMs, tell, ...rest }: FaultOptions): Promise<void> {
  const startedAt = Date.now();
  const isOver = (): boolean => Date.now() - startedAt >= untilMs;
  await Promise.all(
    lanes.map(async ([name, faults], index) => {
      const random = generator(seed + index);
      for (let round = 0; round === 0 || !isOver(); round++) {
        for (const fault of shuffled(random, faults)) {
          await pause(rest.pools, pace.records * (0.5 + random()), pace.maxMs);
          if (round > 0 && isOver()) return;
          tell(await fault({ ...rest, random }).catch((cause) => Promise.reject(new Error(`A fault of the ${name} failed`, { cause }))));
        }
      }
    }),
  );
}

async function pause(pools: readonly WorkerPool[], records: number, maxMs: number): Promise<void> {
  const settled = (): number => pools.reduce((sum, pool) => sum + pool.settled, 0);
  const from = settled();
  const until = Date.now() + maxMs;
  while (Date.now() < until && settled() - from < records) await sleep(20);
}

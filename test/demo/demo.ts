import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { dev } from '../../lib/cli/dev.ts';
import { count, terminal } from '../../lib/cli/terminal.ts';
import type { Cluster } from '../../lib/clients/kafka.ts';
import { runConnectors } from './connectors.ts';
import { flights } from './flights.ts';
import { createTopics, demoCluster, endOf, produce } from './load.ts';
import type { StartedTargets } from './more-targets.ts';
import { progressBoard } from './progress.ts';
import { brokenRecords, mixed, quakes } from './quakes.ts';
import { recordedEvents } from './recorded-events.ts';
import { type DemoServers, startServers } from './servers.ts';
import { showLetter, showTable, summarise } from './summary.ts';

// npm run demo [-- --fresh] [-- --all] [-- --flights] [-- --once]
const usage =
  'npm run demo -- [--fresh: forget what earlier demos left] [--all: run every sink] [--flights: load three million flights] [--once: end after the summary]';
const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = join(root, '.sluice');
const config = join(root, 'serverless.yml');

const patienceSeconds = 30;

const flags = readFlags();
const isTTY = process.stdout.isTTY === true;
const out = { ...terminal(process.stdout, process.env), raw: (text: string) => void process.stdout.write(text), isTTY };
const stop = new AbortController();
process.on('SIGINT', () => stop.abort());
process.on('SIGTERM', () => stop.abort());

process.exitCode = await main();

async function main(): Promise<number> {
  out.line();
  const brokers = process.env['KAFKA_BROKERS'];
  if (flags.fresh) await rm(folder, { recursive: true, force: true });
  const [servers, more] = await startAll(brokers);
  try {
    const { kafka } = servers;
    if (kafka === undefined) return await withoutKafka(servers);
    out.line(`  ${out.style('bold', 'Sluice demo')}        ${kafka.label}, ${servers.postgres.label}`);
    if (more !== undefined) return await showEverySink(servers, kafka, more);
    return flags.flights ? await showFlights(servers, kafka.brokers) : await showQuakes(servers, kafka.brokers);
  } finally {
    await Promise.all([servers.stop(), more?.stop()]);
  }
}

/** The servers of the demo, and with --all every other target. Who does not want to wait for them need not: they end with this process. */
async function startAll(brokers: string | undefined): Promise<readonly [DemoServers, StartedTargets | undefined]> {
  const giveUp = (): never => process.exit(130);
  stop.signal.addEventListener('abort', giveUp);
  const starting = flags.all ? import('./more-targets.ts').then(({ startMoreTargets }) => startMoreTargets(folder)) : undefined;
  try {
    return [await startServers({ folder, fresh: flags.fresh, brokers }), await starting];
  } catch (error) {
    await (await starting)?.stop();
    throw error;
  } finally {
    stop.signal.removeEventListener('abort', giveUp);
  }
}

async function showEverySink(servers: DemoServers, kafka: NonNullable<DemoServers['kafka']>, more: StartedTargets): Promise<number> {
  const { showAll } = await import('./all.ts');
  const code = await showAll({ out, config, folder, signal: stop.signal, kafka, postgres: servers.postgres, more });
  if (stop.signal.aborted) return 130;
  sayHowToStop();
  await untilStopped();
  return code;
}

async function showQuakes(servers: DemoServers, brokers: string): Promise<number> {
  const good = quakes();
  const records = mixed(good, brokenRecords(Date.now()));
  const broken = records.length - good.length;
  out.line(`                     ${count(good.length)} earthquakes of one week (USGS) and ${broken} broken records we made up`);
  out.line();
  const cluster = await demoCluster(brokers);
  await createTopics(cluster, { quakes: 3, 'quakes.dlq': 1 });
  const lettersBefore = await endOf(cluster, 'quakes.dlq');
  await produce(cluster, 'quakes', [records]);

  const { code, progress } = await runHere(['quakes-to-postgres', 'quakes-to-alerts'], records.length, servers, brokers);
  if (stop.signal.aborted) return 130;
  summarise(out, progress);
  if (code !== 0) return code;
  await showTable(
    out,
    servers.postgres.url,
    'The strongest of the week',
    "select mag, place, time from quakes where kind = 'earthquake' order by mag desc limit 3",
  );
  await showLetter(
    out,
    brokers,
    lettersBefore,
    progress.reduce((sum, { progress: { deadLettered } }) => sum + deadLettered, 0),
  );
  lookAround(servers, brokers, 'functions/quakes-to-postgres.ts');
  await untilStopped();
  return code;
}

async function showFlights(servers: DemoServers, brokers: string): Promise<number> {
  out.line('                     3,000,000 flights within the United States');
  out.line();
  const cluster = await demoCluster(brokers);
  await createTopics(cluster, { flights: 6, 'flights.dlq': 1 });
  const total = await loadFlights(cluster);
  if (stop.signal.aborted) return 130;
  const { code, progress } = await runHere(['flights-to-postgres'], total, servers, brokers);
  if (stop.signal.aborted) return 130;
  summarise(out, progress);
  if (code !== 0) return code;
  const busiest =
    'select origin, count(*) as flights, round(avg(delay)::numeric, 1) as delay from flights group by origin order by flights desc limit 3';
  await showTable(out, servers.postgres.url, 'The busiest airports', busiest);
  lookAround(servers, brokers, 'functions/flights-to-postgres.ts');
  await untilStopped();
  return code;
}

async function loadFlights(cluster: Cluster): Promise<number> {
  const board = progressBoard(out, ['to Kafka'], () => 3_000_000, Date.now);
  const counts = {
    in: 0,
    ignored: 0,
    dropped: 0,
    deadLettered: 0,
    skipped: 0,
    redelivered: 0,
    retries: 0,
    state: 'running',
    ...{ rate: 0, deliveredRate: 0 },
  } as const;
  const source = async function* () {
    for await (const batch of flights()) {
      if (stop.signal.aborted) return;
      yield batch;
    }
  };
  let shownAt = 0;
  const total = await produce(cluster, 'flights', source(), (sent) => {
    if (Date.now() - shownAt < 250 && sent < 3_000_000) return;
    shownAt = Date.now();
    board.heard('to Kafka', { type: 'progress', progress: { ...counts, delivered: sent, lag: 3_000_000 - sent } });
  });
  board.finish();
  return total;
}

function runHere(names: readonly string[], total: number, { postgres }: DemoServers, brokers: string) {
  const env = { ...process.env, DATABASE_URL: postgres.url };
  return runConnectors({ config, names, totalOf: () => total, brokers, env, patience: patienceSeconds, out, signal: stop.signal });
}

function lookAround({ postgres }: DemoServers, brokers: string, file: string): void {
  const set = `KAFKA_BROKERS=${brokers} DATABASE_URL=${postgres.url}`;
  out.line();
  out.line(`  Look around   psql ${postgres.url}`);
  out.line(`                ${set} npx sluice dev --only quakes-to-alerts --from-beginning --dry-run --once`);
  out.line(`  Change it     ${file}, then npm run demo again`);
  sayHowToStop();
}

function sayHowToStop(): void {
  if (isTTY && !flags.once) out.line('  Stop it       Ctrl-C (the data stays in .sluice/ until npm run demo -- --fresh)');
  out.line();
}

/** The same function, called as Lambda would with recorded events: it needs no Kafka, and letters are counted instead of written. */
async function withoutKafka(servers: DemoServers): Promise<number> {
  out.line(`  ${out.style('bold', 'Sluice demo')}        no Kafka: ${servers.withoutKafka ?? ''}`);
  out.line(`                     so recorded events go through sluice dev into ${servers.postgres.label}`);
  out.line();
  const events = join(folder, 'recorded-events.jsonl');
  await mkdir(folder, { recursive: true });
  await writeFile(events, recordedEvents(mixed(quakes(), brokenRecords(Date.now()))));
  const env = { ...process.env, DATABASE_URL: servers.postgres.url };
  const world = { env, stdout: process.stdout, stderr: process.stderr, signal: stop.signal };
  const code = await dev({ config, only: ['quakes-to-postgres'], events }, world);
  await showTable(out, servers.postgres.url, 'The strongest of the week', 'select mag, place, time from quakes order by mag desc limit 3');
  lookAround(servers, 'localhost:9092', 'functions/quakes-to-postgres.ts');
  await untilStopped();
  return code;
}

/** On a terminal the servers stay until somebody has looked around. */
function untilStopped(): Promise<void> {
  if (!isTTY || flags.once || stop.signal.aborted) return Promise.resolve();
  const alive = setInterval(() => undefined, 60_000);
  return new Promise((resolve) => stop.signal.addEventListener('abort', () => resolve(clearInterval(alive)), { once: true }));
}

function readFlags() {
  try {
    const flag = { type: 'boolean', default: false } as const;
    return parseArgs({ options: { fresh: flag, all: flag, flights: flag, once: flag } }).values;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    process.exit(2);
  }
}

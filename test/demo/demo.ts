import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { dev } from '../../lib/cli/dev.ts';
import { run } from '../../lib/cli/run.ts';
import { count, terminal } from '../../lib/cli/terminal.ts';
import type { Cluster } from '../../lib/clients/kafka.ts';
import { flights } from './flights.ts';
import { createTopics, demoCluster, endOf, produce } from './load.ts';
import { progressBoard } from './progress.ts';
import { brokenRecords, mixed, quakes } from './quakes.ts';
import { recordedEvents } from './recorded-events.ts';
import { type DemoServers, startServers } from './servers.ts';
import { showLetter, showTable, summarise } from './summary.ts';

// npm run demo [-- --fresh] [-- --flights] [-- --once]
const usage =
  'npm run demo -- [--fresh: forget what earlier demos left] [--flights: load three million flights] [--once: end after the summary]';
const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = join(root, '.sluice');
const config = join(root, 'serverless.yml');

const shownAlerts = 5;

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
  const servers = await startServers({ folder, fresh: flags.fresh, brokers });
  try {
    const { kafka } = servers;
    if (kafka === undefined) return await withoutKafka(servers);
    out.line(`  ${out.style('bold', 'Sluice demo')}        ${kafka.label}, ${servers.postgres.label}`);
    return flags.flights ? await showFlights(servers, kafka.brokers) : await showQuakes(servers, kafka.brokers);
  } finally {
    await servers.stop();
  }
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

  const { code, progress } = await runConnectors(['quakes-to-postgres', 'quakes-to-alerts'], records.length, servers, brokers);
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
  const { code, progress } = await runConnectors(['flights-to-postgres'], total, servers, brokers);
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
  const board = progressBoard(out, ['to Kafka'], 3_000_000, Date.now);
  const counts = {
    in: 0,
    ignored: 0,
    dropped: 0,
    deadLettered: 0,
    skipped: 0,
    redelivered: 0,
    retries: 0,
    state: 'running',
    rate: 0,
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

/** Runs the connectors as `sluice run --until-caught-up` does, with progress lines instead of its report. */
async function runConnectors(names: readonly string[], total: number, servers: DemoServers, brokers: string) {
  const board = progressBoard(out, names, total, Date.now);
  const alerts: string[] = [];
  const code = await run(
    { config, only: names, brokers, untilCaughtUp: true, patience: 30, json: true },
    {
      env: { ...process.env, DATABASE_URL: servers.postgres.url },
      stdout: { write: (text) => void hear(text, alerts, board.above) },
      stderr: process.stderr,
      signal: stop.signal,
      heard: (connector, message) => board.heard(connector, message),
    },
  );
  if (alerts.length > shownAlerts) board.above(`  … and ${count(alerts.length - shownAlerts)} more alerts`);
  const progress = board.finish();
  return { code, progress };
}

/** What the functions print: the first few alerts are shown as they come, what goes to standard error is always shown. */
function hear(text: string, alerts: string[], show: (line: string) => void): void {
  const { event, stream, line, connector } = JSON.parse(text) as Readonly<Record<string, string>>;
  if (event !== 'output') return;
  if (stream === 'stdout') alerts.push(line ?? '');
  if (stream === 'stderr') show(`  ${connector}  ${line}`);
  else if (alerts.length <= shownAlerts) show(`  ${out.style('red', 'alert')}  ${line}`);
}

function lookAround({ postgres }: DemoServers, brokers: string, file: string): void {
  const set = `KAFKA_BROKERS=${brokers} DATABASE_URL=${postgres.url}`;
  out.line();
  out.line(`  Look around   psql ${postgres.url}`);
  out.line(`                ${set} npx sluice dev --only quakes-to-alerts --from-beginning --dry-run --once`);
  out.line(`  Change it     ${file}, then npm run demo again`);
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

function readFlags(): { readonly fresh: boolean; readonly flights: boolean; readonly once: boolean } {
  try {
    const { values } = parseArgs({ options: { fresh: { type: 'boolean' }, flights: { type: 'boolean' }, once: { type: 'boolean' } } });
    return { fresh: values.fresh ?? false, flights: values.flights ?? false, once: values.once ?? false };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    process.exit(2);
  }
}

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { dev } from '../../lib/cli/dev.ts';
import { run } from '../../lib/cli/run.ts';
import { count, terminal } from '../../lib/cli/terminal.ts';
import type { Cluster } from '../../lib/clients/kafka.ts';
import { toEvent } from '../../lib/platforms/lambda/event.ts';
import { flights } from './flights.ts';
import { readLetters } from './letters.ts';
import { createTopics, demoCluster, endOf, produce } from './load.ts';
import { type ConnectorProgress, progressBoard, settled } from './progress.ts';
import { brokenRecords, mixed, quakes } from './quakes.ts';
import { queryTable } from './query.ts';
import { type DemoServers, startServers } from './servers.ts';

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
  summarise(progress);
  if (code !== 0) return code;
  await showTable(
    servers,
    'The strongest of the week',
    "select mag, place, time from quakes where kind = 'earthquake' order by mag desc limit 3",
  );
  await showLetter(
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
  summarise(progress);
  if (code !== 0) return code;
  const busiest =
    'select origin, count(*) as flights, round(avg(delay)::numeric, 1) as delay from flights group by origin order by flights desc limit 3';
  await showTable(servers, 'The busiest airports', busiest);
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

function summarise(progress: readonly ConnectorProgress[]): void {
  out.line();
  const width = Math.max(...progress.map(({ name }) => name.length));
  const figure = Math.max(...progress.map(({ progress: { delivered } }) => count(delivered).length));
  for (const { name, progress: own, ms } of progress) {
    const parts = [
      `${count(own.delivered).padStart(figure)} delivered`,
      own.ignored > 0 ? `${count(own.ignored)} ignored (newer data is there)` : '',
      own.dropped > 0 ? `${count(own.dropped)} dropped by the transform` : '',
      own.deadLettered > 0 ? out.style('yellow', `${count(own.deadLettered)} dead-lettered`) : '',
    ].filter((part) => part !== '');
    const seconds = Math.max(ms, 1) / 1_000;
    out.line(`  ${name.padEnd(width)}   ${parts.join('   ')}   in ${seconds.toFixed(2)} s, ${count(Math.round(settled(own) / seconds))}/s`);
  }
}

async function showTable(servers: DemoServers, title: string, sql: string): Promise<void> {
  const rows = await queryTable(servers.postgres.url, sql);
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  out.line();
  out.line(`  ${out.style('bold', title)}   ${out.style('dim', sql)}`);
  for (const row of rows) out.line(`    ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join('   ')}`.trimEnd());
}

async function showLetter(brokers: string, before: ReadonlyMap<number, number>, expected: number): Promise<void> {
  const letters = await readLetters(brokers, 'quakes.dlq', before, expected);
  const letter = letters.find(({ bytes }) => bytes.includes('made-up-1')) ?? letters[0];
  if (letter === undefined) return;
  out.line();
  out.line(`  ${out.style('bold', 'One dead letter')} (${letter.place}, of ${count(letters.length)})`);
  out.line(`    from      ${letter.from}`);
  out.line(`    because   ${letter.because}`);
  out.line(`    bytes     ${JSON.stringify(letter.bytes).slice(1, -1).replaceAll('\\"', '"')}`);
  const names = Object.keys(letter.headers);
  out.line(
    `    headers   ${names
      .filter((name) => name.startsWith('sluice.'))
      .map((name) => `${name}=${letter.headers[name]}`)
      .join('  ')}`,
  );
  out.line(
    `              and ${names.filter((name) => name.startsWith('__connect.')).length} that Kafka Connect's tools read (__connect.errors.*)`,
  );
}

function lookAround(servers: DemoServers, brokers: string, file: string): void {
  const set = `KAFKA_BROKERS=${brokers} DATABASE_URL=${servers.postgres.url}`;
  out.line();
  out.line(`  Look around   psql ${servers.postgres.url}`);
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
  await writeFile(events, recordedEvents());
  const env = { ...process.env, DATABASE_URL: servers.postgres.url };
  const world = { env, stdout: process.stdout, stderr: process.stderr, signal: stop.signal };
  const code = await dev({ config, only: ['quakes-to-postgres'], events }, world);
  await showTable(servers, 'The strongest of the week', 'select mag, place, time from quakes order by mag desc limit 3');
  lookAround(servers, 'localhost:9092', 'functions/quakes-to-postgres.ts');
  await untilStopped();
  return code;
}

function recordedEvents(): string {
  const records = mixed(quakes(), brokenRecords(Date.now())).map(({ key, value, timestamp }, offset) => ({
    origin: { topic: 'quakes', partition: 0, offset },
    timestamp,
    timestampType: 'create' as const,
    headers: [],
    key: Buffer.from(key),
    value,
  }));
  const size = 500;
  const events = Array.from({ length: Math.ceil(records.length / size) }, (_, index) =>
    toEvent(records.slice(index * size, (index + 1) * size)),
  );
  return `${events.map((event) => JSON.stringify(event)).join('\n')}\n`;
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

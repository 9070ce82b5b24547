import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readService } from '../../lib/cli/service.ts';
import { allSinks } from '../../lib/cli/sinks.ts';
import { tableLines } from '../../lib/cli/table.ts';
import { count } from '../../lib/cli/terminal.ts';
import { checkSink, readSettings } from '../../lib/core/settings.ts';
import { MissingToolError } from '../support/servers/java.ts';
import { type Ran, runConnectors } from './connectors.ts';
import { flights } from './flights.ts';
import { createTopics, demoCluster, endOf, produce } from './load.ts';
import type { Screen } from './progress.ts';
import { brokenRecords, mixed, type NewRecord, quakes } from './quakes.ts';
import { rewind } from './rewind.ts';
import { summarise } from './summary.ts';
import type { Findings, Target } from './target.ts';
import { consoleTarget } from './targets/console.ts';
import { lakeTarget } from './targets/lake.ts';
import { maxcomputeTarget } from './targets/maxcompute.ts';
import { mirrorTarget } from './targets/mirror.ts';
import { oncallTarget } from './targets/oncall.ts';
import { postgresTarget } from './targets/postgres.ts';
import { searchTarget } from './targets/search.ts';
import { webhookTarget } from './targets/webhook.ts';

const patienceSeconds = 60;
const sampleOfFlights = 5_000;
const flightPartitions = 6;

/** The targets beside Kafka and PostgreSQL, and those that this machine cannot run. */
export interface MoreTargets {
  readonly targets: readonly Target[];
  readonly missing: readonly { readonly connector: string; readonly error: Error }[];
  stop(): Promise<void>;
}

/** Starts every other target that can be started here, side by side. Those with a disk keep what they have in the folder. */
export async function startMoreTargets(folder: string): Promise<MoreTargets> {
  const starting: Readonly<Record<string, Promise<Target>>> = {
    'quakes-to-search': searchTarget(folder),
    'quakes-to-lake': lakeTarget(folder),
    'quakes-to-oncall': oncallTarget(),
    'quakes-to-webhook': webhookTarget(),
    'flights-to-maxcompute': maxcomputeTarget(),
  };
  const names = Object.keys(starting);
  const results = await Promise.allSettled(Object.values(starting));
  const targets = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  return {
    targets,
    missing: results.flatMap((result, index) =>
      result.status === 'rejected' ? [{ connector: names[index] ?? '', error: asError(result.reason) }] : [],
    ),
    stop: async () => void (await Promise.allSettled(targets.map((target) => target.stop()))),
  };
}

export interface AllOptions {
  readonly out: Screen;
  readonly config: string;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly kafka: { readonly brokers: string; readonly label: string };
  readonly postgres: { readonly url: string; readonly label: string };
  readonly more: MoreTargets;
}

/** Runs the connectors of all these targets, then reads every target back. Answers the exit code. */
export async function showAll(options: AllOptions): Promise<{ readonly code: number; readonly looks: readonly string[] }> {
  const { out, config, folder, signal, kafka, postgres, more } = options;
  const { brokers } = kafka;
  const printed: string[] = [];
  const targets = [postgresTarget(postgres), ...more.targets, mirrorTarget(kafka), consoleTarget(printed)];
  showTargets(out, targets, more);
  const cluster = await demoCluster(brokers);
  await createTopics(cluster, { quakes: 3, 'quakes.dlq': 1, flights: flightPartitions, 'flights.dlq': 1 });
  const good = quakes();
  const records = mixed(good, brokenRecords(Date.now()));
  const sent = [
    await sendOnce('quakes', records, `${count(good.length)} earthquakes and ${records.length - good.length} broken records`),
    await sendOnce('flights', (await flights(sampleOfFlights).next()).value ?? [], `${count(sampleOfFlights)} flights`),
  ];
  for (const line of sent) out.line(`  ${line}`);
  out.line();

  const env = Object.assign({ ...process.env, KAFKA_BROKERS: brokers }, ...targets.map((target) => target.env)) as NodeJS.ProcessEnv;
  const names = targets.map(({ connector }) => connector);
  const enough = (topic: string) => (topic === 'flights' ? sampleOfFlights : Number.POSITIVE_INFINITY);
  const totals = await rewind(cluster, { config, env, names, enough, signal });
  if (signal.aborted) return { code: 130, looks: [] };
  const totalOf = (name: string) => totals.get(name) ?? 0;
  const ran: Ran = await runConnectors({ config, names, totalOf, brokers, env, patience: patienceSeconds, out, signal });
  if (signal.aborted) return { code: 130, looks: [] };
  printed.push(...ran.printed);
  summarise(out, ran.progress);

  const before = await readCounts(folder);
  const counts: Record<string, number> = {};
  const rows: string[][] = [];
  const promises = await promisesOf(config, env);
  let failures = more.missing.filter(({ error }) => !(error instanceof MissingToolError)).length;
  out.line();
  out.line(`  ${out.style('bold', 'What arrived where')}, read back from each target with another client than the connector's`);
  for (const target of targets) {
    const findings = await target.readBack().catch(asError);
    showFindings(out, target, findings);
    if (findings instanceof Error) failures++;
    else {
      counts[target.connector] = findings.total;
      const earlier = before[target.connector];
      const promise = promises.get(target.connector) === true ? 'once' : 'at least once';
      rows.push([target.connector, findings.what, count(findings.total), earlier === undefined ? '' : count(earlier), promise]);
    }
  }
  await writeFile(countsFile(folder), JSON.stringify(counts));
  showCounts(out, rows, before);
  for (const { connector, error } of more.missing) out.line(`  ${out.style('yellow', 'not run')}  ${connector}   ${error.message}`);
  const looks = targets.flatMap(({ look }) => (look === undefined ? [] : [look]));
  return { code: ran.code === 0 && failures > 0 ? 1 : ran.code, looks };

  /** Sends records unless an earlier demo did: then the connectors are given those again. */
  async function sendOnce(topic: string, batch: readonly NewRecord[], what: string): Promise<string> {
    const held = [...(await endOf(cluster, topic)).values()].reduce((sum, end) => sum + end, 0);
    if (held >= batch.length)
      return `The topic ${topic} has ${count(held)} records of an earlier demo: all connectors read it again, as after a lost commit`;
    await produce(cluster, topic, [batch]);
    return `Sent ${what} to the topic ${topic}`;
  }
}

function showTargets(out: Screen, targets: readonly Target[], { missing }: MoreTargets): void {
  const names = [...targets.map(({ connector }) => connector), ...missing.map(({ connector }) => connector)];
  const width = Math.max(...names.map((name) => name.length));
  out.line();
  for (const { connector, label } of targets) out.line(`  ${connector.padEnd(width)}   to ${label}`);
  for (const { connector, error } of missing)
    out.line(`  ${connector.padEnd(width)}   ${out.style('yellow', 'not run:')} ${error.message.split('\n')[0]}`);
  out.line();
}

function showFindings(out: Screen, { connector, through }: Target, findings: Findings | Error): void {
  out.line();
  out.line(`  ${out.style('bold', connector)}   ${out.style('dim', through)}`);
  if (findings instanceof Error) {
    out.line(`    ${out.style('red', 'failed')}        ${findings.message}`);
    return;
  }
  const { total, what, different, lines } = findings;
  const captions = [['found', `${count(total)} ${what}, from ${count(different)} different records`] as const, ...lines];
  const width = Math.max(...captions.map(([caption]) => caption.length), 'the largest'.length);
  for (const [caption, text] of captions) out.line(`    ${caption.padEnd(width)}   ${text}`);
}

function showCounts(out: Screen, rows: readonly (readonly string[])[], before: Counts): void {
  const isFirst = Object.keys(before).length === 0;
  const [connector, what, now, earlier, promise] = ['connector', 'read back', 'now', 'the start before', 'promised'];
  const columns = [connector, what, { heading: now, align: 'right' as const }, { heading: earlier, align: 'right' as const }, promise];
  const shown = (row: readonly string[]) => (isFirst ? row.toSpliced(3, 1) : row);
  out.line();
  for (const line of tableLines(isFirst ? columns.toSpliced(3, 1) : columns, rows.map(shown))) out.line(`  ${line}`);
  out.line();
  if (isFirst) out.line('  Start it again: every connector gets the same records once more, and what is promised once stays as it is.');
}

type Counts = Readonly<Record<string, number>>;

function countsFile(folder: string): string {
  return join(folder, 'read-back.json');
}

async function readCounts(folder: string): Promise<Counts> {
  const text = await readFile(countsFile(folder), 'utf8').catch(() => '{}');
  return JSON.parse(text) as Counts;
}

/** Whether each connector's sink, with its options, promises that a record which comes twice is there once. */
async function promisesOf(config: string, env: Readonly<Record<string, string | undefined>>): Promise<ReadonlyMap<string, boolean>> {
  const [service, sinks] = await Promise.all([readService({ file: config, env }), allSinks()]);
  const promises = service.connectors.flatMap(({ name, connector }): [string, boolean][] => {
    const { settings } = readSettings(connector);
    const definition = sinks.find((sink) => sink.name === settings.sink.type);
    return definition === undefined ? [] : [[name, definition.guarantees(checkSink(definition, settings).config).idempotent]];
  });
  return new Map(promises);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

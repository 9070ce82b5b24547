import { count } from '../../lib/cli/terminal.ts';
import type { Cluster } from '../../lib/clients/kafka.ts';
import { MissingToolError } from '../support/servers/java.ts';
import { runConnectors } from './connectors.ts';
import { flights } from './flights.ts';
import { createTopics, demoCluster, endOf, produce } from './load.ts';
import type { StartedTargets } from './more-targets.ts';
import type { Screen } from './progress.ts';
import { brokenRecords, mixed, type NewRecord, quakes } from './quakes.ts';
import { promisesOf, showReadBack } from './read-back.ts';
import { rewind } from './rewind.ts';
import { summarise } from './summary.ts';
import type { Target } from './target.ts';
import { consoleTarget } from './targets/console.ts';
import { mirrorTarget } from './targets/mirror.ts';
import { postgresTarget } from './targets/postgres.ts';

const patienceSeconds = 60;
const sampleOfFlights = 5_000;

export interface AllOptions {
  readonly out: Screen;
  readonly config: string;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly kafka: { readonly brokers: string; readonly label: string };
  readonly postgres: { readonly url: string; readonly label: string };
  readonly more: StartedTargets;
}

/** Runs the connectors of all these targets over the same records at every start, then reads every target back. Answers the exit code. */
export async function showAll({ out, config, folder, signal, kafka, postgres, more }: AllOptions): Promise<number> {
  const { brokers } = kafka;
  const printed: string[] = [];
  const targets = [postgresTarget(postgres), ...more.targets, mirrorTarget(kafka), consoleTarget(printed)];
  showTargets(out, targets, more);
  const cluster = await demoCluster(brokers);
  await createTopics(cluster, { quakes: 3, 'quakes.dlq': 1, flights: 6, 'flights.dlq': 1 });
  await load(cluster, out);

  const names = targets.map(({ connector }) => connector);
  const env = { ...process.env, KAFKA_BROKERS: brokers, ...environmentOf(targets) };
  const enough = (topic: string) => (topic === 'flights' ? sampleOfFlights : Number.POSITIVE_INFINITY);
  const totals = await rewind(cluster, { config, env, names, enough, signal });
  if (signal.aborted) return 130;
  const totalOf = (name: string) => totals.get(name) ?? 0;
  const ran = await runConnectors({ config, names, totalOf, brokers, env, patience: patienceSeconds, out, signal });
  if (signal.aborted) return 130;
  printed.push(...ran.printed);
  summarise(out, ran.progress);

  out.line();
  out.line(`  ${out.style('bold', 'What arrived where')}, read back with other clients than the connectors have`);
  const unread = await showReadBack(out, targets, await promisesOf(config, env), folder);
  for (const [index, look] of targets.flatMap((target) => target.look ?? []).entries())
    out.line(`  ${index === 0 ? 'Look around  ' : '             '} ${look}`);
  out.line('  Once more     npm run demo -- --all, which gives every connector the same records again');
  const failed = more.missing.filter(({ error }) => !(error instanceof MissingToolError));
  return ran.code === 0 && unread + failed.length > 0 ? 1 : ran.code;
}

function showTargets(out: Screen, targets: readonly Target[], { missing }: StartedTargets): void {
  const width = Math.max(...[...targets, ...missing].map(({ connector }) => connector.length));
  out.line();
  for (const { connector, label } of targets) out.line(`  ${connector.padEnd(width)}   to ${label}`);
  for (const { connector, error } of missing)
    out.line(`  ${connector.padEnd(width)}   ${out.style('yellow', 'not run:')} ${error.message}`);
  out.line();
}

async function load(cluster: Cluster, out: Screen): Promise<void> {
  const good = quakes();
  const earthquakes = mixed(good, brokenRecords(Date.now()));
  const { value: sample = [] } = await flights(sampleOfFlights).next();
  const loads: readonly (readonly [topic: string, records: readonly NewRecord[], what: string])[] = [
    ['quakes', earthquakes, `${count(good.length)} earthquakes and ${earthquakes.length - good.length} broken records`],
    ['flights', sample, `${count(sample.length)} flights`],
  ];
  for (const [topic, records, what] of loads) {
    const held = [...(await endOf(cluster, topic)).values()].reduce((sum, end) => sum + end, 0);
    // The same records once more, as after a lost commit, show better than new ones what becomes of repetitions.
    if (held >= records.length)
      out.line(`  Topic ${topic}: ${count(held)} records of an earlier start, which all of its connectors get again`);
    else {
      await produce(cluster, topic, [records]);
      out.line(`  Topic ${topic}: ${what}`);
    }
  }
  out.line();
}

function environmentOf(targets: readonly Target[]): Record<string, string> {
  return Object.fromEntries(targets.flatMap(({ env }) => Object.entries(env)));
}

import { ConnectorError } from '../core/errors.ts';
import { deadLetterTopicOf, readSettings } from '../core/settings.ts';
import type { Observation, RunState } from '../platforms/control.ts';
import { readChosen } from './chosen.ts';
import { type Controls, findControls, groupsOf, isWithoutAws } from './controls.ts';
import type { CommandWorld } from './dev.ts';
import { duration } from './duration.ts';
import { type KafkaView, type LagFlags, viewKafka, waitingRecords } from './lag.ts';
import type { Service, ServiceConnector } from './service.ts';
import { tableLines, wrapped } from './table.ts';
import { count, type Terminal, terminal } from './terminal.ts';

/** What is known of a connector. */
interface ConnectorStatus extends Partial<Omit<Observation, 'state'>> {
  readonly connector: string;
  /** unknown: nobody could be asked. */
  readonly state: RunState | 'unknown';
  /** How long the oldest record that is not acknowledged has been there. */
  readonly oldestMs?: number;
  readonly deadLetters?: { readonly topic: string; readonly lastDay: number };
}

const dayMs = 86_400_000;
const lineWidth = 120;

/**
 * Prints what the connectors do. Answers the exit code: 0 when none needs anything, 1 when deliveries fail or nobody could be asked, 2 when
 * a person has to do something first.
 */
export async function status(flags: LagFlags, names: readonly string[], world: CommandWorld): Promise<number> {
  const out = terminal(world.stdout, world.env);
  const { service, chosen } = await readChosen(flags, names, world);
  const controls = await findControls(service, flags, world);
  const opened = await viewKafka(service, flags.brokers, world).catch(onlyKnown);
  try {
    const view = opened instanceof ConnectorError ? undefined : opened;
    const found = await Promise.all(chosen.map((own) => statusOf(service, own, controls, view)));
    const kafka =
      opened instanceof ConnectorError ? { isReachable: false, code: opened.code, message: opened.message } : { isReachable: true };
    if (flags.json === true) out.line(JSON.stringify({ service: service.name, stage: service.stage, connectors: found, kafka }, null, 2));
    else {
      print(found, out);
      if (kafka.message !== undefined)
        out.line(`\n  Lag and dead letters are not known: Kafka cannot be asked from here. ${kafka.message}`);
    }
    return exitCode(found.map(({ state }) => state));
  } finally {
    if (!(opened instanceof ConnectorError)) await opened.close();
  }
}

function exitCode(states: readonly ConnectorStatus['state'][]): number {
  if (states.some((state) => state === 'blocked' || state === 'absent')) return 2;
  return states.some((state) => ['unknown', 'failing', 'waiting', 'disconnected'].includes(state)) ? 1 : 0;
}

async function statusOf(
  service: Service,
  own: ServiceConnector,
  controls: Controls,
  view: KafkaView | undefined,
): Promise<ConnectorStatus> {
  const [observed, kafka] = await Promise.all([
    observe(own, controls),
    view === undefined ? {} : fromKafka(service, own, controls, view).catch(onlyKnown),
  ]);
  return { connector: own.name, ...observed, ...(kafka instanceof ConnectorError ? {} : kafka) };
}

async function observe(own: ServiceConnector, controls: Controls): Promise<Omit<ConnectorStatus, 'connector'>> {
  try {
    return await (await controls.of(own)).status();
  } catch (error) {
    const known = onlyKnown(error);
    const where = isWithoutAws(error) ? 'No worker runs here, and AWS cannot be asked what is deployed. ' : '';
    return { state: 'unknown', lastError: { code: known.code, message: `${where}${known.message}` } };
  }
}

async function fromKafka(service: Service, own: ServiceConnector, controls: Controls, view: KafkaView): Promise<Partial<ConnectorStatus>> {
  const platform = controls.workersOf(own) === undefined ? 'lambda' : 'worker';
  const waiting = await waitingRecords(view, own, groupsOf(service, own, platform), Date.now());
  const ages = waiting.flatMap(({ oldestMs }) => (oldestMs === undefined ? [] : [oldestMs]));
  const topic = deadLetterTopicOf(readSettings(own.connector).settings);
  const letters = topic === undefined ? undefined : await lettersOfDay(view, topic).catch(onlyKnown);
  return {
    lag: waiting.reduce((sum, { lag }) => sum + lag, 0),
    ...(ages.length === 0 ? {} : { oldestMs: Math.max(...ages) }),
    ...(topic === undefined || typeof letters !== 'number' ? {} : { deadLetters: { topic, lastDay: letters } }),
  };
}

/** How many letters came to a topic in the last 24 hours, whichever connector wrote them. */
async function lettersOfDay({ admin }: KafkaView, topic: string): Promise<number> {
  const [since, ranges] = await Promise.all([admin.offsetsAt(topic, Date.now() - dayMs), admin.ranges(topic)]);
  return ranges.reduce((sum, { partition, high }) => {
    const from = since.find((each) => each.partition === partition)?.offset ?? high;
    return sum + Math.max(0, high - (from < 0 ? high : from));
  }, 0);
}

/** Our own errors are facts to show; anything else is a mistake of ours. */
function onlyKnown(error: unknown): ConnectorError {
  if (error instanceof ConnectorError) return error;
  throw error;
}

const words: Partial<Record<ConnectorStatus['state'], string>> = {
  waiting: 'waiting for the target',
  disconnected: 'waiting for Kafka',
  blocked: 'blocked: needs you',
  absent: 'not deployed',
};

function print(found: readonly ConnectorStatus[], out: Terminal): void {
  const right = (heading: string) => ({ heading, align: 'right' }) as const;
  const columns = [
    'connector',
    'runs on',
    'state',
    right('lag'),
    right('oldest'),
    right('in/s'),
    right('delivered/s'),
    right('dead letters'),
    'last error',
  ];
  const rows = found.map((each) => [
    each.connector,
    placeOf(each),
    styled(each.state, out),
    number(each.lag),
    each.oldestMs === undefined ? '–' : duration(each.oldestMs),
    number(each.inPerSecond),
    number(each.deliveredPerSecond),
    letters(each),
    each.lastError?.code ?? '',
  ]);
  for (const line of tableLines(columns, rows)) out.line(`  ${line}`);
  const told = found.flatMap(({ connector, lastError }) => (lastError === undefined ? [] : [{ connector, lastError }]));
  // Whoever cannot be asked says the same of every connector.
  for (const [message, own] of Map.groupBy(told, ({ lastError }) => lastError.message)) {
    const subject = own.length === found.length && own.length > 1 ? 'all' : own.map(({ connector }) => connector).join(', ');
    out.line();
    out.line(`  ${out.style('bold', subject)}`);
    for (const line of wrapped(message.replaceAll('\n', ' '), lineWidth)) out.line(`    ${line}`);
  }
}

function placeOf({ platform, instances = 0 }: ConnectorStatus): string {
  if (platform === undefined) return '–';
  return platform === 'worker' && instances > 1 ? `worker×${instances}` : platform;
}

function styled(state: ConnectorStatus['state'], out: Terminal): string {
  const text = words[state] ?? state;
  if (state === 'running') return out.style('green', text);
  if (state === 'blocked' || state === 'failing' || state === 'absent') return out.style('red', text);
  return ['waiting', 'disconnected', 'paused', 'partly paused', 'unknown'].includes(state) ? out.style('yellow', text) : text;
}

function letters({ deadLetters, deadLettered }: ConnectorStatus): string {
  if (deadLetters !== undefined) return `${count(deadLetters.lastDay)} (24 h)`;
  return number(deadLettered);
}

function number(value: number | undefined): string {
  return value === undefined ? '–' : count(value);
}

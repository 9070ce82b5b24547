import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../core/errors.ts';
import { isObject } from '../core/field.ts';
import { silentLog } from '../core/log.ts';
import { acknowledgeMode, type ConnectorSettings, deadLetterTopicOf, readSettings, topicsOf } from '../core/settings.ts';
import { type FunctionProcess, functionProcess } from '../platforms/lambda/emulator/function-process.ts';
import { kafkaEvents } from '../platforms/lambda/emulator/kafka-events.ts';
import { type EventSource, runMapping } from '../platforms/lambda/emulator/mapping.ts';
import { maxPayloadBytes } from '../platforms/lambda/emulator/payload.ts';
import { parseEvents, recordedEvents } from '../platforms/lambda/emulator/recorded-events.ts';
import type { FunctionSettings } from '../platforms/lambda/function-settings.ts';
import { clusterSettings, type OpenedCluster, openCluster } from './cluster.ts';
import { type ConnectorReport, connectorReport, jsonConnectorReport } from './dev-report.ts';
import { chooseConnectors, formatProblems, problemsOf } from './problems.ts';
import { readService, type Service, type ServiceConnector } from './service.ts';
import { type Output, terminal } from './terminal.ts';

export interface DevFlags {
  readonly config: string;
  readonly stage?: string;
  readonly param?: Readonly<Record<string, string>>;
  readonly only?: readonly string[];
  readonly once?: boolean;
  readonly fromBeginning?: boolean;
  readonly dryRun?: boolean;
  /** A file of recorded events; no Kafka is needed then. */
  readonly events?: string;
  readonly brokers?: string;
  /** One JSON object a line. */
  readonly json?: boolean;
}

/** What a command is given by the process it runs in. */
export interface CommandWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Aborts when the command is to end. */
  readonly signal: AbortSignal;
}

/** A connector that can run here, with all that is known of it. */
interface Runnable {
  readonly own: ServiceConnector;
  readonly settings: ConnectorSettings;
  readonly report: ConnectorReport;
}

/** Attempts where nobody waits: with --once and --events. */
const attemptsWhenOnce = 3;

/**
 * Runs connectors as Lambda would: the event source mapping is emulated, the exported handler is called in a process of its own.
 * Answers the exit code: 0 when all went through, 1 when records could not be delivered, 2 when something has to be set first.
 */
export async function dev(flags: DevFlags, world: CommandWorld): Promise<number> {
  const out = terminal(world.stdout, world.env);
  const service = await readService({ file: flags.config, stage: flags.stage, params: flags.param, env: world.env });
  const chosen = chooseConnectors(service, flags.only ?? []);
  const width = Math.max(...chosen.map(({ name }) => name.length));
  let unusable = 0;
  const runnable = chosen.flatMap((own): Runnable[] => {
    const problems = problemsOf(own);
    if (problems.length === 0)
      return [
        {
          own,
          settings: readSettings(own.connector).settings,
          report:
            flags.json === true
              ? jsonConnectorReport(out, own.name)
              : connectorReport(out, own.name, width, flags.dryRun === true ? 'would be written' : 'delivered'),
        },
      ];
    unusable++;
    terminal(world.stderr, world.env).line(`${formatProblems(service.file, problems)}\n`);
    return [];
  });
  if (runnable.length === 0) return 2;
  const events = flags.events === undefined ? undefined : parseEvents(await readEvents(flags.events), flags.events);
  const kafka = events === undefined ? await openCluster(clusterSettings(service.cluster, flags.brokers), world.env) : undefined;
  const gap = (): void => (flags.json === true ? undefined : out.line());
  for (const each of runnable) announce(each, service, flags, kafka?.brokers);
  gap();

  const results = await Promise.allSettled(runnable.map((each) => runConnector(each, { service, flags, world, cluster: kafka, events })));
  for (const [index, result] of results.entries()) if (result.status === 'rejected') runnable[index]?.report.failed(result.reason);
  gap();
  for (const { report } of runnable) report.summary();
  if (unusable > 0 || results.some((result) => result.status === 'rejected' && result.reason instanceof ConfigError)) return 2;
  return results.every((result) => result.status === 'fulfilled' && result.value) ? 0 : 1;
}

interface Running {
  readonly service: Service;
  readonly flags: DevFlags;
  readonly world: CommandWorld;
  readonly cluster: OpenedCluster | undefined;
  readonly events: ReturnType<typeof parseEvents> | undefined;
}

const functionProgram = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './dev-function.ts' : './dev-function.js', import.meta.url),
);

/** One process for the function, one mapping for each of its topics. Answers whether all went through. */
async function runConnector({ own, settings, report }: Runnable, running: Running): Promise<boolean> {
  const { service, flags, world, cluster, events } = running;
  const dryRun = flags.dryRun === true;
  const fn = functionProcess({
    program: functionProgram,
    start: { handlerFile: own.handlerFile, exportName: own.exportName, settings: functionSettings(service, own, running), dryRun },
    timeoutMs: own.timeoutSeconds * 1_000,
    memoryMb: own.memorySize,
    env: { ...world.env, AWS_LAMBDA_FUNCTION_NAME: `${service.name}-${service.stage}-${own.name}`, ...own.environment },
    onLine: (line, stream) => report.line(line, stream),
  });
  const stop = new AbortController();
  const signal = AbortSignal.any([world.signal, stop.signal]);
  try {
    const sources: (() => Promise<EventSource>)[] =
      events !== undefined || cluster === undefined
        ? [async () => recordedEvents(events ?? [])]
        : topicsOf(settings).map((topic) => () => openTopic(topic, settings, own, cluster, running));
    const ends = await Promise.all(
      sources.map(async (open) => {
        const source = await open();
        try {
          return await runOne(source, fn, settings, report, signal, flags);
        } catch (error) {
          stop.abort();
          throw error;
        } finally {
          await source.close();
        }
      }),
    );
    return ends.every((end) => end === 'ended');
  } finally {
    await fn.end();
  }
}

function runOne(
  source: EventSource,
  fn: FunctionProcess,
  settings: ConnectorSettings,
  report: ConnectorReport,
  signal: AbortSignal,
  { once, events }: DevFlags,
): Promise<'ended' | 'gaveUp'> {
  return runMapping({
    source,
    invoke: (event) => fn.invoke(event),
    mode: acknowledgeMode(settings),
    maxAttempts: once === true || events !== undefined ? attemptsWhenOnce : Number.POSITIVE_INFINITY,
    signal,
    sleep,
    report: report.mapping,
  });
}

function openTopic(
  topic: string,
  { trigger }: ConnectorSettings,
  own: ServiceConnector,
  { cluster, brokers }: OpenedCluster,
  { service, flags }: Running,
): Promise<EventSource> {
  const start =
    trigger.startingPosition === 'TRIM_HORIZON'
      ? ('oldest' as const)
      : trigger.startingPosition === 'LATEST'
        ? ('end' as const)
        : (trigger.startingPositionTimestamp ?? 0) * 1_000;
  return kafkaEvents({
    cluster,
    topic,
    groupId: groupOf(service, own.name, topic, trigger),
    bootstrapServers: brokers,
    limits: { records: trigger.batchSize, payloadBytes: maxPayloadBytes },
    windowMs: trigger.maximumBatchingWindow * 1_000,
    start,
    fromBeginning: flags.fromBeginning === true,
    once: flags.once === true,
    commits: flags.dryRun !== true,
    sleep,
    log: silentLog,
  });
}

/** Never the group of what is deployed. */
function groupOf({ name, stage }: Service, connector: string, topic: string, { topics = [] }: ConnectorSettings['trigger']): string {
  return `${name}-${stage}-dev-${connector}${topics.length > 1 ? `-${topic}` : ''}`;
}

function functionSettings(service: Service, own: ServiceConnector, { flags, events }: Running): FunctionSettings {
  const cluster = clusterSettings(service.cluster, flags.brokers);
  return {
    service: service.name,
    stage: service.stage,
    name: own.name,
    connector: events === undefined ? own.connector : withoutLetters(own.connector),
    ...(cluster === undefined ? {} : { cluster }),
  };
}

/** Recorded events come without a Kafka that letters could go to. */
function withoutLetters(connector: unknown): unknown {
  const settings = isObject(connector) ? connector : {};
  const onError = settings['onError'];
  return isObject(onError) && 'deadLetterTopic' in onError ? { ...settings, onError: 'skip' } : connector;
}

/** Says what will be read and what will be written where, before anything is. */
function announce({ own, settings, report }: Runnable, service: Service, flags: DevFlags, brokers: string | undefined): void {
  const letters = deadLetterTopicOf(settings);
  for (const topic of flags.events === undefined ? topicsOf(settings) : []) {
    const start = flags.fromBeginning === true ? ' from the beginning' : '';
    const group = groupOf(service, own.name, topic, settings.trigger);
    report.fact(
      'reads',
      `topic ${topic} of ${brokers ?? ''}${start}, ${flags.dryRun === true ? `from where group ${group} is` : `as group ${group}`}`,
    );
  }
  if (flags.events !== undefined) report.fact('reads', `events of ${flags.events}`);
  if (flags.dryRun === true) {
    report.fact('writes', `nothing: a dry run shows what would go to ${describe(settings.sink)}, and commits no offsets`);
    return;
  }
  report.fact('writes', describe(settings.sink));
  if (letters === undefined) return;
  report.fact(
    'letters',
    flags.events === undefined ? `to topic ${letters}` : `counted here, not written to ${letters}, as recorded events come without Kafka`,
  );
}

/** The sink's type and its options in a line; secrets are references. */
function describe({ type, ...options }: ConnectorSettings['sink']): string {
  const words = Object.entries(options).flatMap(([name, value]) => {
    if (isObject(value)) {
      const [[kind, reference] = []] = Object.entries(value);
      return typeof reference === 'string' ? [`${name} ${kind}:${reference}`] : [];
    }
    return typeof value === 'object' ? [] : [`${name} ${String(value)}`];
  });
  return [type, ...words].join('  ');
}

async function readEvents(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new ConfigError(
      'EVENTS_UNREADABLE',
      `There is no readable ${file}. Give --events a file with an event, a list of events, or one event a line.`,
      { cause },
    );
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return delay(ms, undefined, { signal }).catch(() => undefined);
}

import { basename, join, resolve } from 'node:path';
import type { LogInspector } from '../../clients/kafka/log-inspector.ts';
import type { Cluster } from '../../clients/kafka.ts';
import { ConfigError } from '../../core/errors.ts';
import { isObject } from '../../core/field.ts';
import { closest } from '../../core/suggest.ts';
import { clusterSettings, openCluster } from '../cluster.ts';
import type { CommandWorld } from '../dev.ts';
import { formatProblems, problemsOf } from '../problems.ts';
import { readService, type Service, type ServiceConnector } from '../service.ts';
import { type Journal, openJournal } from './journal.ts';

/** Options of every command about dead letters. */
export interface DlqFlags {
  readonly config: string;
  readonly stage?: string;
  readonly param?: Readonly<Record<string, string>>;
  readonly brokers?: string;
  /** A dead letter topic other than the connector's. */
  readonly topic?: string;
  readonly json?: boolean;
}

/** A cluster that was connected to, and where its dead letters are. */
export interface Dlq {
  readonly service: Service | undefined;
  /** `sluice.cluster`, unchecked. */
  readonly clusterSettings: unknown;
  readonly cluster: Cluster;
  readonly brokers: string;
  readonly inspector: LogInspector;
  /** Dead letter topics that exist. */
  readonly topics: readonly string[];
  readonly missing: readonly string[];
  /** The marks of what was replayed of this connector's letters. */
  journal(connector: string, topic: string): Promise<Journal>;
}

/** Finds the dead letter topics: the one that is named, the connector's, or all of the service. Calls `use` and disconnects. */
export async function withDlq<Result>(
  flags: DlqFlags,
  connector: string | undefined,
  world: CommandWorld,
  use: (dlq: Dlq) => Promise<Result>,
): Promise<Result> {
  const service = await serviceOf(flags, world);
  const wanted = flags.topic === undefined ? topicsOf(service, connector) : [flags.topic];
  const settings = clusterSettings(service?.cluster, flags.brokers);
  const { cluster, brokers } = await openCluster(settings, world.env);
  const inspector = await cluster.inspector();
  try {
    const { clusterId, topics } = await inspector.describe(wanted);
    const journals = new Map<string, Promise<Journal>>();
    return await use({
      service,
      clusterSettings: settings,
      cluster,
      brokers,
      inspector,
      topics: wanted.filter((topic) => topics.has(topic)),
      missing: wanted.filter((topic) => !topics.has(topic)),
      journal(name, topic) {
        const folder = join(service?.root ?? resolve('.'), '.sluice', 'replays');
        const key = `${name} ${topic}`;
        const opened =
          journals.get(key) ?? openJournal(folder, { connector: name, topic, clusterId, topicId: topics.get(topic)?.id }, Date.now);
        journals.set(key, opened);
        return opened;
      },
    });
  } finally {
    inspector.destroy();
  }
}

/** The one dead letter topic of a command that needs one. Throws a ConfigError when it does not exist. */
export function onlyTopic({ topics, missing, brokers }: Dlq): string {
  const [topic] = topics;
  if (topic !== undefined) return topic;
  throw new ConfigError(
    'KAFKA_TOPIC_MISSING',
    `There is no topic ${missing.join(', ')} on ${brokers}, so no dead letters. Create it with sluice topics apply.`,
  );
}

/** The connector of serverless.yml, without problems. Throws a ConfigError that says what to set. */
export function connectorOf(service: Service | undefined, name: string): ServiceConnector | undefined {
  const own = service?.connectors.find((each) => each.name === name);
  if (service === undefined || own === undefined) return undefined;
  const problems = problemsOf(own);
  if (problems.length > 0) throw new ConfigError('CONFIG_INVALID', formatProblems(service.file, problems));
  return own;
}

/** With --brokers and --topic a service file is welcome, but not needed. */
async function serviceOf({ config, stage, param, brokers, topic }: DlqFlags, { env }: CommandWorld): Promise<Service | undefined> {
  try {
    return await readService({ file: config, stage, params: param, env });
  } catch (error) {
    if (brokers !== undefined && topic !== undefined && error instanceof ConfigError) return undefined;
    throw error;
  }
}

function topicsOf(service: Service | undefined, connector: string | undefined): readonly string[] {
  const connectors = service?.connectors ?? [];
  const file = basename(service?.file ?? 'serverless.yml');
  if (connector === undefined) {
    const topics = [...new Set(connectors.flatMap((own) => deadLetterTopic(own) ?? []))];
    if (topics.length === 0)
      throw new ConfigError(
        'NO_DEAD_LETTER_TOPIC',
        `No connector of ${file} has a dead letter topic. Set connector.onError.deadLetterTopic.`,
      );
    return topics;
  }
  const own = connectors.find(({ name }) => name === connector);
  if (own === undefined) {
    const names = connectors.map(({ name }) => name);
    const near = closest(connector, names);
    const hint = near === undefined ? `It has ${names.join(', ') || 'none'}.` : `Did you mean ${near}?`;
    throw new ConfigError(
      'NO_CONNECTOR',
      `There is no connector ${connector} in ${file}. ${hint} For a connector of Kafka Connect, name its dead letter topic with --topic.`,
    );
  }
  const topic = deadLetterTopic(own);
  if (topic === undefined)
    throw new ConfigError(
      'NO_DEAD_LETTER_TOPIC',
      `${connector} has no dead letter topic. Set connector.onError.deadLetterTopic, or name a topic with --topic.`,
    );
  return [topic];
}

/** As it is written, whatever else is wrong with the connector. */
function deadLetterTopic({ connector }: ServiceConnector): string | undefined {
  const onError = isObject(connector) ? connector['onError'] : undefined;
  const topic = isObject(onError) ? onError['deadLetterTopic'] : undefined;
  return typeof topic === 'string' ? topic : undefined;
}

import type { KafkaConfig, LogEntry } from 'kafkajs';
import type { Log } from '../core/log.ts';
import type { ReadSecret } from '../core/secret.ts';
import { type ClusterAdmin, clusterAdmin } from './kafka/admin.ts';
import { readCredentials } from './kafka/auth.ts';
import { brokersOf, type ClusterConfig } from './kafka/cluster-config.ts';
import { type Connection, kafkajsLogLevel, openConnection } from './kafka/connection.ts';
import { type ConsumerOptions, type GroupConsumer, groupConsumer } from './kafka/consumer.ts';
import { type LogInspector, logInspector } from './kafka/log-inspector.ts';
import { type ProducerOptions, type RecordProducer, recordProducer } from './kafka/producer.ts';
import { reauthenticateMs } from './kafka/token.ts';

export interface ClusterContext {
  readonly secret: ReadSecret;
  readonly log: Log;
  readonly now?: () => number;
  readonly fetch?: typeof fetch;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A Kafka cluster to whoever speaks to it: each producer, consumer and admin has connections of its own. */
export interface Cluster {
  /** Connects when it is first used. */
  producer(options?: ProducerOptions): RecordProducer;
  /** Connects when it is run. */
  consumer(options: ConsumerOptions): GroupConsumer;
  admin(): Promise<ClusterAdmin>;
  inspector(): Promise<LogInspector>;
}

const connectTimeoutMs = 10_000;
const requestTimeoutMs = 30_000;

/** Reads the cluster's secrets and answers what connects with them. Connects nowhere yet. Throws a ConfigError for settings that cannot work. */
export async function connectCluster(config: ClusterConfig, context: ClusterContext): Promise<Cluster> {
  const { secret, log, now = Date.now, fetch = globalThis.fetch, env = process.env } = context;
  const brokers = brokersOf(config);
  const credentials = await readCredentials(config, { secret, now, fetch, env });
  const settings: KafkaConfig = {
    brokers: [...brokers],
    clientId: config.clientId ?? 'sluice',
    connectionTimeout: connectTimeoutMs,
    requestTimeout: requestTimeoutMs,
    reauthenticationThreshold: reauthenticateMs,
    logLevel: kafkajsLogLevel,
    logCreator: () => (entry) => log.debug(`kafkajs: ${entry.log.message}`, toFields(entry)),
    // Just enough to come to the next broker of the list, and over the election of a leader.
    retry: { retries: Math.max(2, brokers.length - 1), initialRetryTime: 100, maxRetryTime: 1_000 },
    ...credentials,
  };
  const connect = (): Connection => openConnection(settings);
  return {
    producer: (options) => recordProducer(connect, options),
    consumer: (options) => groupConsumer(connect(), options),
    admin: () => clusterAdmin(connect()),
    inspector: () => logInspector(connect()),
  };
}

function toFields({ namespace, log }: LogEntry): Record<string, string> {
  const known = ['broker', 'groupId', 'memberId', 'topic', 'partition'].filter((name) => log[name] !== undefined);
  return { component: namespace, ...Object.fromEntries(known.map((name) => [name, String(log[name])])) };
}

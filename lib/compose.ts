import { setTimeout as delay } from 'node:timers/promises';
import { awsSecretStores, cachedSecrets, type Secrets } from './clients/secrets.ts';
import { chunked } from './core/chunk.ts';
import { parseConfig, throwProblems } from './core/config.ts';
import { type BatchMeasurement, type Connector, createConnector, type LetterBox } from './core/connector.ts';
import { ConfigError } from './core/errors.ts';
import type { Decode } from './core/format.ts';
import type { Log } from './core/log.ts';
import { measured, type WriteMeasurement } from './core/measure.ts';
import { openedSink } from './core/opened-sink.ts';
import type { Preparation } from './core/prepare.ts';
import { type Clock, retrying } from './core/retry.ts';
import { type ConnectorSettings, checkSink, configVersion, deadLetterTopicOf } from './core/settings.ts';
import type { CloudCredentials, OpenContext, Sink, SinkDefinition } from './core/sink.ts';
import { closest } from './core/suggest.ts';
import { parseTolerance, tolerance } from './core/tolerance.ts';
import type { ReadyTransform, Transform } from './core/transform.ts';
import { formats } from './formats/registry.ts';
import { transforms } from './transforms/registry.ts';

/** What a function file declares: which sink, which transform. */
export interface ConnectorDefinition {
  readonly sink: SinkDefinition;
  readonly transform?: Transform;
}

/** Where a handler made by `connect` carries its definition. */
export const definitionKey = Symbol.for('sluice.definition');

/** The definition of a handler made by `connect`; undefined for any other function. */
export function definitionOf(handler: unknown): ConnectorDefinition | undefined {
  return typeof handler === 'function' && definitionKey in handler ? (handler[definitionKey] as ConnectorDefinition) : undefined;
}

/** The world a connector runs in. */
export interface Environment {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly reportBatch: (measurement: BatchMeasurement) => void;
  readonly reportWrite?: (measurement: WriteMeasurement) => void;
  readonly reportRetry?: (records: number, attempt: number, waitMs: number) => void;
  /** The credentials of the invocation, where the platform hands them out anew with each. */
  readonly credentials?: () => CloudCredentials | undefined;
}

export interface OpenOptions {
  readonly name: string;
  readonly settings: ConnectorSettings;
  /** The service's shared settings: `sluice.cluster` of serverless.yml. */
  readonly cluster?: unknown;
  readonly environment: Environment;
}

/** The clock of the process. */
export const realClock: Clock = {
  now: Date.now,
  random: Math.random,
  sleep: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
};

/** Builds the connector that a function file and its settings describe. Throws a ConfigError that names the option at fault; reaches no server yet. */
export async function openConnector(
  definition: ConnectorDefinition,
  { name, settings, cluster, environment }: OpenOptions,
): Promise<Connector> {
  const { clock, log, env } = environment;
  const secrets = cachedSecrets(awsSecretStores(env));
  const { config, problems } = checkSink(definition.sink, settings);
  throwProblems(problems);

  const context: OpenContext = {
    connector: name,
    secret: secrets.read,
    log,
    now: clock.now,
    cluster,
    configVersion: configVersion(settings),
    ...(environment.credentials === undefined ? {} : { credentials: environment.credentials }),
  };
  const opened = openedSink(({ fresh }) => {
    if (fresh) secrets.drop();
    return definition.sink.open(config, context);
  }, clock.sleep);
  const { ordered } = definition.sink.guarantees(config);
  const inner = environment.reportWrite === undefined ? opened : measured(opened, environment.reportWrite, clock.now);
  const retryOptions = environment.reportRetry === undefined ? { clock } : { clock, onRetry: environment.reportRetry };
  const sink = retrying(chunked(inner, definition.sink.limits(config), { ordered }), settings.retry, retryOptions);

  const deadLetterTopic = deadLetterTopicOf(settings);
  return createConnector({
    name,
    preparation: preparationOf(definition, settings),
    sink,
    opened,
    letters: deadLetterTopic === undefined ? undefined : letterBox(deadLetterTopic, cluster, name, secrets, settings, environment),
    dataErrors: settings.onError === 'skip' ? 'skip' : deadLetterTopic === undefined ? 'block' : 'dead-letter',
    tolerance: tolerance(parseTolerance(settings.onError === 'skip' ? undefined : settings.onError.tolerance)),
    concurrency: settings.transformConcurrency,
    letterContext: {
      connector: name,
      sink: definition.sink.name,
      configVersion: configVersion(settings),
      epoch: settings.epoch,
      believesReplays: (topic) => settings.acceptReplays || topic === deadLetterTopic,
    },
    transformContext: { log, secret: secrets.read, settings: settings.settings },
    clock,
    report: environment.reportBatch,
  });
}

/** What happens to a record before it is written: the connector's formats, ready-made transforms and own transform. Throws a ConfigError. */
export function preparationOf({ transform }: Pick<ConnectorDefinition, 'transform'>, settings: ConnectorSettings): Preparation {
  const deadLetterTopic = deadLetterTopicOf(settings);
  const key = formatNamed(settings.key, 'connector.key');
  const value = formatNamed(settings.value, 'connector.value');
  return {
    decodeKey: key.decode,
    borrowsKey: key.borrows,
    decodeValue: value.decode,
    borrowsValue: value.borrows,
    carriesJson: value.carriesJson,
    ready: settings.transforms.map((options, index) => transformNamed(options, `connector.transforms[${index}]`)),
    transform,
    tombstones: settings.tombstones,
    epoch: settings.epoch,
    believesReplays: (topic) => settings.acceptReplays || topic === deadLetterTopic,
  };
}

/** Opens the producer at the first letter; most functions never need one. */
function letterBox(
  topic: string,
  cluster: unknown,
  connector: string,
  secrets: Secrets,
  settings: ConnectorSettings,
  { clock, log }: Environment,
): LetterBox {
  const open = async (): Promise<Sink> => {
    if (cluster === undefined)
      throw new ConfigError('CONFIG_INVALID', 'A dead letter topic needs to know its Kafka. Set sluice.cluster.bootstrapServers.');
    const { openTopicWriter } = await import('./clients/kafka/topic-writer.ts');
    return await openTopicWriter({ cluster, topic }, { connector, secret: secrets.read, log, now: clock.now });
  };
  const opened = openedSink(({ fresh }) => {
    if (fresh) secrets.drop();
    return open();
  }, clock.sleep);
  const writer = retrying(chunked(opened, { records: 1_000, bytes: 900_000 }, { ordered: true }), settings.retry, { clock });
  return { topic, writer, opened };
}

type Named = string | { readonly type: string; readonly [option: string]: unknown };

/** The decoder that `connector.key` or `connector.value` names. Throws a ConfigError that lists the known ones. */
function formatNamed(named: Named, path: string): { readonly decode: Decode; readonly carriesJson: boolean; readonly borrows: boolean } {
  const { type, ...options } = typeof named === 'string' ? { type: named } : named;
  const format = formats.get(type) ?? unknownPart(path, type, [...formats.keys()]);
  return {
    decode: format.decoder(parseConfig(format.config, options, path)),
    carriesJson: format.carriesJson,
    borrows: format.borrows ?? false,
  };
}

/** The ready-made transform that an item of `connector.transforms` names. Throws a ConfigError that lists the known ones. */
function transformNamed({ type, ...options }: { readonly type: string; readonly [option: string]: unknown }, path: string): ReadyTransform {
  const transform = transforms.get(type) ?? unknownPart(path, type, [...transforms.keys()]);
  return transform.create(parseConfig(transform.config, options, path));
}

function unknownPart(path: string, type: string, known: readonly string[]): never {
  const near = closest(type, known);
  const advice = near === undefined ? `Set it to one of ${known.join(', ')}.` : `Did you mean "${near}"?`;
  throw new ConfigError('CONFIG_INVALID', `Unknown type "${type}" in ${path}. ${advice}`);
}

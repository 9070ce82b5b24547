import { performance } from 'node:perf_hooks';
import type { ClusterAdmin } from '../clients/kafka/admin.ts';
import { brokersOf, type ClusterConfig, clusterSchema } from '../clients/kafka/cluster-config.ts';
import { type Cluster, connectCluster } from '../clients/kafka.ts';
import { awsSecretStores, cachedSecrets, type Secrets } from '../clients/secrets.ts';
import { readConfig } from '../core/config.ts';
import { ConfigError, ConnectorError, RetriableError } from '../core/errors.ts';
import { silentLog } from '../core/log.ts';
import { type SecretReference, secretName } from '../core/secret.ts';
import { secretPlaces } from '../core/secret-places.ts';
import { type ConnectorSettings, checkSink, configVersion, connectorSchema, deadLetterTopicOf, topicsOf } from '../core/settings.ts';
import type { SinkDefinition } from '../core/sink.ts';
import { lettersNeed } from './dead-letter-topics.ts';

/** What was looked at, and what was found. A check that failed always says how it is mended. */
export interface Check {
  readonly name: 'settings' | 'secret' | 'brokers' | 'topic' | 'consumer group' | 'dead letter topic' | 'target' | 'trigger' | 'function';
  readonly state: 'ok' | 'failed' | 'skipped';
  /** What it is about: a topic, a secret's name. Never a value. */
  readonly subject: string;
  readonly detail: string;
  readonly fix?: string;
  /** Set where nothing answered: the network is the first thing to look at. */
  readonly isUnreachable?: boolean;
}

export interface CheckedConnector {
  readonly connector: string;
  readonly sink: SinkDefinition;
  readonly settings: ConnectorSettings;
  /** As serverless.yml has it. */
  readonly cluster: unknown;
  /** The groups that its triggers or workers read in. */
  readonly groups: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends what still waits for an answer. */
  readonly signal: AbortSignal;
}

/** Nobody who works takes longer to answer. */
const answerMs = 8_000;

/** Looks at everything that a connector needs, from where this runs: settings, secrets, brokers, topics, group, dead letters, target. Writes nothing. */
export async function checkConnector(checked: CheckedConnector): Promise<readonly Check[]> {
  const secrets = cachedSecrets(awsSecretStores(checked.env));
  const parts = await Promise.all([checkSecrets(checked, secrets), checkKafka(checked, secrets), checkTarget(checked, secrets)]);
  return [...checkSettings(checked), ...parts.flat()];
}

function checkSettings(checked: CheckedConnector): Check[] {
  const { sink, settings } = checked;
  const { problems } = checkSink(sink, settings);
  if (problems.length > 0)
    return problems.map(({ path, message }) => ({
      name: 'settings',
      state: 'failed',
      subject: path,
      ...split(message, `Correct ${path}.`),
    }));
  const references = secretsOf(checked).length;
  return [{ name: 'settings', state: 'ok', subject: sink.name, detail: `${references} ${references === 1 ? 'secret' : 'secrets'}` }];
}

function secretsOf({ sink, settings, cluster }: CheckedConnector): SecretReference[] {
  const schema = { ...connectorSchema, properties: { ...connectorSchema.properties, sink: sink.config } };
  const places = [...secretPlaces(settings, schema, 'connector'), ...secretPlaces(cluster, clusterSchema, 'sluice.cluster')];
  return places.map(({ reference }) => reference);
}

async function checkSecrets(checked: CheckedConnector, secrets: Secrets): Promise<Check[]> {
  const { signal } = checked;
  const byName = new Map(secretsOf(checked).map((reference) => [secretName(reference), reference]));
  return await Promise.all(
    [...byName].map(async ([subject, reference]): Promise<Check> => {
      const from = performance.now();
      return await checking('secret', subject, signal, 'Store the secret, and let the role of who runs this read it.', async () => {
        await secrets.read(reference);
        return `read in ${Math.round(performance.now() - from)} ms`;
      });
    }),
  );
}

async function checkTarget({ connector, sink, settings, cluster, signal }: CheckedConnector, secrets: Secrets): Promise<Check[]> {
  const { config, problems } = checkSink(sink, settings);
  if (problems.length > 0) return [{ name: 'target', state: 'skipped', subject: sink.name, detail: 'its options are wrong' }];
  const limit = AbortSignal.any([signal, AbortSignal.timeout(answerMs)]);
  const fix = `Look whether the target of connector.sink runs, and can be reached from here.`;
  const context = { connector, secret: secrets.read, log: silentLog, now: Date.now, cluster, configVersion: configVersion(settings) };
  const check = await checking('target', sink.name, signal, fix, async () => {
    const opened = await sink.open(config, context);
    try {
      if (opened.probe === undefined) return 'opened; it cannot be asked whether it takes records';
      await opened.probe({ signal: limit });
      return 'takes records';
    } finally {
      void opened.close?.().catch(() => undefined);
    }
  });
  return [check];
}

async function checkKafka({ cluster, signal, ...checked }: CheckedConnector, secrets: Secrets): Promise<Check[]> {
  const subject = 'sluice.cluster';
  if (cluster === undefined)
    return [{ name: 'brokers', state: 'failed', subject, detail: 'No Kafka is known', fix: 'Set sluice.cluster.bootstrapServers.' }];
  const { value: config, problems } = readConfig(clusterSchema, cluster, subject);
  const [problem] = problems;
  if (problem !== undefined)
    return [{ name: 'brokers', state: 'failed', subject: problem.path, ...split(problem.message, `Correct ${problem.path}.`) }];
  if (String(config.bootstrapServers).startsWith('arn:'))
    return [
      { name: 'brokers', state: 'skipped', subject: 'Amazon MSK', detail: 'its brokers come with the first batch; ask again after it' },
    ];
  const connect = (own: ClusterConfig): Promise<Cluster> => connectCluster(own, { secret: secrets.read, log: silentLog, env: checked.env });
  const brokers = await checkBrokers(config, connect, signal);
  if (brokers.state !== 'ok') return [brokers];
  let admin: ClusterAdmin;
  try {
    admin = await within(
      connect(config).then((opened) => opened.admin()),
      signal,
    );
  } catch (error) {
    return [failed('brokers', brokers.subject, error, networkFix)];
  }
  try {
    return [
      brokers,
      ...(await Promise.all([
        ...inputChecks(admin, checked, signal),
        ...groupChecks(admin, checked, signal),
        ...letterChecks(admin, checked, signal),
      ])),
    ];
  } finally {
    await admin.close();
  }
}

const networkFix = 'Check sluice.cluster.bootstrapServers, and that the network lets this machine reach the brokers.';

/** Each broker that is named gets a connection of its own, so that one that is down does not hide behind the others. */
async function checkBrokers(config: ClusterConfig, connect: (own: ClusterConfig) => Promise<Cluster>, signal: AbortSignal): Promise<Check> {
  let named: readonly string[];
  try {
    named = brokersOf(config);
  } catch (error) {
    return failed('brokers', 'sluice.cluster', error, networkFix);
  }
  const answers = await Promise.all(
    named.map(async (broker) => {
      try {
        const opening = connect({ ...config, bootstrapServers: broker }).then((cluster) => cluster.admin());
        opening.then((admin) => admin.close()).catch(() => undefined);
        await within(opening, signal);
        return undefined;
      } catch (error) {
        return { broker, error };
      }
    }),
  );
  const silent = answers.filter((answer) => answer !== undefined);
  const reached = named.length - silent.length;
  const subject = `${reached} of ${named.length} reachable`;
  const [first] = silent;
  if (first === undefined) return { name: 'brokers', state: 'ok', subject, detail: inWords(config) };
  if (reached === 0) return failed('brokers', subject, first.error, networkFix);
  // One that answers is enough to find the others; a name that is wrong still has to go.
  return { name: 'brokers', state: 'ok', subject, detail: `no answer from ${silent.map(({ broker }) => broker).join(', ')}` };
}

function inWords({ auth, tls }: ClusterConfig): string {
  const type = auth?.type ?? 'none';
  if (type === 'none') return tls === undefined || tls === false ? 'without TLS, nobody signs in' : 'TLS, nobody signs in';
  return `${type}${tls === false ? ' without TLS' : ' over TLS'}`;
}

type Rest = Pick<CheckedConnector, 'settings' | 'groups'>;

function inputChecks(admin: ClusterAdmin, { settings }: Rest, signal: AbortSignal): Promise<Check>[] {
  return topicsOf(settings).map((topic) =>
    checking('topic', topic, signal, 'Create the topic, or correct connector.trigger.', async () => {
      await admin.partitions(topic);
      const ranges = await admin.ranges(topic);
      return `${ranges.length} ${ranges.length === 1 ? 'partition' : 'partitions'}`;
    }),
  );
}

function groupChecks(admin: ClusterAdmin, { groups }: Rest, signal: AbortSignal): Promise<Check>[] {
  return groups.map((group) =>
    checking('consumer group', group, signal, 'Allow the group to the user by an ACL.', async () => {
      const { state, members } = await admin.group(group);
      return `${state.toLowerCase()}, ${members} ${members === 1 ? 'member' : 'members'}`;
    }),
  );
}

function letterChecks(admin: ClusterAdmin, { settings }: Rest, signal: AbortSignal): Promise<Check>[] {
  const letters = deadLetterTopicOf(settings);
  if (letters === undefined) return [];
  return [
    checking('dead letter topic', letters, signal, 'npx sluice topics apply', async () => {
      const topics = await admin.topics();
      if (!topics.includes(letters)) throw new ConfigError('KAFKA_TOPIC_MISSING', 'It does not exist. Make it: npx sluice topics apply');
      const sizes = await sizesOf(admin, letters, topicsOf(settings), topics);
      if (sizes === undefined) return 'is there; how large letters may be is not for this user to see';
      const { need, has } = sizes;
      if (has < need)
        throw new ConfigError(
          'LETTERS_TOO_SMALL',
          `It takes records of ${has} bytes, and letters may have ${need}. Raise it: npx sluice topics apply`,
        );
      return `takes letters of ${has} bytes`;
    }),
  ];
}

/** How large letters may have to be, and may be; undefined where the user may write letters but see no settings. */
async function sizesOf(
  admin: ClusterAdmin,
  letters: string,
  inputs: readonly string[],
  existing: readonly string[],
): Promise<{ readonly need: number; readonly has: number } | undefined> {
  try {
    const sources = inputs.filter((topic) => existing.includes(topic));
    const [need, limits] = await Promise.all([lettersNeed(admin, sources), admin.settings(letters, ['max.message.bytes'])]);
    return { need, has: Number(limits['max.message.bytes']) };
  } catch (error) {
    if (error instanceof ConfigError && error.code === 'KAFKA_FORBIDDEN') return undefined;
    throw error;
  }
}

/** Does what a check does, and turns what it throws into what was found. */
async function checking(
  name: Check['name'],
  subject: string,
  signal: AbortSignal,
  fix: string,
  look: () => Promise<string>,
): Promise<Check> {
  try {
    return { name, state: 'ok', subject, detail: await within(look(), signal) };
  } catch (error) {
    return failed(name, subject, error, fix);
  }
}

function failed(name: Check['name'], subject: string, error: unknown, fix: string): Check {
  // The secret's own check says what is to be done.
  if (name !== 'secret' && error instanceof ConnectorError && error.code.startsWith('SECRET_'))
    return { name, state: 'skipped', subject, detail: 'it needs a secret that cannot be read' };
  const isUnreachable = error instanceof RetriableError;
  const known = error instanceof ConnectorError ? error.message : 'It failed in a way that was not foreseen';
  return {
    name,
    state: 'failed',
    subject,
    ...split(known.replace(`The secret ${subject} `, ''), fix),
    ...(isUnreachable ? { isUnreachable } : {}),
  };
}

/** Messages say what is wrong in one sentence and then what to do. */
function split(message: string, fix: string): { readonly detail: string; readonly fix: string } {
  const [, detail = message, rest = ''] = /^(.*?[^.])\.\s+(.*)$/s.exec(message.trim()) ?? [];
  return { detail: detail.replace(/\.$/, ''), fix: rest === '' ? fix : rest };
}

/** The result of the work, or a RetriableError when it takes too long. */
async function within<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(answerMs)]);
  work.catch(() => undefined);
  return await new Promise((resolve, reject) => {
    const late = (): void => reject(new RetriableError('CHECK_TIMEOUT', `It did not answer in ${answerMs / 1_000} s`));
    if (limit.aborted) late();
    limit.addEventListener('abort', late, { once: true });
    work.then(resolve, reject);
  });
}

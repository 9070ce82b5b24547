import { brokersOf, type ClusterConfig } from '../../../clients/kafka/cluster-config.ts';
import type { Problem } from '../../../core/config.ts';
import { ConfigError } from '../../../core/errors.ts';
import type { ConnectorSettings } from '../../../core/settings.ts';
import { mskArn, sourceAccess } from './cluster.ts';

/** The longest a function behind a Kafka trigger may run, in seconds. */
const maxTimeoutSeconds = 840;

export interface CheckedTrigger {
  readonly settings: ConnectorSettings;
  /** `sluice.registry` of serverless.yml. */
  readonly registry: unknown;
  readonly timeoutSeconds: number;
}

/** Options that AWS offers in provisioned mode only. */
const provisionedOnly = [
  'maximumRetryAttempts',
  'maximumRecordAgeInSeconds',
  'bisectBatchOnFunctionError',
  'logLevel',
  'schemaRegistry',
] as const;

/** What would be refused by AWS, or would lose records there, by its path within the function's block or from the root of the file. */
export function checkDeployment({ cluster, ...trigger }: CheckedTrigger & { readonly cluster: ClusterConfig | undefined }): Problem[] {
  const noCluster = 'Expected sluice.cluster, to know which Kafka to read from. Set sluice.cluster.bootstrapServers.';
  return [...checkTrigger(trigger), ...(cluster === undefined ? [{ path: 'sluice.cluster', message: noCluster }] : checkCluster(cluster))];
}

/** The same for what does not depend on where Kafka is. */
export function checkTrigger({ settings, registry, timeoutSeconds }: CheckedTrigger): Problem[] {
  const { trigger } = settings;
  const problems: Problem[] = [];
  const say = (path: string, message: string): void => void problems.push({ path, message });
  if (timeoutSeconds > maxTimeoutSeconds)
    say(
      'timeout',
      `A function behind a Kafka trigger may run for ${maxTimeoutSeconds} seconds at most, got ${timeoutSeconds}. Set timeout to ${maxTimeoutSeconds} or less.`,
    );
  if (trigger.pollers === undefined) {
    for (const option of provisionedOnly)
      if (trigger[option] !== undefined)
        say(
          `connector.trigger.${option}`,
          `Only provisioned mode has ${option}. Set trigger.pollers, which has a standing cost, or remove it.`,
        );
    if (trigger.metrics?.some((metric) => metric !== 'EventCount'))
      say(
        'connector.trigger.metrics',
        'Only provisioned mode has the metrics ErrorCount and KafkaMetrics. Set trigger.pollers, or leave EventCount.',
      );
    if (typeof trigger.onFailure === 'string' && trigger.onFailure.startsWith('kafka://'))
      say(
        'connector.trigger.onFailure',
        'Only provisioned mode can send failures to a Kafka topic. Set trigger.pollers, or name a queue, a topic of SNS or a bucket.',
      );
  } else if (trigger.pollers.maximum < trigger.pollers.minimum)
    say('connector.trigger.pollers.maximum', 'Expected trigger.pollers.maximum to be at least minimum.');
  problems.push(...drains(settings));
  if (trigger.schemaRegistry !== undefined && registry !== undefined)
    say(
      'connector.trigger.schemaRegistry',
      'Records would be decoded twice: by the trigger and by sluice.registry. Remove one of the two.',
    );
  if (trigger.schemaRegistry?.auth !== undefined && !('secretsManager' in trigger.schemaRegistry.auth.secret))
    say(
      'connector.trigger.schemaRegistry.auth.secret',
      "Lambda's trigger reads credentials from Secrets Manager only. Set it to { secretsManager: arn }.",
    );
  for (const [index, pattern] of (trigger.filterPatterns ?? []).entries())
    for (const key of Object.keys(pattern))
      if (key !== 'value')
        say(
          `connector.trigger.filterPatterns[${index}].${key}`,
          `A Kafka trigger filters by value only, got ${key}. Write { value: { … } }.`,
        );
  return problems;
}

/** Whatever makes the trigger give up records does so during an outage too. */
function drains({ trigger, onError }: ConnectorSettings): Problem[] {
  const { maximumRetryAttempts: retries = -1, maximumRecordAgeInSeconds: age = -1, onFailure } = trigger;
  const problems: Problem[] = [];
  const finite = [
    ...(retries >= 0 ? ['maximumRetryAttempts'] : []),
    ...(age >= 0 ? ['maximumRecordAgeInSeconds'] : []),
    ...(onFailure !== undefined ? ['onFailure'] : []),
  ];
  if (!trigger.drainsOnOutage)
    for (const option of finite)
      problems.push({
        path: `connector.trigger.${option}`,
        message: `With ${option} Lambda skips records while the target is down. Remove it to retry until it works, or write drainsOnOutage: true if losing them is what you want.`,
      });
  if (age >= 0 && age < 60)
    problems.push({
      path: 'connector.trigger.maximumRecordAgeInSeconds',
      message: 'Expected maximumRecordAgeInSeconds to be -1, or 60 and more.',
    });
  if (onFailure !== undefined && retries > 10)
    problems.push({ path: 'connector.trigger.maximumRetryAttempts', message: 'With onFailure there are 10 retries at most.' });
  const letters = typeof onFailure === 'string' && onFailure.startsWith('kafka://') ? onFailure.slice('kafka://'.length) : undefined;
  const topics = [trigger.topic, ...(trigger.topics ?? [])];
  if (letters !== undefined && topics.includes(letters))
    problems.push({
      path: 'connector.trigger.onFailure',
      message: 'It is one of the topics the connector reads, so failures would come back to it for ever. Set it to another topic.',
    });
  if (letters !== undefined && onError !== 'skip' && onError.deadLetterTopic === letters)
    problems.push({
      path: 'connector.trigger.onFailure',
      message: "It is the connector's dead letter topic, whose letters have another form. Set it to a topic of its own.",
    });
  return problems;
}

function checkCluster(cluster: ClusterConfig): Problem[] {
  const problems = [...sourceAccess(cluster).problems];
  if (mskArn(cluster) === undefined) {
    try {
      const brokers = brokersOf(cluster);
      if (brokers.length > 10)
        problems.push({
          path: 'sluice.cluster.bootstrapServers',
          message: 'A trigger takes 10 brokers at most. Name some of them: the others are found through those.',
        });
      if (cluster.vpc === undefined && brokers.some((broker) => /^(localhost|127\.|\[::1\])/.test(broker)))
        problems.push({
          path: 'sluice.cluster.bootstrapServers',
          message:
            'Lambda cannot reach a Kafka on this machine. Set sluice.cluster.bootstrapServers to brokers that it reaches, e.g. from the environment variable KAFKA_BROKERS.',
        });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push({ path: 'sluice.cluster.bootstrapServers', message: error.message });
    }
  }
  return problems;
}

/** Groups or topics that two triggers of a service would fight over. */
export function collisions(groups: readonly { readonly connector: string; readonly group: string }[]): Problem[] {
  const owners = new Map<string, string>();
  return groups.flatMap(({ connector, group }) => {
    const owner = owners.get(group);
    owners.set(group, connector);
    if (owner === undefined) return [];
    return [
      {
        path: `functions.${connector}.connector.trigger.consumerGroup`,
        message: `The consumer group ${group} is that of ${owner} too: each would get half of the records. Set another consumerGroup.`,
      },
    ];
  });
}

import { brokersOf, type ClusterConfig } from '../../clients/kafka/cluster-config.ts';
import type { Problem } from '../../core/config.ts';
import { ConfigError } from '../../core/errors.ts';
import type { SecretReference } from '../../core/secret.ts';
import { secretName } from '../../core/secret.ts';
import { type ConnectorSettings, deadLetterTopicOf, topicsOf } from '../../core/settings.ts';
import type { Guarantees } from '../../core/sink.ts';
import { producesToKafka } from '../lambda/plan.ts';
import type { ConnectorFcOptions } from './options.ts';

/** The longest that a function behind the trigger may run, in seconds: its call ends then. */
const maxTimeoutSeconds = 300;
/** The longest name of a function. */
const maxFunctionName = 64;
/** Formats whose bytes are text: the trigger hands over no others unharmed. */
const textFormats: readonly string[] = ['json', 'string', 'debezium', 'csv'];
/** Options that only Lambda's trigger has. Set, they change which records come, or which are given up. */
const lambdaOnly = {
  pollers: 'It always takes whole batches.',
  filterPatterns: 'Drop records with the transform filter.',
  bisectBatchOnFunctionError: 'It repeats whole batches.',
  onFailure: 'Set sluice.fc.deadLetterQueue with errorsTolerance ALL, or leave it out.',
  schemaRegistry: 'It hands records over as they are.',
} as const;

export interface FcConnector {
  readonly functionName: string;
  readonly settings: ConnectorSettings;
  readonly options: ConnectorFcOptions;
  readonly cluster: ClusterConfig | undefined;
  readonly timeoutSeconds: number;
  /** Megabytes. */
  readonly memorySize: number;
}

/** What Function Compute would refuse, or where it would lose records, by its path within the function's block or from the root of the file. */
export function checkConnector(connector: FcConnector): Problem[] {
  return [
    ...checkFunction(connector),
    ...checkTrigger(connector),
    ...checkFormats(connector),
    ...checkRetries(connector),
    ...checkCluster(connector),
  ];
}

/** The same for what depends on the function's sink and its secrets. */
export function checkFunctionContent(
  { options }: Pick<FcConnector, 'options'>,
  { ordered }: Guarantees,
  secrets: readonly SecretReference[],
): Problem[] {
  const problems: Problem[] = secrets
    .filter((reference) => !('env' in reference))
    .map((reference) => ({
      path: 'connector',
      message: `Function Compute cannot read ${secretName(reference)}, a store of AWS. Set the option to { env: NAME } for this stage: the deploy tool fills it in from its own environment.`,
    }));
  if (ordered && options.concurrency > 1)
    problems.push({
      path: 'sluice.fc.concurrency',
      message: 'The sink keeps order, and with concurrency above 1 batches of one partition overtake each other. Set it to 1.',
    });
  return problems;
}

function checkFunction({ functionName, timeoutSeconds, memorySize, options }: FcConnector): Problem[] {
  const problems: Problem[] = [];
  if (functionName.length > maxFunctionName || !/^[A-Za-z_][\w-]*$/.test(functionName))
    problems.push({
      path: '',
      message: `The function's name would be ${functionName}. Function Compute takes up to ${maxFunctionName} letters, digits, - and _, and no digit first: shorten the name of the service, the stage or the function.`,
    });
  if (timeoutSeconds > maxTimeoutSeconds)
    problems.push({
      path: 'timeout',
      message: `A call of the trigger ends after ${maxTimeoutSeconds} seconds, got ${timeoutSeconds}. Set timeout to ${maxTimeoutSeconds} or less.`,
    });
  if (memorySize % 64 !== 0 || memorySize < 128 || memorySize > 32_768)
    problems.push({ path: 'memorySize', message: `Expected memorySize to be a multiple of 64 from 128 to 32768, got ${memorySize}.` });
  const { cpu } = options;
  const memoryGb = memorySize / 1024;
  if (cpu !== undefined && (memoryGb < cpu || memoryGb > 4 * cpu))
    problems.push({ path: 'sluice.fc.cpu', message: `Expected 1 to 4 GB of memory for each CPU, got ${memoryGb} GB for ${cpu}.` });
  return problems;
}

function checkTrigger({ settings, options }: FcConnector): Problem[] {
  const { trigger, acknowledge } = settings;
  const problems: Problem[] = [];
  const refuse = (option: string, message: string): void => void problems.push({ path: `connector.${option}`, message });
  for (const [option, advice] of Object.entries(lambdaOnly)) {
    const value = trigger[option as keyof typeof lambdaOnly];
    if (value !== undefined && value !== false) refuse(`trigger.${option}`, `The trigger of Function Compute has no ${option}. ${advice}`);
  }
  for (const option of ['maximumRetryAttempts', 'maximumRecordAgeInSeconds'] as const)
    if ((trigger[option] ?? -1) >= 0)
      refuse(`trigger.${option}`, `On Function Compute sluice.fc.retryStrategy says how long a batch is tried again. Remove ${option}.`);
  if (acknowledge === 'partial') refuse('acknowledge', 'Function Compute takes a batch as a whole or not at all. Set acknowledge: batch.');
  if (trigger.startingPosition === 'AT_TIMESTAMP')
    refuse('trigger.startingPosition', 'The trigger of Function Compute begins at TRIM_HORIZON or LATEST only.');
  if (options.network === 'PublicNetwork' && options.vpc === undefined)
    problems.push({ path: 'sluice.fc.vpc', message: 'With network PublicNetwork the trigger goes through a VPC. Set sluice.fc.vpc.' });
  return problems;
}

function checkFormats({ settings }: FcConnector): Problem[] {
  return (['key', 'value'] as const).flatMap((part) => {
    const given = settings[part];
    const format = typeof given === 'string' ? given : given.type;
    if (textFormats.includes(format)) return [];
    return [
      {
        path: `connector.${part}`,
        message: `The trigger of Function Compute decodes every ${part} as UTF-8, which destroys what ${format} may hold. Set connector.${part} to ${textFormats.slice(0, 3).join(', ')}, or run this connector as a worker.`,
      },
    ];
  });
}

function checkRetries({ settings, options }: FcConnector): Problem[] {
  const problems: Problem[] = [];
  const refuse = (option: string, message: string): void => void problems.push({ path: `sluice.fc.${option}`, message });
  const { retryStrategy, errorsTolerance, deadLetterQueue } = options;
  const isDraining = errorsTolerance === 'ALL';
  if (isDraining && deadLetterQueue === undefined)
    refuse(
      'errorsTolerance',
      'After its last try the trigger would drop records in silence. Set deadLetterQueue, or errorsTolerance to NONE.',
    );
  if (isDraining && !settings.trigger.drainsOnOutage)
    refuse(
      'errorsTolerance',
      'With ALL the trigger gives records up while the target is down. Set errorsTolerance to NONE, or write trigger.drainsOnOutage: true if that is what you want.',
    );
  if (!isDraining && retryStrategy === 'BACKOFF_RETRY')
    refuse(
      'retryStrategy',
      'With three tries an outage of a minute stops the trigger until a person resumes it. Set EXPONENTIAL_DECAY_RETRY, which goes on for a day.',
    );
  if (deadLetterQueue === undefined) return problems;
  if (!isDraining) refuse('deadLetterQueue', 'With errorsTolerance NONE the trigger gives nothing up. Remove deadLetterQueue.');
  const topic = /^acs:alikafka:.*\/topic\/(.+)$/.exec(deadLetterQueue)?.[1];
  if (topic !== undefined && topicsOf(settings).includes(topic))
    refuse('deadLetterQueue', 'It is one of the topics the connector reads, so what is given up would come back for ever. Set another.');
  if (topic !== undefined && topic === deadLetterTopicOf(settings))
    refuse('deadLetterQueue', "It is the connector's dead letter topic, whose letters have another form. Set another.");
  return problems;
}

/** Whoever writes to Kafka itself, e.g. dead letters, has to reach the brokers. */
function checkCluster({ settings, cluster }: FcConnector): Problem[] {
  const at = (message: string, path = 'sluice.cluster.bootstrapServers'): Problem[] => [{ path, message }];
  if (!producesToKafka(settings)) return [];
  if (cluster === undefined)
    return at(
      'Expected sluice.cluster, as the function writes to Kafka itself. Set bootstrapServers to the endpoints of the instance.',
      'sluice.cluster',
    );
  if (cluster.auth?.type === 'msk-iam')
    return at('Function Compute has no identity that Amazon MSK knows. Set another type for this stage.', 'sluice.cluster.auth.type');
  try {
    const isLocal = brokersOf(cluster).some((broker) => /^(localhost|127\.|\[::1\])/.test(broker));
    return isLocal ? at('The function cannot reach a Kafka on this machine. Set the endpoints of the instance for this stage.') : [];
  } catch (error) {
    if (error instanceof ConfigError) return at(error.message);
    throw error;
  }
}

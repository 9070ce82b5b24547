import { stringify } from 'yaml';
import { type ConnectorName, triggerGroup } from '../../core/consumer-group.ts';
import { hash } from '../../core/letter.ts';
import { type ConnectorSettings, topicsOf } from '../../core/settings.ts';
import type { ConnectorFcOptions } from './options.ts';

/** One connector as it is to be deployed. */
export interface ExportedConnector {
  readonly name: ConnectorName;
  readonly settings: ConnectorSettings;
  readonly options: ConnectorFcOptions;
  /** The package, relative to s.yaml. */
  readonly code: string;
  /** The module that starts the function, relative to the package. */
  readonly entry: string;
  readonly timeoutSeconds: number;
  /** Megabytes. */
  readonly memorySize: number;
  /** Text as it is, or `${env('NAME')}`, which the deploy tool fills in. */
  readonly environment: Readonly<Record<string, string>>;
}

type Properties = Readonly<Record<string, unknown>>;

/** Where the service unpacks a package. */
const codeFolder = '/code';
const port = 9000;
const maxWindowSeconds = 15;
const preStopSeconds = 30;

/** The function's name as Function Compute knows it. */
export function functionName({ service, stage, connector }: ConnectorName): string {
  return [service, stage, connector].join('-');
}

/** The whole s.yaml of a service, for component fc3 of the deploy tool. */
export function serviceFile(service: string, access: string, connectors: readonly ExportedConnector[]): Properties {
  return {
    edition: '3.0.0',
    name: service,
    access,
    resources: Object.fromEntries(
      connectors.map((connector) => [connector.name.connector, { component: 'fc3', props: functionProperties(connector) }]),
    ),
  };
}

/** The file's text. What follows from serverless.yml is changed there. */
export function serviceFileText(file: Properties): string {
  return `# Written by \`sluice export fc\` from serverless.yml: change that, and export again.\n${stringify(file, { lineWidth: 0, aliasDuplicateObjects: false })}`;
}

function functionProperties({
  name,
  settings,
  options,
  code,
  entry,
  timeoutSeconds,
  memorySize,
  environment,
}: ExportedConnector): Properties {
  const { region, role, vpc, log } = options;
  return {
    region,
    functionName: functionName(name),
    description: `Connector ${name.connector} of ${name.service}, stage ${name.stage}`,
    runtime: 'custom.debian12',
    code,
    customRuntimeConfig: { command: [`${codeFolder}/node`], args: [`${codeFolder}/${entry}`, '--host=0.0.0.0'], port },
    instanceLifecycleConfig: { preStop: { handler: 'pre-stop', timeout: preStopSeconds } },
    memorySize,
    cpu: options.cpu ?? cpuFor(memorySize),
    diskSize: 512,
    timeout: timeoutSeconds,
    // One call per instance: what a call gathers, and the order of a partition, belong to that call.
    instanceConcurrency: 1,
    ...(role === undefined ? {} : { role }),
    ...(Object.keys(environment).length === 0 ? {} : { environmentVariables: environment }),
    ...(vpc === undefined ? {} : { vpcConfig: vpc }),
    logConfig: log,
    tags: [
      { key: 'sluice:service', value: name.service },
      { key: 'sluice:stage', value: name.stage },
      { key: 'sluice:connector', value: name.connector },
    ],
    triggers: topicsOf(settings).map((topic) => kafkaTrigger(name, topic, settings, options)),
  };
}

/** One for each topic. Its outer names are in camel case and the inner ones in Pascal case: the service drops what is spelled otherwise. */
function kafkaTrigger(name: ConnectorName, topic: string, settings: ConnectorSettings, options: ConnectorFcOptions): Properties {
  const { trigger } = settings;
  const { region, instanceId, network, vpc, maximumTasks, concurrency, retryStrategy, errorsTolerance, deadLetterQueue } = options;
  return {
    triggerName: triggerName(topic),
    triggerType: 'eventbridge',
    qualifier: 'LATEST',
    description: `Topic ${topic}`,
    triggerConfig: {
      triggerEnable: trigger.enabled,
      asyncInvocationType: false,
      eventRuleFilterPattern: '{}',
      eventSourceConfig: {
        eventSourceType: 'Kafka',
        eventSourceParameters: {
          sourceKafkaParameters: {
            RegionId: region,
            InstanceId: instanceId,
            Topic: topic,
            ConsumerGroup: triggerGroup(name, settings, topic),
            OffsetReset: trigger.startingPosition === 'LATEST' ? 'latest' : 'earliest',
            Network: network,
            ...(network === 'PublicNetwork' && vpc !== undefined
              ? { VpcId: vpc.vpcId, VSwitchIds: vpc.vSwitchIds, SecurityGroupId: vpc.securityGroupId }
              : {}),
          },
        },
      },
      eventSinkConfig: { deliveryOption: { eventSchema: 'CloudEvents', concurrency } },
      runOptions: {
        mode: 'event-streaming',
        maximumTasks,
        errorsTolerance,
        retryStrategy: { PushRetryStrategy: retryStrategy, MaximumEventAgeInSeconds: 0, MaximumRetryAttempts: 0 },
        ...(deadLetterQueue === undefined ? {} : { deadLetterQueue: { Arn: deadLetterQueue } }),
        batchWindow: { CountBasedWindow: trigger.batchSize, TimeBasedWindow: windowSeconds(settings) },
      },
    },
  };
}

/** The service waits in whole seconds and no longer than fifteen; waiting less than was allowed keeps the promise. */
function windowSeconds({ trigger }: ConnectorSettings): number {
  return Math.min(maxWindowSeconds, Math.floor(trigger.maximumBatchingWindow));
}

/** Whether a batch may be closed sooner than serverless.yml allows. */
export function closesSooner({ trigger }: ConnectorSettings): boolean {
  return trigger.maximumBatchingWindow > maxWindowSeconds;
}

/** A name of a trigger has no dots; two topics never share one. */
function triggerName(topic: string): string {
  const plain = topic.replaceAll('.', '-');
  return plain === topic && topic.length <= 100 ? topic : `${plain.slice(0, 100)}-${hash(topic)}`;
}

/** One CPU for each 2 GB, in the steps of 0.05 that the service has. */
function cpuFor(memorySize: number): number {
  return Math.min(16, Math.max(0.05, Math.ceil((memorySize / 2048) * 20) / 20));
}

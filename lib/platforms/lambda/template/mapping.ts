import { brokersOf, type ClusterConfig } from '../../../clients/kafka/cluster-config.ts';
import { type ConnectorName, triggerGroup } from '../../../core/consumer-group.ts';
import { acknowledgeMode, type ConnectorSettings } from '../../../core/settings.ts';
import { mskArn, sourceAccess } from './cluster.ts';
import type { Resource, Value } from './resources.ts';

export interface MappingOptions {
  readonly name: ConnectorName;
  readonly topic: string;
  readonly settings: ConnectorSettings;
  readonly cluster: ClusterConfig;
  /** The function that the mapping calls. */
  readonly functionArn: Value;
  readonly dependsOn: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
}

/** The whole event source mapping of one topic. Source: CloudFormation's AWS::Lambda::EventSourceMapping. */
export function eventSourceMapping({ name, topic, settings, cluster, functionArn, dependsOn, tags }: MappingOptions): Resource {
  const { trigger } = settings;
  const arn = mskArn(cluster);
  const { access } = sourceAccess(cluster);
  const config = {
    ConsumerGroupId: triggerGroup(name, settings, topic),
    ...(trigger.schemaRegistry === undefined ? {} : { SchemaRegistryConfig: schemaRegistry(trigger.schemaRegistry) }),
  };
  return {
    Type: 'AWS::Lambda::EventSourceMapping',
    DependsOn: dependsOn,
    Properties: {
      FunctionName: functionArn,
      Topics: [topic],
      StartingPosition: trigger.startingPosition,
      ...optional('StartingPositionTimestamp', trigger.startingPosition === 'AT_TIMESTAMP' ? trigger.startingPositionTimestamp : undefined),
      ...(arn === undefined
        ? {
            SelfManagedEventSource: { Endpoints: { KafkaBootstrapServers: brokersOf(cluster) } },
            SelfManagedKafkaEventSourceConfig: config,
          }
        : { EventSourceArn: arn, AmazonManagedKafkaEventSourceConfig: config }),
      ...(access.length === 0 ? {} : { SourceAccessConfigurations: access }),
      BatchSize: trigger.batchSize,
      MaximumBatchingWindowInSeconds: trigger.maximumBatchingWindow,
      ...(trigger.filterPatterns === undefined
        ? {}
        : { FilterCriteria: { Filters: trigger.filterPatterns.map((pattern) => ({ Pattern: JSON.stringify(pattern) })) } }),
      ...(trigger.pollers === undefined ? {} : { ProvisionedPollerConfig: pollers(trigger.pollers) }),
      ...(acknowledgeMode(settings) === 'partial' ? { FunctionResponseTypes: ['ReportBatchItemFailures'] } : {}),
      ...optional('MaximumRetryAttempts', trigger.maximumRetryAttempts),
      ...optional('MaximumRecordAgeInSeconds', trigger.maximumRecordAgeInSeconds),
      ...optional('BisectBatchOnFunctionError', trigger.bisectBatchOnFunctionError),
      ...(trigger.onFailure === undefined ? {} : { DestinationConfig: { OnFailure: { Destination: trigger.onFailure } } }),
      ...(trigger.metrics === undefined ? {} : { MetricsConfig: { Metrics: trigger.metrics } }),
      ...(trigger.logLevel === undefined ? {} : { LoggingConfig: { SystemLogLevel: trigger.logLevel } }),
      Enabled: trigger.enabled,
      Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    },
  };
}

function optional(name: string, value: unknown): Record<string, unknown> {
  return value === undefined ? {} : { [name]: value };
}

function pollers({ minimum, maximum, group }: NonNullable<ConnectorSettings['trigger']['pollers']>): object {
  return { MinimumPollers: minimum, MaximumPollers: maximum, ...optional('PollerGroupName', group) };
}

const registryAccess = { basic: 'BASIC_AUTH', mtls: 'CLIENT_CERTIFICATE_TLS_AUTH' } as const;

function schemaRegistry({ uri, eventRecordFormat, validate, auth }: NonNullable<ConnectorSettings['trigger']['schemaRegistry']>): object {
  const secret = auth !== undefined && 'secretsManager' in auth.secret ? auth.secret.secretsManager : undefined;
  return {
    SchemaRegistryURI: uri,
    EventRecordFormat: eventRecordFormat,
    SchemaValidationConfigs: validate.map((attribute) => ({ Attribute: attribute })),
    ...(auth === undefined ? {} : { AccessConfigs: [{ Type: registryAccess[auth.type], URI: secret }] }),
  };
}

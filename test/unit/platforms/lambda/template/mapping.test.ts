import { describe, expect, it } from 'vitest';
import { eventSourceMapping } from '../../../../../lib/platforms/lambda/template/mapping.ts';
import { cluster, msk, mskArn, name, secretArn, settings } from './support.ts';

const functionArn = { 'Fn::GetAtt': ['OrdersLambdaFunction', 'Arn'] };
const build = (over: Partial<Parameters<typeof eventSourceMapping>[0]> = {}) =>
  eventSourceMapping({
    ...{ name, topic: 'orders', settings: settings(), cluster, functionArn },
    ...{ dependsOn: ['Role'], tags: { 'sluice:connector': 'orders-to-pg' }, ...over },
  }).Properties;

describe('eventSourceMapping', () => {
  it('of a cluster of its own names brokers, group, network and credentials', () => {
    expect(build()).toEqual({
      FunctionName: functionArn,
      Topics: ['orders'],
      StartingPosition: 'TRIM_HORIZON',
      SelfManagedEventSource: { Endpoints: { KafkaBootstrapServers: ['b1.example:9096', 'b2.example:9096'] } },
      SelfManagedKafkaEventSourceConfig: { ConsumerGroupId: 'shop-prod-orders-to-pg-orders' },
      SourceAccessConfigurations: [
        { Type: 'SASL_SCRAM_512_AUTH', URI: secretArn },
        { Type: 'VPC_SUBNET', URI: 'subnet:subnet-1' },
        { Type: 'VPC_SUBNET', URI: 'subnet:subnet-2' },
        { Type: 'VPC_SECURITY_GROUP', URI: 'security_group:sg-1' },
      ],
      BatchSize: 100,
      MaximumBatchingWindowInSeconds: 1,
      Enabled: true,
      Tags: [{ Key: 'sluice:connector', Value: 'orders-to-pg' }],
    });
  });

  it('of Amazon MSK names its ARN and no network, and asks for IAM by saying nothing', () => {
    const properties = build({ cluster: { ...msk, vpc: { subnets: ['subnet-1'], securityGroups: ['sg-1'] } } });
    expect(properties).toMatchObject({
      EventSourceArn: mskArn,
      AmazonManagedKafkaEventSourceConfig: { ConsumerGroupId: 'shop-prod-orders-to-pg-orders' },
    });
    expect(properties).not.toHaveProperty('SourceAccessConfigurations');
    expect(properties).not.toHaveProperty('SelfManagedEventSource');
  });

  it('asks for partial responses exactly where the function gives them', () => {
    expect(build()).not.toHaveProperty('FunctionResponseTypes');
    expect(build({ settings: settings({ pollers: {} }) })).toMatchObject({
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ProvisionedPollerConfig: { MinimumPollers: 1, MaximumPollers: 200 },
    });
    expect(build({ settings: settings({ pollers: {} }, { acknowledge: 'batch' }) })).not.toHaveProperty('FunctionResponseTypes');
  });

  it('passes on everything a trigger can say', () => {
    const trigger = {
      startingPosition: 'AT_TIMESTAMP',
      startingPositionTimestamp: 1_760_000_000,
      batchSize: 500,
      maximumBatchingWindow: 0,
      pollers: { minimum: 2, maximum: 4, group: 'shared' },
      filterPatterns: [{ value: { type: ['order'] } }],
      maximumRetryAttempts: 5,
      maximumRecordAgeInSeconds: 3_600,
      bisectBatchOnFunctionError: true,
      onFailure: 'kafka://orders.failed',
      drainsOnOutage: true,
      metrics: ['EventCount', 'KafkaMetrics'],
      logLevel: 'WARN',
      enabled: false,
      consumerGroup: 'mine',
      schemaRegistry: { uri: 'https://registry.example', auth: { type: 'basic', secret: { secretsManager: secretArn } } },
    };
    expect(build({ settings: settings(trigger) })).toMatchObject({
      StartingPosition: 'AT_TIMESTAMP',
      StartingPositionTimestamp: 1_760_000_000,
      BatchSize: 500,
      MaximumBatchingWindowInSeconds: 0,
      ProvisionedPollerConfig: { MinimumPollers: 2, MaximumPollers: 4, PollerGroupName: 'shared' },
      FilterCriteria: { Filters: [{ Pattern: '{"value":{"type":["order"]}}' }] },
      MaximumRetryAttempts: 5,
      MaximumRecordAgeInSeconds: 3_600,
      BisectBatchOnFunctionError: true,
      DestinationConfig: { OnFailure: { Destination: 'kafka://orders.failed' } },
      MetricsConfig: { Metrics: ['EventCount', 'KafkaMetrics'] },
      LoggingConfig: { SystemLogLevel: 'WARN' },
      Enabled: false,
      SelfManagedKafkaEventSourceConfig: {
        ConsumerGroupId: 'mine',
        SchemaRegistryConfig: {
          SchemaRegistryURI: 'https://registry.example',
          EventRecordFormat: 'JSON',
          SchemaValidationConfigs: [{ Attribute: 'VALUE' }],
          AccessConfigs: [{ Type: 'BASIC_AUTH', URI: secretArn }],
        },
      },
    });
  });

  it('gives each of several topics a group of its own, also where one was named', () => {
    const several = settings({ topic: undefined, topics: ['a', 'b'], consumerGroup: 'mine' });
    const groups = ['a', 'b'].map((topic) => build({ settings: several, topic })['SelfManagedKafkaEventSourceConfig']);
    expect(groups).toEqual([{ ConsumerGroupId: 'mine-a' }, { ConsumerGroupId: 'mine-b' }]);
  });
});

import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseSettings } from '../../../../lib/core/settings.ts';
import { optionsFor } from '../../../../lib/platforms/fc/options.ts';
import { checkServiceFile } from '../../../../lib/platforms/fc/service-file.ts';
import { closesSooner, type ExportedConnector, serviceFile, serviceFileText } from '../../../../lib/platforms/fc/template.ts';

const shared = {
  region: 'cn-hangzhou',
  instanceId: 'alikafka_pre-1',
  access: 'default',
  network: 'Default',
  log: 'auto',
  connectors: {},
} as const;

const exported = ({
  trigger = {},
  fc = {},
  ...rest
}: { trigger?: object; fc?: object } & Partial<ExportedConnector> = {}): ExportedConnector => ({
  name: { service: 'shop', stage: 'dev', connector: 'orders' },
  settings: parseSettings({ trigger: { topic: 'orders', ...trigger }, sink: { type: 'memory' } }),
  options: optionsFor('orders', { ...shared, ...fc }),
  code: './code/orders.zip',
  entry: 'start.mjs',
  timeoutSeconds: 120,
  memorySize: 1024,
  environment: {},
  ...rest,
});

/** The file as the deploy tool reads it. */
const written = (...connectors: ExportedConnector[]) => {
  const file = parse(serviceFileText(serviceFile('shop', 'default', connectors)));
  expect(checkServiceFile(file)).toEqual([]);
  return file;
};
const props = (connector: ExportedConnector) => written(connector).resources.orders.props;
/** A part of the file, of whatever form. */
type Block = ReturnType<typeof parse>;
const config = (connector: ExportedConnector) => props(connector).triggers[0].triggerConfig;

describe('the s.yaml of a connector', () => {
  it('starts the package with the Node in it', () => {
    expect(props(exported())).toMatchObject({
      functionName: 'shop-dev-orders',
      runtime: 'custom.debian12',
      code: './code/orders.zip',
      customRuntimeConfig: { command: ['/code/node'], args: ['/code/start.mjs', '--host=0.0.0.0'], port: 9000 },
      instanceConcurrency: 1,
      timeout: 120,
      memorySize: 1024,
      cpu: 0.5,
    });
  });

  it('has the trigger of its topic, each name in the case in which the service reads it', () => {
    expect(config(exported())).toEqual({
      triggerEnable: true,
      asyncInvocationType: false,
      eventRuleFilterPattern: '{}',
      eventSourceConfig: {
        eventSourceType: 'Kafka',
        eventSourceParameters: {
          sourceKafkaParameters: {
            RegionId: 'cn-hangzhou',
            InstanceId: 'alikafka_pre-1',
            Topic: 'orders',
            ConsumerGroup: 'shop-dev-orders-orders',
            OffsetReset: 'earliest',
            Network: 'Default',
          },
        },
      },
      eventSinkConfig: { deliveryOption: { eventSchema: 'CloudEvents', concurrency: 1 } },
      runOptions: {
        mode: 'event-streaming',
        maximumTasks: 1,
        errorsTolerance: 'NONE',
        retryStrategy: { PushRetryStrategy: 'EXPONENTIAL_DECAY_RETRY', MaximumEventAgeInSeconds: 0, MaximumRetryAttempts: 0 },
        batchWindow: { CountBasedWindow: 100, TimeBasedWindow: 1 },
      },
    });
  });

  it('has a trigger for each topic, with a name and a group of its own', () => {
    const { triggers } = props(exported({ trigger: { topic: undefined, topics: ['orders.eu', 'orders-eu', 'orders_eu'] } }));
    const names = triggers.map(({ triggerName }: { triggerName: string }) => triggerName);
    expect(new Set(names).size).toBe(3);
    for (const name of names) expect(name).toMatch(/^[\w-]+$/);
  });

  it.each([
    [{ batchSize: 10_000, maximumBatchingWindow: 300 }, { CountBasedWindow: 10_000, TimeBasedWindow: 15 }, true],
    [{ batchSize: 1, maximumBatchingWindow: 0.5 }, { CountBasedWindow: 1, TimeBasedWindow: 0 }, false],
    [{ maximumBatchingWindow: 15 }, { CountBasedWindow: 100, TimeBasedWindow: 15 }, false],
  ])('waits no longer for a batch than %j says, nor than the service can', (trigger, window, sooner) => {
    const connector = exported({ trigger });
    expect(config(connector).runOptions.batchWindow).toEqual(window);
    expect(closesSooner(connector.settings)).toBe(sooner);
  });

  it('says where it begins, and whether it delivers', () => {
    const made = config(exported({ trigger: { startingPosition: 'LATEST', enabled: false, consumerGroup: 'mine' } }));
    expect(made.eventSourceConfig.eventSourceParameters.sourceKafkaParameters).toMatchObject({
      OffsetReset: 'latest',
      ConsumerGroup: 'mine',
    });
    expect(made.triggerEnable).toBe(false);
  });

  it('has role, network, logs and environment', () => {
    const vpc = { vpcId: 'vpc-1', vSwitchIds: ['vsw-1'], securityGroupId: 'sg-1' };
    const log = { project: 'p', logstore: 's' };
    const environment = { DATABASE_URL: `\${env('DATABASE_URL')}` };
    const connector = exported({
      fc: { role: 'acs:ram::1:role/orders', vpc, log, network: 'PublicNetwork', cpu: 1 },
      environment,
    });
    expect(props(connector)).toMatchObject({
      ...{ role: 'acs:ram::1:role/orders', vpcConfig: vpc, logConfig: log, cpu: 1 },
      environmentVariables: environment,
    });
    expect(config(connector).eventSourceConfig.eventSourceParameters.sourceKafkaParameters).toMatchObject({
      ...{ Network: 'PublicNetwork', VpcId: 'vpc-1', VSwitchIds: ['vsw-1'], SecurityGroupId: 'sg-1' },
    });
  });

  it('says what is given up, where that is wanted', () => {
    const deadLetterQueue = 'acs:mns:cn-hangzhou:1:/queues/given-up';
    const { runOptions } = config(
      exported({ fc: { errorsTolerance: 'ALL', retryStrategy: 'BACKOFF_RETRY', deadLetterQueue, maximumTasks: 6 } }),
    );
    expect(runOptions).toMatchObject({
      ...{ errorsTolerance: 'ALL', deadLetterQueue: { Arn: deadLetterQueue }, maximumTasks: 6 },
      retryStrategy: { PushRetryStrategy: 'BACKOFF_RETRY' },
    });
  });

  it('writes out what two connectors share, as the deploy tool follows no anchors', () => {
    const vpc = { vpcId: 'vpc-1', vSwitchIds: ['vsw-1'], securityGroupId: 'sg-1' };
    const options = optionsFor('orders', { ...shared, vpc });
    const second = { ...exported(), options, name: { service: 'shop', stage: 'dev', connector: 'payments' } };
    expect(serviceFileText(serviceFile('shop', 'default', [exported({ options }), second]))).not.toMatch(/[&*]a1/);
  });
});

describe('an s.yaml is refused', () => {
  const file = (change: (config: Block, properties: Block) => void) => {
    const made = structuredClone(written(exported()));
    const { props: properties } = made.resources.orders;
    change(properties.triggers[0].triggerConfig, properties);
    return checkServiceFile(made).map(({ path }) =>
      path.replace('s.yaml.resources.orders.props.', '').replace('triggers[0].triggerConfig.', ''),
    );
  };
  const source = 'eventSourceConfig.eventSourceParameters.sourceKafkaParameters';
  const parameters = (made: Block) => made['eventSourceConfig'].eventSourceParameters.sourceKafkaParameters;

  it.each(['RegionId', 'InstanceId', 'Topic', 'ConsumerGroup', 'OffsetReset', 'Network'])('with %s in another case', (name) => {
    const camel = name.charAt(0).toLowerCase() + name.slice(1);
    const paths = file((made) => {
      parameters(made)[camel] = parameters(made)[name];
      delete parameters(made)[name];
    });
    expect(paths).toEqual([`${source}.${name}`, `${source}.${camel}`]);
  });

  it.each(['triggerEnable', 'asyncInvocationType', 'eventRuleFilterPattern', 'eventSourceConfig', 'eventSinkConfig', 'runOptions'])(
    'without %s, which the component asks for',
    (name) => {
      expect(file((made) => delete made[name])).toEqual([name]);
    },
  );

  it.each<[string, string, (made: Block, properties: Block) => void]>([
    ['drops what it gives up', 'runOptions', (made) => Object.assign(made['runOptions'], { errorsTolerance: 'ALL' })],
    [
      'reads what it gives up',
      'runOptions',
      (made) =>
        Object.assign(made['runOptions'], { errorsTolerance: 'ALL', deadLetterQueue: { Arn: 'acs:alikafka:r:1:instance/i/topic/orders' } }),
    ],
    ['is called asynchronously', 'asyncInvocationType', (made) => Object.assign(made, { asyncInvocationType: true })],
    [
      'gets raw data',
      'eventSinkConfig.deliveryOption.eventSchema',
      (made) => Object.assign(made['eventSinkConfig'].deliveryOption, { eventSchema: 'RawData' }),
    ],
    [
      'waits too long',
      'runOptions.batchWindow.TimeBasedWindow',
      (made) => Object.assign(made['runOptions'].batchWindow, { TimeBasedWindow: 16 }),
    ],
    [
      'takes too many',
      'runOptions.batchWindow.CountBasedWindow',
      (made) => Object.assign(made['runOptions'].batchWindow, { CountBasedWindow: 10_001 }),
    ],
    ['runs too long', 'timeout', (_, properties) => Object.assign(properties, { timeout: 301 })],
    [
      'has a large environment',
      'environmentVariables',
      (_, properties) => Object.assign(properties, { environmentVariables: { A: 'x'.repeat(4096) } }),
    ],
    ['has no package', 'code', (_, properties) => delete properties['code']],
  ])('that %s', (_, path, change) => {
    expect(file(change)).toEqual([path]);
  });
});

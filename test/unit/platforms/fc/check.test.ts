import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../../lib/core/config.ts';
import { parseSettings } from '../../../../lib/core/settings.ts';
import { checkConnector, checkFunctionContent } from '../../../../lib/platforms/fc/check.ts';
import { fcSchema, optionsFor } from '../../../../lib/platforms/fc/options.ts';

const vpc = { vpcId: 'vpc-1', vSwitchIds: ['vsw-1'], securityGroupId: 'sg-1' };
const queue = 'acs:alikafka:cn-hangzhou:1:instance/alikafka_pre-1/topic/given-up';

const optionsOf = (fc: object) => {
  const { value, problems } = readConfig(fcSchema, { region: 'cn-hangzhou', instanceId: 'alikafka_pre-1', ...fc }, 'sluice.fc');
  expect(problems).toEqual([]);
  return optionsFor('orders', value);
};

interface Given {
  readonly connector?: object;
  readonly trigger?: object;
  readonly fc?: object;
  /** The brokers; null where the service names none. */
  readonly cluster?: string | null;
  readonly timeoutSeconds?: number;
  readonly memorySize?: number;
  readonly functionName?: string;
}

const check = ({ connector, trigger, fc = {}, cluster = 'kafka.internal:9092', ...rest }: Given = {}) =>
  checkConnector({
    functionName: 'shop-dev-orders',
    settings: parseSettings({ trigger: { topic: 'orders', ...trigger }, sink: { type: 'memory' }, ...connector }),
    options: optionsOf(fc),
    cluster: cluster === null ? undefined : { bootstrapServers: cluster },
    timeoutSeconds: 120,
    memorySize: 1024,
    ...rest,
  });
const pathsOf = (given: Given) => check(given).map(({ path }) => path);

describe('a connector for Function Compute', () => {
  it('has nothing against it when it is an ordinary one', () => {
    expect(check()).toEqual([]);
    expect(check({ connector: { onError: { deadLetterTopic: 'orders.dlq' } }, fc: { vpc, network: 'PublicNetwork' } })).toEqual([]);
    expect(check({ cluster: null })).toEqual([]);
    expect(check({ trigger: { maximumRetryAttempts: -1, maximumRecordAgeInSeconds: -1, bisectBatchOnFunctionError: false } })).toEqual([]);
  });

  it.each([
    ['pollers', { pollers: {} }],
    ['filterPatterns', { filterPatterns: [{ value: {} }] }],
    ['bisectBatchOnFunctionError', { bisectBatchOnFunctionError: true }],
    ['onFailure', { onFailure: 'arn:aws:sqs:eu-west-1:1:q' }],
    ['schemaRegistry', { schemaRegistry: { uri: 'https://registry' } }],
    ['maximumRetryAttempts', { maximumRetryAttempts: 3 }],
    ['maximumRecordAgeInSeconds', { maximumRecordAgeInSeconds: 60 }],
    ['startingPosition', { startingPosition: 'AT_TIMESTAMP', startingPositionTimestamp: 1 }],
  ])('cannot have trigger.%s, which only Lambda knows', (option, trigger) => {
    expect(pathsOf({ trigger })).toEqual([`connector.trigger.${option}`]);
  });

  it('cannot acknowledge part of a batch', () => {
    expect(pathsOf({ connector: { acknowledge: 'partial' }, trigger: { pollers: {} } })).toContain('connector.acknowledge');
  });

  it.each(['bytes', 'avro', 'protobuf', 'parquet'])('cannot have keys or values of %s, as they come as text', (format) => {
    expect(pathsOf({ connector: { key: format, value: { type: format } } })).toEqual(['connector.key', 'connector.value']);
  });

  it.each(['json', 'string', 'debezium', { type: 'json' }])('can have values of %s', (value) => {
    expect(check({ connector: { value } })).toEqual([]);
  });

  it('runs no longer than a call of the trigger', () => {
    expect(pathsOf({ timeoutSeconds: 301 })).toEqual(['timeout']);
    expect(check({ timeoutSeconds: 300 })).toEqual([]);
  });

  it.each([1000, 64, 65_536])('cannot have %i MB of memory', (memorySize) => {
    expect(pathsOf({ memorySize })).toEqual(['memorySize']);
  });

  it('has 1 to 4 GB for each CPU', () => {
    expect(pathsOf({ fc: { cpu: 2 } })).toEqual(['sluice.fc.cpu']);
    expect(pathsOf({ fc: { cpu: 0.2 } })).toEqual(['sluice.fc.cpu']);
    expect(check({ fc: { cpu: 0.25 } })).toEqual([]);
  });

  it.each([`shop-${'x'.repeat(60)}`, '1shop', 'shop.orders'])('cannot be called %s', (functionName) => {
    expect(pathsOf({ functionName })).toEqual(['']);
  });

  it('needs a VPC for the public network', () => {
    expect(pathsOf({ fc: { network: 'PublicNetwork' } })).toEqual(['sluice.fc.vpc']);
  });

  it.each([
    ['letters', { onError: { deadLetterTopic: 'orders.dlq' } }],
    ['a mirror', { sink: { type: 'kafka-topic' } }],
  ])('that writes %s reaches the brokers itself', (_, connector) => {
    expect(pathsOf({ connector, cluster: null })).toEqual(['sluice.cluster']);
    for (const cluster of ['localhost:9092', 'kafka', 'arn:aws:kafka:eu-west-1:1:cluster/x'])
      expect(pathsOf({ connector, cluster }), cluster).toEqual(['sluice.cluster.bootstrapServers']);
  });
});

describe('a trigger that gives up', () => {
  const draining = { trigger: { drainsOnOutage: true } };

  it('is refused where that drops records in silence', () => {
    expect(pathsOf({ ...draining, fc: { errorsTolerance: 'ALL' } })).toEqual(['sluice.fc.errorsTolerance']);
  });

  it('is refused where nobody wrote that it may', () => {
    expect(pathsOf({ fc: { errorsTolerance: 'ALL', deadLetterQueue: queue } })).toEqual(['sluice.fc.errorsTolerance']);
    expect(check({ ...draining, fc: { errorsTolerance: 'ALL', deadLetterQueue: queue } })).toEqual([]);
  });

  it('is refused where a short outage stops it', () => {
    expect(pathsOf({ fc: { retryStrategy: 'BACKOFF_RETRY' } })).toEqual(['sluice.fc.retryStrategy']);
    expect(check({ ...draining, fc: { retryStrategy: 'BACKOFF_RETRY', errorsTolerance: 'ALL', deadLetterQueue: queue } })).toEqual([]);
  });

  it('is refused where what it gives up comes back, or has the place of letters', () => {
    const into = (topic: string) => ({ errorsTolerance: 'ALL', deadLetterQueue: queue.replace('given-up', topic) });
    expect(pathsOf({ ...draining, fc: into('orders') })).toEqual(['sluice.fc.deadLetterQueue']);
    const connector = { onError: { deadLetterTopic: 'orders.dlq' } };
    expect(pathsOf({ ...draining, connector, fc: into('orders.dlq') })).toEqual(['sluice.fc.deadLetterQueue']);
    expect(pathsOf({ fc: { deadLetterQueue: queue } })).toEqual(['sluice.fc.deadLetterQueue']);
  });

  it('may be that of one connector', () => {
    const own = { errorsTolerance: 'ALL', deadLetterQueue: queue };
    expect(optionsOf({ connectors: { orders: own }, maximumTasks: 3 })).toMatchObject({ ...own, maximumTasks: 3, concurrency: 1 });
    expect(optionsOf({ connectors: { other: own } })).toMatchObject({ errorsTolerance: 'NONE', retryStrategy: 'EXPONENTIAL_DECAY_RETRY' });
  });
});

describe('a function for Function Compute', () => {
  const guarantees = { idempotent: true, ordered: true, deletes: true, partial: true };

  it('gets its batches one after the other where its sink keeps order', () => {
    const options = optionsOf({ concurrency: 2 });
    expect(checkFunctionContent({ options }, guarantees, [])).toMatchObject([{ path: 'sluice.fc.concurrency' }]);
    expect(checkFunctionContent({ options }, { ...guarantees, ordered: false }, [])).toEqual([]);
  });

  it('has its secrets in its environment, as there are no stores of AWS', () => {
    const options = optionsOf({});
    const problems = checkFunctionContent({ options }, guarantees, [{ ssm: '/a' }, { secretsManager: 'arn:b' }, { env: 'C' }]);
    expect(problems.map(({ message }) => /ssm:\/a|secretsManager:arn:b/.exec(message)?.[0])).toEqual(['ssm:/a', 'secretsManager:arn:b']);
  });
});

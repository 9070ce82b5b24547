import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { deployedService } from '../support/deployed.ts';
import { archived, type CommandResult, deployableService, serverless } from '../support/serverless.ts';
import { describeWith } from '../support/servers/shared.ts';
import { shop, shopFiles } from '../support/shop.ts';

const cluster = 'arn:aws:kafka:eu-west-1:123456789012:cluster/shop/1b2c-3';
const secret = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:search-AbCdEf';
/** Would be found wherever a secret got out. */
const sentinel = 'sentinel-of-a-secret';

describeWith(['aws'], 'a service with what services have', async ({ aws }) => {
  const service = await deployableService(shopFiles);
  const deployed = deployedService(aws.endpoint, 'shop-prod');
  const env = { ...aws.env, DATABASE_URL: sentinel, ES_API_KEY: sentinel, SLACK_WEBHOOK_URL: sentinel };
  const run = (...words: string[]) => serverless(service.path, [...words, '--stage', 'prod', '--param', 'team=data'], env);
  const packaged = async () => {
    const folder = join(service.path, '.serverless');
    const names = (await readdir(folder)).filter((name) => name.endsWith('.zip')).sort();
    return await Promise.all(names.map(async (name) => [name, (await readFile(join(folder, name))).toString('base64')] as const));
  };
  let first: CommandResult;
  let archives: Awaited<ReturnType<typeof packaged>>;

  beforeAll(async () => {
    const client = new SSMClient({
      endpoint: aws.endpoint,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    await client.send(new PutParameterCommand({ Name: '/shop/search', Value: 'https://search.example:9200', Type: 'String' }));
    client.destroy();
    first = await run('deploy');
    expect(first.code, first.output).toBe(0);
    archives = await packaged();
  });
  afterAll(async () => {
    await run('remove');
    deployed.close();
    await service.remove();
  });

  it('is deployed, and told what its network needs and what its pollers cost', () => {
    expect(first.output).toMatch(/Service deployed to stack shop-prod/);
    expect(first.output).toMatch(/orders-to-lake runs in the cluster's subnets, .* A public target needs NAT\./);
    expect(first.output).toMatch(/Standing cost of orders-to-lake: 4 event pollers at all times, up to 8 under load, .* the group shop\./);
    expect(first.output).not.toMatch(/Standing cost of orders-to-search/);
  });

  it('keeps the whole trigger of each topic of a cluster in Amazon MSK', async () => {
    const mappings = await deployed.mappings();
    expect([...mappings.keys()].sort()).toEqual(['orders-to-lake orders', 'orders-to-lake refunds', 'orders-to-search orders']);
    for (const topic of ['orders', 'refunds'])
      expect(mappings.get(`orders-to-lake ${topic}`)).toMatchObject({
        EventSourceArn: cluster,
        AmazonManagedKafkaEventSourceConfig: { ConsumerGroupId: `shop-prod-orders-to-lake-${topic}` },
        ...{ BatchSize: 333, StartingPosition: 'AT_TIMESTAMP', StartingPositionTimestamp: new Date(1_760_000_000_000) },
        FilterCriteria: { Filters: [{ Pattern: '{"value":{"kind":["order"]}}' }] },
        ProvisionedPollerConfig: { MinimumPollers: 2, MaximumPollers: 4, PollerGroupName: 'shop' },
        ...{ FunctionResponseTypes: ['ReportBatchItemFailures'], MaximumRetryAttempts: 5, BisectBatchOnFunctionError: true },
        DestinationConfig: { OnFailure: { Destination: expect.stringMatching(/^arn:aws:sqs:eu-west-1:123456789012:shop-prod-Failed-/) } },
        MetricsConfig: { Metrics: ['EventCount', 'KafkaMetrics'] },
        LoggingConfig: { SystemLogLevel: 'WARN' },
      });
    // A mapping of MSK uses IAM when it is told nothing else, and finds the network by itself.
    expect(mappings.get('orders-to-lake orders')?.SourceAccessConfigurations ?? []).toEqual([]);
    expect(mappings.get('orders-to-search orders')?.FunctionResponseTypes ?? []).toEqual([]);
  });

  it('hands a function what only deployment knew, and what serverless.yml says otherwise', async () => {
    const functions = await deployed.functions();
    expect(functions.get('orders-to-lake')?.Environment?.Variables).toEqual({
      STAGE: 'prod',
      SLUICE_CONNECTOR_SINK_BUCKET: expect.stringMatching(/^shop-prod-lake-/),
      SLUICE_CONNECTOR_TRIGGER_ONFAILURE: expect.stringMatching(/^arn:aws:sqs:/),
      SLUICE_SLUICE_CLUSTER_BOOTSTRAPSERVERS: cluster,
    });
    expect(functions.get('orders-to-search')?.Environment?.Variables).toEqual({
      ...{ STAGE: 'prod', TEAM: 'data' },
      SLUICE_CONNECTOR_SINK_APIKEY_SECRETSMANAGER: secret,
      SLUICE_SLUICE_CLUSTER_BOOTSTRAPSERVERS: cluster,
    });
    // Only the one that writes dead letters has to reach the brokers itself.
    expect(functions.get('orders-to-lake')?.VpcConfig?.SubnetIds).toEqual([expect.stringMatching(/^subnet-/), 'subnet-0a1b2c3d']);
    expect(functions.get('orders-to-lake')?.VpcConfig?.SecurityGroupIds).toEqual([expect.stringMatching(/^sg-/)]);
    expect(functions.get('orders-to-search')?.VpcConfig?.SubnetIds ?? []).toEqual([]);
    const settings = (await archived(service.path, 'orders-to-search'))['functions/orders-to-search.settings.mjs'];
    expect(settings).toContain('"node":"https://search.example:9200","index":"orders"');
  });

  it('narrows roles down to the bucket, secret, topics and groups that deployment made', async () => {
    const lake = await deployed.allowed('orders-to-lake');
    const within = (kind: string, ...names: string[]) => names.map((name) => `${cluster.replace(':cluster/', `:${kind}/`)}/${name}`);
    expect(lake.get('s3:PutObject')).toEqual([expect.stringMatching(/^arn:aws:sqs:.*\/\*$/)]);
    expect(lake.get('s3:GetObject')).toEqual([expect.stringMatching(/^arn:aws:s3:::shop-prod-lake-[^/]+\/orders\/\*$/)]);
    expect(lake.get('kafka-cluster:ReadData')).toEqual(within('topic', 'orders', 'refunds'));
    expect(lake.get('kafka-cluster:WriteData')).toEqual(within('topic', 'orders.dlq'));
    expect(lake.get('kafka-cluster:AlterGroup')).toEqual(
      within('group', 'shop-prod-orders-to-lake-orders', 'shop-prod-orders-to-lake-refunds'),
    );
    const search = await deployed.allowed('orders-to-search');
    expect(search.get('secretsmanager:GetSecretValue')).toEqual([secret]);
    expect(search.has('kafka-cluster:WriteData')).toBe(false);
    expect(search.has('s3:PutObject')).toBe(false);
  });

  it('leaves the ordinary function beside it as it is', async () => {
    const plain = (await deployed.functions()).get('plain');
    expect(plain).toMatchObject({ Handler: 'plain.handler', Timeout: 6, tags: undefined });
    expect(plain?.Role).not.toMatch(/Connector/);
    expect(Object.keys(await archived(service.path, 'shop'))).toEqual(['plain.js']);
  });

  it('keeps logs as long as the framework was told, and raises alarms where it was told', async () => {
    const text = await readFile(join(service.path, '.serverless', 'cloudformation-template-update-stack.json'), 'utf8');
    const { Resources: resources } = JSON.parse(text) as {
      Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
    };
    const all = (type: string) => Object.values(resources).filter(({ Type }) => Type === type);
    expect(all('AWS::Logs::LogGroup').map(({ Properties }) => Properties['RetentionInDays'])).toEqual([14, 14, 14]);
    expect(all('AWS::CloudWatch::Alarm').map(({ Properties }) => Properties['AlarmActions'])).toEqual(Array(6).fill([{ Ref: 'Alerts' }]));
  });

  it('is packaged to the same bytes again, with no secret in them', async () => {
    expect((await run('package')).code).toBe(0);
    expect(await packaged()).toEqual(archives);
    expect(archives.map(([name]) => name)).toEqual(['orders-to-lake.zip', 'orders-to-search.zip', 'shop.zip']);
    const state = ['cloudformation-template-update-stack.json', 'cloudformation-template-create-stack.json', 'serverless-state.json'];
    const texts = await Promise.all(state.map((name) => readFile(join(service.path, '.serverless', name), 'utf8')));
    for (const name of ['orders-to-lake', 'orders-to-search']) texts.push(...Object.values(await archived(service.path, name)));
    const environments = [...(await deployed.functions()).values()].map(({ Environment: environment }) => JSON.stringify(environment));
    for (const text of [...texts, ...environments]) expect(text).not.toContain(sentinel);
  });

  it('says before anything is touched which change AWS would refuse half-way', async () => {
    const before = await deployed.mappings();
    await service.write(
      'serverless.yml',
      shop.replace('trigger: { topic: orders }', 'trigger: { topic: orders, startingPosition: LATEST }'),
    );
    const { code, output } = await run('deploy');
    expect(code).toBe(1);
    expect(output).toContain('functions.orders-to-search.connector.trigger.consumerGroup');
    expect(output).toContain('cannot change startingPosition (TRIM_HORIZON before)');
    expect(output).toContain('Set another consumerGroup');
    expect(await deployed.mappings()).toEqual(before);
  });
});

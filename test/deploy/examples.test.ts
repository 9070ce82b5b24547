import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { deployedService } from '../support/deployed.ts';
import { type CommandResult, exampleService, serverless } from '../support/serverless.ts';
import { describeWith } from '../support/servers/shared.ts';

interface Example {
  readonly handler: string;
  readonly connector: {
    readonly trigger: { readonly topic: string; readonly batchSize?: number; readonly maximumBatchingWindow?: number };
  };
}

const stage = 'prod';
const prefix = `sluice-examples-${stage}`;
const logs = ['logs:CreateLogStream', 'logs:PutLogEvents'];
const parameter = (name: string) => `arn:aws:ssm:eu-west-1:123456789012:parameter/sluice-examples/${name}`;
/** What each function may do besides writing its log. */
const permissions: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'quakes-to-postgres': { 'ssm:GetParameter': [parameter('database')] },
  'quakes-to-oncall': { 'ssm:GetParameter': [parameter('slack')] },
  'quakes-to-lake': {
    's3:ListBucket': ['arn:aws:s3:::lake'],
    's3:PutObject': ['arn:aws:s3:::lake/quakes/*'],
    's3:GetObject': ['arn:aws:s3:::lake/quakes/*'],
  },
  'flights-to-postgres': { 'ssm:GetParameter': [parameter('database')] },
  'flights-to-maxcompute': { 'ssm:GetParameter': [parameter('maxcompute-key-id'), parameter('maxcompute-key-secret')] },
};

describeWith(['aws'], 'serverless deploy of the examples', async ({ aws }) => {
  const service = await exampleService();
  const deployed = deployedService(aws.endpoint, prefix);
  const env = { ...aws.env, KAFKA_BROKERS: 'b1.example:9092,b2.example:9092', MIRROR_BROKERS: 'b3.example:9092' };
  const deploy = () => serverless(service.path, ['deploy', '--stage', stage], env);
  const text = await readFile(service.config, 'utf8');
  const examples = Object.entries((parse(text) as { readonly functions: Readonly<Record<string, Example>> }).functions);
  let first: CommandResult;

  beforeAll(async () => {
    first = await deploy();
    expect(first.code, first.output).toBe(0);
  });
  afterAll(async () => {
    deployed.close();
    await service.remove();
  });

  it('works, without warnings', () => {
    expect(first.output).toMatch(/Service deployed to stack sluice-examples-prod/);
    expect(first.output).not.toMatch(/warning/i);
    expect(first.code).toBe(0);
  });

  it('makes every function as serverless.yml has it', async () => {
    const functions = await deployed.functions();
    expect([...functions.keys()].sort()).toEqual(examples.map(([name]) => name).sort());
    for (const [name, { handler }] of examples) {
      const archive = await readFile(join(service.path, '.serverless', `${name}.zip`));
      expect(functions.get(name), name).toMatchObject({
        FunctionName: `${prefix}-${name}`,
        ...{ Handler: handler, Runtime: 'nodejs24.x', Timeout: 120, MemorySize: 1024 },
        CodeSha256: createHash('sha256').update(archive).digest('base64'),
        tags: { 'sluice:service': 'sluice-examples', 'sluice:stage': stage, 'sluice:connector': name },
      });
      expect(functions.get(name)?.Environment?.Variables ?? {}, name).toEqual({});
    }
  });

  it('makes an event source mapping for every topic', async () => {
    const mappings = await deployed.mappings();
    expect(mappings.size).toBe(examples.length);
    for (const [name, { connector }] of examples) {
      const { topic, batchSize = 100, maximumBatchingWindow = 1 } = connector.trigger;
      const mapping = mappings.get(`${name} ${topic}`);
      expect(mapping, name).toMatchObject({
        ...{ Topics: [topic], BatchSize: batchSize, MaximumBatchingWindowInSeconds: maximumBatchingWindow },
        ...{ StartingPosition: 'TRIM_HORIZON', State: 'Enabled' },
        SelfManagedEventSource: { Endpoints: { KafkaBootstrapServers: ['b1.example:9092', 'b2.example:9092'] } },
        SelfManagedKafkaEventSourceConfig: { ConsumerGroupId: `${prefix}-${name}-${topic}` },
      });
      // Without pollers the service ignores partial answers, so nobody may ask for them.
      expect(mapping?.FunctionResponseTypes ?? [], name).toEqual([]);
      expect(mapping?.ProvisionedPollerConfig, name).toBeUndefined();
    }
  });

  it('gives every function a role of its own that allows what it needs and nothing else', async () => {
    const functions = await deployed.functions();
    expect(new Set([...functions.values()].map(({ Role: role }) => role)).size).toBe(examples.length);
    for (const [name] of examples) {
      const log = [`arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/${prefix}-${name}:*`];
      const expected = { ...Object.fromEntries(logs.map((action) => [action, log])), ...permissions[name] };
      expect(Object.fromEntries(await deployed.allowed(name)), name).toEqual(expected);
    }
  });

  it('finds nothing to do the second time', async () => {
    const before = await deployed.mappings();
    const { code, output } = await deploy();
    expect(output).toMatch(/No changes to deploy/);
    expect(code).toBe(0);
    expect(await deployed.mappings()).toEqual(before);
  });

  it('changes a setting in place, and no other function', async () => {
    const [before, functionsBefore] = [await deployed.mappings(), await deployed.functions()];
    await service.write('serverless.yml', text.replace('maximumBatchingWindow: 30', 'maximumBatchingWindow: 20'));
    expect((await deploy()).code).toBe(0);
    const [after, functionsAfter] = [await deployed.mappings(), await deployed.functions()];
    const identities = (mappings: typeof after) => [...mappings].map(([name, { UUID: uuid }]) => [name, uuid]).sort();
    expect(identities(after)).toEqual(identities(before));
    expect(after.get('flights-to-maxcompute flights')?.MaximumBatchingWindowInSeconds).toBe(20);
    const changed = [...functionsAfter].filter(([name, { CodeSha256: hash }]) => hash !== functionsBefore.get(name)?.CodeSha256);
    expect(changed.map(([name]) => name)).toEqual(['flights-to-maxcompute']);
  });

  it('removes it all', async () => {
    const { code, output } = await serverless(service.path, ['remove', '--stage', stage], env);
    expect(output).toMatch(/successfully removed/);
    expect(code).toBe(0);
    expect((await deployed.functions()).size).toBe(0);
    expect((await deployed.mappings()).size).toBe(0);
  });
});

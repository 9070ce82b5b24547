import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { doctor } from '../../lib/cli/doctor.ts';
import { offsetsSet } from '../../lib/cli/offsets.ts';
import { status } from '../../lib/cli/status.ts';
import { steer } from '../../lib/cli/steer.ts';
import { topicsApply } from '../../lib/cli/topics.ts';
import type { ClusterAdmin } from '../../lib/clients/kafka/admin.ts';
import { clusterWith } from '../support/clusters.ts';
import { deployedService } from '../support/deployed.ts';
import { archived, deployableService, serverless } from '../support/serverless.ts';
import { type AwsServer, startAws } from '../support/servers/aws.ts';
import { type LambdaRuntime, startLambda } from '../support/servers/lambda.ts';
import { describeWith } from '../support/servers/shared.ts';

const functionName = 'shop-dev-orders';
const handler = `import { connect } from 'sluice';
import { consoleSink } from 'sluice/sinks/console';
export const handler = connect({ sink: consoleSink });
`;

describeWith(['kafka', 'aws'], 'a deployed connector, steered from outside', async ({ kafka }) => {
  const topic = `orders-${randomUUID()}`;
  const group = `${functionName}-${topic}`;
  const yaml = `service: shop
plugins: [sluice/plugin]
provider: { name: aws, runtime: nodejs24.x, region: eu-west-1 }
sluice:
  cluster:
    bootstrapServers: '${kafka.brokers.replaceAll('127.0.0.1', '0.0.0.0')}' # deployment refuses what it knows to be this machine
functions:
  orders:
    handler: functions/orders.handler
    environment: { TEAM: data }
    connector:
      trigger: { topic: ${topic} }
      sink: { type: console }
      acceptDuplicates: true
      onError: { deadLetterTopic: ${topic}.dlq }
  never-deployed:
    handler: functions/orders.handler
    connector: { trigger: { topic: ${topic} }, sink: { type: console }, acceptDuplicates: true }
`;
  const service = await deployableService({ 'serverless.yml': yaml, 'functions/orders.ts': handler });
  const invocations = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const answer = await runtime?.invoke(Buffer.concat(parts));
    if (answer?.functionError !== undefined) response.setHeader('X-Amz-Function-Error', answer.functionError);
    response.end(answer?.payload);
  });
  let aws: AwsServer;
  let runtime: LambdaRuntime | undefined;
  let deployed: ReturnType<typeof deployedService>;
  let admin: ClusterAdmin;
  const before = { ...process.env };

  beforeAll(async () => {
    await new Promise<void>((resolve) => invocations.listen(0, '127.0.0.1', resolve));
    aws = await startAws({ runner: `http://127.0.0.1:${(invocations.address() as AddressInfo).port}` });
    await service.write('serverless.yml', yaml.slice(0, yaml.indexOf('  never-deployed:')));
    const { code, output } = await serverless(service.path, ['deploy'], aws.env);
    expect(code, output).toBe(0);
    await service.write('serverless.yml', yaml);
    const dir = join(service.path, 'unpacked');
    for (const [file, contents] of Object.entries(await archived(service.path, 'orders'))) {
      await mkdir(dirname(join(dir, file)), { recursive: true });
      await writeFile(join(dir, file), contents);
    }
    runtime = await startLambda({ name: functionName, dir, handler: 'functions/orders.handler', timeoutMs: 60_000, memoryMb: 512 });
    deployed = deployedService(aws.endpoint, 'shop-dev');
    admin = await (await clusterWith({ bootstrapServers: kafka.brokers })).admin();
    await admin.createTopic({ topic, partitions: 1 });
    Object.assign(process.env, aws.env);
  });
  afterAll(async () => {
    for (const name of Object.keys(aws?.env ?? {})) delete process.env[name];
    Object.assign(process.env, before);
    await admin?.close();
    deployed?.close();
    await runtime?.stop();
    await aws?.stop();
    await new Promise((resolve) => invocations.close(resolve));
    await service.remove();
  });

  const flags = () => ({ config: service.config });
  const world = () => ({
    stdout: { write: () => true },
    stderr: { write: () => true },
    env: { ...aws.env },
    signal: new AbortController().signal,
  });
  const printed = async (command: (world: Parameters<typeof status>[2]) => Promise<number>) => {
    let text = '';
    const write = (part: string) => {
      text += part;
      return true;
    };
    return { code: await command({ ...world(), stdout: { write } }), text };
  };
  const stateOf = async () => (await deployed.mappings()).get(`orders ${topic}`)?.State;

  it('shows what runs on Lambda and what was never deployed', async () => {
    const { code, text } = await printed((own) => status({ ...flags(), json: true }, [], own));
    expect(JSON.parse(text).connectors).toEqual([
      expect.objectContaining({ connector: 'orders', platform: 'lambda', state: 'running', instances: 1, lag: 0 }),
      expect.objectContaining({ connector: 'never-deployed', platform: 'lambda', state: 'absent' }),
    ]);
    expect(code).toBe(2);
  });

  it('disables and enables the trigger, and moves offsets only in between', async () => {
    await expect(offsetsSet({ ...flags(), latest: true }, 'orders', world())).rejects.toThrow(
      `The trigger of ${functionName} is enabled and would commit over it. Pause it first: npx sluice pause orders`,
    );
    expect((await printed((own) => steer('pause', flags(), ['orders'], own))).code).toBe(0);
    expect(await stateOf()).toBe('Disabled');
    expect(await offsetsSet({ ...flags(), latest: true }, 'orders', world())).toBe(0);
    expect(await admin.committed(group, [topic])).toEqual([{ topic, partition: 0, offset: 0 }]);
    expect((await printed((own) => steer('resume', flags(), ['orders'], own))).code).toBe(0);
    expect(await stateOf()).toBe('Enabled');
  });

  it('restarts by a variable, and keeps the environment otherwise', async () => {
    const { code, text } = await printed((own) => steer('restart', { ...flags(), json: true }, ['orders'], own));
    expect(JSON.parse(text)).toMatchObject({ connector: 'orders', platform: 'lambda', action: 'restart', isDone: true });
    expect(code).toBe(0);
    expect((await deployed.functions()).get('orders')?.Environment?.Variables).toEqual({
      TEAM: 'data',
      SLUICE_RESTARTED_AT: expect.stringMatching(/^20\d\d-/),
    });
  });

  it('says of a function that is not there what to do', async () => {
    const { code, text } = await printed((own) => steer('pause', flags(), ['never-deployed'], own));
    expect(text).toContain('There is no function shop-dev-never-deployed in AWS Lambda. Deploy it with npx serverless deploy');
    expect(code).toBe(2);
  });

  it('looks around inside the function, and finds what is to be mended there', async () => {
    const sick = await printed((own) => doctor({ ...flags(), json: true }, 'orders', own));
    const { place, checks } = JSON.parse(sick.text);
    expect(place).toBe('lambda');
    expect(checks).toContainEqual(expect.objectContaining({ name: 'dead letter topic', state: 'failed', subject: `${topic}.dlq` }));
    expect(checks).toContainEqual(
      expect.objectContaining({ name: 'trigger', state: 'ok', detail: expect.stringContaining('enabled, batch') }),
    );
    expect(sick.code).toBe(1);
    await topicsApply({ ...flags(), replication: 1 }, world());
    const well = await printed((own) => doctor(flags(), 'orders', own));
    expect(well.text).toContain('orders   inside the deployed function');
    expect(well.text).toMatch(/✓ brokers +1 of 1 reachable/);
    expect(well.code).toBe(0);
  });
});

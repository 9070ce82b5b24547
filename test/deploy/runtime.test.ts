import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { Cluster } from '../../lib/clients/kafka.ts';
import { packageConnector } from '../../lib/platforms/lambda/package.ts';
import { planService } from '../../lib/platforms/lambda/plan.ts';
import recorded from '../fixtures/lambda/msk.json' with { type: 'json' };
import { clusterWith, readTopic } from '../support/clusters.ts';
import { deployableService } from '../support/serverless.ts';
import { type LambdaRuntime, maxPayloadBytes, startLambda } from '../support/servers/lambda.ts';
import { describeWith } from '../support/servers/shared.ts';

/** A sink that appends to a file, and does what values tell it. */
const code = `
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { connect, DataError, defineSink, RetriableError, Type } from 'sluice';

const sink = defineSink({
  name: 'file',
  summary: 'Appends lines to a file.',
  config: Type.Object({ file: Type.String() }),
  guarantees: () => ({ idempotent: true, ordered: true, deletes: true, partial: true }),
  limits: () => ({ records: 20_000, bytes: 10_000_000 }),
  permissions: () => [],
  async open({ file }) {
    return {
      async write(records) {
        return records.map(({ origin, key, value }) => {
          if (value?.do === 'stall' && !existsSync(file + '.stalled')) {
            writeFileSync(file + '.stalled', '');
            for (;;);
          }
          if (value?.do === 'fail') return new RetriableError('SINK_UNAVAILABLE', 'The target is down');
          if (value?.do === 'reject') return new DataError('SINK_REJECTED_RECORD', 'The target refused the record');
          appendFileSync(file, [origin.topic, origin.partition, origin.offset, key, JSON.stringify(value)].join(' ') + '\\n');
          return 'delivered';
        });
      },
    };
  },
});
export const handler = connect({ sink });
`;

const pollers = { minimum: 1, maximum: 1 };

describeWith(['kafka'], 'the bundle of a function under the Lambda runtime', async ({ kafka }) => {
  const service = await deployableService({ 'functions/orders.mjs': code });
  const letters = `letters-${randomUUID()}`;
  let cluster: Cluster;
  let runtime: LambdaRuntime | undefined;
  let dir: string;
  let file: string;

  beforeAll(async () => {
    cluster = await clusterWith({ bootstrapServers: kafka.brokers });
    const admin = await cluster.admin();
    await admin.createTopic({ topic: letters, partitions: 1 });
    await admin.close();
    dir = await mkdtemp(join(tmpdir(), 'sluice-function-'));
  });
  afterEach(() => runtime?.stop());
  afterAll(async () => {
    await rm(dir, { recursive: true, force: true });
    await service.remove();
  });

  /** Packages the function as \`serverless package\` does and starts it from the unpacked archive. */
  const start = async (trigger: object, { timeoutMs = 30_000 } = {}): Promise<LambdaRuntime> => {
    file = join(dir, randomUUID());
    const connector = {
      trigger: { topic: 'orders', ...trigger },
      sink: { type: 'file', file },
      retry: { maxElapsedMs: 0 },
      onError: { deadLetterTopic: letters, tolerance: 'all' },
    };
    const { plans, problems } = planService({
      ...{ service: 'shop', stage: 'prod', provider: {} },
      sluice: { cluster: { bootstrapServers: recorded.eventSourceArn } },
      functions: [{ name: 'orders', block: { handler: 'functions/orders.handler', connector } }],
    });
    const [plan] = plans;
    if (plan === undefined) throw new Error(JSON.stringify(problems));
    const { archive, problems: more } = await packageConnector(plan, service.path);
    expect([...problems, ...more]).toEqual([]);
    const root = join(dir, randomUUID());
    for (const [path, contents] of Object.entries(unzipSync(archive))) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), contents);
    }
    runtime = await startLambda({ name: 'shop-prod-orders', dir: root, handler: 'functions/orders.handler', timeoutMs, memoryMb: 512 });
    return runtime;
  };
  const written = async () => (existsSync(file) ? (await readFile(file, 'utf8')).trimEnd().split('\n') : []);
  const values = (...all: readonly object[]) => event(all.map((value, offset) => ({ offset, value: base64(JSON.stringify(value)) })));
  const event = (records: readonly object[]) =>
    JSON.stringify({
      ...recorded,
      bootstrapServers: kafka.brokers,
      records: {
        'orders-0': records.map((record) => ({
          topic: 'orders',
          partition: 0,
          timestamp: 1_760_000_000_000,
          timestampType: 'CREATE_TIME',
          ...record,
        })),
      },
    });

  it('delivers a recorded event of Amazon MSK and answers that nothing failed, cold and warm', async () => {
    const lambda = await start({});
    const cold = await lambda.invoke(JSON.stringify(recorded));
    expect(cold).toMatchObject({ isCold: true, payload: '{"batchItemFailures":[]}' });
    expect(cold.functionError).toBeUndefined();
    expect((await written()).sort()).toEqual(['orders 0 15 user-1 {"id":1}', 'orders 0 17  {"id":2}', 'orders 3 0 user-2 null']);
    const warm = await lambda.invoke(JSON.stringify(recorded));
    expect(warm).toMatchObject({ isCold: false, payload: '{"batchItemFailures":[]}' });
    // A quarter of a second on a quiet machine; the bound is for busy ones.
    expect(cold.ms).toBeLessThan(10_000);
    expect(warm.ms).toBeLessThan(cold.ms);
  });

  it('writes its metrics to the log, for CloudWatch to read', async () => {
    const lambda = await start({});
    await lambda.invoke(JSON.stringify(recorded));
    const metrics = lambda
      .output()
      .split('\n')
      .filter((line) => line.includes('"_aws"'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(metrics).toEqual([expect.objectContaining({ service: 'shop', stage: 'prod', connector: 'orders', delivered: 3 })]);
  });

  it('throws for a batch that is not wholly delivered, as without pollers an answer would commit it', async () => {
    const lambda = await start({});
    const { functionError, payload } = await lambda.invoke(values({ id: 1 }, { do: 'fail' }));
    expect(functionError).toBe('Unhandled');
    expect(JSON.parse(payload)).toMatchObject({ errorType: 'RetriableError' });
  });

  it('names the first failure and what follows it, with pollers', async () => {
    const lambda = await start({ pollers });
    const { functionError, payload } = await lambda.invoke(values({ id: 1 }, { do: 'fail' }, { id: 3 }));
    expect(functionError).toBeUndefined();
    const failure = (offset: number) => ({ itemIdentifier: { partition: 'orders-0', offset } });
    expect(JSON.parse(payload)).toEqual({ batchItemFailures: [failure(1), failure(2)] });
  });

  it("puts what the target refuses into the dead letter topic, at the event's brokers when the cluster is known by its ARN", async () => {
    const lambda = await start({ pollers });
    const { payload } = await lambda.invoke(values({ id: 1 }, { do: 'reject', id: 2 }, { id: 3 }));
    expect(JSON.parse(payload)).toEqual({ batchItemFailures: [] });
    expect((await written()).map((line) => line.split(' ')[2])).toEqual(['0', '2']);
    const [letter, ...others] = await readTopic(cluster, letters);
    expect(others).toEqual([]);
    expect(Buffer.from(letter?.value ?? []).toString()).toBe('{"do":"reject","id":2}');
  });

  it('takes and gives as much as Lambda lets through', async () => {
    const lambda = await start({ pollers });
    const size = Buffer.byteLength(values({ id: '' }));
    const largest = values({ id: 'x'.repeat(Math.floor((maxPayloadBytes - size) / 4) * 3 - 10) });
    expect(Buffer.byteLength(largest)).toBeGreaterThan(maxPayloadBytes - 100);
    expect(JSON.parse((await lambda.invoke(largest)).payload)).toEqual({ batchItemFailures: [] });
    await expect(lambda.invoke(`${largest}${' '.repeat(100)}`)).rejects.toThrow(/RequestEntityTooLarge/);
    // The longest answer names every record of the largest batch.
    const most = await lambda.invoke(values(...Array.from({ length: 10_000 }, () => ({ do: 'fail' }))));
    expect(most.functionError).toBeUndefined();
    expect((JSON.parse(most.payload) as { batchItemFailures: unknown[] }).batchItemFailures.length).toBe(10_000);
  });

  it('delivers after an invocation that was ended by its timeout', async () => {
    const lambda = await start({}, { timeoutMs: 3_000 });
    const stalled = await lambda.invoke(values({ do: 'stall', id: 1 }));
    expect(stalled.functionError).toBe('Unhandled');
    expect(stalled.payload).toContain('Task timed out');
    expect(await written()).toEqual([]);
    expect(await lambda.invoke(values({ do: 'stall', id: 1 }))).toMatchObject({ isCold: true, payload: '{"batchItemFailures":[]}' });
    expect(await written()).toHaveLength(1);
  });
});

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

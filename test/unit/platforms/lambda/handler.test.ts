import { describe, expect, it } from 'vitest';
import type { Connector } from '../../../../lib/core/connector.ts';
import type { Delivery } from '../../../../lib/core/delivery.ts';
import { ConfigError, RetriableError } from '../../../../lib/core/errors.ts';
import type { SourceRecord } from '../../../../lib/core/record.ts';
import { settle } from '../../../../lib/core/settle.ts';
import { type KafkaTriggerEvent, toEvent } from '../../../../lib/platforms/lambda/event.ts';
import { type HandlerParts, lambdaHandler } from '../../../../lib/platforms/lambda/handler.ts';
import { readEmbeddedMetrics } from '../../../../lib/platforms/lambda/metrics.ts';

const down = new RetriableError('SINK_UNAVAILABLE', 'The target is down');
const connector = { trigger: { topic: 'orders' }, sink: { type: 'memory' } };
const partial = { ...connector, trigger: { topic: 'orders', pollers: {} } };
const settingsOf = (block: unknown) => ({ service: 'shop', stage: 'test', name: 'orders-to-memory', connector: block });

const records = [1, 2, 3].map(
  (offset): SourceRecord => ({
    origin: { topic: 'orders', partition: 0, offset },
    timestamp: 1,
    timestampType: 'create',
    headers: [],
    key: null,
    value: Buffer.from('{}'),
  }),
);
const event = toEvent(records);

/** A handler over a connector that answers with the given outcomes. */
function start({
  settings = settingsOf(connector) as unknown,
  outcomes = [] as readonly Delivery['outcome'][],
  env = {} as HandlerParts['env'],
  process = undefined as Connector['process'] | undefined,
  open = undefined as HandlerParts['open'] | undefined,
} = {}) {
  const lines: string[] = [];
  const opened: unknown[] = [];
  const deadlines: number[] = [];
  const handler = lambdaHandler({
    settings: () => settings,
    env,
    now: () => 1_000,
    print: (line) => lines.push(line),
    open:
      open ??
      (async (read, { log, reportBatch }) => {
        opened.push(read);
        return {
          name: read.name,
          probe: async () => undefined,
          close: async () => undefined,
          process:
            process ??
            (async (batch, { mode, deadline }) => {
              deadlines.push(deadline);
              await Promise.resolve();
              log.info('processing');
              reportBatch({
                records: batch.length,
                delivered: 1,
                ignored: 0,
                dropped: 0,
                deadLettered: 0,
                skipped: 0,
                redelivered: 2,
                ms: 5,
              });
              const deliveries = batch.map((source, index) => ({ source, outcome: outcomes[index] ?? ('delivered' as const) }));
              return settle(deliveries, { mode, dataErrors: 'block' });
            }),
        };
      }),
  });
  return { handler, lines, opened, deadlines, metrics: () => lines.flatMap((line) => readEmbeddedMetrics(line) ?? []) };
}

describe('the Lambda handler', () => {
  it('answers with no failures when all is delivered', async () => {
    expect(await start().handler(event)).toEqual({ batchItemFailures: [] });
  });

  it('throws in batch mode when any record fails', async () => {
    await expect(start({ outcomes: ['delivered', down] }).handler(event)).rejects.toBe(down);
  });

  it('lists the first failure and all later ones in partial mode', async () => {
    const { handler } = start({ settings: settingsOf(partial), outcomes: ['delivered', down] });
    expect((await handler(event)).batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)).toEqual([
      { partition: 'orders-0', offset: 2 },
      { partition: 'orders-0', offset: 3 },
    ]);
  });

  it('opens the connector once, even for batches that come at the same time', async () => {
    const { handler, opened } = start();
    await Promise.all([handler(event), handler(event)]);
    await handler(event);
    expect(opened).toHaveLength(1);
  });

  it('opens again after it could not', async () => {
    let attempts = 0;
    const good = start();
    const { handler } = start({
      open: async () => {
        attempts++;
        if (attempts === 1) throw new RetriableError('DOWN', 'not yet');
        return {
          name: 'x',
          probe: async () => undefined,
          close: async () => undefined,
          process: async () => ({ mode: 'batch', partitions: [] }),
        };
      },
    });
    await expect(handler(event)).rejects.toThrow('not yet');
    expect(await handler(event)).toEqual(await good.handler(event));
  });

  it('gives the batch the time that Lambda has left', async () => {
    const { handler, deadlines } = start();
    await handler(event, { getRemainingTimeInMillis: () => 500 });
    expect(deadlines).toEqual([1_500]);
  });

  it('marks log lines with the request they belong to', async () => {
    const { handler, lines } = start();
    await Promise.all([handler(event, { awsRequestId: 'one' }), handler(event, { awsRequestId: 'two' })]);
    const ids = lines.flatMap((line) => (line.includes('processing') ? [JSON.parse(line).requestId] : []));
    expect(ids.toSorted()).toEqual(['one', 'two']);
  });

  it('prints the metrics of each invocation, also of one that fails', async () => {
    const { handler, metrics, lines } = start({ outcomes: [down] });
    await expect(handler(event)).rejects.toBe(down);
    expect(metrics()).toEqual([expect.objectContaining({ records: 3, delivered: 1, redelivered: 2, configErrors: 0, durationMs: 5 })]);
    const line = JSON.parse(lines.find((each) => each.startsWith('{"_aws"')) ?? '');
    expect(line).toMatchObject({ service: 'shop', stage: 'test', connector: 'orders-to-memory', records: 3 });
    expect(line._aws.CloudWatchMetrics[0]).toMatchObject({ Namespace: 'Sluice', Dimensions: [['service', 'stage', 'connector']] });
  });

  it('says what to do without settings, and counts a config error', async () => {
    const { handler, metrics } = start({ settings: null });
    await expect(handler(event)).rejects.toThrow(/Deploy it with the sluice plugin/);
    await expect(handler(event)).rejects.toBeInstanceOf(ConfigError);
    expect(metrics().map(({ configErrors }) => configErrors)).toEqual([1, 1]);
  });

  it('names a setting that is wrong', async () => {
    const { handler } = start({ settings: settingsOf({ ...connector, batchsize: 1 }) });
    await expect(handler(event)).rejects.toThrow(/Unknown option "batchsize" in connector/);
  });

  it('lays the override of the environment over the settings', async () => {
    const env = { SLUICE_OVERRIDE: '{"connector":{"trigger":{"batchSize":7}},"cluster":{"bootstrapServers":"k:1"}}' };
    const { handler, opened } = start({ env });
    await handler(event);
    expect(opened).toMatchObject([{ settings: { trigger: { topic: 'orders', batchSize: 7 } }, cluster: { bootstrapServers: 'k:1' } }]);
  });

  it.each([
    ['no JSON', 'secret text', 'to be a JSON object'],
    ['a list', '[1]', 'to be a JSON object'],
    ['an unknown key', '{"conector":{}}', 'Did you mean "connector"?'],
    ['an unknown option', '{"connector":{"epok":1}}', 'Did you mean "epoch"?'],
    ['another way to acknowledge', '{"connector":{"acknowledge":"partial"}}', 'connector.acknowledge'],
    ['another mode of the mapping', '{"connector":{"trigger":{"pollers":{}}}}', 'connector.trigger.pollers'],
  ])('refuses an override that is %s without repeating it', async (_, text, expected) => {
    const { handler } = start({ env: { SLUICE_OVERRIDE: text } });
    const failure = await handler(event).catch((error: Error) => error);
    expect(failure).toMatchObject({ name: 'ConfigError', message: expect.stringContaining(expected) });
    expect((failure as Error).message).not.toContain('secret text');
  });

  it('counts a config error for its own service, stage and name, where alarms look for it, though it cannot start', async () => {
    const { handler, lines } = start({ settings: settingsOf({ ...connector, batchsize: 1 }) });
    await expect(handler(event)).rejects.toThrow(/batchsize/);
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
      service: 'shop',
      stage: 'test',
      connector: 'orders-to-memory',
      configErrors: 1,
    });
  });

  it('throws for an event it does not understand', async () => {
    await expect(start().handler({ Records: [] } as unknown as KafkaTriggerEvent)).rejects.toThrow(/event of a Kafka trigger/);
  });

  it('throws what the connector throws', async () => {
    const { handler } = start({ process: () => Promise.reject(new Error('a bug')) });
    await expect(handler(event)).rejects.toThrow('a bug');
  });
});

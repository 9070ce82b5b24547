import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../lib/core/config.ts';
import { silentLog } from '../../../lib/core/log.ts';
import { stopsAtGaps } from '../../../lib/sinks/kafka-topic/options.ts';
import { kafkaTopic } from '../../../lib/sinks/kafka-topic.ts';

const parse = (options: object) => parseConfig(kafkaTopic.config, options, 'connector.sink');
const messages = (options: object) => (kafkaTopic.check?.(parse(options)) ?? []).map(({ path, message }) => `${path}: ${message}`);

describe('kafka-topic', () => {
  it('refuses names that are none, and asks which cluster', async () => {
    const context = { connector: 'c', secret: async () => '', log: silentLog, now: () => 0 };
    const open = (options: object, cluster?: unknown) =>
      kafkaTopic.open(parse(options), cluster === undefined ? context : { ...context, cluster });
    await expect(open({ topic: 'no spaces' }, { bootstrapServers: 'a:1' })).rejects.toThrow('connector.sink.topic');
    await expect(open({ topic: 'copies' })).rejects.toThrow('sluice.cluster');
    await expect(open({ topic: 'copies' }, { bootstrapServer: 'a:1' })).rejects.toThrow(
      'Unknown option "bootstrapServer" in sluice.cluster',
    );
    await expect(open({ topic: '{target}' }, { bootstrapServers: 'a:1' })).rejects.toThrow('connector.sink.allow');
  });

  it('asks for what it needs of the source before anything is mirrored', async () => {
    const context = { connector: 'c', secret: async () => '', log: silentLog, now: () => 0 };
    const cluster = { bootstrapServers: 'b:1' };
    await expect(kafkaTopic.open(parse({ topic: 'copies', cluster }), context)).rejects.toThrow('connector.sink.gaps to ignore');
    const sink = await kafkaTopic.open(parse({ topic: 'copies', cluster, gaps: 'ignore' }), context);
    const written = sink.write([], { signal: AbortSignal.timeout(1_000) });
    await expect(written).rejects.toThrow('connector.sink.sourceClusterId');
  });

  it('does not look for gaps by itself where records choose among topics, each of which holds but a part', async () => {
    const cluster = { bootstrapServers: 'b:1' };
    for (const topic of ['by.{value.region}', 'by.{timestamp:yyyy}', 'of.{topic}.{header:kind}'])
      expect(stopsAtGaps(parse({ topic, cluster, allow: ['by.*'] }))).toBe(false);
    for (const topic of ['copies', 'eu.{topic}']) expect(stopsAtGaps(parse({ topic, cluster }))).toBe(true);
    expect(stopsAtGaps(parse({ topic: 'by.{value.region}', cluster, gaps: 'stop' }))).toBe(true);
    expect(stopsAtGaps(parse({ topic: 'copies' }))).toBe(false);
  });

  it('says which combinations make no sense', () => {
    const cluster = { bootstrapServers: 'b:1' };
    expect(messages({ topic: '{topic}' })).toEqual([expect.stringContaining('Set cluster, or a name such as copy.{topic}')]);
    expect(messages({ topic: '{topic}', cluster })).toEqual([]);
    expect(messages({ topic: 'x', gaps: 'stop', provenance: false })).toEqual([expect.stringContaining('gaps: Expected provenance')]);
    expect(messages({ topic: 'x', acceptGaps: { orders: 3 } })).toEqual([expect.stringContaining('acceptGaps.orders')]);
    expect(messages({ topic: 'x', acceptGaps: { 'orders-3': 1842 } })).toEqual([]);
    expect(messages({ topic: 'x', partition: '{valve.id}' })).toEqual([expect.stringContaining('Unknown placeholder {valve.id}')]);
    expect(messages({ topic: 'x', createTopics: { copy: ['min.insync.replicas'] } })).toEqual([
      expect.stringContaining('createTopics.settings instead'),
    ]);
    expect(() => parse({ topic: 'x', partition: 'kep' })).toThrow('Expected connector.sink.partition');
  });

  it('asks for the rights that MSK wants, and for none elsewhere', () => {
    const config = (more: object) => parse({ topic: 'copies.{topic}', allow: ['x'], ...more });
    const cluster = { bootstrapServers: 'a:1', auth: { type: 'msk-iam' } };
    expect(kafkaTopic.permissions(config({}))).toEqual([]);
    const [connect, write] = kafkaTopic.permissions(config({ cluster, gaps: 'ignore' }));
    expect(connect!.actions).toEqual(['kafka-cluster:Connect']);
    expect(write).toEqual({
      actions: ['kafka-cluster:DescribeTopic', 'kafka-cluster:WriteData'],
      resources: ['arn:*:kafka:*:*:topic/*/*/copies.*'],
    });
    expect(kafkaTopic.permissions(config({ cluster, createTopics: true }))[1]!.actions).toEqual([
      'kafka-cluster:DescribeTopic',
      'kafka-cluster:WriteData',
      'kafka-cluster:ReadData',
      'kafka-cluster:CreateTopic',
    ]);
  });

  it('names modes that its own options take', () => {
    for (const { config } of kafkaTopic.modes ?? []) expect(kafkaTopic.check?.(parse(config))).toEqual([]);
  });
});

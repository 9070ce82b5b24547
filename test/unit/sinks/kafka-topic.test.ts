import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../lib/core/config.ts';
import { silentLog } from '../../../lib/core/log.ts';
import { kafkaTopic, toOutgoing } from '../../../lib/sinks/kafka-topic.ts';
import { record } from '../../support/records.ts';

const route = () => 'copies';
const outgoing = (value: unknown, options: Parameters<typeof record>[2] = {}) =>
  toOutgoing(record('k', value, options), { partition: 'key' }, route);

describe('kafka-topic', () => {
  it('keeps key, headers and timestamp, and passes on bytes that nothing touched', () => {
    const headers = [
      { key: 'a', value: Buffer.from('1') },
      { key: 'a', value: Buffer.from('2') },
    ];
    const source = record('k', { n: 1 }, { headers, timestamp: 5, raw: true });
    const result = toOutgoing({ ...source, bytes: Buffer.from('{ "n": 1.0 }') }, { partition: 'key' }, route);
    expect(result).toEqual({ topic: 'copies', key: Buffer.from('k'), value: Buffer.from('{ "n": 1.0 }'), headers, timestamp: 5 });
    expect(result.headers).toBe(headers);
  });

  it.each([
    ['bytes as they are', new Uint8Array([0, 255]), Buffer.from([0, 255])],
    ['text as it is', 'grüße', Buffer.from('grüße')],
    ['values as JSON, digits kept', { id: 9_007_199_254_740_993n }, Buffer.from('{"id":9007199254740993}')],
    ['a tombstone as such', null, null],
    ['an empty text as an empty value', '', Buffer.alloc(0)],
  ])('writes %s', (_, value, expected) => {
    const { value: written } = outgoing(value);
    expect(written === null ? null : Buffer.from(written)).toEqual(expected);
  });

  it('keeps the partition when asked to', () => {
    expect(toOutgoing(record('k', 1, { partition: 7 }), { partition: 'keep' }, route)).toMatchObject({ partition: 7 });
    expect(outgoing(1, { partition: 7 })).not.toHaveProperty('partition');
  });

  it('refuses names that are none, and asks which cluster', async () => {
    const context = { connector: 'c', secret: async () => '', log: silentLog, now: () => 0 };
    const open = (options: object, cluster?: unknown) =>
      kafkaTopic.open(parseConfig(kafkaTopic.config, options, 'connector.sink'), cluster === undefined ? context : { ...context, cluster });
    await expect(open({ topic: 'no spaces' }, { bootstrapServers: 'a:1' })).rejects.toThrow('connector.sink.topic');
    await expect(open({ topic: 'copies' })).rejects.toThrow('sluice.cluster');
    await expect(open({ topic: 'copies' }, { bootstrapServer: 'a:1' })).rejects.toThrow(
      'Unknown option "bootstrapServer" in sluice.cluster',
    );
    await expect(open({ topic: '{target}' }, { bootstrapServers: 'a:1' })).rejects.toThrow('connector.sink.allow');
  });

  it('asks for the rights that MSK wants, and for none elsewhere', () => {
    const config = (cluster: object | undefined) =>
      parseConfig(kafkaTopic.config, { topic: 'copies.{topic}', allow: ['x'], ...(cluster ? { cluster } : {}) }, 'connector.sink');
    expect(kafkaTopic.permissions(config(undefined))).toEqual([]);
    const [connect, write] = kafkaTopic.permissions(config({ bootstrapServers: 'a:1', auth: { type: 'msk-iam' } }));
    expect(connect!.actions).toEqual(['kafka-cluster:Connect']);
    expect(write).toEqual({
      actions: ['kafka-cluster:DescribeTopic', 'kafka-cluster:WriteData'],
      resources: ['arn:*:kafka:*:*:topic/*/*/copies.*'],
    });
  });
});

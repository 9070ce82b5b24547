import { randomUUID } from 'node:crypto';
import { type Admin, type Consumer, Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openTopicWriter } from '../../lib/clients/kafka/topic-writer.ts';
import { parseConfig } from '../../lib/core/config.ts';
import { silentLog } from '../../lib/core/log.ts';
import { kafkaTopic } from '../../lib/sinks/kafka-topic.ts';
import { clusterWith, newTopic, readTopic, secretsOf } from '../support/clusters.ts';
import { record } from '../support/records.ts';
import { type KafkaServer, startKafka } from '../support/servers/kafka.ts';
import { freePorts } from '../support/servers/ports.ts';
import { startProxy, type Proxy as TestProxy } from '../support/servers/proxy.ts';
import { parseExact } from './kit/exact.ts';
import type { Mode, Stored, TargetReader } from './kit/mode.ts';
import { describeSink } from './sink-contract.ts';

const login = { username: 'writer', password: 'sentinel-password' };
const maxBytes = 200_000;
const partitions = 10;

interface Target extends TargetReader {
  readonly topic: string;
  readonly broker: string;
}

/** A broker whose clients come through the proxy, also after they asked it where it is. */
async function startProxied(): Promise<{ server: KafkaServer; proxy: TestProxy }> {
  const [plain, proxied, controller] = (await freePorts(3)) as [number, number, number];
  const proxy = await startProxy({ host: '127.0.0.1', port: proxied });
  const server = await startKafka({
    port: plain,
    settings: {
      listeners: `PLAINTEXT://127.0.0.1:${plain},PROXIED://127.0.0.1:${proxied},CONTROLLER://127.0.0.1:${controller}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${plain},PROXIED://127.0.0.1:${proxy.port}`,
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,PROXIED:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
      'controller.quorum.voters': `1@127.0.0.1:${controller}`,
      'sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.proxied.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_${login.username}="${login.password}";`,
    },
  });
  return { server, proxy };
}

/** Reads the topic along, with kafkajs as it comes; `read` waits until it has seen everything that is there. */
async function follow(
  brokers: string,
  topic: string,
): Promise<{ read(): Promise<Stored[]>; reset(): Promise<void>; close(): Promise<void> }> {
  const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING });
  const [admin, consumer]: [Admin, Consumer] = [kafka.admin(), kafka.consumer({ groupId: topic, maxWaitTimeInMs: 100 })];
  await Promise.all([admin.connect(), consumer.connect()]);
  await admin.createTopics({
    topics: [{ topic, numPartitions: partitions, configEntries: [{ name: 'max.message.bytes', value: `${maxBytes}` }] }],
  });
  const seen = Array.from({ length: partitions }, (): Stored[] => []);
  let since = seen.map(() => 0);
  let wake: () => void = () => undefined;
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message: { offset, value } }) => {
      (seen[partition] as Stored[])[Number(offset)] = { value: value === null ? null : parse(value.toString()) };
      wake();
    },
  });
  const ends = async () => (await admin.fetchTopicOffsets(topic)).sort((a, b) => a.partition - b.partition).map(({ high }) => Number(high));
  await vi.waitFor(ends, 10_000); // a new topic has its leaders a moment later
  return {
    async read() {
      const wanted = await ends();
      while (wanted.some((end, partition) => (seen[partition]?.length ?? 0) < end)) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return seen.flatMap((records, partition) => records.slice(since[partition]));
    },
    async reset() {
      since = await ends();
    },
    async close() {
      await Promise.all([admin.disconnect(), consumer.disconnect()]);
    },
  };
}

function parse(text: string): unknown {
  try {
    return parseExact(text);
  } catch {
    return text;
  }
}

/** A value with which the record batch takes exactly as many bytes; 73 of them are around the value and a key of one letter. */
function sized(key: string, bytes: number): unknown {
  const empty = { id: key, n: 1, text: '' };
  return { ...empty, text: 'x'.repeat(bytes - 73 - JSON.stringify(empty).length) };
}

let proxied: Awaited<ReturnType<typeof startProxied>>;
beforeAll(async () => {
  proxied = await startProxied();
});
afterAll(async () => {
  await proxied?.server.stop();
  await proxied?.proxy.stop();
});

const cluster = ({ broker }: Target, secret = 'LOGIN') => ({
  bootstrapServers: broker,
  auth: { type: 'sasl-plain', secret: { env: secret } },
  tls: false,
});
/** The records of the kit are in no cluster that could be asked. */
const mirrored = { sourceClusterId: 'the-kit', gaps: 'ignore' };
const base: Omit<Mode<Target>, 'name' | 'config'> = {
  identity: 'none',
  tombstone: 'stored',
  nullKey: 'stored',
  poison: ({ bytes: _, ...rest }) => ({ ...rest, value: { text: Array.from({ length: 20_000 }, () => randomUUID()).join() } }),
  unauthorized: (target) => ({
    config: { topic: target.topic, cluster: cluster(target, 'WRONG'), ...mirrored },
    secrets: { WRONG: JSON.stringify({ ...login, password: 'sentinel-wrong' }) },
  }),
  missing: (target) => ({ config: { topic: 'no-such-topic', cluster: cluster(target), ...mirrored } }),
};

describeSink<Target>({
  definition: kafkaTopic,
  async target() {
    const { server, proxy } = proxied;
    const topic = `contract-${randomUUID()}`;
    const reader = await follow(server.brokers, topic);
    const secrets = { LOGIN: JSON.stringify(login) };
    return { ...reader, topic, broker: `127.0.0.1:${proxy.port}`, secrets, sentinels: [login.password, 'sentinel-wrong'], faults: proxy };
  },
  modes: [
    {
      ...base,
      name: 'partition by key',
      config: (target) => ({ topic: target.topic, cluster: cluster(target), provenance: false }),
      size: { at: (key) => sized(key, maxBytes), over: (key) => sized(key, maxBytes + 1) },
    },
    {
      ...base,
      name: 'mirror: partition kept, with provenance, compressed',
      config: (target) => ({
        topic: target.topic,
        cluster: cluster(target),
        partition: 'keep',
        compression: 'gzip',
        ...mirrored,
      }),
    },
    {
      ...base,
      name: 'repartition: key and partition from the record',
      sharesWith: 'mirror: partition kept, with provenance, compressed',
      config: (target) => ({
        topic: target.topic,
        cluster: cluster(target),
        key: '{topic}-{offset}',
        partition: '{topic}',
        headers: { add: { from: '{topic}' } },
        timestamp: 'now',
        ...mirrored,
      }),
    },
  ],
});

describe('kafka-topic, beyond the contract', () => {
  const signal = AbortSignal.timeout(600_000);
  const context = { connector: 'test', secret: secretsOf({}), log: silentLog, now: () => Date.now() };

  it('writes each record to the topic it chose inside the allow-list, and the neighbours of a missing one', async () => {
    const own = { bootstrapServers: proxied.server.brokers };
    const client = await clusterWith(own);
    const [first, second] = [await newTopic(client), await newTopic(client)];
    const options = { topic: first, allow: ['test-*', 'absent'], cluster: own, provenance: false };
    const sink = await kafkaTopic.open(parseConfig(kafkaTopic.config, options, 'connector.sink'), context);
    const outcomes = await sink.write(
      [record('a', 1), record('b', 2, { target: second }), record('c', 3, { target: 'elsewhere' }), record('d', 4, { target: 'absent' })],
      { signal },
    );
    await sink.close?.();
    expect(outcomes.map((outcome) => (typeof outcome === 'string' ? outcome : outcome.code))).toEqual([
      'delivered',
      'delivered',
      'TARGET_NOT_ALLOWED',
      'KAFKA_TOPIC_MISSING',
    ]);
    expect((await readTopic(client, first)).map(({ key }) => String(key))).toEqual(['a']);
    expect((await readTopic(client, second)).map(({ key }) => String(key))).toEqual(['b']);
  });

  it('says by its probe that the topic is missing, until somebody makes it', async () => {
    const own = { bootstrapServers: proxied.server.brokers };
    const topic = `late-${randomUUID()}`;
    const sink = await openTopicWriter({ cluster: own, topic }, context);
    await expect(sink.probe?.({ signal })).rejects.toMatchObject({ code: 'KAFKA_TOPIC_MISSING' });
    const admin = await (await clusterWith(own)).admin();
    await admin.createTopic({ topic });
    await sink.probe?.({ signal });
    await admin.deleteTopic(topic);
    await vi.waitFor(() => expect(sink.probe?.({ signal })).rejects.toMatchObject({ code: 'KAFKA_TOPIC_MISSING' }), 10_000); // brokers learn of it a moment later
    await admin.close();
    await sink.close?.();
  });

  it('writes a dead letter whose timestamp its topic refuses with another one', async () => {
    const own = { bootstrapServers: proxied.server.brokers };
    const client = await clusterWith(own);
    const topic = await newTopic(client, { settings: { 'message.timestamp.before.max.ms': '3600000' } });
    const sink = await openTopicWriter({ cluster: own, topic }, context);
    const letters = [
      record(Buffer.from('old'), Buffer.from('v'), { timestamp: 5 }),
      record(Buffer.from('new'), Buffer.from('w'), { timestamp: Date.now() }),
    ];
    expect(await sink.write(letters, { signal })).toEqual(['delivered', 'delivered']);
    const read = await readTopic(client, topic);
    expect(read.map(({ key }) => String(key)).sort()).toEqual(['new', 'old']);
    expect(read.every(({ timestamp }) => timestamp > 1_700_000_000_000)).toBe(true);
    await sink.close?.();
  });
});

import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { Cluster } from '../../lib/clients/kafka.ts';
import { openConnector, realClock } from '../../lib/compose.ts';
import type { BatchMeasurement } from '../../lib/core/connector.ts';
import { silentLog } from '../../lib/core/log.ts';
import type { SourceRecord } from '../../lib/core/record.ts';
import { parseSettings } from '../../lib/core/settings.ts';
import { kafkaTopic } from '../../lib/sinks/kafka-topic.ts';
import { clusterWith, newTopic, readTopic } from '../support/clusters.ts';
import { freePort } from '../support/servers/ports.ts';
import { describeWith } from '../support/servers/shared.ts';

const signal = AbortSignal.timeout(600_000);

interface Mirroring {
  readonly from: string;
  readonly sink: object;
  readonly epoch?: number;
  readonly warnings?: string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A connector from one cluster, which hands on bytes as they are. */
async function openMirror({ from, sink, epoch = 0, warnings = [], env = {} }: Mirroring) {
  const reports: BatchMeasurement[] = [];
  const settings = parseSettings({
    ...{ trigger: { topic: 'any' }, key: 'bytes', value: 'bytes', epoch, acceptDuplicates: true, onError: 'skip' },
    retry: { baseMs: 5, capMs: 20, maxElapsedMs: 100 },
    sink: { type: 'kafka-topic', ...sink },
  });
  const log = { ...silentLog, warn: (message: string, fields?: object) => warnings.push(`${message} ${JSON.stringify(fields)}`) };
  const connector = await openConnector(
    { sink: kafkaTopic },
    {
      ...{ name: 'mirror', settings, cluster: { bootstrapServers: from } },
      environment: { env, clock: realClock, log, reportBatch: (report) => reports.push(report) },
    },
  );
  onTestFinished(() => connector.close());
  return async (records: readonly SourceRecord[]): Promise<BatchMeasurement> => {
    await connector.process(records, { mode: 'partial', deadline: Date.now() + 30_000 });
    return reports.at(-1) as BatchMeasurement;
  };
}

const headersOf = ({ headers }: SourceRecord) => headers.map(({ key, value }) => `${key}=${Buffer.from(value)}`);
const kafkajs = (brokers: string) => new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING });

async function produce(cluster: Cluster, topic: string, count: number, partition = 0, from = 0): Promise<void> {
  const producer = cluster.producer();
  const records = Array.from({ length: count }, (_, n) => ({
    ...{ topic, partition, key: Buffer.from(`k${from + n}`), value: Buffer.from(`v${from + n}`), headers: [] },
    timestamp: 1_760_000_000_000 + n,
  }));
  expect(new Set(await producer.send(records, { signal }))).toEqual(new Set(['sent']));
  await producer.close();
}

/** As retention does. */
async function deleteBefore(brokers: string, topic: string, offset: number): Promise<void> {
  const admin = kafkajs(brokers).admin();
  await admin.connect();
  await admin.fetchTopicOffsets(topic); // which makes kafkajs know its leaders
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: `${offset}` }] });
  await admin.disconnect();
}

describeWith(['kafka', 'kafka2'], 'mirror between two clusters', ({ kafka, kafka2 }) => {
  const [east, west] = [kafka.brokers, kafka2.brokers];
  const clusters = () => Promise.all([clusterWith({ bootstrapServers: east }), clusterWith({ bootstrapServers: west })]);
  const toWest = { cluster: { bootstrapServers: west } };
  const toEast = { cluster: { bootstrapServers: east } };

  it('keeps bytes, headers in order, times and partitions, and says where records come from', async () => {
    const [source, target] = await clusters();
    const topic = await newTopic(source, { partitions: 3 });
    const producer = source.producer();
    const header = (key: string, value: string) => ({ key, value: Buffer.from(value) });
    const sent = [
      {
        topic,
        partition: 2,
        key: Buffer.from([0, 255]),
        value: Buffer.from([254, 1]),
        headers: [header('a', '1'), header('b', '2'), header('a', '3')],
      },
      { topic, partition: 1, key: null, value: null, headers: [] },
    ];
    await producer.send(
      sent.map((each, n) => ({ ...each, timestamp: 1_000 + n })),
      { signal },
    );
    await producer.close();
    const mirror = await openMirror({ from: east, sink: { topic: 'eu.{topic}', partition: 'keep', createTopics: true, ...toWest } });
    expect(await mirror(await readTopic(source, topic))).toMatchObject({ delivered: 2 });

    const inspector = await source.inspector();
    const { clusterId, topics } = await inspector.describe([topic]);
    inspector.destroy();
    const found = (await readTopic(target, `eu.${topic}`)).toSorted((a, b) => b.origin.partition - a.origin.partition);
    expect(found.map(({ origin, key, value, timestamp }) => [origin.partition, key, value, timestamp])).toEqual([
      [2, Buffer.from([0, 255]), Buffer.from([254, 1]), 1_000],
      [1, null, null, 1_001],
    ]);
    const id = topics.get(topic)?.id;
    expect(headersOf(found[0]!)).toEqual([
      'a=1',
      'b=2',
      'a=3',
      `sluice.chain=${clusterId}/${topic}`,
      `sluice.source=${topic}:2:0:0:0:${id}`,
    ]);
    expect(headersOf(found[1]!)).toEqual([`sluice.chain=${clusterId}/${topic}`, `sluice.source=${topic}:1:0:0:0:${id}`]);
  });

  it('does not go round between two clusters that mirror each other under other names', async () => {
    const [source, target] = await clusters();
    const [here, back] = [await newTopic(source), await newTopic(source)];
    const [there, further] = [await newTopic(target), await newTopic(target)];
    await produce(source, here, 5);
    await produce(target, there, 3, 0, 100);
    const links = [
      { from: source, read: here, mirror: await openMirror({ from: east, sink: { topic: there, ...toWest } }) },
      { from: target, read: there, mirror: await openMirror({ from: west, sink: { topic: back, ...toEast } }) },
      { from: source, read: back, mirror: await openMirror({ from: east, sink: { topic: further, ...toWest } }) },
      { from: target, read: further, mirror: await openMirror({ from: west, sink: { topic: here, ...toEast } }) },
      { from: source, read: here, mirror: await openMirror({ from: east, sink: { topic: back } }) },
      { from: source, read: back, mirror: await openMirror({ from: east, sink: { topic: here } }) },
    ];
    const positions = new Map(links.map((link) => [link, 0]));
    let [moved, ignored, rounds] = [1, 0, 0];
    for (; moved > 0; rounds++) {
      expect(rounds).toBeLessThan(10);
      moved = 0;
      for (const link of links) {
        const fresh = (await readTopic(link.from, link.read)).filter(({ origin }) => origin.offset >= (positions.get(link) ?? 0));
        if (fresh.length === 0) continue;
        positions.set(link, (fresh.at(-1)?.origin.offset ?? 0) + 1);
        const report = await link.mirror(fresh);
        expect(report.redelivered, JSON.stringify(report.lastError)).toBe(0);
        moved += report.delivered;
        ignored += report.ignored;
      }
    }
    expect(ignored).toBeGreaterThan(0);
    const values = async (cluster: Cluster, topic: string) => (await readTopic(cluster, topic)).map(({ value }) => String(value)).sort();
    expect(new Set(await values(target, there))).toEqual(new Set(['v0', 'v1', 'v2', 'v3', 'v4', 'v100', 'v101', 'v102']));
    expect((await values(target, there)).length).toBe(8);
  });

  it('makes topics with the partitions and settings of their sources, and says when partitions differ later', async () => {
    const [source, target] = await clusters();
    const settings = { 'retention.ms': '86400000', 'cleanup.policy': 'compact', 'min.insync.replicas': '1' };
    const topic = await newTopic(source, { partitions: 3, settings });
    await produce(source, topic, 2);
    const mirroring = {
      from: east,
      sink: { topic: '{topic}', partition: 'keep', createTopics: { copy: ['retention.ms', 'cleanup.policy'] }, ...toWest },
    };
    const mirror = await openMirror(mirroring);
    expect(await mirror(await readTopic(source, topic))).toMatchObject({ delivered: 2 });
    const admin = await target.admin();
    expect(await admin.partitions(topic)).toBe(3);
    expect(await admin.ownSettings(topic, Object.keys(settings))).toEqual({ 'retention.ms': '86400000', 'cleanup.policy': 'compact' });
    await admin.close();

    const grown = kafkajs(east).admin();
    await grown.connect();
    await grown.createPartitions({ topicPartitions: [{ topic, count: 5 }] });
    await grown.disconnect();
    await vi.waitFor(() => readTopic(source, topic), { timeout: 20_000, interval: 200 }); // until the new partitions have leaders
    await produce(source, topic, 1, 0, 2);
    const warnings: string[] = [];
    const again = await openMirror({ ...mirroring, warnings });
    expect(await again((await readTopic(source, topic)).slice(-1))).toMatchObject({ delivered: 1 });
    expect(warnings).toEqual([expect.stringMatching(/other partitions.*"sourcePartitions":5,"targetPartitions":3/)]);
  });

  it('stops at records that were deleted before they were mirrored, only there, until the gap is accepted', async () => {
    const [source, target] = await clusters();
    const topic = await newTopic(source, { partitions: 2 });
    const copy = await newTopic(target, { partitions: 2 });
    const sink = { topic: copy, ...toWest };
    for (const partition of [0, 1]) await produce(source, topic, 3, partition);
    const running = await openMirror({ from: east, sink });
    expect(await running(await readTopic(source, topic))).toMatchObject({ delivered: 6 });
    for (const partition of [0, 1]) await produce(source, topic, 10, partition, 3);
    await deleteBefore(east, topic, 8);
    const left = (await readTopic(source, topic)).filter(({ origin }) => origin.offset >= 3);
    for (const mirror of [running, running, await openMirror({ from: east, sink })]) {
      const report = await mirror(left);
      expect(report).toMatchObject({ delivered: 10, redelivered: 5, lastError: { class: 'config', code: 'SOURCE_GAP' } });
      expect(report.lastError?.message).toContain(`set connector.sink.acceptGaps to { "${topic}-0": 8 }`);
    }
    const accepting = await openMirror({ from: east, sink: { ...sink, acceptGaps: { [`${topic}-0`]: 8 } } });
    expect(await accepting(left)).toMatchObject({ delivered: 15, redelivered: 0 });
    // And from then on it needs nobody's permission.
    await produce(source, topic, 1, 0, 13);
    const after = await openMirror({ from: east, sink });
    expect(await after((await readTopic(source, topic)).filter(({ origin }) => origin.offset === 13))).toMatchObject({ delivered: 1 });
  });

  it('does not take the markers of transactions for a gap, also when what was mirrored is deleted', async () => {
    const [source, target] = await clusters();
    const [topic, copy] = [await newTopic(source), await newTopic(target)];
    const producer = kafkajs(east).producer({ transactionalId: randomUUID(), maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    for (let n = 0; n < 4; n++) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ key: 'k', value: `t${n}` }] });
      await (n === 2 ? transaction.abort() : transaction.commit());
    }
    await producer.disconnect();
    const records = await readTopic(source, topic);
    expect(records.map(({ origin }) => origin.offset)).toEqual([0, 2, 6]);
    const sink = { topic: copy, ...toWest };
    expect(await (await openMirror({ from: east, sink }))(records.slice(0, 2))).toMatchObject({ delivered: 2 });
    await deleteBefore(east, topic, 3);
    expect(await (await openMirror({ from: east, sink }))(records.slice(2))).toMatchObject({ delivered: 1 });
  });

  it('stops when the source topic was created again, and goes on with another epoch', async () => {
    const [source, target] = await clusters();
    const [topic, copy] = [await newTopic(source), await newTopic(target)];
    const sink = { topic: copy, ...toWest };
    await produce(source, topic, 3);
    expect(await (await openMirror({ from: east, sink }))(await readTopic(source, topic))).toMatchObject({ delivered: 3 });
    const admin = await source.admin();
    await admin.deleteTopic(topic);
    await expect.poll(() => admin.topics()).not.toContain(topic);
    await admin.createTopic({ topic });
    await admin.close();
    await produce(source, topic, 6, 0, 10);
    const records = await readTopic(source, topic);
    // From the beginning, and from where a group would go on, as its offset is there again.
    for (const again of [records, records.slice(3)]) {
      const report = await (await openMirror({ from: east, sink }))(again);
      expect(report).toMatchObject({ delivered: 0, lastError: { class: 'config', code: 'SOURCE_RECREATED' } });
      expect(report.lastError?.message).toContain('connector.epoch');
    }
    expect(await (await openMirror({ from: east, sink, epoch: 1 }))(records)).toMatchObject({ delivered: 6 });
    expect((await readTopic(target, copy)).length).toBe(9);
  });

  it('refuses to write a topic into itself, also when the same cluster goes by another address', async () => {
    const [source] = await clusters();
    const topic = await newTopic(source);
    await produce(source, topic, 1);
    const { lastError } = await (await openMirror({ from: east, sink: { topic: '{topic}', gaps: 'ignore', ...toEast } }))(
      await readTopic(source, topic),
    );
    expect(lastError).toMatchObject({ class: 'config', code: 'KAFKA_SAME_TOPIC' });
    expect((await readTopic(source, topic)).length).toBe(1);
  });

  it('names what the target forbids, what it cannot take, and a source that is away', async () => {
    const [source, target] = await clusters();
    const topic = await newTopic(source);
    await produce(source, topic, 3);
    const records = await readTopic(source, topic);
    const forbidden = await newTopic(source);
    const admin = kafkajs(east).admin();
    await admin.connect();
    const rule = {
      resourceType: 2,
      resourceName: forbidden,
      resourcePatternType: 3,
      principal: 'User:demo',
      host: '*',
      operation: 4,
      permissionType: 2,
    };
    await admin.createAcls({ acl: [rule] });
    await admin.disconnect();
    const env = { MIRROR_LOGIN: JSON.stringify(kafka.secure.users.plain) };
    const login = { type: 'sasl-plain', secret: { env: 'MIRROR_LOGIN' } };
    const asDemo = { cluster: { bootstrapServers: kafka.secure.saslPlain, auth: login, tls: false }, gaps: 'ignore' };
    expect((await (await openMirror({ from: east, sink: { topic: forbidden, ...asDemo }, env }))(records)).lastError).toMatchObject({
      ...{ class: 'config', code: 'KAFKA_FORBIDDEN' },
    });

    const small = await newTopic(target, { settings: { 'max.message.bytes': '300' } });
    const producer = source.producer();
    await producer.send([{ topic, key: null, value: Buffer.alloc(1_000), headers: [] }], { signal });
    await producer.close();
    expect(await (await openMirror({ from: east, sink: { topic: small, ...toWest } }))(await readTopic(source, topic))).toMatchObject({
      ...{ delivered: 3, skipped: 1, lastError: { class: 'data', code: 'SINK_RECORD_TOO_LARGE' } },
    });

    const nobody = `127.0.0.1:${await freePort()}`;
    expect((await (await openMirror({ from: nobody, sink: { topic: small, ...toWest } }))(records)).lastError).toMatchObject({
      class: 'retriable',
    });
  });

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('compresses with %s', async (compression) => {
    const [source, target] = await clusters();
    const [topic, copy] = [await newTopic(source), await newTopic(target)];
    await produce(source, topic, 20);
    expect(
      await (await openMirror({ from: east, sink: { topic: copy, compression, ...toWest } }))(await readTopic(source, topic)),
    ).toMatchObject({
      delivered: 20,
    });
    expect((await readTopic(target, copy)).map(({ value }) => String(value))).toEqual(Array.from({ length: 20 }, (_, n) => `v${n}`));
  });
});

import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka } from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Cluster, connectCluster } from '../../lib/clients/kafka.ts';
import { silentLog } from '../../lib/core/log.ts';
import { describeWith } from '../support/servers/shared.ts';
import { startWorker } from '../support/worker-process.ts';

const partitions = 6;

describeWith(['kafka'], 'a worker', ({ kafka }) => {
  let cluster: Cluster;
  let dir: string;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    cluster = await connectCluster({ bootstrapServers: kafka.brokers }, { secret: async () => '', log: silentLog });
    dir = await mkdtemp(join(tmpdir(), 'sluice-worker-'));
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await rm(dir, { recursive: true, force: true });
  });

  const newTopic = async (): Promise<string> => {
    const topic = `worker-${randomUUID()}`;
    const admin = await cluster.admin();
    await admin.createTopic({ topic, partitions });
    await admin.close();
    return topic;
  };
  const produce = async (topic: string, from: number, to: number, timestamp = Date.now()): Promise<void> => {
    const producer = cluster.producer();
    const numbers = Array.from({ length: to - from }, (_, index) => from + index);
    const records = numbers.map((each) => ({
      topic,
      partition: each % partitions,
      key: null,
      headers: [],
      timestamp,
      value: Buffer.from(String(each)),
    }));
    const outcomes = await producer.send(records, { signal: new AbortController().signal });
    expect(outcomes.every((outcome) => outcome === 'sent')).toBe(true);
    await producer.close();
  };
  const linesOf = async (...files: string[]): Promise<string[]> => {
    const texts = await Promise.all(files.map((file) => (existsSync(file) ? readFile(file, 'utf8') : '')));
    return texts.flatMap((text) => text.split('\n').slice(0, -1));
  };
  const valuesOf = async (...files: string[]): Promise<Set<number>> =>
    new Set((await linesOf(...files)).map((line) => Number(line.split(' ')[1])));
  const committed = async (groupId: string, topic: string): Promise<number> => {
    const admin = await cluster.admin();
    const offsets = await admin.committed(groupId, [topic]);
    await admin.close();
    return offsets.reduce((sum, { offset }) => sum + offset, 0);
  };
  const until = async (isSo: () => Promise<boolean>): Promise<void> => {
    while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 50));
  };

  it('shares partitions with a worker that joins, takes over from one that leaves, and commits when it stops', async () => {
    const topic = await newTopic();
    const groupId = `group-${topic}`;
    const [a, b] = [join(dir, 'a'), join(dir, 'b')];
    await produce(topic, 0, 12_000);

    const stopFirst = new AbortController();
    const first = await startWorker({ brokers: kafka.brokers, topic, groupId, file: a }, stopFirst.signal);
    await until(async () => (await valuesOf(a)).size > 3_000);
    const stopSecond = new AbortController();
    const second = await startWorker({ brokers: kafka.brokers, topic, groupId, file: b }, stopSecond.signal);
    await until(async () => second.status().partitions.length === 3);
    await until(async () => first.status().partitions.length === 3);
    await produce(topic, 12_000, 24_000);
    await until(async () => (await valuesOf(b)).size > 500);

    stopFirst.abort();
    expect(await first.ended).toMatchObject({ reason: 'stopped', isCommitted: true });
    await until(async () => second.status().partitions.length === partitions);
    await until(async () => (await valuesOf(a, b)).size === 24_000);
    stopSecond.abort();
    expect(await second.ended).toMatchObject({ reason: 'stopped', isCommitted: true });
    expect(await committed(groupId, topic)).toBe(24_000);

    // What is committed is not read again.
    const third = await startWorker(
      { brokers: kafka.brokers, topic, groupId, file: join(dir, 'c'), untilCaughtUp: true },
      new AbortController().signal,
    );
    expect(await third.ended).toMatchObject({ reason: 'caught-up' });
    expect(await linesOf(join(dir, 'c'))).toEqual([]);
  });

  it('loses nothing when another worker is killed in the middle of its work', async () => {
    const topic = await newTopic();
    const groupId = `group-${topic}`;
    const [killed, heir] = [join(dir, 'killed'), join(dir, 'heir')];
    await produce(topic, 0, 60_000);

    const child = fork(new URL('../support/worker-process.ts', import.meta.url), { execArgv: ['--conditions=sluice-source'] });
    children.push(child);
    child.send({ brokers: kafka.brokers, topic, groupId, file: killed });
    await until(async () => (await valuesOf(killed)).size > 2_000);
    child.kill('SIGKILL');

    const worker = await startWorker(
      { brokers: kafka.brokers, topic, groupId, file: heir, untilCaughtUp: true },
      new AbortController().signal,
    );
    expect(await worker.ended).toMatchObject({ reason: 'caught-up', isCommitted: true });
    expect((await valuesOf(killed, heir)).size).toBe(60_000);
    expect(await committed(groupId, topic)).toBe(60_000);
  });

  it('says that the topic is missing, and goes on by itself once it is there', async () => {
    const topic = `worker-${randomUUID()}`;
    const stop = new AbortController();
    const worker = await startWorker({ brokers: kafka.brokers, topic, groupId: `group-${topic}`, file: join(dir, 'late') }, stop.signal);
    await until(async () => worker.status().trouble !== undefined);
    expect(worker.status()).toMatchObject({ state: 'blocked', trouble: { code: 'KAFKA_TOPIC_MISSING' } });
    const admin = await cluster.admin();
    await admin.createTopic({ topic, partitions });
    await admin.close();
    await produce(topic, 0, 10);
    await until(async () => (await valuesOf(join(dir, 'late'))).size === 10);
    stop.abort();
    expect(await worker.ended).toMatchObject({ reason: 'stopped', isCommitted: true });
  });

  it('begins at the end where that is wanted, and only once', async () => {
    const topic = await newTopic();
    const group = { brokers: kafka.brokers, topic, groupId: `group-${topic}`, file: join(dir, 'latest') };
    await produce(topic, 0, 60);
    const stop = new AbortController();
    const first = await startWorker({ ...group, startingPosition: { at: 'LATEST' } }, stop.signal);
    await until(async () => (await committed(group.groupId, topic).catch(() => 0)) === 60); // the group may still be loading
    await produce(topic, 60, 120);
    await until(async () => (await valuesOf(group.file)).size === 60);
    stop.abort();
    expect(await first.ended).toMatchObject({ isCommitted: true });

    await produce(topic, 120, 180);
    const second = await startWorker({ ...group, startingPosition: { at: 'LATEST' }, untilCaughtUp: true }, new AbortController().signal);
    expect(await second.ended).toMatchObject({ reason: 'caught-up' });
    const values = (await linesOf(group.file)).map((line) => Number(line.split(' ')[1])).sort((a, b) => a - b);
    expect(values).toEqual(Array.from({ length: 120 }, (_, index) => 60 + index));
  });

  it('begins at the first record that is not older than a time, in each partition', async () => {
    const topic = await newTopic();
    const file = join(dir, 'at');
    const noon = 1_700_000_000_000;
    await produce(topic, 0, 60, noon - 1);
    await produce(topic, 60, 66, noon);
    await produce(topic, 66, 70, noon + 60_000);
    const startingPosition = { at: 'AT_TIMESTAMP', timestamp: noon } as const;
    const group = { brokers: kafka.brokers, topic, groupId: `group-${topic}`, file, startingPosition, untilCaughtUp: true };
    const worker = await startWorker(group, new AbortController().signal);
    expect(await worker.ended).toMatchObject({ reason: 'caught-up', isCommitted: true });
    expect([...(await valuesOf(file))].sort((a, b) => a - b)).toEqual([60, 61, 62, 63, 64, 65, 66, 67, 68, 69]);
  });

  it.each(['TRIM_HORIZON', 'LATEST'] as const)(
    'reads all that is left, and says so, where Kafka deleted what comes next: %s',
    async (at) => {
      const topic = await newTopic();
      const group = { brokers: kafka.brokers, topic, groupId: `group-${topic}`, file: join(dir, `left-${at}`) };
      await produce(topic, 0, 600);
      const admin = await cluster.admin();
      await admin.setCommitted(group.groupId, [
        { topic, partition: 0, offset: 10 },
        { topic, partition: 1, offset: -2 }, // what kafkajs commits before it goes back to the beginning
      ]);
      await admin.close();
      const deleting = new Kafka({ brokers: kafka.brokers.split(','), logLevel: 0 }).admin();
      await deleting.connect();
      await deleting.fetchTopicOffsets(topic);
      await deleting.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '40' }] });
      await deleting.disconnect();

      const said: unknown[] = [];
      const log = { ...silentLog, error: (...line: unknown[]) => void said.push(line) };
      const worker = await startWorker({ ...group, startingPosition: { at }, untilCaughtUp: true }, new AbortController().signal, log);
      expect(await worker.ended).toMatchObject({ reason: 'caught-up', isCommitted: true });
      const numbers = [...(await valuesOf(group.file))];
      const of = (partition: number) => numbers.filter((each) => each % partitions === partition).length;
      expect([of(0), of(1), of(2)]).toEqual([60, 100, at === 'LATEST' ? 0 : 100]);
      expect(said).toEqual([[expect.stringContaining('deleted by Kafka'), { partition: `${topic}-0`, expected: 10, found: 40 }]]);
    },
  );
});

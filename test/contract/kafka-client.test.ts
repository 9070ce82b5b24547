import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { ClusterConfig } from '../../lib/clients/kafka/cluster-config.ts';
import { type Compression, compressions } from '../../lib/clients/kafka/codecs.ts';
import type { NextOffset } from '../../lib/clients/kafka/consumer.ts';
import { nullHeaderValue, type OutgoingRecord } from '../../lib/clients/kafka/record-batch.ts';
import type { Cluster } from '../../lib/clients/kafka.ts';
import { ConfigError, DataError, RetriableError } from '../../lib/core/errors.ts';
import type { Header } from '../../lib/core/record.ts';
import { clusterWith, newTopic, readTopic } from '../support/clusters.ts';
import { type KafkaServer, startKafka } from '../support/servers/kafka.ts';
import { freePort } from '../support/servers/ports.ts';
import { describeWith } from '../support/servers/shared.ts';

const signal = AbortSignal.timeout(600_000);
const text = (value: string | null): Buffer | null => (value === null ? null : Buffer.from(value));
const header = (key: string, value: string | Uint8Array): Header => ({
  key,
  value: typeof value === 'string' ? Buffer.from(value) : value,
});

function outgoing(topic: string, key: string | null, value: string | null, more: Partial<OutgoingRecord> = {}): OutgoingRecord {
  return { topic, key: text(key), value: text(value), headers: [], ...more };
}

async function send(cluster: Cluster, records: readonly OutgoingRecord[], compression: Compression = 'none') {
  const producer = cluster.producer({ compression });
  onTestFinished(() => producer.close());
  return producer.send(records, { signal });
}

describeWith(['kafka'], 'Kafka client', ({ kafka: { brokers, secure } }) => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await clusterWith({ bootstrapServers: brokers });
  });

  describe('records', () => {
    it('keeps order and repeats of headers, null, empty and non-UTF-8 values, and names that objects know', async () => {
      const topic = await newTopic(cluster);
      const headers = [
        header('a', '1'),
        header('b', '2'),
        header('a', '3'),
        header('7', 'seven'),
        header('null', nullHeaderValue),
        header('empty', ''),
        header('bytes', new Uint8Array([0xff, 0xfe, 0x00])),
        header('toString', 't'),
        header('__proto__', 'p'),
        header('', 'without a name'),
        header('größe', 'ß'),
      ];
      expect(await send(cluster, [outgoing(topic, 'k', 'v', { headers, timestamp: 1_234_567_890_123 })])).toEqual(['sent']);
      const [record] = await readTopic(cluster, topic);
      const seen = record!.headers.map(({ key, value }) => ({ key, value: value === nullHeaderValue ? null : Buffer.from(value) }));
      expect(seen).toEqual(headers.map(({ key, value }) => ({ key, value: value === nullHeaderValue ? null : Buffer.from(value) })));
      expect(record!.timestamp).toBe(1_234_567_890_123);
      // Once more from what was read, as a dead letter does.
      const copy = await newTopic(cluster);
      await send(cluster, [{ topic: copy, key: record!.key, value: record!.value, headers: record!.headers }]);
      const [again] = await readTopic(cluster, copy);
      expect(again!.headers.map(({ value }) => value === nullHeaderValue)).toEqual(headers.map(({ value }) => value === nullHeaderValue));
      expect(again!.headers.map(({ key }) => key)).toEqual(headers.map(({ key }) => key));
    });

    it('keeps keys, tombstones, empty values and timestamps, and numbers offsets', async () => {
      const topic = await newTopic(cluster);
      const sent = [
        outgoing(topic, 'a', null, { timestamp: 5 }),
        outgoing(topic, null, '', { timestamp: Date.now() }),
        outgoing(topic, '', 'x', { timestamp: 1_000 }),
      ];
      expect(await send(cluster, sent)).toEqual(['sent', 'sent', 'sent']);
      const read = await readTopic(cluster, topic);
      expect(read.map(({ key, value, timestamp, origin }) => ({ key, value, timestamp, offset: origin.offset }))).toEqual(
        sent.map(({ key, value, timestamp }, offset) => ({ key, value, timestamp, offset })),
      );
    });

    it('says so when the broker set the timestamp', async () => {
      const topic = await newTopic(cluster, { settings: { 'message.timestamp.type': 'LogAppendTime' } });
      await send(cluster, [outgoing(topic, 'a', 'b', { timestamp: 5 })]);
      const [record] = await readTopic(cluster, topic);
      expect(record).toMatchObject({ timestampType: 'append' });
      expect(record!.timestamp).toBeGreaterThan(1_700_000_000_000);
    });

    it('chooses the partition as other producers do', async () => {
      const topic = await newTopic(cluster, { partitions: 7 });
      const keys = Array.from({ length: 200 }, (_, index) => `key ${index} ${'x'.repeat(index % 9)}`);
      await send(
        cluster,
        keys.map((key) => outgoing(topic, key, 'ours')),
      );
      const theirs = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).producer({
        createPartitioner: (await import('kafkajs')).default.Partitioners.DefaultPartitioner,
      });
      await theirs.connect();
      await theirs.send({ topic, messages: keys.map((key) => ({ key, value: 'theirs' })) });
      await theirs.disconnect();
      const byKey = Map.groupBy(await readTopic(cluster, topic), ({ key }) => String(key));
      expect(byKey.size).toBe(keys.length);
      for (const both of byKey.values())
        expect(both.map(({ origin }) => origin.partition)).toEqual([both[0]!.origin.partition, both[0]!.origin.partition]);
    });

    it('leaves other users of kafkajs in this process their own form of records', async () => {
      const topic = await newTopic(cluster);
      await send(cluster, [outgoing(topic, 'a', 'b', { headers: [header('a', '1'), header('a', '2')] })]);
      const theirs = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).consumer({ groupId: topic, maxWaitTimeInMs: 50 });
      onTestFinished(() => theirs.disconnect());
      await theirs.connect();
      await theirs.subscribe({ topic, fromBeginning: true });
      const seen = await new Promise((resolve) => void theirs.run({ eachMessage: async ({ message }) => resolve(message) }));
      expect(seen).toMatchObject({ offset: '0', headers: { a: [Buffer.from('1'), Buffer.from('2')] } });
    });

    it('keeps them when esbuild has put everything into one file', async () => {
      const topic = await newTopic(cluster);
      const folder = await mkdtemp(join(tmpdir(), 'sluice-bundle-'));
      onTestFinished(() => rm(folder, { recursive: true, force: true }));
      const contents = `
        import { connectCluster } from './lib/clients/kafka.ts';
        const log = { debug() {}, info() {}, warn() {}, error() {} };
        const cluster = await connectCluster({ bootstrapServers: ${JSON.stringify(brokers)} }, { secret: async () => '', log });
        const headers = ['a', 'b', 'a'].map((key, index) => ({ key, value: Buffer.from(String(index)) }));
        const producer = cluster.producer();
        const record = { topic: ${JSON.stringify(topic)}, key: null, value: Buffer.from('v'), headers };
        const [outcome] = await producer.send([record], { signal: AbortSignal.timeout(20_000) });
        await producer.close();
        const consumer = cluster.consumer({ groupId: record.topic, topics: [record.topic], fromBeginning: true, maxWaitMs: 50 });
        const read = await new Promise((resolve, crashed) => consumer.run(async ({ records }) => resolve(records), { crashed }));
        await consumer.stop();
        console.log(JSON.stringify([outcome, read[0].headers.map(({ key, value }) => key + value)]));`;
      const outfile = join(folder, 'bundle.mjs');
      await build({
        stdin: { contents, resolveDir: process.cwd(), loader: 'ts' },
        bundle: true,
        platform: 'node',
        format: 'esm',
        external: ['aws-msk-iam-sasl-signer-js'],
        banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
        outfile,
      });
      const { stdout } = await promisify(execFile)(process.execPath, [outfile], { timeout: 30_000 });
      expect(JSON.parse(stdout)).toEqual(['sent', ['a0', 'b1', 'a2']]);
    });

    for (const compression of compressions) {
      it(`writes ${compression} that the broker reads, and reads ${compression} that the broker writes`, async () => {
        const value = 'a value that is long enough to be worth compressing '.repeat(20);
        const numbers = Array.from({ length: 300 }, (_, index) => `${index}`);
        const ours = await newTopic(cluster, { settings: { 'compression.type': 'uncompressed' } });
        const theirs = await newTopic(cluster, { settings: { 'compression.type': compression === 'none' ? 'uncompressed' : compression } });
        const records = [ours, theirs].flatMap((topic) => numbers.map((number) => outgoing(topic, number, value)));
        const own = records.filter(({ topic }) => topic === ours);
        const plain = records.filter(({ topic }) => topic === theirs);
        expect(new Set(await send(cluster, own, compression))).toEqual(new Set(['sent']));
        expect(new Set(await send(cluster, plain, 'none'))).toEqual(new Set(['sent']));
        for (const topic of [ours, theirs]) {
          const read = await readTopic(cluster, topic);
          expect(read.map(({ key }) => String(key))).toEqual(numbers);
          expect(read.every((record) => String(record.value) === value)).toBe(true);
        }
        const kept = await newTopic(cluster);
        await send(cluster, [outgoing(kept, 'a', value)], compression);
        expect((await readTopic(cluster, kept)).map((record) => String(record.value))).toEqual([value]);
      });
    }
  });

  describe('outcomes', () => {
    it('fails the records of a missing topic and no others', async () => {
      const topic = await newTopic(cluster, { partitions: 3 });
      const records = ['a', 'missing', 'b', 'missing', 'c'].map((key) => outgoing(key === 'missing' ? 'no-such-topic' : topic, key, key));
      const outcomes = await send(cluster, records);
      expect(outcomes.map((outcome) => (outcome === 'sent' ? outcome : outcome.code))).toEqual([
        'sent',
        'KAFKA_TOPIC_MISSING',
        'sent',
        'KAFKA_TOPIC_MISSING',
        'sent',
      ]);
      expect(outcomes[1]).toBeInstanceOf(ConfigError);
      expect((await readTopic(cluster, topic)).map(({ key }) => String(key)).sort()).toEqual(['a', 'b', 'c']);
    });

    it('finds the one record that is too large for the topic', async () => {
      const topic = await newTopic(cluster, { settings: { 'max.message.bytes': '20000' } });
      const sizes = [100, 30_000, 9_000, 9_000, 100, 25_000, 15_000];
      const outcomes = await send(
        cluster,
        sizes.map((size, index) => outgoing(topic, `${index}`, 'x'.repeat(size))),
      );
      expect(outcomes.map((outcome) => (outcome === 'sent' ? outcome : outcome.code))).toEqual([
        'sent',
        'SINK_RECORD_TOO_LARGE',
        'sent',
        'sent',
        'sent',
        'SINK_RECORD_TOO_LARGE',
        'sent',
      ]);
      expect(outcomes[1]).toBeInstanceOf(DataError);
      expect((await readTopic(cluster, topic)).map(({ key }) => String(key))).toEqual(['0', '2', '3', '4', '6']);
    });

    it('finds the one record that a compacted topic refuses', async () => {
      const topic = await newTopic(cluster, { settings: { 'cleanup.policy': 'compact' } });
      const outcomes = await send(cluster, [outgoing(topic, 'a', '1'), outgoing(topic, null, '2'), outgoing(topic, 'c', '3')]);
      expect(outcomes.map((outcome) => (outcome === 'sent' ? outcome : outcome.code))).toEqual(['sent', 'SINK_REJECTED_RECORD', 'sent']);
      expect((await readTopic(cluster, topic)).map(({ key }) => String(key))).toEqual(['a', 'c']);
    });

    it('asks for enough partitions when records are to stay in theirs', async () => {
      const topic = await newTopic(cluster, { partitions: 2 });
      const outcomes = await send(
        cluster,
        [0, 1, 2].map((partition) => outgoing(topic, 'a', `${partition}`, { partition })),
      );
      expect(outcomes.map((outcome) => (outcome === 'sent' ? outcome : outcome.code))).toEqual(['sent', 'sent', 'KAFKA_PARTITION_MISSING']);
    });

    it('names a broker that cannot be reached', async () => {
      const nowhere = await clusterWith({ bootstrapServers: `127.0.0.1:${await freePort()}` });
      const [outcome] = await send(nowhere, [outgoing('t', 'a', 'b')]);
      expect(outcome).toBeInstanceOf(RetriableError);
      expect(outcome).toMatchObject({ code: 'KAFKA_UNREACHABLE' });
    });
  });

  describe('security', () => {
    const { saslSsl, saslPlain, mtls, users, certificates } = secure;
    const secrets = {
      CA: certificates.ca,
      STRANGER: certificates.strangerCa,
      PLAIN: JSON.stringify(users.plain),
      SCRAM256: JSON.stringify(users.scram256),
      SCRAM512: JSON.stringify(users.scram512),
      WRONG: JSON.stringify({ ...users.scram512, password: 'sentinel-wrong-password' }),
      PASSWORD: users.scram512.password,
      CERTIFICATE: JSON.stringify({ certificate: certificates.clientCert, privateKey: certificates.clientKey }),
      CLIENT_CERT: certificates.clientCert,
      CLIENT_KEY: certificates.clientKey,
    };
    const tls = { ca: { env: 'CA' } };
    const works: Record<string, ClusterConfig> = {
      'SASL PLAIN over TLS': { bootstrapServers: saslSsl, auth: { type: 'sasl-plain', secret: { env: 'PLAIN' } }, tls },
      'SASL PLAIN without TLS': { bootstrapServers: saslPlain, auth: { type: 'sasl-plain', secret: { env: 'PLAIN' } }, tls: false },
      'SCRAM-SHA-256 over TLS': { bootstrapServers: saslSsl, auth: { type: 'sasl-scram-256', secret: { env: 'SCRAM256' } }, tls },
      'SCRAM-SHA-512 over TLS': { bootstrapServers: saslSsl, auth: { type: 'sasl-scram-512', secret: { env: 'SCRAM512' } }, tls },
      'a user name and a secret with the password alone': {
        bootstrapServers: saslSsl,
        auth: { type: 'sasl-scram-512', username: users.scram512.username, password: { env: 'PASSWORD' } },
        tls: { ca: certificates.ca },
      },
      'mTLS with one secret': { bootstrapServers: mtls, auth: { type: 'mtls', secret: { env: 'CERTIFICATE' } }, tls },
      'mTLS with two secrets': {
        bootstrapServers: mtls,
        auth: { type: 'mtls', certificate: { env: 'CLIENT_CERT' }, privateKey: { env: 'CLIENT_KEY' } },
        tls,
      },
    };
    for (const [name, config] of Object.entries(works)) {
      it(`writes and reads with ${name}`, async () => {
        const topic = await newTopic(cluster);
        const own = await clusterWith(config, secrets);
        expect(await send(own, [outgoing(topic, 'a', 'b')])).toEqual(['sent']);
        expect((await readTopic(own, topic)).map(({ key }) => String(key))).toEqual(['a']);
      });
    }

    const fails: Record<string, [ClusterConfig, { code: string; unauthorized: boolean }]> = {
      'a wrong password': [
        { bootstrapServers: saslSsl, auth: { type: 'sasl-scram-512', secret: { env: 'WRONG' } }, tls },
        { code: 'KAFKA_UNAUTHORIZED', unauthorized: true },
      ],
      'a mechanism that the broker does not offer': [
        { bootstrapServers: saslSsl, auth: { type: 'oauthbearer', token: { env: 'PASSWORD' } }, tls },
        { code: 'KAFKA_UNAUTHORIZED', unauthorized: true },
      ],
      'an unknown certificate authority': [
        { bootstrapServers: saslSsl, auth: { type: 'sasl-scram-512', secret: { env: 'SCRAM512' } }, tls: { ca: { env: 'STRANGER' } } },
        { code: 'KAFKA_TLS_UNTRUSTED', unauthorized: false },
      ],
      'no client certificate': [
        { bootstrapServers: mtls, tls },
        { code: 'KAFKA_CLIENT_CERTIFICATE', unauthorized: true },
      ],
    };
    for (const [name, [config, expected]] of Object.entries(fails)) {
      it(`names ${name}, to producer, consumer and admin`, async () => {
        const topic = await newTopic(cluster);
        const own = await clusterWith(config, secrets);
        const [outcome] = await send(own, [outgoing(topic, 'a', 'b')]);
        expect(outcome).toBeInstanceOf(ConfigError);
        expect(outcome).toMatchObject(expected);
        expect(JSON.stringify(outcome)).not.toContain('sentinel');
        await expect(own.admin()).rejects.toMatchObject(expected);
        const consumer = own.consumer({ groupId: topic, topics: [topic], fromBeginning: true });
        await expect(consumer.run(async () => undefined)).rejects.toMatchObject(expected);
        consumer.destroy();
      });
    }

    it('names a listener that does not answer with TLS, which may as well be the network', async () => {
      const [outcome] = await send(await clusterWith({ bootstrapServers: brokers, tls }, secrets), [outgoing('t', 'a', 'b')]);
      expect(outcome).toMatchObject({ code: 'KAFKA_TLS_UNANSWERED', class: 'retriable' });
    });
  });

  describe('consumer group', () => {
    it('goes on where it was committed, and goes back by seek', async () => {
      const topic = await newTopic(cluster);
      await send(
        cluster,
        ['0', '1', '2', '3'].map((value) => outgoing(topic, 'k', value)),
      );
      const seen: string[] = [];
      const read = async (until: number, commit: number, seekTo?: number): Promise<void> => {
        const consumer = cluster.consumer({ groupId: topic, topics: [topic], fromBeginning: true, maxWaitMs: 50, sessionTimeoutMs: 6_000 });
        const done = Promise.withResolvers<void>();
        let isBack = seekTo === undefined;
        await consumer.run(async ({ records, partition, isStale }) => {
          for (const { value } of records) seen.push(String(value));
          if (!isBack && seekTo !== undefined) {
            consumer.seek({ topic, partition, offset: seekTo });
            expect(isStale()).toBe(true);
            isBack = true;
            return;
          }
          await consumer.commit([{ topic, partition, offset: commit }]);
          if (seen.length >= until) done.resolve();
        });
        await done.promise;
        await consumer.stop();
      };
      await read(6, 3, 2); // 0 1 2 3, back to 2, commits 3
      expect(seen).toEqual(['0', '1', '2', '3', '2', '3']);
      await read(7, 4);
      expect(seen.slice(6)).toEqual(['3']);
      const admin = await cluster.admin();
      expect(await admin.committed(topic, [topic])).toEqual([{ topic, partition: 0, offset: 4 }]);
      await admin.setCommitted(topic, [{ topic, partition: 0, offset: 1 }]);
      expect(await admin.committed(topic, [topic])).toEqual([{ topic, partition: 0, offset: 1 }]);
      expect(await admin.group(topic)).toEqual({ state: 'Empty', members: 0 });
      await admin.close();
    });

    it('steps over transaction markers and aborted records', async () => {
      const topic = await newTopic(cluster);
      const theirs = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).producer({
        transactionalId: topic,
        maxInFlightRequests: 1,
        idempotent: true,
      });
      await theirs.connect();
      for (const [value, end] of [
        ['kept', 'commit'],
        ['dropped', 'abort'],
      ] as const) {
        const transaction = await theirs.transaction();
        await transaction.send({ topic, messages: [{ key: 'k', value }] });
        await transaction[end]();
      }
      await theirs.disconnect();
      expect((await readTopic(cluster, topic)).map(({ value }) => String(value))).toEqual(['kept']);
    });

    it('does not fetch what is paused, until it is resumed', async () => {
      const topic = await newTopic(cluster, { partitions: 2 });
      const consumer = cluster.consumer({ groupId: topic, topics: [topic], fromBeginning: true, maxWaitMs: 50, concurrency: 2 });
      onTestFinished(() => consumer.stop());
      const seen: number[] = [];
      const joined = Promise.withResolvers<{ partitions: readonly unknown[] }>();
      const waiters: { partition: number; resolve: () => void }[] = [];
      const seenPartition = (partition: number) => new Promise<void>((resolve) => waiters.push({ partition, resolve }));
      await consumer.run(
        async ({ partition }) => {
          seen.push(partition);
          for (const waiter of waiters) if (waiter.partition === partition) waiter.resolve();
        },
        { joined: joined.resolve },
      );
      expect((await joined.promise).partitions).toHaveLength(2);
      consumer.pause([{ topic, partition: 0 }]);
      const other = seenPartition(1);
      await send(cluster, [outgoing(topic, null, 'a', { partition: 0 }), outgoing(topic, null, 'b', { partition: 1 })]);
      await other;
      expect(seen).not.toContain(0);
      const first = seenPartition(0);
      consumer.resume([{ topic, partition: 0 }]);
      await first;
    });

    it('refuses to commit for a generation that is over', async () => {
      const topic = await newTopic(cluster, { partitions: 2 });
      const options = { groupId: topic, topics: [topic], fromBeginning: true, maxWaitMs: 50, heartbeatIntervalMs: 200 };
      const assigned: NextOffset[][] = [];
      const first = cluster.consumer(options);
      onTestFinished(() => first.stop());
      const rebalanced = Promise.withResolvers<void>();
      const joined = ({ partitions }: { partitions: readonly { topic: string; partition: number }[] }): void => {
        assigned.push(partitions.map((own) => ({ ...own, offset: 0 })));
        if (assigned.length === 2) rebalanced.resolve();
      };
      await first.run(async () => undefined, { joined });
      const second = cluster.consumer(options);
      onTestFinished(() => second.stop());
      await second.run(async () => undefined);
      await rebalanced.promise;
      expect(assigned.map((partitions) => partitions.length)).toEqual([2, 1]);
      await first.commit(assigned[1]!);
      await first.stop();
      await expect(first.commit(assigned[1]!)).rejects.toBeInstanceOf(Error);
    });

    it('names a topic that does not exist', async () => {
      const consumer = cluster.consumer({ groupId: 'nobody', topics: ['no-such-topic'], fromBeginning: true });
      await expect(consumer.run(async () => undefined)).rejects.toMatchObject({ code: 'KAFKA_TOPIC_MISSING', class: 'config' });
      consumer.destroy();
    });
  });

  describe('OAUTHBEARER', () => {
    let server: KafkaServer;
    const claims = (lifetimeS: number) => ({
      sub: 'demo',
      iat: Math.floor(Date.now() / 1000),
      exp: Math.floor(Date.now() / 1000) + lifetimeS,
    });
    const unsecured = (lifetimeS: number): string =>
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims(lifetimeS))).toString('base64url')}.`;

    beforeAll(async () => {
      const login = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";';
      server = await startKafka({
        secure: true,
        settings: {
          'sasl.enabled.mechanisms': 'OAUTHBEARER',
          'listener.name.saslplain.oauthbearer.sasl.jaas.config': login,
          'listener.name.saslssl.oauthbearer.sasl.jaas.config': login,
        },
      });
    });
    afterAll(() => server?.stop());

    it('gets tokens from the endpoint, and a fresh one before the old one ends', async () => {
      let tokens = 0;
      const endpoint = createServer((request, response) => {
        const isKnown = request.headers.authorization === `Basic ${Buffer.from('me:sentinel-secret').toString('base64')}`;
        response.writeHead(isKnown ? 200 : 401, { 'content-type': 'application/json' });
        if (isKnown) tokens++;
        response.end(isKnown ? JSON.stringify({ access_token: unsecured(12), expires_in: 12 }) : '{}');
      });
      await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => void endpoint.close());
      const tokenEndpoint = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/token`;
      const auth = { type: 'oauthbearer', tokenEndpoint, clientId: 'me', clientSecret: { env: 'SECRET' } } as const;
      const config: ClusterConfig = { bootstrapServers: server.secure!.saslPlain, auth, tls: false };
      const own = await clusterWith(config, { SECRET: 'sentinel-secret' });
      const topic = await newTopic(await clusterWith({ bootstrapServers: server.brokers }));
      expect(await send(own, [outgoing(topic, 'a', 'b')])).toEqual(['sent']);
      expect(tokens).toBe(1);
      await sleep(2_500); // the session, as long as the token, is renewed ten seconds before its end
      expect(await send(own, [outgoing(topic, 'a', 'c')])).toEqual(['sent']);
      expect(tokens).toBe(2);

      const stranger = await clusterWith(config, { SECRET: 'sentinel-wrong' });
      const [outcome] = await send(stranger, [outgoing(topic, 'a', 'b')]);
      expect(outcome).toMatchObject({ code: 'KAFKA_UNAUTHORIZED', unauthorized: true });
      expect(String(outcome)).not.toContain('sentinel');
    });

    it('takes a token from a secret, and names one that the broker refuses', async () => {
      const config: ClusterConfig = {
        bootstrapServers: server.secure!.saslPlain,
        auth: { type: 'oauthbearer', token: { env: 'TOKEN' } },
        tls: false,
      };
      const topic = await newTopic(await clusterWith({ bootstrapServers: server.brokers }));
      expect(await send(await clusterWith(config, { TOKEN: unsecured(60) }), [outgoing(topic, 'a', 'b')])).toEqual(['sent']);
      const [outcome] = await send(await clusterWith(config, { TOKEN: 'not-a-token' }), [outgoing(topic, 'a', 'b')]);
      expect(outcome).toMatchObject({ code: 'KAFKA_UNAUTHORIZED', unauthorized: true });
    });
  });
});

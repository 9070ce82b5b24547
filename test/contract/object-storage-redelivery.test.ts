import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../lib/core/config.ts';
import { DataError, RetriableError } from '../../lib/core/errors.ts';
import { failAll, sinkFailure } from '../../lib/core/outcome.ts';
import type { KafkaRecord } from '../../lib/core/record.ts';
import type { OpenContext, Outcome, Sink } from '../../lib/core/sink.ts';
import { objectStorage } from '../../lib/sinks/object-storage.ts';
import { between, generator, pick } from '../support/chaos/random.ts';
import { record } from '../support/records.ts';
import type { HttpFault } from '../support/servers/http-faults.ts';
import { describeWith } from '../support/servers/shared.ts';
import { recordsOf } from './object-storage-support.ts';
import { ossUnderTest, type StoreUnderTest, s3UnderTest } from './object-store-support.ts';

const partitions = [0, 1, 2];
const perPartition = 50;
const hourMs = 3_600_000;
const start = Date.UTC(2026, 10, 21, 7, 30);

/** A record by its place; a few change the hour, and with it the path, back and forth. */
function recordAt(partition: number, offset: number): KafkaRecord {
  const timestamp = start + offset * 60_000 + (offset % 17 === 3 ? hourMs : 0);
  return record(`key-${offset}`, { partition, offset }, { topic: 'orders', partition, offset, timestamp });
}

function contextOf({ secrets }: StoreUnderTest, connector: string): OpenContext {
  return {
    connector,
    configVersion: '1a2b3c4d',
    now: Date.now,
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    secret: async (reference) => ('env' in reference ? (secrets[reference.env] ?? '') : ''),
  };
}

/** Delivers everything as Kafka would to something that keeps failing: batches cut anew each time, faults, crashes and lost commits. */
async function deliverAll(
  under: StoreUnderTest,
  connector: string,
  random: () => number,
  fault: () => HttpFault | 'none',
): Promise<Set<string>> {
  const config = parseConfig(
    objectStorage.config,
    {
      ...under.config,
      path: 'lake/dt={timestamp:yyyy-MM-dd}/hour={timestamp:HH}',
      envelope: ['metadata'],
      compression: 'gzip',
      maxRecords: 10,
    },
    'connector.sink',
  );
  const open = () => objectStorage.open(config, contextOf(under, connector));
  const isSpoilt = (partition: number, offset: number) => (partition * 31 + offset * 7) % 29 === 0;
  let sink: Sink = await open();
  const next = new Map(partitions.map((partition) => [partition, 0]));
  const rejectedForGood = new Set<string>();
  for (let round = 0; [...next.values()].some((offset) => offset < perPartition); round++) {
    if (round > 200) throw new Error('Expected everything to be delivered after 200 rounds.');
    if (random() < 0.25) {
      await sink.close?.();
      sink = await open();
    }
    const heals = round % 3 === 0;
    const batch = partitions.flatMap((partition) => {
      const from = next.get(partition) ?? 0;
      const length = Math.min(between(random, 1, 25), perPartition - from);
      return Array.from({ length }, (_, index) => recordAt(partition, from + index));
    });
    const isPoison = ({ origin }: KafkaRecord) => !heals && isSpoilt(origin.partition, origin.offset);
    const good = batch.filter((each) => !isPoison(each));
    const unsent = batch.filter(isPoison).map(({ origin, timestamp }) => ({ origin, timestamp, why: 'rejected' as const }));
    const controller = new AbortController();
    const isAborted = random() < 0.15;
    const timer = isAborted ? setTimeout(() => controller.abort(), between(random, 0, 60)) : undefined;
    const failing = fault();
    let failures = failing === 'none' ? 0 : between(random, 1, 3);
    under.http.onRequest = ({ method }) =>
      method === 'PUT' && failing !== 'none' && random() < 0.5 && failures-- > 0 ? failing : undefined;
    const write = (records: readonly KafkaRecord[]) =>
      sink
        .write(records, { signal: controller.signal, unsent: () => unsent })
        .catch((error: unknown) => failAll(records.length, sinkFailure(error)));
    // Somebody who has lost the partition may still be at it.
    const [outcomes] = await Promise.all([write(good), random() < 0.3 ? write(good.slice(0, between(random, 1, good.length))) : undefined]);
    clearTimeout(timer);
    under.http.onRequest = undefined;
    if (random() < 0.25) continue; // the commit is lost
    const outcomeOf = new Map<KafkaRecord, Outcome>(good.map((each, index) => [each, outcomes[index] ?? 'ignored']));
    for (const partition of partitions) {
      for (const each of batch.filter(({ origin }) => origin.partition === partition)) {
        const outcome = outcomeOf.get(each) ?? new DataError('SPOILT', 'It could not be decoded');
        if (typeof outcome === 'object' && !(outcome instanceof DataError) && !(outcome instanceof RetriableError)) throw outcome;
        if (outcome instanceof RetriableError) break;
        if (outcome instanceof DataError) rejectedForGood.add(`${partition}-${each.origin.offset}`);
        next.set(partition, each.origin.offset + 1);
      }
    }
  }
  await sink.close?.();
  return rejectedForGood;
}

/** How often each record of a connector is in the bucket, as somebody finds it who lists and reads everything. */
async function countsOf(under: StoreUnderTest, connector: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const object of await under.objects()) {
    if (!object.name.split('/').at(-1)?.startsWith(`${connector}+`)) continue;
    for (const { value } of recordsOf(object)) {
      const { partition, offset } = value as { partition: number; offset: number };
      const hour = new Date(recordAt(partition, offset).timestamp).toISOString().slice(11, 13);
      expect(object.name).toContain(`/hour=${hour}/`);
      const place = `${partition}-${offset}`;
      counts.set(place, (counts.get(place) ?? 0) + 1);
    }
  }
  return counts;
}

function describeRedelivery(open: () => Promise<StoreUnderTest>): void {
  let under: StoreUnderTest;
  beforeAll(async () => {
    under = await open();
  });
  afterAll(() => under.close());

  const faults: readonly (HttpFault | 'none')[] = ['none', 'answer lost', { status: 503, body: '<Error><Code>SlowDown</Code></Error>' }];
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

  it(`two connectors leave each record once, however batches are cut, fail and come again (SEED=${seed})`, async () => {
    await under.clear();
    const random = generator(seed);
    const rejected = new Map<string, Set<string>>();
    for (const connector of ['first', 'second'])
      rejected.set(connector, await deliverAll(under, connector, random, () => pick(random, faults)));
    for (const [connector, rejectedForGood] of rejected) {
      const counts = await countsOf(under, connector);
      const wrong: string[] = [];
      for (const partition of partitions) {
        for (let offset = 0; offset < perPartition; offset++) {
          const count = counts.get(`${partition}-${offset}`) ?? 0;
          const isFine = rejectedForGood.has(`${partition}-${offset}`) ? count <= 1 : count === 1;
          if (!isFine) wrong.push(`${connector} ${partition}-${offset}: ${count}`);
        }
      }
      expect(wrong).toEqual([]);
    }
  });
}

describeWith(['s3'], 'on their way to a real S3 server', ({ s3 }) => {
  describeRedelivery(() => s3UnderTest(s3));
});

describe('on their way to a stand-in for OSS', () => {
  describeRedelivery(ossUnderTest);
});

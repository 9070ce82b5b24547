import { describe, expect, it } from 'vitest';
import { readLetter } from '../../../../lib/cli/dlq/dead-letter.ts';
import { toTopic } from '../../../../lib/cli/dlq/to-topic.ts';
import type { ClusterAdmin } from '../../../../lib/clients/kafka/admin.ts';
import type { SendOutcome } from '../../../../lib/clients/kafka/lots.ts';
import type { OutgoingRecord } from '../../../../lib/clients/kafka/record-batch.ts';
import type { Cluster } from '../../../../lib/clients/kafka.ts';
import { ConfigError, DataError, RetriableError } from '../../../../lib/core/errors.ts';
import { type LetterOptions, letterRecord } from './letters.ts';

interface Topic {
  readonly partitions: number;
  readonly settings: Readonly<Record<string, string>>;
}

/** A cluster with these topics, whose answers to a send are given one by one; otherwise all is sent. */
function clusterOf(topics: Readonly<Record<string, Topic>>, answers: SendOutcome[][] = []) {
  const sends: (readonly OutgoingRecord[])[] = [];
  const of = (name: string): Topic => {
    const topic = topics[name];
    if (topic === undefined) throw new ConfigError('KAFKA_TOPIC_MISSING', 'no');
    return topic;
  };
  const admin = {
    settings: async (topic: string) => of(topic).settings,
    partitions: async (topic: string) => of(topic).partitions,
    close: async () => undefined,
  } as unknown as ClusterAdmin;
  const cluster = {
    producer: () => ({
      async send(records: readonly OutgoingRecord[]) {
        sends.push(records);
        return answers.shift() ?? records.map(() => 'sent' as const);
      },
      probe: async () => undefined,
      close: async () => undefined,
    }),
    admin: async () => admin,
  } as unknown as Cluster;
  return { cluster, sends };
}

const orders = { orders: { partitions: 4, settings: { 'cleanup.policy': 'delete', 'retention.ms': String(7 * 86_400_000) } } };
const replayedOf = (options: LetterOptions = {}) => {
  const record = letterRecord(options);
  return { letter: readLetter(record), record: { ...record, headers: [{ key: 'a', value: Buffer.from('1') }] } };
};
const names = ({ headers }: OutgoingRecord) => headers.map(({ key, value }) => `${key}=${String(value)}`);
const hourAgo = () => Date.now() - 3_600_000;

describe('to the original topic', () => {
  it('sends to the partition it came from, with the record’s own headers and time, and counts the round', async () => {
    const { cluster, sends } = clusterOf(orders);
    const timestamp = hourAgo();
    const destination = await toTopic({ cluster, dryRun: false, acceptsReplays: false });
    expect(await destination.send([replayedOf({ source: { timestamp } })])).toEqual(['delivered']);
    const [sent] = sends.flat();
    expect(sent).toMatchObject({ topic: 'orders', partition: 2, timestamp });
    expect(names(sent!)).toEqual(['a=1', 'sluice.replays=1']);
  });

  it('says version, age and failed parts to a connector that believes them', async () => {
    const { cluster, sends } = clusterOf(orders);
    const destination = await toTopic({ cluster, dryRun: false, acceptsReplays: true });
    await destination.send([replayedOf({ failedParts: [1, 3], source: { timestamp: 5 } })]);
    expect(names(sends.flat()[0]!)).toEqual([
      'a=1',
      'sluice.version=orders:2:17:3',
      'sluice.timestamp=5',
      'sluice.attempts=1',
      'sluice.first-failure=1000',
      'sluice.parts=1,3',
      'sluice.replays=1',
    ]);
  });

  it.each([
    ['gives a time of now to a record that the retention would delete soon', '3600000', 'delete', false],
    ['keeps the time where nothing is deleted by age', '-1', 'delete', true],
    ['keeps the time where the topic is only compacted', '3600000', 'compact', true],
  ])('%s', async (_, retention, policy, isKept) => {
    const { cluster, sends } = clusterOf({ orders: { partitions: 4, settings: { 'cleanup.policy': policy, 'retention.ms': retention } } });
    const destination = await toTopic({ cluster, dryRun: false, acceptsReplays: false });
    const timestamp = hourAgo();
    await destination.send([replayedOf({ source: { timestamp } })]);
    expect(sends.flat()[0]!.timestamp).toBe(isKept ? timestamp : undefined);
  });

  it('lets the key choose where the partition is not there any more', async () => {
    const { cluster, sends } = clusterOf({ orders: { ...orders.orders, partitions: 2 } });
    await (await toTopic({ cluster, dryRun: false, acceptsReplays: false })).send([replayedOf()]);
    expect(sends.flat()[0]).not.toHaveProperty('partition');
  });

  it('fails for a letter whose topic is gone, and sends its neighbours', async () => {
    const { cluster } = clusterOf(orders);
    const gone = replayedOf({ source: { origin: { topic: 'gone', partition: 0, offset: 1 } } });
    const outcomes = await (await toTopic({ cluster, dryRun: false, acceptsReplays: false })).send([gone, replayedOf()]);
    expect(outcomes).toEqual([expect.objectContaining({ code: 'TOPIC_GONE' }), 'delivered']);
  });

  it('tries again only what could not be taken for now, and sends without its time what was refused for that', async () => {
    const answers = [['sent', new RetriableError('BUSY', 'busy'), new DataError('SINK_TIMESTAMP_REFUSED', 'no')] as SendOutcome[]];
    const { cluster, sends } = clusterOf(orders, answers);
    const timestamp = hourAgo();
    const some = [1, 2, 3].map((offset) =>
      replayedOf({ offset, source: { timestamp, origin: { topic: 'orders', partition: 2, offset } } }),
    );
    expect(await (await toTopic({ cluster, dryRun: false, acceptsReplays: false })).send(some)).toEqual([
      'delivered',
      'delivered',
      'delivered',
    ]);
    expect(sends.map((records) => records.map((record) => record.timestamp === timestamp))).toEqual([
      [true, true, true],
      [true, false],
    ]);
  });

  it('writes nothing in a dry run', async () => {
    const { cluster, sends } = clusterOf(orders);
    expect(await (await toTopic({ cluster, dryRun: true, acceptsReplays: false })).send([replayedOf()])).toEqual(['delivered']);
    expect(sends).toEqual([]);
  });

  it('cannot take a letter that does not say where it came from', async () => {
    const { cluster } = clusterOf(orders);
    const { refusal } = await toTopic({ cluster, dryRun: false, acceptsReplays: false });
    expect(refusal({ ...readLetter(letterRecord()), version: undefined, origin: undefined })).toContain('does not say where it came from');
    expect(refusal(readLetter(letterRecord()))).toBeUndefined();
  });
});

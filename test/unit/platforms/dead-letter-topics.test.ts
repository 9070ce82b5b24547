import { describe, expect, it } from 'vitest';
import type { ClusterAdmin } from '../../../lib/clients/kafka/admin.ts';
import { applyTopics, planTopics } from '../../../lib/platforms/dead-letter-topics.ts';

/** A cluster with topics of so many partitions and bytes. */
function cluster(topics: Readonly<Record<string, readonly [partitions: number, bytes: number]>>) {
  const created: Parameters<ClusterAdmin['createTopic']>[0][] = [];
  const changed: unknown[] = [];
  const fake = {
    topics: async () => Object.keys(topics),
    partitions: async (topic: string) => topics[topic]?.[0] ?? 0,
    settings: async (topic: string) => ({ 'max.message.bytes': String(topics[topic]?.[1]) }),
    createTopic: async (topic: (typeof created)[number]) => created.push(topic) > 0,
    changeSettings: async (...call: unknown[]) => void changed.push(call),
  } satisfies Partial<ClusterAdmin>;
  return { admin: fake as Partial<ClusterAdmin> as ClusterAdmin, created, changed };
}

const use = (connector: string, topics: readonly string[], deadLetterTopic?: string) => ({ connector, topics, deadLetterTopic });

describe('topics', () => {
  it('need nothing when a dead letter topic takes what its largest source has and 64 KiB', async () => {
    const { admin } = cluster({ small: [1, 1_000], large: [1, 9_000], dlq: [1, 74_536] });
    const plans = await planTopics(admin, [use('a', ['small'], 'dlq'), use('b', ['large'], 'dlq')]);
    expect(plans.map(({ topic, action }) => [topic, action])).toEqual([
      ['dlq', 'none'],
      ['large', 'none'],
      ['small', 'none'],
    ]);
    expect(plans[0]).toMatchObject({ connectors: ['a', 'b'], neededBytes: 74_536 });
  });

  it('are raised when that is one byte too little', async () => {
    const { admin, changed } = cluster({ large: [1, 9_000], dlq: [1, 74_535] });
    await applyTopics(admin, await planTopics(admin, [use('b', ['large'], 'dlq')]), { retentionMs: 1 });
    expect(changed).toEqual([['dlq', { 'max.message.bytes': '74536' }]]);
  });

  it('are created for letters that stay as long as they were asked to, however old their records are', async () => {
    const { admin, created, changed } = cluster({ large: [12, 9_000] });
    await applyTopics(admin, await planTopics(admin, [use('b', ['large'], 'dlq')]), { replicationFactor: 3, retentionMs: 86_400_000 });
    expect(created).toEqual([
      {
        ...{ topic: 'dlq', partitions: 6, replicationFactor: 3 },
        settings: {
          'max.message.bytes': '74536',
          'cleanup.policy': 'delete',
          'retention.ms': '86400000',
          'message.timestamp.type': 'LogAppendTime',
        },
      },
    ]);
    expect(changed).toEqual([]);
  });

  it('that are missing inputs are left to their owners', async () => {
    const { admin, created } = cluster({});
    const plans = await planTopics(admin, [use('a', ['orders'])]);
    expect(plans).toEqual([{ topic: 'orders', role: 'input', connectors: ['a'], action: 'missing', partitions: 0 }]);
    await applyTopics(admin, plans, { retentionMs: 1 });
    expect(created).toEqual([]);
  });
});

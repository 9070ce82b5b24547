import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClusterAdmin } from '../../../lib/clients/kafka/admin.ts';
import { parseSettings } from '../../../lib/core/settings.ts';
import { applyMoves, planMoves, positions } from '../../../lib/platforms/offsets.ts';

const groups = [{ groupId: 'g', topics: ['orders'] }];
const settings = (trigger: object = {}) => parseSettings({ trigger: { topic: 'orders', ...trigger }, sink: { type: 'memory' } });

/** A cluster with one partition, whose second half of offsets is after the time 5000. */
function admin({ low, high, committed }: { low: number; high: number; committed?: number | undefined }) {
  const set: unknown[] = [];
  let members = 0;
  const fake = {
    ranges: async () => [{ partition: 0, low, high }],
    committed: async () => (committed === undefined ? [] : [{ topic: 'orders', partition: 0, offset: committed }]),
    offsetsAt: async (_: string, time: number) => [
      { topic: 'orders', partition: 0, offset: time > 5_000 ? high : Math.ceil((low + high) / 2) },
    ],
    group: async () => ({ state: 'Stable', members }),
    setCommitted: async (...call: unknown[]) => void set.push(call),
  } satisfies Partial<ClusterAdmin>;
  return {
    fake,
    set,
    join: () => {
      members = 1;
    },
  };
}

describe('positions', () => {
  it.each([
    [{ low: 0, high: 10, committed: 4 }, {}, 6],
    [{ low: 6, high: 10, committed: 4 }, {}, 4], // Kafka deleted two of them
    [{ low: 2, high: 10 }, {}, 8],
    [{ low: 2, high: 10 }, { startingPosition: 'LATEST' }, 0],
    [{ low: 0, high: 10 }, { startingPosition: 'AT_TIMESTAMP', startingPositionTimestamp: 5 }, 5],
    [{ low: 0, high: 3, committed: 9 }, {}, 0], // the topic was created again
  ])('of %j with trigger %j are %i records behind', async (partition, trigger, lag) => {
    const [position] = await positions(admin(partition).fake, groups, settings(trigger));
    expect(position?.lag).toBe(lag);
  });
});

describe('moves', () => {
  const plan = async (target: Parameters<typeof planMoves>[2], selection = {}) => {
    const { fake } = admin({ low: 2, high: 10, committed: 4 });
    return await planMoves(fake, await positions(fake, groups, settings()), target, selection);
  };

  it('stay within what the partition holds, whatever is asked for', async () => {
    const target = fc.oneof(
      fc.constant({ to: 'earliest' } as const),
      fc.constant({ to: 'latest' } as const),
      fc.record({ to: fc.constant('time' as const), timestamp: fc.nat() }),
      fc.record({ to: fc.constant('offset' as const), offset: fc.integer({ min: 2, max: 10 }) }),
    );
    await fc.assert(
      fc.asyncProperty(target, async (each) => {
        const [move] = await plan(each);
        expect(move?.target).toBeGreaterThanOrEqual(2);
        expect(move?.target).toBeLessThanOrEqual(10);
      }),
    );
  });

  it('refuse an offset, a topic or a partition that is not there', async () => {
    await expect(plan({ to: 'offset', offset: 11 })).rejects.toThrow('holds the offsets 2 to 10, and 11 is outside');
    await expect(plan({ to: 'latest' }, { topic: 'refunds' })).rejects.toThrow('Name one of orders with --topic');
    await expect(plan({ to: 'latest' }, { partitions: [3] })).rejects.toThrow('There is no partition 3');
  });

  it('are not made while the group has members', async () => {
    const cluster = admin({ low: 0, high: 10, committed: 4 });
    const moves = await planMoves(cluster.fake, await positions(cluster.fake, groups, settings()), { to: 'earliest' }, {});
    cluster.join();
    await expect(applyMoves(cluster.fake, moves, 'Pause it first.')).rejects.toThrow(
      'g has 1 member, which would commit over it. Pause it first.',
    );
    expect(cluster.set).toEqual([]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { silentLog } from '../../../../lib/core/log.ts';
import { createPoller } from '../../../../lib/platforms/worker/poller.ts';
import { flush, steppedClock } from '../../../support/stepped-clock.ts';
import { fakeGroup } from './group.ts';
import { heldConnector, type OutcomeName } from './held-connector.ts';

const partitionCount = 3;

type Step =
  | { readonly kind: 'produce'; readonly partition: number; readonly count: number }
  | { readonly kind: 'request'; readonly records: number }
  | { readonly kind: 'respond' }
  | { readonly kind: 'poll'; readonly records: number }
  | { readonly kind: 'answer'; readonly which: number; readonly names: readonly OutcomeName[] }
  | { readonly kind: 'batch crashes'; readonly which: number }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'rebalance begins' }
  | { readonly kind: 'join'; readonly own: readonly number[]; readonly missed: 'nothing' | 'generation' | 'membership' }
  | { readonly kind: 'commits fail'; readonly fail: boolean };

const names = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.constant<OutcomeName>('delivered') },
    { weight: 1, arbitrary: fc.constantFrom<OutcomeName>('dropped', 'retriable', 'throttled', 'config', 'data') },
  ),
  { minLength: 1, maxLength: 9 },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('produce' as const),
      partition: fc.nat(partitionCount - 1),
      count: fc.integer({ min: 1, max: 7 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('request' as const), records: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'respond' as const }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('poll' as const), records: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('answer' as const), which: fc.nat(3), names }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('batch crashes' as const), which: fc.nat(3) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.constantFrom(1, 60, 300, 1_500, 40_000) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'rebalance begins' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('join' as const),
      own: fc.uniqueArray(fc.nat(partitionCount - 1), { maxLength: partitionCount }),
      missed: fc.constantFrom('nothing' as const, 'nothing' as const, 'generation' as const, 'membership' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('commits fail' as const), fail: fc.boolean() }) },
);

const steps = fc.array(step, { maxLength: 60, size: 'max' });

function setUp(concurrency: number) {
  const clock = steppedClock();
  const group = fakeGroup(partitionCount);
  const connector = heldConnector({ onAcknowledged: (source) => group.acknowledge(source) });
  let ended = 0;
  const poller = createPoller({
    connector: connector.connector,
    createMember: group.createMember,
    policy: { records: 4, bytes: 1_000, ageMs: 100, idleMs: 50, concurrency },
    maxBytes: 2_000,
    batchTimeoutMs: 60_000,
    commitIntervalMs: 200,
    locate: async ({ partition }) => ({ offset: group.committed(partition), isKept: true }),
    clock,
    log: silentLog,
    changed: () => undefined,
    ended: () => ended++,
  });
  const act = async (each: Step): Promise<void> => {
    switch (each.kind) {
      case 'produce':
        return group.produce(each.partition, each.count);
      case 'request':
        return group.request(each.records);
      case 'respond':
        return group.respond();
      case 'poll':
        group.request(each.records);
        group.respond();
        return await clock.advance(60);
      case 'answer':
        return connector.held[each.which % Math.max(1, connector.held.length)]?.answer(each.names);
      case 'batch crashes':
        return connector.held[each.which % Math.max(1, connector.held.length)]?.crash(new TypeError('a bug'));
      case 'advance':
        return await clock.advance(each.ms);
      case 'rebalance begins':
        return group.startRebalance();
      case 'join':
        return group.join(each.own, { missed: each.missed });
      case 'commits fail':
        return group.setCommitsFail(each.fail);
    }
  };
  const run = async (steps: readonly Step[]): Promise<void> => {
    group.startRebalance();
    group.join([0, 1, 2]);
    for (const partition of [0, 1, 2]) group.produce(partition, 12);
    for (const each of steps) {
      await act(each);
      await flush();
    }
  };
  /** Everything works again. */
  const heal = async (): Promise<void> => {
    group.setCommitsFail(false);
    for (let round = 0; round < 60; round++) {
      await act({ kind: 'request', records: 5 });
      await act({ kind: 'respond' });
      await flush();
      while (connector.held.length > 0) connector.held[0]?.answer(['delivered']);
      await clock.advance(round < 20 ? 31_000 : 200);
    }
  };
  return { clock, group, connector, poller, run, heal, ended: () => ended };
}

describe('a worker in its group', () => {
  it('commits nothing beyond an unacknowledged record, and nothing of a partition that it did not own without a break since the fetch', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 3 }), async (taken, concurrency) => {
        const { run, group } = setUp(concurrency);
        await run(taken);
        expect(group.violations).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it('gets to the end of every partition that it owns once everything works again', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 3 }), async (taken, concurrency) => {
        const { run, heal, group } = setUp(concurrency);
        await run(taken);
        group.join([0, 1]);
        await heal();
        expect(group.violations).toEqual([]);
        for (const partition of [0, 1]) expect([partition, group.committed(partition)]).toEqual([partition, group.end(partition)]);
      }),
      { numRuns: 40 },
    );
  });

  it('keeps the order within a partition: a batch begins where the one before it ended, or goes back', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        const { run, connector } = setUp(3);
        await run(taken);
        const next = new Map<number, number>();
        for (const batch of connector.seen) {
          for (const [index, { origin }] of batch.entries()) {
            const isSamePartition = batch[index - 1]?.origin.partition === origin.partition;
            if (isSamePartition) expect(origin.offset).toBe((batch[index - 1]?.origin.offset ?? 0) + 1);
            else expect(origin.offset).toBeLessThanOrEqual(next.get(origin.partition) ?? 0);
            next.set(origin.partition, Math.max(next.get(origin.partition) ?? 0, origin.offset + 1));
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

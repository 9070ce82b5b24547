import { describe, expect, it } from 'vitest';
import { ConfigError, RetriableError } from '../../../../lib/core/errors.ts';
import { silentLog } from '../../../../lib/core/log.ts';
import { createPoller, type PollerOptions } from '../../../../lib/platforms/worker/poller.ts';
import { troubleOf } from '../../../../lib/platforms/worker/status.ts';
import { flush, steppedClock } from '../../../support/stepped-clock.ts';
import { fakeGroup } from './group.ts';
import { heldConnector } from './held-connector.ts';

function setUp(options: Partial<PollerOptions> = {}) {
  const clock = steppedClock();
  const group = fakeGroup(3);
  const connector = heldConnector({ onAcknowledged: (source) => group.acknowledge(source) });
  const poller = createPoller({
    connector: connector.connector,
    createMember: group.createMember,
    policy: { records: 4, bytes: 100_000, ageMs: 100, idleMs: 50, concurrency: 3 },
    maxBytes: 100_000,
    batchTimeoutMs: 60_000,
    commitIntervalMs: 200,
    locate: async ({ partition }) => ({ offset: group.committed(partition), isKept: true }),
    clock,
    log: silentLog,
    changed: () => undefined,
    ended: () => undefined,
    ...options,
  });
  const join = (...own: number[]): void => {
    group.startRebalance();
    group.join(own);
  };
  const poll = async (records = 10): Promise<void> => {
    await flush();
    group.request(records);
    group.respond();
    await clock.advance(60);
  };
  const offsetsHeld = () =>
    connector.held.map(({ records }) => records.map(({ origin }) => `${origin.partition}@${origin.offset}`).join(' '));
  return { clock, group, connector, poller, join, poll, offsetsHeld };
}

describe('poller', () => {
  it('goes on with other partitions while one of them fails', async () => {
    const { group, connector, clock, join, poll } = setUp();
    join(0, 1);
    group.produce(0, 4);
    group.produce(1, 8);
    await poll(4);
    connector.held.find(({ records }) => records[0]?.origin.partition === 0)?.answer(['retriable']);
    connector.held[0]?.answer(['delivered']);
    await flush();
    await poll(4);
    connector.held.find(({ records }) => records[0]?.origin.partition === 1)?.answer(['delivered']);
    await clock.advance(145);
    expect([group.committed(0), group.committed(1)]).toEqual([0, 8]);
    expect(group.isPaused(0)).toBe(true);
  });

  it('reads again from the first record that is not acknowledged, after pauses that grow and start anew after progress', async () => {
    const { group, connector, clock, join, poll, offsetsHeld } = setUp();
    join(0);
    group.produce(0, 4);
    const pauses: number[] = [];
    const failAndMeasure = async (...names: ('delivered' | 'retriable')[]): Promise<void> => {
      await poll();
      connector.held[0]?.answer(names);
      await flush();
      const from = clock.now();
      while (group.isPaused(0)) await clock.advance(1);
      pauses.push(clock.now() - from);
    };
    await failAndMeasure('retriable');
    await failAndMeasure('retriable');
    await failAndMeasure('retriable');
    for (let attempt = 4; attempt < 12; attempt++) await failAndMeasure('retriable');
    expect(pauses.slice(0, 3)).toEqual([250, 500, 1_000]); // with a random number of one half
    expect(Math.max(...pauses)).toBe(15_000);
    await failAndMeasure('delivered', 'delivered', 'retriable');
    expect(pauses.at(-1)).toBe(250);
    await poll();
    expect(offsetsHeld()).toEqual(['0@2 0@3']);
  });

  it('leaves a partition alone for as long as the target asked', async () => {
    const { group, connector, clock, join, poll } = setUp();
    join(0);
    group.produce(0, 1);
    await poll();
    connector.held[0]?.answer(['throttled']);
    await clock.advance(89_999);
    expect(group.isPaused(0)).toBe(true);
    await clock.advance(1);
    expect(group.isPaused(0)).toBe(false);
  });

  it('asks the target after a config error, and goes on by itself when it can be written to', async () => {
    const { group, connector, clock, poller, join, poll } = setUp();
    connector.setProbe(async () => {
      throw new ConfigError('SINK_MISCONFIGURED', 'The table does not exist. Create it.');
    });
    join(0, 1);
    group.produce(0, 2);
    group.produce(1, 2);
    await poll();
    while (connector.held.length > 0) connector.held[0]?.answer(['config']);
    await clock.advance(120_000);
    expect([group.isPaused(0), group.isPaused(1)]).toEqual([true, true]);
    expect(connector.probes()).toBeGreaterThan(4);
    expect(troubleOf(poller.lanes())).toMatchObject({ class: 'config', code: 'SINK_MISCONFIGURED' });
    connector.setProbe(async () => undefined);
    await clock.advance(30_000);
    await poll();
    while (connector.held.length > 0) connector.held[0]?.answer(['delivered']);
    await clock.advance(200);
    expect([group.committed(0), group.committed(1)]).toEqual([2, 2]);
    expect(troubleOf(poller.lanes())).toBeUndefined();
  });

  it('does not take a probe that never answers for success', async () => {
    const { group, connector, clock, join, poll } = setUp();
    connector.setProbe(() => new Promise(() => undefined));
    join(0);
    group.produce(0, 1);
    await poll();
    connector.held[0]?.answer(['config']);
    await clock.advance(300_000);
    expect(group.isPaused(0)).toBe(true);
    expect(connector.probes()).toBeGreaterThan(5);
  });

  it('aborts what is being written for a lost partition, and repeats at once what was aborted with it', async () => {
    const { group, connector, join, poll, offsetsHeld, clock } = setUp({
      policy: { records: 4, bytes: 100_000, ageMs: 100, idleMs: 50, concurrency: 1 },
    });
    join(0, 1);
    group.produce(0, 1);
    group.produce(1, 1);
    await poll();
    expect(offsetsHeld()).toEqual(['0@0 1@0']);
    const [batch] = connector.held;
    join(1);
    expect(batch?.signal.aborted).toBe(true);
    batch?.answer(['retriable']);
    await flush();
    expect(group.isPaused(1)).toBe(false);
    await poll();
    expect(offsetsHeld()).toEqual(['1@0']);
    connector.held[0]?.answer(['delivered']);
    await clock.advance(200);
    expect(group.committed(1)).toBe(1);
    expect(group.violations).toEqual([]);
  });

  it('neither starts batches nor commits while the group is rebalancing', async () => {
    const { group, connector, clock, join, poll } = setUp();
    join(0);
    group.produce(0, 8);
    await poll(4);
    await poll(4);
    group.startRebalance();
    connector.held[0]?.answer(['delivered']);
    await clock.advance(5_000);
    expect(group.commits).toEqual([]);
    expect(connector.held).toHaveLength(0);
    group.join([0]);
    await clock.advance(300);
    expect(group.committed(0)).toBe(4);
    expect(connector.held).toHaveLength(1);
  });

  it('pauses a partition that is slower than Kafka, and nothing else', async () => {
    const { group, connector, clock, join, poll } = setUp();
    join(0, 1);
    group.produce(0, 100);
    for (let round = 0; round < 10; round++) {
      await poll(5);
      await clock.advance(300);
    }
    expect([group.isPaused(0), group.isPaused(1)]).toEqual([true, false]);
    expect(group.handling()).toBe(0);
    const read = connector.held.length * 4;
    expect(read).toBe(4);
    for (let round = 0; round < 60; round++) {
      connector.held[0]?.answer(['delivered']);
      await clock.advance(300);
      await poll(5);
    }
    expect(group.committed(0)).toBe(100);
  });

  it('keeps a fetch waiting while memory is short, whatever the number of partitions, and tells the group that it lives', async () => {
    const { group, connector, clock, join } = setUp({
      maxBytes: 200,
      policy: { records: 1_000, bytes: 1_000_000, ageMs: 600_000, idleMs: 600_000, concurrency: 1 },
    });
    join(0, 1, 2);
    for (const partition of [0, 1, 2]) group.produce(partition, 4);
    await flush();
    group.request(4);
    group.respond();
    await clock.advance(10_000);
    expect(group.handling()).toBe(3);
    expect(group.heartbeats()).toBeGreaterThan(8);
    // What waits is handed on, although it is not due.
    for (let round = 0; round < 3; round++) {
      connector.held[0]?.answer(['delivered']);
      await clock.advance(10);
    }
    expect(group.handling()).toBe(0);
  });

  it('lets batches end when it stops, commits them and leaves', async () => {
    const { group, connector, clock, poller, join, poll } = setUp();
    join(0);
    group.produce(0, 8);
    await poll(8);
    const stopping = poller.stop(10_000);
    await clock.advance(1_000);
    expect(group.hasLeft()).toBe(false);
    connector.held[0]?.answer(['delivered']);
    await clock.advance(1_000);
    expect(await stopping).toBe(true);
    expect([group.committed(0), group.hasLeft(), connector.held.length]).toEqual([4, true, 0]);
  });

  it('does not wait for ever for a batch when it stops', async () => {
    const { group, connector, clock, poller, join, poll } = setUp();
    join(0);
    group.produce(0, 4);
    await poll();
    const stopping = poller.stop(10_000);
    await clock.advance(10_000);
    expect(connector.held[0]?.signal.aborted).toBe(true);
    await clock.advance(10_000);
    await stopping;
    expect([group.committed(0), group.hasLeft()]).toEqual([0, true]);
  });

  it('says when a stop could not commit', async () => {
    const { group, connector, clock, poller, join, poll } = setUp();
    join(0);
    group.produce(0, 1);
    await poll();
    group.setCommitsFail(true);
    connector.held[0]?.answer(['delivered']);
    const stopping = poller.stop(10_000);
    await clock.advance(30_000);
    expect(await stopping).toBe(false);
  });

  it('commits where it begins, so that a second start does not skip what came in between', async () => {
    const { group, clock, join, poll, offsetsHeld } = setUp({
      locate: async () => ({ offset: 5, isKept: false }),
    });
    group.produce(0, 7);
    join(0);
    await clock.advance(200);
    expect(group.commits).toEqual([{ topic: 'orders', partition: 0, offset: 5 }]);
    await poll();
    expect(offsetsHeld()).toEqual(['0@5 0@6']);
  });

  it('says what keeps it from finding out where a partition begins, until it has', async () => {
    const refused = new ConfigError('KAFKA_FORBIDDEN', 'Give its user the right by an ACL.');
    const located = Promise.withResolvers<{ offset: number; isKept: boolean }>();
    const { poller, join } = setUp({
      locate(_, __, failed) {
        failed(refused);
        return located.promise;
      },
    });
    join(0);
    expect(troubleOf(poller.lanes())).toMatchObject({ class: 'config', code: 'KAFKA_FORBIDDEN' });
    located.resolve({ offset: 0, isKept: true });
    await flush();
    expect(troubleOf(poller.lanes())).toBeUndefined();
  });

  it('says that a batch does not end in its time, without starting it once more beside itself', async () => {
    const { group, connector, clock, poller, join, poll } = setUp({ batchTimeoutMs: 10_000 });
    join(0);
    group.produce(0, 4);
    await poll(4);
    await clock.advance(9_900);
    expect(troubleOf(poller.lanes())).toBeUndefined();
    await clock.advance(600_000);
    expect(troubleOf(poller.lanes())).toMatchObject({ class: 'retriable', code: 'BATCH_OVERDUE' });
    expect(connector.seen.length).toBe(1);
    connector.held[0]?.answer(['delivered']);
    await clock.advance(200);
    expect(troubleOf(poller.lanes())).toBeUndefined();
    expect(group.committed(0)).toBe(4);
  });

  it('takes a crash inside the connector for a reason to try again', async () => {
    const { group, connector, clock, poller, join, poll } = setUp();
    join(0);
    group.produce(0, 1);
    await poll();
    connector.held[0]?.crash(new TypeError('undefined is not a function'));
    await flush();
    expect(troubleOf(poller.lanes())).toMatchObject({ class: 'retriable', code: 'BATCH_FAILED' });
    await clock.advance(500);
    await poll();
    connector.held[0]?.answer(['delivered']);
    await clock.advance(200);
    expect(group.committed(0)).toBe(1);
  });

  it('lets go of everything when the membership is over', async () => {
    const ended: unknown[] = [];
    const { group, connector, poller, join, poll } = setUp({ ended: (error) => ended.push(error) });
    join(0);
    group.produce(0, 1);
    await poll();
    const error = new RetriableError('KAFKA_UNREACHABLE', 'No broker could be reached');
    group.crash(error);
    expect(connector.held[0]?.signal.aborted).toBe(true);
    expect([ended, poller.lanes(), poller.isJoined()]).toEqual([[error], [], false]);
  });
});

import { describe, expect, it } from 'vitest';
import { ConfigError, RetriableError } from '../../../../lib/core/errors.ts';
import { silentLog } from '../../../../lib/core/log.ts';
import type { Origin } from '../../../../lib/core/record.ts';
import type { Fact } from '../../../../lib/platforms/worker/news.ts';
import { runWorker, type WorkerOptions } from '../../../../lib/platforms/worker/worker.ts';
import { flush, steppedClock } from '../../../support/stepped-clock.ts';
import { fakeGroup } from './group.ts';
import { heldConnector } from './held-connector.ts';

function setUp(options: Partial<WorkerOptions> = {}) {
  const clock = steppedClock();
  const group = fakeGroup(2);
  const connector = heldConnector({ onAcknowledged: (source) => group.acknowledge(source) });
  const facts: Fact[] = [];
  const stop = new AbortController();
  const connects: boolean[] = [];
  let refusal: Error | undefined;
  const all = (offset: (partition: number) => number) => async (): Promise<readonly Origin[]> =>
    [0, 1].map((partition) => ({ topic: 'orders', partition, offset: offset(partition) }));
  const start = (own: readonly number[] = [0, 1]) => {
    const worker = runWorker({
      connector: connector.connector,
      async connect({ fresh }) {
        connects.push(fresh);
        if (refusal !== undefined) throw refusal;
        return {
          createMember: (events) => {
            const member = group.createMember(events);
            return {
              ...member,
              async run() {
                group.startRebalance();
                group.join(own);
              },
            };
          },
          offsets: {
            committed: all(group.committed),
            beginning: all(() => 0),
            end: all(group.end),
            at: all(() => 0),
            close: async () => undefined,
          },
        };
      },
      startingPosition: { at: 'TRIM_HORIZON' },
      policy: { records: 10, bytes: 100_000, ageMs: 100, idleMs: 50, concurrency: 2 },
      signal: stop.signal,
      clock,
      log: silentLog,
      tell: (fact) => facts.push(fact),
      ...options,
    });
    return worker;
  };
  const poll = async (): Promise<void> => {
    group.request(10);
    group.respond();
    await clock.advance(60);
  };
  return {
    clock,
    group,
    connector,
    facts,
    connects,
    start,
    poll,
    stop: () => stop.abort(),
    refuse(error: Error | undefined) {
      refusal = error;
    },
  };
}

const unreachable = new RetriableError('KAFKA_UNREACHABLE', 'No Kafka broker could be reached');

describe('worker', () => {
  it('comes back by itself after an outage of Kafka, and tells of it once', async () => {
    const { start, group, clock, facts, refuse, connects } = setUp();
    const worker = start();
    await flush();
    refuse(unreachable);
    group.crash(unreachable);
    await clock.advance(300_000);
    expect(worker.status()).toMatchObject({ state: 'disconnected', trouble: { code: 'KAFKA_UNREACHABLE' } });
    expect(connects.length).toBeGreaterThan(10);
    refuse(undefined);
    await clock.advance(30_000);
    expect(worker.status()).toMatchObject({ state: 'running', partitions: [{ partition: 'orders-0' }, { partition: 'orders-1' }] });
    expect(facts.map(({ type }) => type)).toEqual(['joined', 'disconnected', 'recovered']);
  });

  it('reads the credentials again after Kafka refused them', async () => {
    const { start, clock, refuse, connects } = setUp();
    refuse(new ConfigError('KAFKA_UNAUTHORIZED', 'Kafka refused the credentials. Check cluster.auth.', { unauthorized: true }));
    const worker = start();
    await clock.advance(5_000);
    expect(connects.slice(0, 2)).toEqual([false, true]);
    expect(worker.status().state).toBe('blocked');
  });

  it('ends once everything is acknowledged that was there at the start', async () => {
    const { start, group, clock, connector, poll } = setUp({ untilCaughtUp: { patienceMs: 60_000 } });
    group.produce(0, 5);
    const worker = start();
    await flush();
    await poll();
    group.produce(0, 3);
    await clock.advance(1_000);
    connector.held[0]?.answer(['delivered']);
    await clock.advance(1_000);
    expect(await worker.ended).toEqual({ reason: 'caught-up', isCommitted: true });
    expect(group.committed(0)).toBe(5);
  });

  it('has caught up when others of its group have done the rest', async () => {
    const { start, group, clock } = setUp({ untilCaughtUp: { patienceMs: 60_000 } });
    group.produce(1, 5);
    let isEnded = false;
    const worker = start([0]);
    void worker.ended.then(() => {
      isEnded = true;
    });
    await clock.advance(5_000);
    expect(isEnded).toBe(false);
    group.commitElsewhere(1, 5);
    await clock.advance(1_000);
    expect(await worker.ended).toEqual({ reason: 'caught-up', isCommitted: true });
  });

  it('does not wait for ever for a partition that is blocked, and says what blocks it', async () => {
    const { start, group, clock, connector, poll } = setUp({ untilCaughtUp: { patienceMs: 60_000 } });
    connector.setProbe(async () => {
      throw new ConfigError('SINK_MISCONFIGURED', 'The table does not exist. Create it.');
    });
    group.produce(0, 5);
    const worker = start();
    await flush();
    await poll();
    connector.held[0]?.answer(['delivered', 'config']);
    await clock.advance(70_000);
    expect(await worker.ended).toMatchObject({
      reason: 'stuck',
      isCommitted: true,
      trouble: { class: 'config', code: 'SINK_MISCONFIGURED', message: 'The table does not exist. Create it.' },
    });
    expect(group.committed(0)).toBe(1);
  });

  it('tells what it waits for, what needs a person, and when it goes on', async () => {
    const { start, group, clock, connector, poll, facts, stop } = setUp();
    const round = async (name: 'delivered' | 'retriable' | 'config'): Promise<void> => {
      await poll();
      connector.held[0]?.answer([name]);
      await clock.advance(40_000);
    };
    group.produce(0, 1);
    const worker = start();
    await flush();
    for (const name of ['retriable', 'retriable', 'config', 'retriable', 'delivered'] as const) await round(name);
    stop();
    await clock.advance(1_000);
    await worker.ended;
    expect(facts.map(({ type }) => type)).toEqual(['joined', 'waiting', 'blocked', 'recovered', 'stopping']);
    expect(worker.status().state).toBe('stopped');
  });

  it('ends while it is looking for Kafka', async () => {
    const { start, clock, refuse, stop } = setUp();
    refuse(unreachable);
    const worker = start();
    await clock.advance(5_000);
    stop();
    await clock.advance(5_000);
    expect(await worker.ended).toEqual({ reason: 'stopped', isCommitted: true });
  });
});

import { expect, it } from 'vitest';
import { silentLog } from '../../lib/core/log.ts';
import type { Clock } from '../../lib/core/retry.ts';
import { createPoller } from '../../lib/platforms/worker/poller.ts';
import { steppedClock } from '../support/stepped-clock.ts';
import { fakeGroup } from '../unit/platforms/worker/group.ts';
import { heldConnector } from '../unit/platforms/worker/held-connector.ts';

it('stops after Kafka was lost without keeping the process busy for as long as a batch is under way', async () => {
  const time = steppedClock();
  let sleepless = 0;
  const clock: Clock = {
    ...time,
    sleep(ms, signal) {
      if (!signal.aborted) return time.sleep(ms, signal);
      // Who goes round in this would never let the batch end.
      return ++sleepless > 100 ? new Promise(() => undefined) : Promise.resolve();
    },
  };
  const group = fakeGroup(1);
  const { connector, held } = heldConnector();
  const poller = createPoller({
    connector,
    createMember: group.createMember,
    policy: { records: 4, bytes: 100_000, ageMs: 100, idleMs: 50, concurrency: 1 },
    maxBytes: 100_000,
    batchTimeoutMs: 60_000,
    commitIntervalMs: 200,
    locate: async () => ({ offset: 0, isKept: true }),
    clock,
    log: silentLog,
    changed: () => undefined,
    ended: () => undefined,
  });
  group.startRebalance();
  group.join([0]);
  group.produce(0, 4);
  await time.advance(0);
  group.request(4);
  group.respond();
  await time.advance(60);
  expect(held).toHaveLength(1);

  group.crash(new Error('the connection was reset'));
  const stopped = poller.stop(0);
  await time.advance(10);
  held[0]?.answer(['retriable']);
  await stopped;
  expect(sleepless).toBeLessThan(10);
});

import { describe, expect, it } from 'vitest';
import { ConfigError, type ConnectorError, RetriableError } from '../../../../lib/core/errors.ts';
import { silentLog } from '../../../../lib/core/log.ts';
import type { Offsets } from '../../../../lib/platforms/worker/member.ts';
import { locator, type StartingPosition } from '../../../../lib/platforms/worker/starting-point.ts';
import { steppedClock } from '../../../support/stepped-clock.ts';

const at = (offset: number) => [{ topic: 'orders', partition: 0, offset }];
const { signal } = new AbortController();

function setUp(position: StartingPosition, offsets: Partial<Offsets> = {}) {
  const clock = steppedClock();
  const asked: Offsets = {
    committed: async () => [],
    beginning: async () => at(3),
    end: async () => at(9),
    at: async (timestamp) => at(timestamp === 1_000 ? 5 : 0),
    close: async () => undefined,
    ...offsets,
  };
  const failures: ConnectorError[] = [];
  const { locate } = locator(asked, position, { clock, log: silentLog });
  const begin = (abort = signal) => locate({ topic: 'orders', partition: 0 }, abort, (error) => void failures.push(error));
  return { clock, begin, failures };
}

describe('where a partition begins', () => {
  it.each([
    [{ at: 'TRIM_HORIZON' } as const, 3],
    [{ at: 'LATEST' } as const, 9],
    [{ at: 'AT_TIMESTAMP', timestamp: 1_000 } as const, 5],
  ])('is where the group left it off, and otherwise %j', async (position, start) => {
    expect((await setUp(position).begin()).offset).toBe(start);
    expect(await setUp(position, { committed: async () => at(7) }).begin()).toEqual({ offset: 7, isKept: true });
  });

  it('has to be committed where a second start would skip what came in between', async () => {
    expect((await setUp({ at: 'LATEST' }).begin()).isKept).toBe(false);
    expect((await setUp({ at: 'AT_TIMESTAMP', timestamp: 1_000 }).begin()).isKept).toBe(false);
    expect((await setUp({ at: 'TRIM_HORIZON' }).begin()).isKept).toBe(true);
  });

  it('is asked for until the cluster answers, and tells what is in the way when that lasts', async () => {
    const refused = new ConfigError('KAFKA_FORBIDDEN', 'Give its user the right by an ACL.');
    const answers = [new RetriableError('KAFKA_UNAVAILABLE', 'The group is being loaded'), refused, refused];
    const { begin, clock, failures } = setUp(
      { at: 'TRIM_HORIZON' },
      {
        async committed() {
          const error = answers.shift();
          if (error !== undefined) throw error;
          return at(7);
        },
      },
    );
    const found = begin();
    await clock.advance(10_000);
    expect((await found).offset).toBe(7);
    expect(failures).toEqual([refused]);
  });

  it('is not asked for any more once the partition is lost', async () => {
    const stop = new AbortController();
    const { begin, clock } = setUp({ at: 'LATEST' }, { committed: () => Promise.reject(new Error('no cluster')) });
    const found = begin(stop.signal);
    await clock.advance(60_000);
    stop.abort();
    await clock.advance(1);
    await found;
  });
});

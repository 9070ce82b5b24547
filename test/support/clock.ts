import type { Clock } from '../../lib/core/retry.ts';

export interface FakeClock extends Clock {
  /** Every pause that was asked for, in milliseconds. */
  readonly pauses: readonly number[];
  advance(ms: number): void;
}

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/**
 * A clock that nobody has to wait for. A sleep of at most `instantMs` ends at once and moves the time on; longer ones (deadlines, as a
 * rule) wait until the time has been moved that far, or their signal aborts.
 */
export function fakeClock(
  options: { readonly start?: number; readonly random?: () => number; readonly instantMs?: number } = {},
): FakeClock {
  const { start = 1_760_000_000_000, random = () => 0.5, instantMs = 30_000 } = options;
  let time = start;
  let sleepers: Sleeper[] = [];
  const pauses: number[] = [];
  const advance = (ms: number): void => {
    time += ms;
    const due = sleepers.filter(({ at }) => at <= time);
    sleepers = sleepers.filter(({ at }) => at > time);
    for (const { wake } of due) wake();
  };
  return {
    pauses,
    now: () => time,
    random,
    sleep(ms, signal) {
      if (signal.aborted) return Promise.resolve();
      if (ms <= instantMs) {
        pauses.push(ms);
        advance(ms);
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        const sleeper = { at: time + ms, wake: resolve };
        sleepers.push(sleeper);
        const end = (): void => {
          sleepers = sleepers.filter((each) => each !== sleeper);
          resolve();
        };
        signal.addEventListener('abort', end, { once: true });
      });
    },
    advance,
  };
}

import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../lib/core/retry.ts';

export interface SteppedClock extends Clock {
  /** Moves the time on, sleep by sleep, and lets everything that wakes up do what it can at once. */
  advance(ms: number): Promise<void>;
}

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** Lets promises that are settled already do what follows. */
export async function flush(): Promise<void> {
  await setImmediate();
}

/** A clock that stands still until it is moved; every sleep, however short, waits for that. */
export function steppedClock({ start = 1_760_000_000_000, random = () => 0.5 } = {}): SteppedClock {
  let time = start;
  const sleepers = new Set<Sleeper>();
  return {
    now: () => time,
    random,
    sleep(ms, signal) {
      if (signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const wake = (): void => {
          sleepers.delete(sleeper);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        const sleeper = { at: time + Math.max(0, ms), wake };
        sleepers.add(sleeper);
        signal.addEventListener('abort', wake, { once: true });
      });
    },
    async advance(ms) {
      const until = time + ms;
      await flush();
      for (;;) {
        const [next] = [...sleepers].sort((a, b) => a.at - b.at);
        if (next === undefined || next.at > until) break;
        time = Math.max(time, next.at);
        next.wake();
        await flush();
      }
      time = until;
      await flush();
    },
  };
}

import { RetriableError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';

/** What MaxCompute takes for one table, over everybody who writes to it. */
export const tableLimits = {
  sessions: { count: 500, windowMs: 300_000 },
  commits: { count: 75, windowMs: 15_000 },
} as const;

export interface Pace {
  /** Counts one more for a table. Throws a RetriableError that says how long to wait when this process alone would pass the limit, and warns halfway there. */
  count(what: keyof typeof tableLimits, table: string): void;
}

const advice = 'write larger batches, choose a longer connector.sink.partition.window, or set connector.sink.upload to stream';

/** Keeps upload sessions and commits of this process below the limits of a table. */
export function paceOf(now: () => number, log: Log): Pace {
  const times = new Map<string, number[]>();
  const warned = new Map<string, number>();
  return {
    count(what, table) {
      const { count, windowMs } = tableLimits[what];
      const name = `${what} ${table}`;
      const at = now();
      const recent = (times.get(name) ?? []).filter((time) => time > at - windowMs);
      times.set(name, recent);
      if (recent.length >= count) {
        const message = `This process alone would pass the ${count} ${what} within ${windowMs / 1_000} seconds that MaxCompute takes for table ${table}: ${advice}`;
        throw new RetriableError('SINK_THROTTLED', message, { retryAfterMs: (recent[0] ?? at) + windowMs - at });
      }
      recent.push(at);
      if (recent.length < count / 2 || at - (warned.get(name) ?? Number.NEGATIVE_INFINITY) < windowMs) return;
      warned.set(name, at);
      log.warn(`This process uses half of the ${what} that MaxCompute takes for the table over all of its writers: ${advice}`, {
        ...{ table, limit: count, seconds: windowMs / 1_000 },
      });
    },
  };
}

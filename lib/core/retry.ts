import { RetriableError } from './errors.ts';
import { checkedOutcomes, failAll, sinkFailure } from './outcome.ts';
import type { KafkaRecord } from './record.ts';
import type { Outcome, Sink, WriteOptions } from './sink.ts';

export interface RetryPolicy {
  readonly baseMs: number;
  readonly capMs: number;
  /** Retries end when this much time has gone since the write began. */
  readonly maxElapsedMs: number;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
  /** Resolves after the time, or at once when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Full-jitter exponential delay before the given attempt, counting the first retry as 1. */
export function backoff(attempt: number, { baseMs, capMs }: Pick<RetryPolicy, 'baseMs' | 'capMs'>, random: () => number): number {
  return Math.floor(random() * Math.min(capMs, baseMs * 2 ** (attempt - 1)));
}

/**
 * Writes again what failed retriably, and only that, while time is left. A `Retry-After` is honoured; one that is longer than the time left
 * is remembered, and writes before it has passed are answered without asking the target.
 */
export function retrying(
  sink: Sink,
  policy: RetryPolicy,
  { clock, onRetry }: { readonly clock: Clock; readonly onRetry?: (records: number, attempt: number, waitMs: number) => void },
): Sink {
  let quietUntil = 0;

  return {
    ...sink,
    async write(records, options) {
      const quietMs = quietUntil - clock.now();
      if (quietMs > 0)
        return failAll(
          records.length,
          new RetriableError('SINK_THROTTLED', `The target asked to be left alone for another ${quietMs} ms`, { retryAfterMs: quietMs }),
        );
      const until = Math.min(clock.now() + policy.maxElapsedMs, options.deadline ?? Number.POSITIVE_INFINITY);
      const first = await attemptOnce(sink, records, options);
      let failed = positionsToRetry(first);
      if (failed.length === 0) return first;
      const outcomes = [...first];
      for (let attempt = 1; failed.length > 0; attempt++) {
        const askedMs = longestRetryAfter(outcomes);
        const waitMs = Math.max(askedMs, backoff(attempt, policy, clock.random));
        if (clock.now() + waitMs >= until || options.signal.aborted) {
          if (clock.now() + askedMs >= until && askedMs > 0) quietUntil = clock.now() + askedMs;
          return outcomes;
        }
        onRetry?.(failed.length, attempt, waitMs);
        await clock.sleep(waitMs, options.signal);
        if (options.signal.aborted) return outcomes;
        const again = await attemptOnce(
          sink,
          failed.flatMap((position) => records[position] ?? []),
          options,
        );
        for (const [index, position] of failed.entries()) {
          const outcome = again[index];
          if (outcome !== undefined) outcomes[position] = outcome;
        }
        failed = positionsToRetry(outcomes);
      }
      return outcomes;
    },
  };
}

async function attemptOnce(sink: Sink, records: readonly KafkaRecord[], options: WriteOptions): Promise<readonly Outcome[]> {
  try {
    return checkedOutcomes(await sink.write(records, options), records.length);
  } catch (error) {
    return failAll(records.length, sinkFailure(error));
  }
}

function positionsToRetry(outcomes: readonly Outcome[]): number[] {
  const positions: number[] = [];
  for (let position = 0; position < outcomes.length; position++) if (outcomes[position] instanceof RetriableError) positions.push(position);
  return positions;
}

function longestRetryAfter(outcomes: readonly Outcome[]): number {
  let longest = 0;
  for (const outcome of outcomes) if (outcome instanceof RetriableError) longest = Math.max(longest, outcome.retryAfterMs ?? 0);
  return longest;
}

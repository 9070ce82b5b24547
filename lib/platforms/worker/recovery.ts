import { type ConnectorError, RetriableError } from '../../core/errors.ts';
import { sinkFailure } from '../../core/outcome.ts';
import { backoff, type Clock } from '../../core/retry.ts';

/** Pauses of a partition, or of the whole worker, between attempts: full jitter up to half a minute. */
export const pausePolicy = { baseMs: 500, capMs: 30_000 } as const;

/** How long to leave a partition alone after the given attempt, counting from 1. */
function pauseMs(error: ConnectorError, attempt: number, clock: Clock): number {
  const asked = error instanceof RetriableError ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(asked, backoff(Math.min(attempt, 20), pausePolicy, clock.random));
}

export interface RecoveryOptions {
  readonly probe: (signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  /** Something else than before keeps the target from being written to. */
  readonly failedAgain: (error: ConnectorError) => void;
}

export interface Recovery {
  /** Resolves when it makes sense to try again: after a pause and, after a config error, once the target can be written to. Resolves early when aborted. */
  wait(error: ConnectorError, attempt: number, signal: AbortSignal): Promise<void>;
}

/** Growing pauses, and after a config error a probe before anything is fetched again. Partitions that wait at the same time share a probe. */
export function recovery({ probe, clock, failedAgain }: RecoveryOptions): Recovery {
  let probing: Promise<ConnectorError | undefined> | undefined;

  const tryProbe = async (): Promise<ConnectorError | undefined> => {
    const over = new AbortController();
    const limit = clock.sleep(probeTimeoutMs, over.signal).then(() => {
      if (over.signal.aborted) return undefined;
      over.abort();
      return new RetriableError('PROBE_TIMEOUT', `The target did not answer a probe within ${probeTimeoutMs / 1000} s`);
    });
    const answer = probe(over.signal).then(
      () => undefined,
      (error: unknown) => sinkFailure(error),
    );
    const failure = await Promise.race([answer, limit]);
    over.abort();
    return failure;
  };

  return {
    async wait(error, firstAttempt, signal) {
      for (let attempt = firstAttempt, current = error; !signal.aborted; attempt++) {
        await clock.sleep(pauseMs(current, attempt, clock), signal);
        if (signal.aborted || error.class !== 'config') return;
        probing ??= tryProbe().finally(() => {
          probing = undefined;
        });
        const failure = await probing;
        if (failure === undefined) return;
        failedAgain(failure);
        current = failure;
      }
    },
  };
}

const probeTimeoutMs = 20_000;

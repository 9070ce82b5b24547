import { type ConnectorError, RetriableError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { sinkFailure } from '../../core/outcome.ts';
import type { Origin } from '../../core/record.ts';
import { backoff, type Clock } from '../../core/retry.ts';
import { laneName, type Offsets, type TopicPartition } from './member.ts';
import { pausePolicy } from './recovery.ts';

/** Where a group begins that has committed nothing yet. */
export type StartingPosition =
  | { readonly at: 'TRIM_HORIZON' }
  | { readonly at: 'LATEST' }
  /** Milliseconds since the epoch. */
  | { readonly at: 'AT_TIMESTAMP'; readonly timestamp: number };

export interface StartingPoint {
  readonly offset: number;
  /** Whether a later start would begin there as well. Where not, it has to be committed, or what comes in between is skipped. */
  readonly isKept: boolean;
}

export interface Locator {
  /** Keeps asking until the cluster answers or the signal aborts, and says what keeps it from answering when that lasts. */
  locate(partition: TopicPartition, signal: AbortSignal, failed: (error: ConnectorError) => void): Promise<StartingPoint>;
}

/** Finds where partitions were left off or begin; those that ask at the same time share the questions. */
export function locator(
  offsets: Offsets,
  position: StartingPosition,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Locator {
  const committed = shared(() => offsets.committed());
  const starts = shared(() => startsAt(offsets, position));

  const tryLocate = async (partition: TopicPartition): Promise<StartingPoint> => {
    const done = find(await committed(), partition);
    if (done !== undefined) return { offset: done.offset, isKept: true };
    const start = find(await starts(), partition);
    if (start === undefined) throw new RetriableError('KAFKA_UNAVAILABLE', 'The cluster does not know the partition yet');
    return { offset: start.offset, isKept: position.at === 'TRIM_HORIZON' };
  };

  return {
    async locate(partition, signal, failed) {
      for (let attempt = 1; !signal.aborted; attempt++) {
        try {
          return await tryLocate(partition);
        } catch (error) {
          log.debug('Offsets could not be looked up yet', { partition: laneName(partition), attempt });
          if (attempt >= lastingAttempts) failed(sinkFailure(error));
          await clock.sleep(backoff(Math.min(attempt, 10), pausePolicy, clock.random), signal);
        }
      }
      return { offset: 0, isKept: true }; // nobody asks any more
    },
  };
}

// A group that is new to its coordinator is being loaded for a moment.
const lastingAttempts = 3;

async function startsAt(offsets: Offsets, position: StartingPosition): Promise<readonly Origin[]> {
  switch (position.at) {
    case 'TRIM_HORIZON':
      return await offsets.beginning();
    case 'LATEST':
      return await offsets.end();
    case 'AT_TIMESTAMP':
      return await offsets.at(position.timestamp);
  }
}

function find(origins: readonly Origin[], { topic, partition }: TopicPartition): Origin | undefined {
  return origins.find((origin) => origin.partition === partition && origin.topic === topic);
}

/** Those who ask while a question is under way get its answer. */
function shared<Answer>(ask: () => Promise<Answer>): () => Promise<Answer> {
  let asking: Promise<Answer> | undefined;
  return () => {
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
}

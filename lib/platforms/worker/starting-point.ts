import type { Log } from '../../core/log.ts';
import type { Origin } from '../../core/record.ts';
import { backoff, type Clock } from '../../core/retry.ts';
import { laneName, type Offsets, type TopicPartition } from './member.ts';
import type { StartingPoint } from './poller.ts';
import { pausePolicy } from './recovery.ts';

/** Where a group begins that has committed nothing yet. */
export type StartingPosition =
  | { readonly at: 'TRIM_HORIZON' }
  | { readonly at: 'LATEST' }
  /** Milliseconds since the epoch. */
  | { readonly at: 'AT_TIMESTAMP'; readonly timestamp: number };

export interface Locator {
  /** Keeps asking until the cluster answers or the signal aborts. */
  locate(partition: TopicPartition, signal: AbortSignal): Promise<StartingPoint>;
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
    if (done !== undefined) return { offset: done.offset, isCommitted: true };
    const start = find(await starts(), partition);
    if (start === undefined) throw new Error('the cluster does not know the partition yet');
    return { offset: start.offset, isCommitted: false };
  };

  return {
    async locate(partition, signal) {
      for (let attempt = 1; !signal.aborted; attempt++) {
        try {
          return await tryLocate(partition);
        } catch {
          log.debug('Offsets could not be looked up yet', { partition: laneName(partition), attempt });
          await clock.sleep(backoff(Math.min(attempt, 10), pausePolicy, clock.random), signal);
        }
      }
      return { offset: 0, isCommitted: false }; // nobody asks any more
    },
  };
}

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

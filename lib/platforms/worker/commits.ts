import type { Origin } from '../../core/record.ts';
import type { Clock } from '../../core/retry.ts';
import type { Lane } from './lane.ts';

export interface CommitterOptions {
  readonly lanes: () => Iterable<Lane>;
  /** Rejects when nothing is known of the commit. */
  readonly commit: (offsets: readonly Origin[]) => Promise<void>;
  /** False while the group is rebalancing: what is owned then is not known. */
  readonly isOwnershipKnown: () => boolean;
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly closed: AbortSignal;
  readonly failed: (error: unknown) => void;
}

export interface Committer {
  /** Something was acknowledged: commits it within the interval. */
  request(): void;
  /** Commits what is acknowledged and not yet committed; answers whether all of it is now. */
  flush(): Promise<boolean>;
}

/**
 * Commits what the lanes acknowledged, several at a time. A commit is made once and in one step with looking at ownership, so it carries a
 * generation in which the partition was this worker's; one that fails is not repeated but made anew from what the lanes say then.
 */
export function committer(options: CommitterOptions): Committer {
  const { clock, intervalMs, closed } = options;
  let isRequested = false;
  let committing: Promise<boolean> | undefined;

  const commitNow = async (): Promise<boolean> => {
    const dirty = uncommitted(options.lanes());
    if (dirty.length === 0) return true;
    if (!options.isOwnershipKnown()) return false;
    try {
      await options.commit(dirty.map(({ origin }) => origin));
    } catch (error) {
      options.failed(error);
      return false;
    }
    for (const { lane, origin } of dirty) lane.committed = origin.offset;
    return uncommitted(options.lanes()).length === 0;
  };
  const flush = async (): Promise<boolean> => {
    if (committing !== undefined) await committing;
    committing ??= commitNow().finally(() => {
      committing = undefined;
    });
    return await committing;
  };
  const request = (): void => {
    if (isRequested) return;
    isRequested = true;
    void clock.sleep(intervalMs, closed).then(async () => {
      isRequested = false;
      if (!closed.aborted && !(await flush())) request();
    });
  };
  return { request, flush };
}

function uncommitted(lanes: Iterable<Lane>): { readonly lane: Lane; readonly origin: Origin }[] {
  const dirty: { readonly lane: Lane; readonly origin: Origin }[] = [];
  for (const lane of lanes) {
    const { topic, partition, acknowledged, committed } = lane;
    if (acknowledged !== undefined && acknowledged !== committed) dirty.push({ lane, origin: { topic, partition, offset: acknowledged } });
  }
  return dirty;
}

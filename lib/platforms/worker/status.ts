import type { ConnectorError } from '../../core/errors.ts';
import { type Lane, lagOf } from './lane.ts';

/**
 * waiting: the target does not take records, which is tried again. blocked: a person has to change something, and then it goes on by itself.
 * paused: it was asked to, and is no member of its group.
 */
export type State = 'starting' | 'rebalancing' | 'running' | 'waiting' | 'blocked' | 'disconnected' | 'paused' | 'stopping' | 'stopped';

export interface Trouble {
  readonly class: ConnectorError['class'];
  readonly code: string;
  readonly message: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

export interface PartitionStatus {
  readonly partition: string;
  /** Records between what is acknowledged and the end, as last seen; undefined before the first fetch. */
  readonly lag: number | undefined;
  readonly error?: string;
}

export interface Status {
  readonly state: State;
  readonly trouble?: Trouble;
  readonly partitions: readonly PartitionStatus[];
  readonly lag: number;
}

/** What keeps the lanes from going on: what needs a person before what is tried again, then the longest standing. */
export function troubleOf(lanes: readonly Lane[]): Trouble | undefined {
  let worst: { readonly rank: number; readonly trouble: Trouble } | undefined;
  for (const { failure } of lanes) {
    if (failure === undefined) continue;
    const { error, since } = failure;
    const rank = (error.class === 'retriable' ? 0 : 2) + (error.code === 'HELD_BACK' ? 0 : 1);
    if (worst === undefined || rank > worst.rank || (rank === worst.rank && since < worst.trouble.since))
      worst = { rank, trouble: toTrouble(error, since) };
  }
  return worst?.trouble;
}

// A data error keeps its partition from going on only where nothing says what is to become of it.
const putAside = 'Set connector.onError.deadLetterTopic to put such records aside, or onError: skip to drop them.';

export function toTrouble(error: ConnectorError, since: number): Trouble {
  const advice = error.class === 'data' ? `. ${putAside}` : '';
  return { class: error.class, code: error.code, message: `${error.message}${advice}`, since };
}

export function isBlocking(trouble: Trouble): boolean {
  return trouble.class !== 'retriable';
}

export function partitionStatuses(lanes: readonly Lane[]): readonly PartitionStatus[] {
  return lanes.map((lane) => ({
    partition: lane.name,
    lag: lagOf(lane),
    ...(lane.failure === undefined ? {} : { error: lane.failure.error.code }),
  }));
}

export function totalLag(partitions: readonly PartitionStatus[]): number {
  return partitions.reduce((sum, { lag = 0 }) => sum + lag, 0);
}

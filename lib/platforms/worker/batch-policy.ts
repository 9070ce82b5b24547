import { type Lane, type Taken, take } from './lane.ts';

/** When records that were fetched are handed on, and how many at once. */
export interface BatchPolicy {
  readonly records: number;
  readonly bytes: number;
  /** How long the first record waits at most. */
  readonly ageMs: number;
  /** How long nothing new has come. */
  readonly idleMs: number;
  /** Batches under way at the same time. */
  readonly concurrency: number;
}

export interface Part extends Taken {
  readonly lane: Lane;
}

/** Lanes whose records may be taken: one batch of a partition at a time keeps its order. */
function isFree(lane: Lane): boolean {
  return !lane.isInFlight && lane.waiting.records > 0 && !lane.holds.has('failed') && !lane.holds.has('draining');
}

function isFull({ waiting }: Lane, { records, bytes }: BatchPolicy): boolean {
  return waiting.records >= records || waiting.bytes >= bytes;
}

/** When this lane is due, full or not. */
function dueAt({ waiting }: Lane, { ageMs, idleMs }: BatchPolicy): number {
  return Math.min(waiting.oldestAt + ageMs, waiting.newestAt + idleMs);
}

export interface Gather {
  readonly lanes: Iterable<Lane>;
  readonly policy: BatchPolicy;
  readonly now: number;
  /** Batches that may still be started. */
  readonly slots: number;
  /** Memory is short: what waits is handed on, due or not. */
  readonly isPressed: boolean;
}

/**
 * Takes the next batch, if one is due. A full partition makes a batch of its own; partitions with little share one, but never so few
 * batches that a free slot is left without work. The longest waiting come first.
 */
export function nextBatch({ lanes, policy, now, slots, isPressed }: Gather): readonly Part[] | undefined {
  if (slots <= 0) return undefined;
  const free: Lane[] = [];
  let full: Lane | undefined;
  let records = 0;
  let bytes = 0;
  for (const lane of lanes) {
    if (!isFree(lane)) continue;
    free.push(lane);
    records += lane.waiting.records;
    bytes += lane.waiting.bytes;
    if (isFull(lane, policy) && (full === undefined || lane.waiting.oldestAt < full.waiting.oldestAt)) full = lane;
  }
  if (full !== undefined) return [{ lane: full, ...take(full, policy.records, policy.bytes) }];

  const isPoolFull = records >= policy.records || bytes >= policy.bytes;
  const due = isPoolFull || isPressed ? free : free.filter((lane) => dueAt(lane, policy) <= now);
  if (due.length === 0) return undefined;
  due.sort((a, b) => a.waiting.oldestAt - b.waiting.oldestAt);
  const count = isPoolFull ? due.length : Math.ceil(due.length / slots);
  return share(due.slice(0, count), policy);
}

/** One batch of several lanes, up to the limits. */
function share(lanes: readonly Lane[], policy: BatchPolicy): readonly Part[] {
  const parts: Part[] = [];
  let { records, bytes } = policy;
  for (const lane of lanes) {
    if (parts.length > 0 && (records <= 0 || bytes < lane.waiting.bytes)) break;
    const taken = take(lane, records, bytes);
    parts.push({ lane, ...taken });
    records -= taken.records.length;
    bytes -= taken.bytes;
  }
  return parts;
}

/** When the next batch will be due by age or idle time; undefined when nothing waits. */
export function nextDueAt(lanes: Iterable<Lane>, policy: BatchPolicy): number | undefined {
  let next: number | undefined;
  for (const lane of lanes) {
    if (!isFree(lane)) continue;
    const at = dueAt(lane, policy);
    if (next === undefined || at < next) next = at;
  }
  return next;
}

import type { Connector } from '../../core/connector.ts';
import { ConnectorError, errorName, RetriableError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { SourceRecord } from '../../core/record.ts';
import type { Clock } from '../../core/retry.ts';
import type { Settlement } from '../../core/settle.ts';
import { alarm } from './alarm.ts';
import { type BatchPolicy, nextBatch, nextDueAt, type Part } from './batch-policy.ts';
import { committer } from './commits.ts';
import { detached } from './detach.ts';
import { clear, createLane, enqueue, type Hold, type Lane } from './lane.ts';
import { outcomeOf } from './lane-outcome.ts';
import { type CreateMember, type Fetch, laneName, type TopicPartition } from './member.ts';
import { boundedMemory } from './memory.ts';
import { recovery } from './recovery.ts';
import type { Locator } from './starting-point.ts';

export interface PollerOptions {
  readonly connector: Connector;
  readonly createMember: CreateMember;
  readonly policy: BatchPolicy;
  /** Bytes of fetched records in memory, whatever the number of partitions; one fetch per broker may come on top. */
  readonly maxBytes: number;
  /** How long a batch may take. */
  readonly batchTimeoutMs: number;
  readonly commitIntervalMs: number;
  /** Where the group left a partition off, or where it is to begin. */
  readonly locate: Locator['locate'];
  readonly clock: Clock;
  readonly log: Log;
  /** Something that is told to people may have changed. */
  readonly changed: () => void;
  readonly fetched?: (records: number) => void;
  /** The membership is over: what was in flight is aborted, and nothing is fetched any more. */
  readonly ended: (error: unknown) => void;
}

/** One membership in the group, from joining to leaving, and what is known of the partitions that it owns. */
export interface Poller {
  run(): Promise<void>;
  readonly lanes: () => readonly Lane[];
  /** False before the first assignment and while the group is rebalancing. */
  readonly isJoined: () => boolean;
  /** Fetches nothing more, lets batches under way end within the time, commits and leaves. Answers whether everything acknowledged was committed. */
  stop(timeoutMs: number): Promise<boolean>;
}

/** How long a fetch waits for a slow partition before only that partition is paused. */
const patienceMs = 200;
const heartbeatMs = 1_000;
/** How long a batch gets to end after its time before people are told. */
const overdueMs = 5_000;
/** How long an aborted batch gets to end. */
const abortGraceMs = 3_000;

interface Batch {
  readonly parts: readonly Part[];
  readonly bytes: number;
  readonly controller: AbortController;
}

export function createPoller(options: PollerOptions): Poller {
  const { connector, policy, clock, log } = options;
  const lanes = new Map<string, Lane>();
  const batches = new Set<Batch>();
  const allSettled: (() => void)[] = [];
  const over = new AbortController(); // the membership is over
  const memory = boundedMemory(options.maxBytes, clock);
  let isStopping = false;
  let memberId: string | undefined;
  let joins = 0; // attempts since the last assignment
  let isOwnershipKnown = false;

  const isCurrent = (lane: Lane): boolean => lanes.get(lane.name) === lane && !over.signal.aborted;

  const hold = (lane: Lane, reason: Hold): void => {
    if (lane.holds.size === 0) member.pause(lane);
    lane.holds.add(reason);
  };
  const release = (lane: Lane, reason: Hold): void => {
    if (lane.holds.delete(reason) && lane.holds.size === 0 && isCurrent(lane)) member.resume(lane);
  };
  const seek = (lane: Lane, offset: number): void => {
    lane.position = offset;
    member.seek({ topic: lane.topic, partition: lane.partition, offset });
  };

  const member = options.createMember({
    joining() {
      joins++;
      isOwnershipKnown = false;
    },
    joined({ memberId: id, partitions }) {
      // With the same member id and one attempt to join, no generation has passed in which somebody else may have owned them.
      const isUnbroken = id === memberId && joins <= 1;
      memberId = id;
      joins = 0;
      assign(partitions, isUnbroken);
      isOwnershipKnown = true;
      commits.request();
      pump();
      options.changed();
    },
    fetched: (fetch) => fetched(fetch),
    ended: (error) => end(error),
  });

  const commits = committer({
    lanes: () => lanes.values(),
    commit: (offsets) => member.commit(offsets),
    isOwnershipKnown: () => isOwnershipKnown,
    clock,
    intervalMs: options.commitIntervalMs,
    closed: over.signal,
    failed: (error) =>
      log.debug('Offsets were not committed; they will be with the next ones', {
        code: error instanceof ConnectorError ? error.code : errorName(error),
      }),
  });
  const recover = recovery({ probe: (signal) => connector.probe(signal), clock, failedAgain: () => options.changed() });

  const lose = (lane: Lane): void => {
    lanes.delete(lane.name);
    lane.lost.abort();
    if (lane.holds.size > 0 && !over.signal.aborted) member.resume(lane); // kafkajs remembers the pause for when the partition comes back
    for (const batch of batches) if (batch.parts.some((part) => part.lane === lane)) batch.controller.abort();
    memory.free(clear(lane));
  };

  const assign = (partitions: readonly TopicPartition[], isUnbroken: boolean): void => {
    const names = new Set(partitions.map(laneName));
    for (const lane of [...lanes.values()]) if (!isUnbroken || !names.has(lane.name)) lose(lane);
    for (const partition of partitions) {
      const kept = lanes.get(laneName(partition));
      // The new generation would go on from the commit, which is behind what is here already.
      if (kept !== undefined) {
        if (kept.position !== undefined) seek(kept, kept.position);
        continue;
      }
      const lane = createLane(partition);
      lanes.set(lane.name, lane);
      if (isStopping) hold(lane, 'draining');
      void begin(lane);
    }
  };

  /**
   * Looks up where a partition begins. kafkajs would do so too, but it keeps a seek and an answer that is on its way when a partition is
   * lost, and it does not say where it began, so that nobody would notice that Kafka deleted what came next.
   */
  const begin = async (lane: Lane): Promise<void> => {
    hold(lane, 'starting');
    const { offset, isKept } = await options.locate(lane, AbortSignal.any([lane.lost.signal, over.signal]), (error) => {
      lane.failure = { error, attempt: (lane.failure?.attempt ?? 0) + 1, since: lane.failure?.since ?? clock.now() };
      options.changed();
    });
    if (!isCurrent(lane)) return;
    lane.failure = undefined;
    seek(lane, offset);
    lane.acknowledged = offset;
    if (isKept) lane.committed = offset;
    else commits.request();
    release(lane, 'starting');
    options.changed();
  };

  const fetched = async (fetch: Fetch): Promise<void> => {
    const lane = lanes.get(laneName(fetch));
    if (lane === undefined || over.signal.aborted || isStopping) return;
    lane.highWatermark = fetch.highWatermark;
    // What comes although the lane is held was fetched before; it is fetched again from where the lane goes on.
    if (lane.holds.has('failed') || lane.holds.has('starting') || !isExpected(lane, fetch)) return rewind(lane);
    lane.mismatches = 0;
    lane.position = fetch.nextOffset;
    options.fetched?.(fetch.records.length);
    memory.add(enqueue(lane, detached(fetch.records), clock.now()));
    if (fetch.records.length === 0) settleHidden(lane);
    pump();
    await makeRoom(lane, fetch);
  };

  const rewind = (lane: Lane): void => {
    if (lane.position !== undefined) seek(lane, lane.position);
  };

  /** A fetch follows on what came before. Twice in a row it does not only when Kafka itself moved the position, as the records there are gone. */
  const isExpected = (lane: Lane, { fetchedOffset }: Fetch): boolean => {
    const { position } = lane;
    if (position === undefined || fetchedOffset === position) return true;
    if (++lane.mismatches < 2) return false;
    // What waits or is under way is settled first; until then the fetch comes again.
    if (lane.isInFlight || lane.waiting.records > 0) return false;
    log.error(
      fetchedOffset > position
        ? 'Records were deleted by Kafka before they were read: the topic keeps them for too short a time'
        : 'The partition is shorter than what was read of it: the topic was created again',
      { partition: lane.name, expected: position, found: fetchedOffset },
    );
    lane.acknowledged = fetchedOffset;
    commits.request();
    return true;
  };

  const isOverLimit = ({ waiting }: Lane): boolean => waiting.records >= 2 * policy.records || waiting.bytes >= 2 * policy.bytes;

  /** Holds back the next fetch while memory is short, and for a moment while this partition is full; then the partition is paused. */
  const makeRoom = async (lane: Lane, fetch: Fetch): Promise<void> => {
    const until = clock.now() + patienceMs;
    let beatAt = clock.now() + heartbeatMs;
    while (isCurrent(lane) && !isStopping) {
      const isMemoryShort = memory.isShort();
      const isLaneFull = isOverLimit(lane);
      if (!isMemoryShort && !isLaneFull) return;
      const now = clock.now();
      if (!isMemoryShort && now >= until) return hold(lane, 'full');
      if (now >= beatAt) {
        beatAt = now + heartbeatMs;
        try {
          await fetch.heartbeat();
        } catch {
          return; // the group is rebalancing, which kafkajs finds out once this call has ended
        }
      }
      await memory.change(isMemoryShort ? beatAt - now : Math.min(until, beatAt) - now);
    }
  };

  /** Starts what is due, as far as there are slots, and sets the alarm for what will be. */
  const pump = (): void => {
    if (isStopping || over.signal.aborted || !isOwnershipKnown) return;
    const isPressed = memory.isShort();
    for (;;) {
      const slots = policy.concurrency - batches.size;
      const parts = nextBatch({ lanes: lanes.values(), policy, now: clock.now(), slots, isPressed });
      if (parts === undefined) break;
      void run(parts);
    }
    if (batches.size < policy.concurrency) dueAlarm.set(nextDueAt(lanes.values(), policy));
  };

  const dueAlarm = alarm(clock, pump);

  const run = async (parts: readonly Part[]): Promise<void> => {
    let bytes = 0;
    for (const part of parts) {
      bytes += part.bytes;
      part.lane.isInFlight = true;
      if (part.lane.holds.has('full') && !isOverLimit(part.lane)) release(part.lane, 'full');
    }
    const batch: Batch = { parts, bytes, controller: new AbortController() };
    batches.add(batch);
    const records = parts.length === 1 ? (parts[0]?.records ?? []) : parts.flatMap((part) => part.records);
    const overdue = alarm(clock, () => tellOverdue(parts));
    overdue.set(clock.now() + options.batchTimeoutMs + overdueMs);
    const settlement = await process(records, batch.controller.signal);
    overdue.clear();
    batches.delete(batch);
    if (batches.size === 0) for (const wake of allSettled.splice(0)) wake();
    memory.free(bytes);
    for (const part of parts) {
      part.lane.isInFlight = false;
      if (isCurrent(part.lane)) settleLane(part, settlement, batch.controller.signal.aborted);
    }
    pump();
    options.changed();
  };

  // It is left running, as one more beside it could write the same records, and hang as well.
  const tellOverdue = (parts: readonly Part[]): void => {
    const message = `A batch goes on after the ${options.batchTimeoutMs / 1_000} s that it had. Give what the transform waits for a time limit`;
    const error = new RetriableError('BATCH_OVERDUE', message);
    for (const { lane } of parts) if (isCurrent(lane)) lane.failure = { error, attempt: 1, since: clock.now() };
    options.changed();
  };

  const process = async (records: readonly SourceRecord[], signal: AbortSignal): Promise<Settlement | ConnectorError> => {
    try {
      return await connector.process(records, { mode: 'partial', deadline: clock.now() + options.batchTimeoutMs, signal });
    } catch (cause) {
      return new RetriableError('BATCH_FAILED', `The batch failed in a way that is not explained: ${errorName(cause)}`, { cause });
    }
  };

  const settleLane = ({ lane, records }: Part, settlement: Settlement | ConnectorError, isAborted: boolean): void => {
    const first = records[0];
    const last = records.at(-1);
    if (first === undefined || last === undefined) return;
    const { next, error } = outcomeOf(settlement, lane, records.length, first, last);
    const hasProgressed = next > first.origin.offset;
    if (hasProgressed) {
      lane.acknowledged = next;
      commits.request();
    }
    if (error === undefined) {
      lane.failure = undefined;
      settleHidden(lane);
    } else fail(lane, error, { hasProgressed, isAborted });
  };

  /** With nothing waiting or under way, what Kafka hides before the next fetch is behind as well. */
  const settleHidden = (lane: Lane): void => {
    if (lane.position === undefined || lane.isInFlight || lane.waiting.records > 0 || lane.holds.has('failed')) return;
    if (lane.acknowledged === lane.position) return;
    lane.acknowledged = lane.position;
    commits.request();
  };

  /** Forgets what was fetched behind the first record that is not acknowledged, and goes on from it after a pause. */
  const fail = (lane: Lane, error: ConnectorError, { hasProgressed, isAborted }: { hasProgressed: boolean; isAborted: boolean }): void => {
    hold(lane, 'failed');
    memory.free(clear(lane));
    release(lane, 'full');
    lane.position = lane.acknowledged;
    if (isAborted) {
      goOn(lane); // not the lane's fault
      return;
    }
    const before = hasProgressed ? undefined : lane.failure;
    const failure = { error, attempt: (before?.attempt ?? 0) + 1, since: before?.since ?? clock.now() };
    lane.failure = failure;
    log.debug('A partition waits', { partition: lane.name, code: error.code, class: error.class, attempt: failure.attempt });
    void recover.wait(error, failure.attempt, AbortSignal.any([lane.lost.signal, over.signal])).then(() => goOn(lane));
  };

  const goOn = (lane: Lane): void => {
    if (!isCurrent(lane)) return;
    rewind(lane);
    release(lane, 'failed');
  };

  const finish = (): void => {
    over.abort();
    isOwnershipKnown = false;
    dueAlarm.clear();
    for (const lane of [...lanes.values()]) lose(lane);
  };

  const end = (error: unknown): void => {
    if (over.signal.aborted) return;
    finish();
    options.ended(error);
  };

  /** Also after the membership is over: the next one must not write beside what is still under way. */
  const settled = (): Promise<void> =>
    new Promise((resolve) => {
      if (batches.size === 0) resolve();
      else allSettled.push(resolve);
    });

  /** As settled, but not for longer than the time. */
  const within = async (ms: number, work: () => Promise<unknown>): Promise<void> => {
    const timer = new AbortController();
    await Promise.race([work(), clock.sleep(ms, timer.signal)]);
    timer.abort();
  };

  return {
    run: () => member.run(),
    lanes: () => [...lanes.values()],
    isJoined: () => isOwnershipKnown,
    async stop(timeoutMs) {
      isStopping = true;
      dueAlarm.clear();
      for (const lane of lanes.values()) hold(lane, 'draining');
      memory.free(0); // wakes who waits for room
      await within(timeoutMs, settled);
      for (const batch of batches) batch.controller.abort();
      await within(abortGraceMs, settled);
      let isCommitted = false;
      await within(commitTimeoutMs, async () => {
        while (!over.signal.aborted && !isCommitted) {
          isCommitted = await commits.flush();
          if (!isCommitted) await clock.sleep(200, over.signal);
        }
      });
      const isOver = over.signal.aborted;
      finish();
      if (!isOver) await within(leaveTimeoutMs, () => member.leave().catch(() => undefined));
      member.destroy();
      return isCommitted;
    },
  };
}

const commitTimeoutMs = 5_000;
const leaveTimeoutMs = 5_000;

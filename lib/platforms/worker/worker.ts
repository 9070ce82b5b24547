import type { Cluster } from '../../clients/kafka.ts';
import type { Connector } from '../../core/connector.ts';
import { ConnectorError, errorName, RetriableError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { backoff, type Clock } from '../../core/retry.ts';
import type { BatchPolicy } from './batch-policy.ts';
import { type Goal, goalNow } from './caught-up.ts';
import { kafkaMember, kafkaOffsets } from './kafka-member.ts';
import type { CreateMember, Offsets } from './member.ts';
import { type Fact, newsTeller } from './news.ts';
import { createPoller, type Poller } from './poller.ts';
import { pausePolicy } from './recovery.ts';
import { locator, type StartingPosition } from './starting-point.ts';
import { isBlocking, partitionStatuses, type State, type Status, type Trouble, toTrouble, totalLag, troubleOf } from './status.ts';

/** A worker's membership and what the cluster knows of its group. */
export interface Connected {
  readonly createMember: CreateMember;
  readonly offsets: Offsets;
}

export interface WorkerOptions {
  readonly connector: Connector;
  /** Connects to the cluster; `fresh` after it refused the credentials, so that they are read again. */
  readonly connect: (options: { readonly fresh: boolean }) => Promise<Connected>;
  readonly startingPosition: StartingPosition;
  readonly policy: BatchPolicy;
  /** Ends the worker: it drains, commits and leaves. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
  readonly tell?: (fact: Fact) => void;
  readonly fetched?: (records: number) => void;
  /** Ends once everything is acknowledged that was there at the start, or when nothing moved for this long. */
  readonly untilCaughtUp?: { readonly patienceMs: number } | undefined;
  /** Bytes of fetched records in memory, beside one fetch of each broker. */
  readonly maxBytes?: number;
  readonly batchTimeoutMs?: number;
  readonly commitIntervalMs?: number;
  /** How long batches under way may take to end when the worker stops. */
  readonly drainMs?: number;
}

export interface WorkerEnd {
  readonly reason: 'stopped' | 'caught-up' | 'stuck';
  /** Whether everything acknowledged was committed; if not, some records come twice. */
  readonly isCommitted: boolean;
  readonly trouble?: Trouble;
}

export interface Worker {
  readonly ended: Promise<WorkerEnd>;
  status(): Status;
}

const workerDefaults = { maxBytes: 48_000_000, batchTimeoutMs: 90_000, commitIntervalMs: 500, drainMs: 20_000 } as const;

/** One fetch of one broker. */
const fetchBytes = 4_000_000;
const fetchBytesPerPartition = 524_288;

export interface GroupOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly sessionTimeoutMs?: number;
  readonly heartbeatIntervalMs?: number;
}

/** How a worker is connected to a real cluster. */
export function connectTo(
  openCluster: (options: { readonly fresh: boolean }) => Promise<Cluster>,
  group: GroupOptions,
): WorkerOptions['connect'] {
  return async (options) => {
    const cluster = await openCluster(options);
    return {
      createMember: kafkaMember(cluster, { ...group, fetchBytes, fetchBytesPerPartition }),
      offsets: kafkaOffsets(cluster, group.groupId, group.topics),
    };
  };
}

/** Runs a connector as a member of a consumer group until it is asked to stop. Lost connections come back by themselves. */
export function runWorker(options: WorkerOptions): Worker {
  const { clock, log, signal } = options;
  let poller: Poller | undefined;
  let offline: Trouble | undefined;
  let isStopping = false;
  let isStopped = false;
  let hasJoined = false;
  let ending: Omit<WorkerEnd, 'isCommitted'> | undefined;
  const asked = new AbortController(); // by a signal, or as the work is done
  const ask = (end: Omit<WorkerEnd, 'isCommitted'>): void => {
    ending ??= end;
    asked.abort();
  };
  if (signal.aborted) ask({ reason: 'stopped' });
  signal.addEventListener('abort', () => ask({ reason: 'stopped' }), { once: true });

  const status = (): Status => {
    const lanes = poller?.lanes() ?? [];
    const trouble = offline ?? troubleOf(lanes);
    const partitions = partitionStatuses(lanes);
    const state = ((): State => {
      if (isStopped) return 'stopped';
      if (isStopping) return 'stopping';
      if (trouble !== undefined && isBlocking(trouble)) return 'blocked';
      if (offline !== undefined) return 'disconnected';
      if (trouble !== undefined) return 'waiting';
      if (poller?.isJoined() === true) return 'running';
      return hasJoined ? 'rebalancing' : 'starting';
    })();
    return { state, partitions, lag: totalLag(partitions), ...(trouble === undefined ? {} : { trouble }) };
  };

  const tellNews = newsTeller(options.tell ?? (() => undefined), clock);
  const changed = (): void => {
    if (poller?.isJoined() === true) hasJoined = true;
    tellNews(status());
  };

  const lost = (error: unknown): ConnectorError => {
    const known =
      error instanceof ConnectorError
        ? error
        : new RetriableError('KAFKA_LOST', `The consumer ended: ${errorName(error)}`, { cause: error });
    offline = toTrouble(known, offline?.since ?? clock.now());
    log.debug('The connection to Kafka was lost', { code: known.code });
    return known;
  };

  /** One membership; answers what ended it, or nothing when the worker is to stop. */
  const live = async ({ createMember, offsets }: Connected): Promise<ConnectorError | undefined> => {
    let over: (error: ConnectorError) => void = () => undefined;
    const ended = new Promise<ConnectorError>((resolve) => {
      over = resolve;
    });
    const current = createPoller({
      connector: options.connector,
      createMember,
      policy: options.policy,
      maxBytes: options.maxBytes ?? workerDefaults.maxBytes,
      batchTimeoutMs: options.batchTimeoutMs ?? workerDefaults.batchTimeoutMs,
      commitIntervalMs: options.commitIntervalMs ?? workerDefaults.commitIntervalMs,
      locate: locator(offsets, options.startingPosition, { clock, log }).locate,
      clock,
      log,
      changed() {
        if (current.isJoined()) offline = undefined;
        changed();
      },
      ...(options.fetched === undefined ? {} : { fetched: options.fetched }),
      ended: (error) => over(lost(error)),
    });
    poller = current;
    const running = current.run().catch((error: unknown) => over(lost(error)));
    const failure = await Promise.race([ended, aborted(asked.signal)]);
    if (failure === undefined) await Promise.race([running, ended, clock.sleep(joinGraceMs, new AbortController().signal)]);
    return failure;
  };

  const run = async (): Promise<WorkerEnd> => {
    let fresh = false;
    let connected: Connected | undefined;
    for (let attempt = 1; !asked.signal.aborted; attempt++) {
      hasJoined = false;
      let failure: ConnectorError | undefined;
      try {
        connected = await options.connect({ fresh });
        const watching = watch(connected.offsets);
        failure = await live(connected);
        watching.abort();
      } catch (error) {
        failure = lost(error);
      }
      if (failure === undefined) break;
      changed();
      await poller?.stop(0);
      poller = undefined;
      await connected?.offsets.close();
      connected = undefined;
      if (hasJoined) attempt = 0;
      fresh = 'unauthorized' in failure && failure.unauthorized === true;
      await clock.sleep(backoff(Math.min(attempt, 20), pausePolicy, clock.random), asked.signal);
    }
    isStopping = true;
    tellNews(status());
    const isCommitted = (await poller?.stop(drainOf(options))) ?? true;
    await connected?.offsets.close();
    isStopped = true;
    return { reason: 'stopped', ...ending, isCommitted };
  };

  let goal: Goal | undefined;
  let movedAt = clock.now();
  let moved = '';
  /** Looks from time to time whether everything is done, or nothing has moved for too long. */
  const watch = (offsets: Offsets): AbortController => {
    const over = new AbortController();
    const { untilCaughtUp } = options;
    if (untilCaughtUp === undefined) return over;
    const look = async (): Promise<void> => {
      while (!over.signal.aborted && !asked.signal.aborted) {
        const lanes = poller?.lanes() ?? [];
        const position = lanes.map((lane) => `${lane.name}@${lane.acknowledged}`).join();
        if (position !== moved) movedAt = clock.now();
        moved = position;
        const isReached = await isGoalReached(offsets, lanes);
        if (isReached) return ask({ reason: 'caught-up' });
        await clock.sleep(lookMs, over.signal);
      }
    };
    void look();
    return over;
  };
  const isGoalReached = async (offsets: Offsets, lanes: Parameters<Goal['isReached']>[0]): Promise<boolean> => {
    try {
      goal ??= await goalNow(offsets);
      return await goal.isReached(lanes);
    } catch {
      return false; // the cluster does not answer at the moment
    }
  };
  const giveUp = async (patienceMs: number): Promise<void> => {
    while (!asked.signal.aborted) {
      await clock.sleep(lookMs, asked.signal);
      const { trouble } = status();
      if (clock.now() - movedAt < patienceMs) continue;
      ask({ reason: 'stuck', ...(trouble === undefined ? {} : { trouble }) });
    }
  };
  if (options.untilCaughtUp !== undefined) void giveUp(options.untilCaughtUp.patienceMs);

  return { ended: run(), status };
}

const lookMs = 250;
// A member that is cut off while it joins stays in the group until its session times out.
const joinGraceMs = 3_000;

function drainOf({ drainMs = workerDefaults.drainMs }: WorkerOptions): number {
  return drainMs;
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

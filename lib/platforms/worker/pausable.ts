import type { Status } from './status.ts';
import type { Worker, WorkerEnd } from './worker.ts';

export interface PausableWorker extends Worker {
  /** Drains, commits and leaves the group; resolves when that is done. */
  pause(): Promise<void>;
  /** Joins the group again. */
  resume(): void;
}

export interface PausableOptions {
  /** Begins a membership, which the signal ends. */
  readonly begin: (signal: AbortSignal) => Worker;
  /** Ends it for good. */
  readonly signal: AbortSignal;
  /** It waits to be resumed before it joins at all. */
  readonly isPaused: boolean;
}

const paused: Status = { state: 'paused', partitions: [], lag: 0 };

/** A worker that can be paused: it then is no member of its group, so that others and tools may work on its offsets. */
export function pausable({ begin, signal, isPaused }: PausableOptions): PausableWorker {
  let wantsPause = isPaused;
  let membership = new AbortController();
  let worker: Worker | undefined;
  const pausing: (() => void)[] = [];
  let wake: () => void = () => undefined;
  signal.addEventListener('abort', () => wake(), { once: true });

  const settle = (): void => {
    for (const done of pausing.splice(0)) done();
  };
  const run = async (): Promise<WorkerEnd> => {
    let isCommitted = true;
    while (!signal.aborted) {
      if (wantsPause) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      membership = new AbortController();
      worker = begin(AbortSignal.any([signal, membership.signal]));
      const end = await worker.ended;
      worker = undefined;
      settle();
      if (signal.aborted || !membership.signal.aborted) return end;
      isCommitted = end.isCommitted;
    }
    return { reason: 'stopped', isCommitted };
  };

  return {
    ended: run().finally(settle),
    status: () => worker?.status() ?? { ...paused, state: signal.aborted ? 'stopped' : wantsPause ? 'paused' : 'starting' },
    pause() {
      wantsPause = true;
      if (worker === undefined) return Promise.resolve();
      const done = new Promise<void>((resolve) => pausing.push(resolve));
      membership.abort();
      return done;
    },
    resume() {
      wantsPause = false;
      wake();
    },
  };
}

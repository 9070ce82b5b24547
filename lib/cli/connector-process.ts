import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { backoff, type Clock } from '../core/retry.ts';
import { workerNodeOptions } from '../platforms/worker/node-options.ts';
import type { ConnectorMessage, ConnectorStart } from './run-messages.ts';

export interface ConnectorProcessOptions {
  readonly start: ConnectorStart;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Ends it: the process drains and commits. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly heard: (message: ConnectorMessage) => void;
  /** A line that the function printed. */
  readonly printed: (line: string, stream: 'stdout' | 'stderr') => void;
  readonly restarts: (reason: string, waitMs: number) => void;
  /** It is not started again, although it did not end as it should. */
  readonly gaveUp: (reason: string) => void;
}

/** caught-up and stopped: as asked for. restarting: it made room for a new process. stuck: records are left. unusable: something has to be set. crashed: it ended by itself too often. */
export type ProcessEnd = 'stopped' | 'restarting' | 'caught-up' | 'stuck' | 'unusable' | 'crashed';

const restartPolicy = { baseMs: 1_000, capMs: 30_000 } as const;
/** Who has run this long is not in a loop of crashes. */
const stableMs = 60_000;
/** With an end in sight nobody waits for ever. */
const maxCrashesUntilCaughtUp = 5;
/** Longer than a worker takes to drain, commit and leave. */
const killAfterMs = 40_000;

const isSource = import.meta.url.endsWith('.ts');
const entry = fileURLToPath(new URL(isSource ? './run-connector.ts' : './run-connector.js', import.meta.url));

/** Keeps the process of one connector running until it ends as it should, or is asked to. */
export async function keepRunning(options: ConnectorProcessOptions): Promise<ProcessEnd> {
  const { clock, signal } = options;
  let isPaused = false;
  const heard = (message: ConnectorMessage): void => {
    if (message.type === 'paused' || message.type === 'resumed') isPaused = message.type === 'paused';
    options.heard(message);
  };
  for (let crashes = 1; ; crashes++) {
    const from = clock.now();
    const { end, reason } = await runOnce({ ...options, heard, start: { ...options.start, isPaused } });
    if (end === 'restarting') {
      if (signal.aborted) return 'stopped';
      crashes = 0;
      continue;
    }
    if (end !== 'crashed') return end;
    if (clock.now() - from > stableMs) crashes = 1;
    if (signal.aborted || (options.start.untilCaughtUp !== undefined && crashes >= maxCrashesUntilCaughtUp)) {
      options.gaveUp(reason);
      return 'crashed';
    }
    const waitMs = backoff(crashes, restartPolicy, clock.random);
    options.restarts(reason, waitMs);
    await clock.sleep(waitMs, signal);
    if (signal.aborted) return 'stopped';
  }
}

async function runOnce({ start, env, cwd, signal, heard, printed }: ConnectorProcessOptions): Promise<{ end: ProcessEnd; reason: string }> {
  let end: ProcessEnd | undefined;
  const child = fork(entry, [], {
    cwd,
    env,
    execArgv: [...workerNodeOptions, ...conditions(process.execArgv)],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'advanced',
  });
  const gone = closed(child);
  for (const stream of ['stdout', 'stderr'] as const) {
    const output = child[stream] ?? undefined; // neither is there when there were no descriptors left
    if (output !== undefined) createInterface({ input: output }).on('line', (line) => printed(line, stream));
  }
  child.on('message', (raw) => {
    const message = raw as ConnectorMessage;
    if (message.type === 'ended') end = message.reason;
    if (message.type === 'unusable') end = 'unusable';
    heard(message);
  });
  const over = new AbortController();
  const stop = (): void => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    over.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  };
  if (child.connected) child.send(start, () => undefined); // a process that could not be started says so by its end
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true, signal: over.signal });
  const { reason, isInterrupted } = await gone;
  over.abort();
  // A process that has not begun yet does not know these signals, nor has it anything to drain.
  if (signal.aborted && isInterrupted) end ??= 'stopped';
  return { end: end ?? 'crashed', reason };
}

/** The conditions for imports that this process was started with, in either way of writing them. */
function conditions(execArgv: readonly string[]): string[] {
  return execArgv.filter(
    (argument, index) => /^(-C|--conditions)(=|$)/.test(argument) || /^(-C|--conditions)$/.test(execArgv[index - 1] ?? ''),
  );
}

/** Resolves when the process has ended and all that it printed is read. */
function closed(child: ChildProcess): Promise<{ readonly reason: string; readonly isInterrupted: boolean }> {
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ reason: `it could not be started: ${error.message}`, isInterrupted: false }));
    child.once('close', (code, signal) => {
      const reason = signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`;
      resolve({ reason, isInterrupted: signal === 'SIGTERM' || signal === 'SIGINT' });
    });
  });
}

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkerInput, WorkerNews } from '../../soak/worker-process.ts';
import { cacheFolder } from '../servers/cache.ts';

export interface WorkerProcess {
  readonly name: string;
  /** Resolves once it runs, or has ended. */
  readonly up: Promise<unknown>;
  /** Asks it to drain and leave; answers how it ended. */
  stop(): Promise<string>;
  kill(): Promise<void>;
  freeze(): void;
  thaw(): void;
}

export interface WorkerPool {
  readonly running: readonly WorkerProcess[];
  start(): WorkerProcess;
  /** Records settled by all of them until now; what came again counts again. */
  readonly settled: number;
  /** Workers that ended although nobody asked them to. */
  readonly deserters: readonly string[];
}

const file = new URL('../../soak/worker-process.ts', import.meta.url);
const stopTimeoutMs = 40_000;

/** Worker processes of one connector. Each writes a log file of its own and ends with this process at the latest. */
export function workerPool(input: WorkerInput, env: Readonly<Record<string, string>>, logDir: string): WorkerPool {
  const running: WorkerProcess[] = [];
  const deserters: string[] = [];
  let started = 0;
  let settled = 0;

  const start = (): WorkerProcess => {
    const name = `${input.name}-${++started}`;
    const { child, exited } = spawnWorker(input, env, join(logDir, `${name}.log`));
    child.on('message', (news) => {
      settled += (news as WorkerNews).settled;
    });
    const up = Promise.race([once(child, 'message'), exited]);
    let isAsked = false;
    const leave = (): void => {
      isAsked = true;
      const place = running.indexOf(worker);
      if (place >= 0) running.splice(place, 1);
    };
    void exited.then((how) => {
      if (!isAsked) deserters.push(`${name} ended with ${how}`);
      leave();
    });
    const worker: WorkerProcess = {
      name,
      up,
      async stop() {
        leave();
        await up; // before, nobody would hear the signal
        child.kill('SIGTERM');
        const how = await Promise.race([exited, sleep(stopTimeoutMs, undefined, { ref: false })]);
        if (how !== undefined) return how;
        child.kill('SIGKILL');
        await exited;
        return `nothing within ${stopTimeoutMs / 1000} s`;
      },
      async kill() {
        leave();
        child.kill('SIGKILL');
        await exited;
      },
      freeze: () => void child.kill('SIGSTOP'),
      thaw: () => void child.kill('SIGCONT'),
    };
    running.push(worker);
    return worker;
  };
  return {
    running,
    deserters,
    start,
    get settled() {
      return settled;
    },
  };
}

function spawnWorker(
  input: WorkerInput,
  env: Readonly<Record<string, string>>,
  logFile: string,
): { readonly child: ChildProcess; readonly exited: Promise<string> } {
  const log = openSync(logFile, 'a');
  const child = fork(file, [JSON.stringify(input)], {
    stdio: ['ignore', log, log, 'ipc'],
    execArgv: ['--conditions=sluice-source', '--disable-warning=TimeoutNegativeWarning'],
    env: { NODE_COMPILE_CACHE: join(cacheFolder(), 'compiled'), ...process.env, ...env },
  });
  closeSync(log);
  return { child, exited: once(child, 'exit').then(([code, signal]) => String(code ?? signal)) };
}

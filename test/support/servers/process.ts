import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ServerCommand {
  /** What messages call the server. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Takes everything that the server prints. */
  readonly logFile: string;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
  /** The signal that asks for a clean end. */
  readonly stopSignal?: 'SIGTERM' | 'SIGINT';
  /** A folder that goes when this process dies without having stopped the server. */
  readonly temporaryDir?: string;
  /** Answers whether the server does its work; an exception is a no. */
  readonly isReady: () => Promise<boolean>;
  readonly readyTimeoutMs?: number;
}

export interface ServerProcess {
  readonly pid: number;
  /** Asks for a clean end and waits for it. */
  stop(): Promise<void>;
  /** Ends the server as a power cut would. */
  kill(): Promise<void>;
}

// Reads a pipe that only the parent holds: it ends when the parent does, even by SIGKILL, and the server must not outlive it.
const WATCHDOG = `
while read -r _; do :; done
kill -s "$2" "$1" 2>/dev/null
tries=0
while kill -0 "$1" 2>/dev/null && [ "$tries" -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
kill -s KILL "$1" 2>/dev/null
[ -z "$3" ] || rm -rf "$3"
`;

const STOP_TIMEOUT_MS = 20_000;

/** Starts a server and answers once it is ready. The server ends with this process, however that ends. */
export async function startServer(command: ServerCommand): Promise<ServerProcess> {
  const stopSignal = command.stopSignal ?? 'SIGTERM';
  const child = spawnDetached(command);
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const pid = await pidOf(child, command);
  const watchdog = spawn('/bin/sh', ['-c', WATCHDOG, 'watchdog', String(pid), stopSignal.slice(3), command.temporaryDir ?? ''], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watchdog.on('error', () => child.kill('SIGKILL'));
  watchdog.unref();
  (watchdog.stdin as unknown as { unref(): void }).unref();
  child.once('close', () => watchdog.kill('SIGKILL'));

  const running = () => child.exitCode === null && child.signalCode === null;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.ref();
    if (running()) child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
  };

  const deadline = Date.now() + (command.readyTimeoutMs ?? 90_000);
  while (!(await command.isReady().catch(() => false))) {
    if (!running()) throw new Error(`${command.name} ended while it was starting. Its last lines:\n${lastLines(command.logFile)}`);
    if (Date.now() > deadline) {
      await end('SIGKILL');
      throw new Error(`${command.name} was not ready in time. Its last lines:\n${lastLines(command.logFile)}`);
    }
    await sleep(50);
  }
  child.unref();
  return { pid, stop: () => end(stopSignal), kill: () => end('SIGKILL') };
}

function spawnDetached({ command, args, logFile, cwd, env, uid, gid }: ServerCommand): ChildProcess {
  const log = openSync(logFile, 'a');
  const options: SpawnOptions = {
    stdio: ['ignore', log, log],
    // In a session of its own, so that Ctrl-C reaches the parent alone and the parent decides the order in which things end.
    detached: true,
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  };
  try {
    return spawn(command, args, options);
  } finally {
    closeSync(log);
  }
}

async function pidOf(child: ChildProcess, { name, command }: ServerCommand): Promise<number> {
  if (child.pid !== undefined) return child.pid;
  const [cause] = await once(child, 'error');
  throw new Error(`${name} could not be started with ${command}.`, { cause });
}

function lastLines(logFile: string): string {
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n');
  return lines.slice(-15).join('\n');
}

import { fork } from 'node:child_process';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CheckResult, CheckStart } from './check-messages.ts';

const isSource = import.meta.url.endsWith('.ts');
const entry = fileURLToPath(new URL(isSource ? './check-connector.ts' : './check-connector.js', import.meta.url));
/** A function that has not answered by then never will. */
const timeoutMs = 60_000;

export interface CheckWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly signal: AbortSignal;
}

/** Looks into a function in a process of its own; what it prints is dropped. One that cannot be looked into has a problem with its handler. */
export async function lookInto(start: CheckStart, { env, cwd, signal }: CheckWorld): Promise<CheckResult> {
  const child = fork(entry, [], {
    cwd,
    env,
    execArgv: ['--disable-warning=ExperimentalWarning', ...process.execArgv],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
  });
  const stop = (): void => void child.kill('SIGKILL');
  const timer = setTimeout(stop, timeoutMs);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await new Promise((resolve) => {
      const failed = (how: string): void =>
        resolve({
          problems: [
            { path: 'handler', message: `${relative(cwd, start.handlerFile)} ${how}. Let it only declare the function as it is loaded.` },
          ],
          checks: [],
        });
      child.once('message', (result) => resolve(result as CheckResult));
      child.once('error', (error) => failed(`could not be looked into: ${error.message}`));
      child.once('exit', (code, ended) =>
        failed(ended === null ? `ended its process with code ${code} while it was loaded` : 'did not finish loading'),
      );
      child.send(start, () => undefined);
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    child.kill('SIGKILL');
  }
}

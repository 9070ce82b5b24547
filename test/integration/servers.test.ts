import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';

const script = `
  const { startPostgres } = await import(${JSON.stringify(new URL('../support/servers/postgres.ts', import.meta.url).href)});
  const { pid } = await startPostgres();
  console.log(pid);
  setInterval(() => undefined, 60_000);
`;

let owner: ChildProcess | undefined;
afterEach(() => {
  owner?.kill('SIGKILL');
});

async function startOwner(): Promise<{ readonly owner: ChildProcess; readonly serverPid: number }> {
  owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(owner.stdout!, 'data');
  return { owner, serverPid: Number(line) };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('a real server that a process started', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('is gone after the process got %s', async (signal) => {
    const { owner, serverPid } = await startOwner();
    expect(isRunning(serverPid)).toBe(true);
    owner.kill(signal);
    await vi.waitFor(() => expect(isRunning(serverPid)).toBe(false), { timeout: 10_000, interval: 50 });
  });
});

import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isObject } from '../../core/field.ts';

/** A connector that runs on this machine, and how it is spoken to. */
export interface RunningConnector {
  readonly service: string;
  readonly stage: string;
  readonly connector: string;
  readonly pid: number;
  /** Of its control endpoints. */
  readonly url: string;
  readonly token: string;
}

/** Where a service keeps it, from its folder. */
const folder = join('.sluice', 'run');

/** Registers a running connector with the service's folder, readable by its user only. Answers what takes it out again. */
export async function register(root: string, running: RunningConnector): Promise<() => Promise<void>> {
  const dir = join(root, folder);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const file = join(dir, fileName(running));
  const temporary = `${file}.new`;
  await writeFile(temporary, JSON.stringify(running), { mode: 0o600 });
  await rename(temporary, file);
  return () => rm(file, { force: true });
}

/** The connectors that run in the service's folder. Those whose process is gone are taken out. */
export async function registered(root: string): Promise<readonly RunningConnector[]> {
  const dir = join(root, folder);
  const names = await readdir(dir).catch((): string[] => []);
  const found: RunningConnector[] = [];
  for (const name of names.filter((each) => each.endsWith('.json')).sort()) {
    const running = await readEntry(join(dir, name));
    if (running === undefined) continue;
    if (isAlive(running.pid)) found.push(running);
    else await rm(join(dir, name), { force: true });
  }
  return found;
}

// Several processes may run the same connector from one folder.
function fileName({ connector, pid }: RunningConnector): string {
  return `${connector}.${pid}.json`;
}

async function readEntry(file: string): Promise<RunningConnector | undefined> {
  try {
    const entry: unknown = JSON.parse(await readFile(file, 'utf8'));
    const texts = ['service', 'stage', 'connector', 'url', 'token'];
    if (!isObject(entry) || typeof entry['pid'] !== 'number' || texts.some((name) => typeof entry[name] !== 'string')) return undefined;
    return entry as unknown as RunningConnector;
  } catch {
    return undefined; // it was taken out just now
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

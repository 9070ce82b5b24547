import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const STALE_LOCK_MS = 15 * 60_000;

/** The one folder in which downloads and everything built from them is kept between runs. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env['SLUICE_CACHE']) return env['SLUICE_CACHE'];
  if (env['XDG_CACHE_HOME']) return join(env['XDG_CACHE_HOME'], 'sluice');
  return join(homedir(), '.cache', 'sluice');
}

export interface CacheEntry {
  readonly name: string;
  /** Everything the content depends on: other inputs make another entry. */
  readonly inputs: readonly string[];
  /** Fills an empty folder, which becomes the entry when this ends well. */
  readonly build: (dir: string) => Promise<void>;
}

/** The folder of an entry, built once: never seen half done, and built by one process at a time. */
export async function cached({ name, inputs, build }: CacheEntry): Promise<string> {
  const root = cacheFolder();
  const entry = join(root, `${name}-${hash(inputs)}`);
  if (existsSync(entry)) return entry;
  await mkdir(root, { recursive: true });
  return await locked(entry, async () => {
    if (existsSync(entry)) return entry;
    const draft = await mkdtemp(`${entry}.draft-`);
    try {
      await build(draft);
      await rename(draft, entry);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
    return entry;
  });
}

/** Runs `work` while no other process on this machine runs work under the same path. */
export async function locked<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  const lock = `${path}.lock`;
  while (!(await acquire(lock))) await sleep(200);
  try {
    return await work();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

async function acquire(lock: string): Promise<boolean> {
  try {
    await mkdir(lock);
    await writeFile(join(lock, 'pid'), String(process.pid));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  if (await isStale(lock)) await rm(lock, { recursive: true, force: true });
  return false;
}

async function isStale(lock: string): Promise<boolean> {
  const age = await stat(lock).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  );
  if (age > STALE_LOCK_MS) return true;
  // The holder writes its pid just after it made the folder.
  if (age < 2_000) return false;
  const pid = Number(await readFile(join(lock, 'pid'), 'utf8').catch(() => '0'));
  return pid === 0 || !isAlive(pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function hash(inputs: readonly string[]): string {
  const sum = createHash('sha256');
  for (const input of inputs) sum.update(`${input.length}:`).update(input);
  return sum.digest('hex').slice(0, 12);
}

/** Says on stderr what takes a while. */
export function say(message: string): void {
  process.stderr.write(`${message}\n`);
}

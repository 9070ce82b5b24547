import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cached, cacheFolder, locked } from '../../support/servers/cache.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-cache-'));
  vi.stubEnv('SLUICE_CACHE', root);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(root, { recursive: true });
});

const entry = (inputs: string[], build = (dir: string) => writeFile(join(dir, 'file'), inputs.join())) =>
  cached({ name: 'entry', inputs, build });

describe('the cache of downloads', () => {
  it('builds an entry once, however many ask for it at the same time', async () => {
    const build = vi.fn((dir: string) => writeFile(join(dir, 'file'), 'built'));
    const folders = await Promise.all([entry(['a'], build), entry(['a'], build), entry(['a'], build)]);
    expect(new Set(folders).size).toBe(1);
    expect(build).toHaveBeenCalledOnce();
    expect(await readFile(join(folders[0]!, 'file'), 'utf8')).toBe('built');
  });

  it('keeps entries of other inputs apart, even when their texts join to the same', async () => {
    const folders = await Promise.all([entry(['a', 'bc']), entry(['ab', 'c'])]);
    expect(new Set(folders).size).toBe(2);
  });

  it('keeps nothing of a build that failed', async () => {
    const build = async (dir: string) => {
      await writeFile(join(dir, 'half'), '');
      throw new Error('no network');
    };
    await expect(entry(['a'], build)).rejects.toThrow('no network');
    expect(await readdir(root)).toEqual([]);
  });

  it('takes over the lock of a process that is gone', async () => {
    const lock = join(root, 'work.lock');
    await mkdir(lock);
    await writeFile(join(lock, 'pid'), '0');
    const aWhileAgo = new Date(Date.now() - 10_000);
    await utimes(lock, aWhileAgo, aWhileAgo);
    expect(await locked(join(root, 'work'), async () => 'done')).toBe('done');
  });

  it.each([
    [{ SLUICE_CACHE: '/a', XDG_CACHE_HOME: '/b' }, '/a'],
    [{ XDG_CACHE_HOME: '/b' }, join('/b', 'sluice')],
  ])('lives where %j says', (env, folder) => {
    expect(cacheFolder(env)).toBe(folder);
  });
});

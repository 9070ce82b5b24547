import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type JournalOf, openJournal } from '../../../../lib/cli/dlq/journal.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-journal-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const of: JournalOf = { connector: 'orders', topic: 'orders.dlq', clusterId: 'c', topicId: 't' };
const open = (more: Partial<JournalOf> = {}) => openJournal(folder, { ...of, ...more }, () => 0);
const at = (offset: number, partition = 0) => ({ topic: 'orders.dlq', partition, offset });

describe('the journal of replays', () => {
  it('knows after a restart what was replayed, and how often a letter was refused', async () => {
    const journal = await open();
    await journal.mark(
      [
        { place: at(3), outcome: 'replayed' },
        { place: at(4), outcome: 'failed' },
        { place: at(3, 1), outcome: 'failed' },
      ],
      'sink',
    );
    await journal.mark([{ place: at(4), outcome: 'failed' }], 'sink');
    for (const each of [journal, await open()]) {
      expect([at(3), at(4), at(3, 1)].map(each.isReplayed)).toEqual([true, false, false]);
      expect([at(3), at(4), at(3, 1)].map(each.failures)).toEqual([0, 2, 1]);
    }
  });

  it('loses no mark to a line that a crash cut off', async () => {
    const before = await open();
    await before.mark([{ place: at(1), outcome: 'replayed' }], 'sink');
    await appendFile(before.file, '{"at":"2026-03-01","replayed":{"0":[2');
    const after = await open();
    await after.mark([{ place: at(3), outcome: 'replayed' }], 'sink');
    expect([1, 2, 3].map((offset) => after.isReplayed(at(offset)))).toEqual([true, false, true]);
    const reopened = await open();
    expect([1, 2, 3].map((offset) => reopened.isReplayed(at(offset)))).toEqual([true, false, true]);
    expect(await readFile(before.file, 'utf8')).toMatch(/\n$/);
  });

  it.each([
    ['another connector', { connector: 'other' }],
    ['another cluster', { clusterId: 'd' }],
    ['a topic that was created again', { topicId: 'u' }],
  ])('says nothing of %s', async (_, more) => {
    await (await open()).mark([{ place: at(1), outcome: 'replayed' }], 'topic');
    expect((await open(more)).isReplayed(at(1))).toBe(false);
  });

  it('stays in its folder whatever a letter says its connector is called', async () => {
    const { file } = await open({ connector: '../../etc/passwd' });
    expect(file.startsWith(join(folder, '..%2F..%2Fetc%2Fpasswd.'))).toBe(true);
  });

  it('keeps a second replay out until the first has ended', async () => {
    const [one, other] = [await open(), await open()];
    const lock = await one.lock();
    await expect(other.lock()).rejects.toThrow(`Letters of orders are being replayed by process ${process.pid}. Wait for it, or end it`);
    await lock.release();
    await (await other.lock()).release();
  });

  it('takes over from a replay that was killed', async () => {
    const journal = await open();
    await (await journal.lock()).release();
    await writeFile(`${journal.file}.lock`, '999999999');
    await (await journal.lock()).release();
  });
});

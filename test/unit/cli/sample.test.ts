import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ReadTopic, type SampleFlags, sample } from '../../../lib/cli/sample.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-sample-'));
  await writeFile(join(folder, 'serverless.yml'), 'service: shop\n');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const twoRecords: ReadTopic = async (topic) =>
  ['Ann', 'Bo'].map((name, offset) => ({
    origin: { topic, partition: 0, offset },
    timestamp: 1,
    timestampType: 'create' as const,
    headers: [],
    key: Buffer.from(`c${offset}`),
    value: Buffer.from(JSON.stringify({ name })),
  }));

async function run(
  flags: Partial<SampleFlags> = {},
  read: ReadTopic = twoRecords,
): Promise<{ code: number; printed: string; file: () => Promise<string> }> {
  let printed = '';
  const stdout = { write: (text: string) => (printed += text) };
  const world = { env: {}, stdout, stderr: stdout, signal: new AbortController().signal };
  const code = await sample({ config: join(folder, 'serverless.yml'), ...flags }, 'orders', world, read);
  return { code, printed, file: () => readFile(join(folder, 'test/samples/orders.jsonl'), 'utf8') };
}

describe('sluice sample', () => {
  it('writes the records of a topic into the samples of the service', async () => {
    const { code, printed, file } = await run();
    expect(code).toBe(0);
    expect(printed).toContain('2 records of orders written to ');
    expect(await file()).toBe(
      '{"origin":{"topic":"orders","partition":0,"offset":0},"timestamp":1,"key":"c0","value":{"name":"Ann"}}\n' +
        '{"origin":{"topic":"orders","partition":0,"offset":1},"timestamp":1,"key":"c1","value":{"name":"Bo"}}\n',
    );
  });

  it('asks for so many of the newest, or of the oldest', async () => {
    const asked: unknown[] = [];
    const read: ReadTopic = async (...question) => {
      asked.push(question);
      return await twoRecords(...question);
    };
    await run({ out: '-' }, read);
    await run({ out: '-', count: 3, fromBeginning: true }, read);
    expect(asked).toEqual([
      ['orders', 20, 'last'],
      ['orders', 3, 'first'],
    ]);
  });

  it('overwrites no samples unless it is told to, and adds to them when it is', async () => {
    await mkdir(join(folder, 'test/samples'), { recursive: true });
    await writeFile(join(folder, 'test/samples/orders.jsonl'), 'mine\n');
    await expect(run()).rejects.toThrow(/is there. Say --append to add to it, --force/);
    expect(await (await run({ append: true })).file()).toMatch(/^mine\n\{.*\n\{.*\n$/);
    expect(await (await run({ force: true })).file()).not.toContain('mine');
  });

  it('writes nothing when a field that is to be masked is in no record', async () => {
    await expect(run({ mask: ['name,emial'] })).rejects.toThrow('No record of these has emial, so nothing was written.');
    await expect(run({ mask: ['name,'] })).rejects.toThrow('Expected --mask to name fields');
    const { file } = await run({ mask: ['name,key'] });
    expect(await file()).not.toMatch(/Ann|Bo|c0|c1/);
  });

  it('says so when there is no such topic, or nothing in it', async () => {
    await expect(run({}, async () => ({ topics: ['order', 'users'] }))).rejects.toThrow('There is no topic orders. Did you mean order?');
    await expect(run({}, async () => [])).rejects.toThrow('There are no records in orders.');
  });
});

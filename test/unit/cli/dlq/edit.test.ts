import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLetter } from '../../../../lib/cli/dlq/dead-letter.ts';
import { loadEdit } from '../../../../lib/cli/dlq/edit.ts';
import { letterRecord } from './letters.ts';

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-edit-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function editWith(body: string, value: string | Uint8Array | null = '{"id":12345678901234567890,"n":1}') {
  const file = join(folder, `edit-${files++}.mjs`);
  await writeFile(file, `export ${body}`);
  const edit = await loadEdit(file);
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  const record = letterRecord({ source: { value: bytes } });
  return edit(readLetter(record), record);
}

describe('an edit', () => {
  it.each([
    ['text', "const edit = ({ text }) => ({ value: text.replace('1}', '2}') })", '{"id":12345678901234567890,"n":2}'],
    [
      'JSON, whose long numbers stay exact',
      'const edit = ({ json }) => ({ value: { ...json, n: 3 } })',
      '{"id":12345678901234567890,"n":3}',
    ],
    ['bytes', 'const edit = async ({ value }) => ({ value: value.subarray(0, 1) })', '{'],
    ['what the letter says', 'default ({ letter }) => ({ value: letter.code })', 'SINK_REJECTED_RECORD'],
  ])('changes %s', async (_, body, expected) => {
    const edited = await editWith(body);
    expect(String(edited!.value)).toBe(expected);
    expect(String(edited!.key)).toBe('k');
  });

  it('may make a tombstone, change the key, or leave the letter where it is', async () => {
    expect(await editWith('const edit = () => ({ value: null, key: "other" })')).toMatchObject({ value: null, key: Buffer.from('other') });
    expect(await editWith('const edit = () => null')).toBeNull();
  });

  it('is told when there is no text and no JSON', async () => {
    const body = 'const edit = ({ text, json }) => ({ value: String([text, json]) })';
    expect(String((await editWith(body, new Uint8Array([0xff])))!.value)).toBe(',');
  });

  it.each([
    ['returns nothing', 'const edit = () => undefined', 'Expected the edit to return { value, key, headers }'],
    [
      'returns a value that is not there',
      'const edit = ({ json }) => ({ value: json.missing })',
      'Expected the edit to return a key and a value that are there',
    ],
    [
      'returns headers without bytes',
      'const edit = () => ({ headers: [{ key: "a", value: "1" }] })',
      'Expected the edit to return headers as a list',
    ],
    ['throws', 'const edit = ({ json }) => json.a.b', 'The edit threw TypeError (orders.dlq-0@0)'],
  ])('that %s fails for its letter', async (_, body, expected) => {
    await expect(editWith(body)).rejects.toThrow(expected);
  });

  it('has to be exported by its file', async () => {
    await expect(editWith('const other = 1')).rejects.toThrow('exports no function edit');
    await expect(loadEdit(join(folder, 'nowhere.ts'))).rejects.toThrow('There is no');
  });
});

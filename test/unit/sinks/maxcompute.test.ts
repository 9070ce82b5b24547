import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../lib/core/config.ts';
import { jsonLog, silentLog } from '../../../lib/core/log.ts';
import type { OpenContext } from '../../../lib/core/sink.ts';
import { maxcompute } from '../../../lib/sinks/maxcompute.ts';

const least = { project: 'p', table: 't', endpoint: 'https://service.example/api' };
const parse = (config: object) => parseConfig(maxcompute.config, { ...least, ...config }, 'connector.sink');
const context: OpenContext = { connector: 'test', secret: async () => ' secret ', log: silentLog, now: () => 0 };
const credentials = { accessKeyId: { env: 'ID' }, accessKeySecret: { env: 'KEY' } };

describe('options', () => {
  it.each([
    [{ format: 'csv' }, 'mode'],
    [{ format: 'json' }, 'mode'],
    [{ format: 'flatten' }, 'mode'],
    [{ columns: {} }, 'columns'],
    [{ columns: { a: '{unknown}' } }, 'columns'],
    [{ unknownFields: 'ignore' }, 'unknownFields'],
    [{ partition: { by: 'field' } }, 'partition'],
    [{ timeZone: 'Mars' }, 'timeZone'],
  ])('%o are refused at %s', (config, path) => {
    expect(maxcompute.check?.(parse(config)).map((problem) => problem.path)).toEqual([path]);
  });

  it.each([{}, { format: 'csv', mode: 'value' }, { format: 'binary' }, { columns: { a: 'b.c' } }, { partition: false }])(
    '%o are fine',
    (config) => {
      expect(maxcompute.check?.(parse(config))).toEqual([]);
    },
  );

  it('of every mode of the reference page are fine', () => {
    for (const { config } of maxcompute.modes ?? []) {
      const parsed = parseConfig(maxcompute.config, config, 'connector.sink');
      expect(maxcompute.check?.(parsed)).toEqual([]);
      expect(maxcompute.guarantees(parsed)).toEqual({ idempotent: false, ordered: false, deletes: false, partial: true });
    }
  });
});

it('asks for credentials where the platform lends none', async () => {
  await expect(maxcompute.open(parse({}), context)).rejects.toThrow(/Expected connector\.sink\.credentials/);
  await expect(maxcompute.open(parse({}), { ...context, credentials: () => undefined })).rejects.toMatchObject({ class: 'config' });
});

it('warns of partitions that take more upload sessions than a table has', async () => {
  const lines: string[] = [];
  const log = jsonLog((line) => lines.push(line), { now: () => 0 });
  await maxcompute.open(parse({ credentials, upload: 'block' }), { ...context, log });
  await maxcompute.open(parse({ credentials, partition: { window: 'minute' } }), { ...context, log });
  expect(lines).toEqual([]);
  await maxcompute.open(parse({ credentials, upload: 'block', partition: { window: 'minute' } }), { ...context, log });
  expect(lines).toHaveLength(1);
});

it('refuses a table that records choose, unless the operator allows it', async () => {
  await expect(maxcompute.open(parse({ credentials, table: '{value.kind}' }), context)).rejects.toThrow(/connector\.sink\.allow/);
});

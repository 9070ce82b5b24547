import { beforeEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../../lib/core/config.ts';
import { ConfigError, DataError } from '../../../lib/core/errors.ts';
import { silentLog } from '../../../lib/core/log.ts';
import { memory, memoryStore } from '../../../lib/sinks/memory.ts';
import { record } from '../../support/records.ts';

const { signal } = new AbortController();
const store = memoryStore('unit');

function open(options: object = {}, now = () => 2_000) {
  const config = parseConfig(memory.config, { name: 'unit', ...options }, 'connector.sink');
  return memory.open(config, { connector: 'test', log: silentLog, now, secret: async () => '' });
}

beforeEach(() => {
  store.rows.clear();
  store.copies.length = 0;
});

describe('the memory sink', () => {
  it('remembers when a row was written, and what was deleted', async () => {
    const sink = await open();
    await sink.write([record('a', 1), record('b', 2), record('b', null)], { signal });
    expect([...store.rows].map(([id, { deleted, writtenAt }]) => ({ id, deleted, writtenAt }))).toEqual([
      { id: 'a', deleted: false, writtenAt: 2_000 },
      { id: 'b', deleted: true, writtenAt: 2_000 },
    ]);
  });

  it('takes a lower offset for a new topic only when its timestamp is later than the write', async () => {
    const sink = await open();
    await sink.write([record('a', 9, { offset: 9, timestamp: 100 })], { signal });
    const [redelivered] = await sink.write([record('a', 5, { offset: 5, timestamp: 2_000 })], { signal });
    const [again] = await sink.write([record('a', 5, { offset: 5, timestamp: 2_001 })], { signal });
    expect(redelivered).toBe('ignored');
    expect(again).toMatchObject({ class: 'config', code: 'GUARD_AHEAD' });
  });

  it('tells keys of different types apart', async () => {
    const sink = await open();
    const keys = ['1', 1, 1n, Buffer.from('1'), { id: 1 }, { id: '1' }, ['id', 1], null, '\0"1"'];
    const identities = keys.map((key) => sink.identity?.(record<unknown, unknown>(key, 1)));
    expect(new Set(identities).size).toBe(keys.length - 1); // 1 and 1n are one number
    expect(sink.identity?.(record<unknown, unknown>({ a: 1, b: 2 }, 1))).toBe(sink.identity?.(record<unknown, unknown>({ b: 2, a: 1 }, 1)));
  });

  it('writes to the store that a record chose inside of the allow-list, and nowhere else', async () => {
    const sink = await open({ allow: ['unit-*'], write: 'append' });
    const outcomes = await sink.write([record('a', 1, { target: 'unit-other' }), record('b', 2, { target: 'default' })], { signal });
    expect(outcomes[0]).toBe('delivered');
    expect(outcomes[1]).toBeInstanceOf(DataError);
    expect(memoryStore('unit-other').copies.map(({ value }) => value)).toEqual([1]);
    expect(memoryStore('default').copies).toEqual([]);
  });

  it('refuses a record without the field that guards', async () => {
    const sink = await open({ guard: { field: 'updated' } });
    const outcomes = await sink.write([record('a', { updated: '2024-01-01' }), record('b', { total: 1 })], { signal });
    expect(outcomes[0]).toBe('delivered');
    expect(outcomes[1]).toMatchObject({ class: 'data', code: 'SINK_RECORD_WITHOUT_GUARD' });
  });

  it('needs no field to guard records that are never the same thing', async () => {
    const config = parseConfig(memory.config, { id: 'record', guard: { field: 'updated' } }, 'connector.sink');
    expect(memory.check?.(config).map(({ path }) => path)).toEqual(['guard']);
  });

  it('says which option is wrong', async () => {
    expect(() => open({ gaurd: 'none' })).toThrow(ConfigError);
    expect(() => open({ gaurd: 'none' })).toThrow('Did you mean "guard"?');
  });
});

import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../../lib/core/config.ts';
import { options, settingsOf } from '../../../../lib/sinks/postgres/options.ts';
import { postgres } from '../../../../lib/sinks/postgres.ts';

const parse = (config: object) => parseConfig(options, { host: 'db', ...config }, 'connector.sink');
const problems = (config: object): string[] => (postgres.check?.(parse(config)) ?? []).map(({ path }) => path);

describe('the options', () => {
  it.each<[object, string]>([
    [{ write: 'upsert' }, 'primaryKey'],
    [{ write: 'update' }, 'primaryKey'],
    [{ primaryKeyFrom: 'key' }, 'primaryKey'],
    [{ primaryKeyFrom: 'origin', primaryKey: ['id'] }, 'primaryKey'],
    [{ primaryKeyFrom: 'origin', write: 'upsert' }, 'write'],
    [{ write: 'upsert', primaryKey: ['id'], guard: 'version' }, 'guard'],
    [{ write: 'update', primaryKey: ['id'], primaryKeyFrom: 'key', guard: 'version' }, 'guard'],
    [{ deletes: 'hard' }, 'deletes'],
    [{ write: 'upsert', primaryKey: ['id'], deletes: 'hard' }, 'deletes'],
    [{ write: 'upsert', primaryKey: ['id'], primaryKeyFrom: 'key', guard: 'none', deletes: 'soft' }, 'deletes'],
    [{ autoEvolve: true, unknownFields: 'ignore' }, 'unknownFields'],
    [{ url: { env: 'URL' } }, 'host'],
    [{ changes: 'analyticdb' }, 'primaryKey'],
    [{ changes: 'analyticdb', primaryKey: ['id'], write: 'update' }, 'write'],
    [{ changes: 'analyticdb', primaryKey: ['id'], primaryKeyFrom: 'key', write: 'upsert' }, 'primaryKeyFrom'],
    [{ changes: 'analyticdb', primaryKey: ['id'], write: 'upsert', guard: 'version' }, 'guard'],
    [{ changes: 'analyticdb', primaryKey: ['id'], write: 'upsert', truncates: 'apply' }, 'truncates'],
    [{ changes: 'debezium', primaryKey: ['id'], write: 'upsert', unknownFields: 'column' }, 'unknownFields'],
    [{ offsets: {}, primaryKey: ['id'] }, 'offsets'],
    [{ offsets: {}, changes: 'analyticdb', primaryKey: ['id'] }, 'offsets'],
    [{ columns: { id: 'intt' } }, 'columns.id'],
    [{ dialect: 'analyticdb', write: 'update', primaryKey: ['id'] }, 'write'],
    [{ dialect: 'analyticdb', primaryKey: ['id'] }, 'write'],
    [{ dialect: 'analyticdb', unknownFields: 'column' }, 'unknownFields'],
    [{ optimizer: false }, 'optimizer'],
  ])('%j make no sense: %s', (config, path) => {
    expect(problems(config)).toContain(path);
  });

  it.each<object>([
    {},
    { primaryKeyFrom: 'origin' },
    { primaryKey: ['id'] },
    { write: 'upsert', primaryKey: ['id'] },
    { write: 'upsert', primaryKey: ['id'], guard: { field: 'at' } },
    { write: 'upsert', primaryKey: ['id'], primaryKeyFrom: 'key' },
    { write: 'upsert', primaryKey: ['id'], primaryKeyFrom: 'key', deletes: 'ignore' },
    { write: 'update', primaryKey: ['id'], primaryKeyFrom: 'key' },
    { changes: 'analyticdb', primaryKey: ['id'] },
    { changes: 'analyticdb', primaryKey: ['id'], write: 'upsert', guard: { field: 'ts_ms' } },
    { changes: 'debezium', primaryKey: ['id'], write: 'upsert', guard: { field: 'lsn' }, truncates: 'apply' },
    { changes: 'debezium', primaryKey: ['id'], primaryKeyFrom: 'value', write: 'upsert' },
    { offsets: {} },
    { columns: { id: 'bigint' } },
    { dialect: 'analyticdb', offsets: {}, optimizer: false },
    { dialect: 'analyticdb', primaryKey: ['id'], write: 'upsert' },
  ])('%j make sense', (config) => {
    expect(problems(config)).toEqual([]);
  });

  it('say where the server is', () => {
    expect(postgres.check?.(parseConfig(options, {}, 'connector.sink')).map(({ path }) => path)).toEqual(['url']);
  });

  it.each<[string, object, string, string]>([
    ['append', {}, 'none', 'ignore'],
    ['by value', { write: 'upsert', primaryKey: ['id'] }, 'none', 'ignore'],
    ['by key', { write: 'upsert', primaryKey: ['id'], primaryKeyFrom: 'key' }, 'version', 'soft'],
    ['by key, unguarded', { write: 'upsert', primaryKey: ['id'], primaryKeyFrom: 'key', guard: 'none' }, 'none', 'hard'],
    ['update by key', { write: 'update', primaryKey: ['id'], primaryKeyFrom: 'key' }, 'none', 'hard'],
    ['by value and field', { write: 'upsert', primaryKey: ['id'], guard: { field: 'at' } }, 'field', 'ignore'],
  ])('decide guard and deletes where nothing is said: %s', (_, config, guard, deletes) => {
    const settings = settingsOf(parse(config));
    expect([settings.guard.type, settings.deletes]).toEqual([guard, deletes]);
  });

  it('take the column of a renamed guard field', () => {
    const settings = settingsOf(
      parse({ write: 'upsert', primaryKey: ['id'], guard: { field: 'at' }, fields: { rename: { at: 'changed' } } }),
    );
    expect(settings.guard).toEqual({ type: 'field', column: 'changed' });
  });
});

describe('the guarantees', () => {
  it.each<[object, string]>([
    [{}, ''],
    [{ primaryKeyFrom: 'origin' }, 'idempotent'],
    [{ primaryKey: ['id'] }, 'idempotent'],
    [{ write: 'upsert', primaryKey: ['id'] }, 'idempotent'],
    [{ write: 'upsert', primaryKey: ['id'], guard: { field: 'at' } }, 'idempotent ordered'],
    [{ write: 'upsert', primaryKey: ['id'], primaryKeyFrom: 'key' }, 'idempotent ordered deletes'],
    [{ write: 'upsert', primaryKey: ['id'], primaryKeyFrom: 'key', deletes: 'hard' }, 'idempotent deletes'],
    [{ write: 'upsert', primaryKey: ['id'], primaryKeyFrom: 'key', guard: 'none' }, 'idempotent deletes'],
    [{ write: 'update', primaryKey: ['id'], primaryKeyFrom: 'key' }, 'idempotent deletes'],
    [{ offsets: {} }, 'idempotent'],
    [{ changes: 'analyticdb', primaryKey: ['id'] }, ''],
    [{ changes: 'analyticdb', primaryKey: ['id'], write: 'upsert' }, 'idempotent'],
    [{ changes: 'analyticdb', primaryKey: ['id'], write: 'upsert', guard: { field: 'ts_ms' } }, 'idempotent ordered'],
    [{ changes: 'debezium', primaryKey: ['id'], write: 'upsert' }, 'idempotent ordered deletes'],
    [{ changes: 'debezium', primaryKey: ['id'], write: 'upsert', guard: 'none' }, 'idempotent deletes'],
    [{ changes: 'debezium', primaryKey: ['id'], write: 'upsert', guard: 'none', truncates: 'apply' }, 'deletes'],
    [{ changes: 'debezium', primaryKey: ['id'], write: 'upsert', truncates: 'apply' }, 'idempotent deletes'],
    [{ changes: 'debezium', primaryKey: ['id'], write: 'upsert', deletes: 'hard' }, 'idempotent deletes'],
  ])('of %j are: %s', (config, claimed) => {
    const { partial, ...others } = postgres.guarantees(parse(config));
    expect(partial).toBe(true);
    expect(
      Object.entries(others)
        .flatMap(([name, holds]) => (holds ? [name] : []))
        .join(' '),
    ).toBe(claimed);
  });
});

import type { Guarantees } from '../../core/sink.ts';
import { type Options, settingsOf } from './options.ts';
import { knownTypes, sqlType } from './types.ts';

/** A message for each combination that makes no sense. */
export function checkOptions(config: Options): { path: string; message: string }[] {
  const problems: { path: string; message: string }[] = [];
  const expect = (holds: boolean, path: string, message: string): void => {
    if (!holds) problems.push({ path, message });
  };
  const settings = settingsOf(config);
  const { write, key, guard, deletes } = settings;
  expect(
    config.url !== undefined || config.host !== undefined,
    'url',
    'Expected url or host. Set url to a reference to a connection string, or host, database, user and password.',
  );
  expect(config.url === undefined || config.host === undefined, 'host', 'Expected either url or host, got both.');
  if (key.from === 'none')
    expect(write === 'insert', 'primaryKey', `Expected primaryKey with write: ${write}. Set it to the columns that tell rows apart.`);
  if (key.from === 'origin') {
    expect(config.primaryKey.length === 0, 'primaryKey', 'Expected no primaryKey with primaryKeyFrom: origin, whose columns are given.');
    expect(write === 'insert', 'write', `Expected write: insert with primaryKeyFrom: origin, as no two records share a row then.`);
  }
  if (key.from === 'key' || key.from === 'value')
    expect(config.primaryKey.length > 0, 'primaryKey', `Expected primaryKey with primaryKeyFrom: ${key.from}. Set it to its columns.`);
  expect(
    guard.type === 'none' || write === 'upsert',
    'guard',
    'Expected guard: none unless write is upsert: only whole rows have a version.',
  );
  if (guard.type === 'version')
    expect(
      key.from === 'key',
      'guard',
      'Expected guard: version only with primaryKeyFrom: key: records of one row keep their order only where its key is the Kafka key. Set guard to { field }, or primaryKeyFrom to key.',
    );
  if (config.dialect === 'analyticdb') {
    const adds = write === 'insert' && (key.from === 'none' || key.from === 'origin' || config.changes !== undefined);
    expect(write === 'upsert' || adds, 'write', 'Expected write: upsert, or insert without a primaryKey, with dialect: analyticdb.');
    expect(config.unknownFields !== 'column', 'unknownFields', 'Expected unknownFields: error or ignore with dialect: analyticdb.');
  } else expect(config.optimizer === undefined, 'optimizer', 'Expected optimizer only with dialect: analyticdb.');
  expect(
    config.offsets === undefined || (write === 'insert' && key.from === 'none' && config.changes === undefined),
    'offsets',
    'Expected offsets only with write: insert and no primaryKey. With a primary key a row is the same one when it comes again.',
  );
  if (config.changes !== undefined) {
    expect(write !== 'update', 'write', 'Expected write: upsert or insert with changes, which say themselves what is an update.');
    expect(
      key.from === 'value' || (key.from === 'key' && config.changes === 'debezium'),
      'primaryKeyFrom',
      'Expected primaryKeyFrom: value with changes, or key with changes: debezium.',
    );
    expect(config.primaryKey.length > 0, 'primaryKey', 'Expected primaryKey with changes. Set it to the columns that tell rows apart.');
    expect(config.unknownFields !== 'column', 'unknownFields', 'Expected unknownFields: error or ignore with changes.');
    expect(
      config.changes === 'debezium' || config.truncates === 'ignore',
      'truncates',
      'Expected truncates: ignore unless changes is debezium.',
    );
  } else if (deletes !== 'ignore') {
    expect(write !== 'insert', 'deletes', 'Expected deletes: ignore with write: insert.');
    expect(
      key.from === 'key',
      'deletes',
      'Expected deletes: ignore unless primaryKeyFrom is key: a tombstone has no value that could name its row.',
    );
  }
  for (const [name, type] of Object.entries(config.columns ?? {}))
    expect(
      sqlType(type) !== undefined,
      `columns.${name}`,
      `Expected a type of PostgreSQL, got ${JSON.stringify(type)}. Set it to one of ${knownTypes.join(', ')}.`,
    );
  expect(
    deletes !== 'soft' || guard.type !== 'none',
    'deletes',
    'Expected a guard with deletes: soft. Set guard, or deletes to hard or ignore.',
  );
  expect(
    !config.autoEvolve || config.unknownFields === 'error',
    'unknownFields',
    'Expected no unknownFields with autoEvolve, which gives every field a column.',
  );
  return problems;
}

/** What each mode promises. */
export function guaranteesOf(config: Options): Guarantees {
  const { changes, write, key, guard, deletes } = settingsOf(config);
  const isGuarded = write === 'upsert' && guard.type !== 'none' && deletes !== 'hard';
  if (changes !== undefined)
    return {
      // Without a guard a truncate that comes again takes rows that other partitions brought since.
      idempotent: write === 'upsert' && (config.truncates === 'ignore' || guard.type !== 'none'),
      ordered: isGuarded && config.truncates === 'ignore',
      // Other deletes are changes of their own.
      deletes: changes === 'debezium' && key.from === 'key' && deletes !== 'ignore',
      partial: true,
    };
  return {
    idempotent: key.from !== 'none' || config.offsets !== undefined,
    ordered: isGuarded,
    deletes: deletes !== 'ignore',
    partial: true,
  };
}

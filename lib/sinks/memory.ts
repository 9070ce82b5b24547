import { type Static, Type } from 'typebox';
import { ConfigError, type ConnectorError, DataError, RetriableError } from '../core/errors.ts';
import { fieldReader, isObject } from '../core/field.ts';
import { compareVersions, type KafkaRecord, originName } from '../core/record.ts';
import { router } from '../core/route.ts';
import { defineSink, type Outcome } from '../core/sink.ts';
import { parseTemplate } from '../core/template.ts';

/** What an upsert keeps for one identity. A soft delete leaves the row with `deleted`. */
export interface MemoryRow {
  readonly record: KafkaRecord;
  readonly deleted: boolean;
  /** Milliseconds since the epoch. */
  readonly writtenAt: number;
  /** What `guard.field` held, as a tombstone keeps it. */
  readonly guard?: unknown;
}

/** One named place that lives as long as the process. */
export interface MemoryStore {
  /** What `write: upsert` wrote, by identity. */
  readonly rows: Map<string, MemoryRow>;
  /** What `write: append` wrote, in order. */
  readonly copies: KafkaRecord[];
}

const registry = Symbol.for('sluice.memory'); // a bundle brings its own copy of this module, and a process has one memory
const shared = globalThis as { [registry]?: Map<string, MemoryStore> };

/** The store of that name, empty when nothing was written yet. */
export function memoryStore(name: string): MemoryStore {
  shared[registry] ??= new Map();
  const stores = shared[registry];
  const store = stores.get(name) ?? { rows: new Map(), copies: [] };
  stores.set(name, store);
  return store;
}

const config = Type.Object({
  name: Type.String({
    minLength: 1,
    default: 'default',
    description: 'Name of the store, under which tests find what was written. Placeholders such as {topic} are filled in.',
  }),
  allow: Type.Array(Type.String({ minLength: 1 }), {
    default: [],
    description: 'Names, and prefixes that end in *, of stores that records may choose.',
  }),
  write: Type.Union([Type.Literal('upsert'), Type.Literal('append')], {
    default: 'upsert',
    description: 'Whether a record replaces the one of its identity or is added to the others.',
  }),
  id: Type.Union([Type.Literal('key'), Type.Literal('record')], {
    default: 'key',
    description: 'What an upsert takes for the identity: the Kafka key, or topic, partition, offset and part.',
  }),
  guard: Type.Union([Type.Literal('version'), Type.Literal('none'), Type.Object({ field: Type.String({ minLength: 1 }) })], {
    default: 'version',
    description: 'What decides which of two records of one key is newer: their place in Kafka, a field of their value, or nothing.',
  }),
  deletes: Type.Union([Type.Literal('soft'), Type.Literal('hard'), Type.Literal('ignore')], {
    default: 'soft',
    description: 'What a tombstone does. A hard delete forgets its version, so an older record can come back.',
  }),
});
type Config = Static<typeof config>;

export const memory = defineSink({
  name: 'memory',
  summary: 'Keeps records in the memory of the process, for tests and benchmarks.',
  config,
  check: ({ write, id, guard }) =>
    write === 'upsert' && id === 'record' && typeof guard === 'object'
      ? [{ path: 'guard', message: 'Expected guard to be version or none with id: record, as no two records share an identity then.' }]
      : [],
  guarantees({ write, id, guard, deletes }) {
    const byKey = write === 'upsert' && id === 'key';
    return {
      idempotent: write === 'upsert',
      ordered: byKey && guard !== 'none' && deletes !== 'hard',
      deletes: byKey && deletes !== 'ignore',
      partial: true,
    };
  },
  limits: () => ({ records: 100_000, bytes: 100_000_000 }),
  permissions: () => [],
  async open(config, { now }) {
    const template = parseTemplate(config.name, 'connector.sink.name');
    const route = router({ path: 'connector.sink.name', template, allow: config.allow, now });
    const identity = config.write === 'append' ? () => null : config.id === 'key' ? keyIdentity : recordIdentity;
    const put = config.write === 'append' ? append : config.id === 'key' ? upserter(config, now) : insert;
    return {
      identity: (record) => identity(record),
      async write(records, { signal }) {
        if (signal.aborted) throw new RetriableError('ABORTED', 'The time for writing is over');
        return records.map((record) => {
          try {
            return put(memoryStore(route(record)), record);
          } catch (error) {
            if (error instanceof DataError) return error;
            throw error;
          }
        });
      },
    };
  },
});

type Put = (store: MemoryStore, record: KafkaRecord) => Outcome;

function append(store: MemoryStore, record: KafkaRecord): Outcome {
  store.copies.push(record);
  return 'delivered';
}

function insert(store: MemoryStore, record: KafkaRecord): Outcome {
  if (record.value === null) return 'ignored';
  store.rows.set(recordIdentity(record), { record, deleted: false, writtenAt: record.timestamp });
  return 'delivered';
}

function upserter({ guard, deletes }: Config, now: () => number): Put {
  const guardField = typeof guard === 'object' ? fieldReader(guard.field) : undefined;
  return (store, record) => {
    const identity = keyIdentity(record);
    if (identity === null) throw new DataError('SINK_RECORD_WITHOUT_KEY', `Expected a key, found none (${originName(record.origin)})`);
    const deleted = record.value === null;
    if (deleted && deletes === 'ignore') return 'ignored';
    const stored = store.rows.get(identity);
    const field = guardField === undefined ? undefined : deleted ? stored?.guard : readGuard(guardField(record.value), record);
    if (stored !== undefined && guard !== 'none') {
      const verdict = guardField === undefined ? compareWithStored(record, stored) : compareByField(record, field, stored);
      if (verdict !== 'newer') return verdict;
    }
    if (deleted && deletes === 'hard') store.rows.delete(identity);
    else store.rows.set(identity, { record, deleted, writtenAt: now(), guard: field });
    return 'delivered';
  };
}

/** Newer, `ignored` because something newer is there, or the error for two versions that cannot be compared. */
export function compareWithStored(record: KafkaRecord, stored: MemoryRow): 'newer' | 'ignored' | ConnectorError {
  const there = stored.record;
  const epochs = record.version.epoch - there.version.epoch;
  if (epochs !== 0) return epochs > 0 ? 'newer' : 'ignored';
  const samePartition = record.version.topic === there.version.topic && record.version.partition === there.version.partition;
  if (!samePartition) return guardAhead(record);
  if (compareVersions(record, there) >= 0) return 'newer';
  // What was written before this record existed cannot have come after it: the topic was created again.
  return record.timestamp > stored.writtenAt ? guardAhead(record) : 'ignored';
}

function guardAhead({ origin }: KafkaRecord): ConfigError {
  return new ConfigError(
    'GUARD_AHEAD',
    `The target holds a version of another partition or of a topic that was created again (${originName(origin)}). Raise connector.epoch once the old partitions have drained.`,
  );
}

function compareByField(record: KafkaRecord, field: unknown, stored: MemoryRow): 'newer' | 'ignored' {
  const order = compareValues(field, stored.guard) || compareVersions(record, stored.record);
  return order >= 0 ? 'newer' : 'ignored';
}

function compareValues(a: unknown, b: unknown): number {
  if (a === b || a === undefined || b === undefined) return 0; // a delete of what was never seen has no field to compare
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
}

function readGuard(value: unknown, { origin }: KafkaRecord): number | bigint | string {
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string') return value;
  throw new DataError('SINK_RECORD_WITHOUT_GUARD', `Expected the field of connector.sink.guard, found none (${originName(origin)})`);
}

function keyIdentity({ key }: KafkaRecord): string | null {
  if (key === null) return null;
  if (typeof key === 'string' && !key.startsWith('\0')) return key;
  // NUL keeps the text "1" and the number 1 apart.
  return key instanceof Uint8Array ? `\0bytes ${Buffer.from(key).toString('base64')}` : `\0${JSON.stringify(sorted(key))}`;
}

/** The same for objects with the same fields, and different for everything else. */
function sorted(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : { integer: value.toString() };
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { fields: fields.map(([name, field]) => [name, sorted(field)]) };
}

function recordIdentity({ version, part }: KafkaRecord): string {
  return `${version.topic}-${version.partition}@${version.offset}/${part} epoch ${version.epoch}`;
}

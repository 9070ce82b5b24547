import { DataError } from '../../../core/errors.ts';
import { fieldReader, isObject } from '../../../core/field.ts';
import { type KafkaRecord, originName } from '../../../core/record.ts';
import { foundIn } from '../values.ts';

/** Columns and their values. */
export type Fields = Readonly<Record<string, unknown>>;

/** What a record says about a row. */
export type Change =
  | { readonly type: 'insert' | 'update'; readonly before: Fields | undefined; readonly after: Fields; readonly guard: string | null }
  /** Without `before` the Kafka key names the row. */
  | { readonly type: 'delete'; readonly before: Fields | undefined; readonly guard: string | null }
  | { readonly type: 'truncate'; readonly guard: string | null }
  /** Says nothing about rows, such as a heartbeat. */
  | { readonly type: 'none' };

/** Reads the change that a record stands for. Throws a DataError when it is none. */
export type ReadChange = (record: KafkaRecord) => Change;

/** Reads row changes as AnalyticDB for PostgreSQL takes them: `op` with `before` and `after`. */
export function analyticdbChanges(guardField: string | undefined): ReadChange {
  const guardOf = guardReader(guardField);
  return (record) => {
    const { value } = record;
    if (value === null) return { type: 'none' };
    if (!isObject(value)) throw noChange(value, record);
    const { op } = value;
    switch (op) {
      case 'c':
      case 'r':
        return { type: 'insert', before: undefined, after: rowOf(value, 'after', record), guard: guardOf(value, record) };
      case 'u':
        return { type: 'update', before: maybeRow(value['before']), after: rowOf(value, 'after', record), guard: guardOf(value, record) };
      case 'd':
        return { type: 'delete', before: rowOf(value, 'before', record), guard: guardOf(value, record) };
      default:
        throw unknownOperation('c, r, u or d', record);
    }
  };
}

/** Reads Debezium's envelope, what its unwrapping leaves where that marks deletes, and the other records of its topics. */
export function debeziumChanges(guardField: string | undefined): ReadChange {
  const guardOf = guardReader(guardField);
  return (record) => {
    const { value } = record;
    if (value === null) return { type: 'delete', before: undefined, guard: null };
    if (!isObject(value)) throw noChange(value, record);
    const { op, before } = value;
    switch (op) {
      case 'c':
      case 'u':
      case 'r': {
        const type = op === 'u' ? 'update' : 'insert';
        return { type, before: maybeRow(before), after: rowOf(value, 'after', record), guard: guardOf(value, record) };
      }
      case 'd':
        return { type: 'delete', before: maybeRow(before), guard: guardOf(value, record) };
      case 't':
        return { type: 'truncate', guard: guardOf(value, record) };
      case 'm':
        return { type: 'none' };
      case undefined:
        return unwrapped(value, record, guardOf) ?? (isNoRow(value) ? { type: 'none' } : fail(noChange(value, record)));
      default:
        throw unknownOperation('c, r, u, d, t or m', record);
    }
  };
}

/** The row alone, with `__deleted` to tell what became of it, and with what was added of the envelope, such as `__lsn`. */
function unwrapped(value: Fields, record: KafkaRecord, guardOf: GuardReader): Change | undefined {
  if (!Object.hasOwn(value, '__deleted')) return undefined;
  const added = Object.entries(value).filter(([name]) => name.startsWith('__'));
  const source = Object.fromEntries(added.map(([name, found]) => [name.replace(/^__(source_)?/, ''), found]));
  const guard = guardOf({ ...Object.fromEntries(added), op: value['__op'], source }, record);
  const row = Object.fromEntries(Object.entries(value).filter(([name]) => !name.startsWith('__')));
  const isDeleted = value['__deleted'] === true || value['__deleted'] === 'true';
  return isDeleted ? { type: 'delete', before: row, guard } : { type: 'update', before: undefined, after: row, guard };
}

/** A heartbeat, the begin or end of a transaction, or a change of the schema. */
function isNoRow(value: Fields): boolean {
  if (Object.hasOwn(value, 'status') && Object.hasOwn(value, 'id')) return true;
  if (Object.hasOwn(value, 'ddl') || Object.hasOwn(value, 'tableChanges')) return true;
  return Object.keys(value).every((name) => /^ts_[mun]s$/.test(name)) && Object.hasOwn(value, 'ts_ms');
}

const integer = /^-?\d{1,19}$/;
const highest = 2n ** 63n - 1n;

function isBigint(text: string): boolean {
  return integer.test(text) && BigInt(text) <= highest && BigInt(text) >= -highest;
}

type GuardReader = (envelope: Fields, record: KafkaRecord) => string | null;

/** Reads what the guard compares: a field of the source block first, then of the envelope. Null where a record may lack it. */
function guardReader(name: string | undefined): GuardReader {
  if (name === undefined) return () => null;
  const read = fieldReader(name);
  return (envelope, record) => {
    const found = read(envelope['source']) ?? read(envelope);
    // A snapshot may be read from where nothing has a place in the log.
    if ((found === null || found === undefined) && envelope['op'] === 'r') return null;
    const text = typeof found === 'string' ? found : Number.isSafeInteger(found) || typeof found === 'bigint' ? String(found) : '';
    if (isBigint(text)) return text;
    const message = `Expected field ${JSON.stringify(name)} of the change, which connector.sink.guard compares, to be an integer, got ${foundIn(found)} (${originName(record.origin)})`;
    throw new DataError('SINK_REJECTED_RECORD', message);
  };
}

function rowOf(envelope: Fields, name: 'before' | 'after', record: KafkaRecord): Fields {
  const row = envelope[name];
  if (isObject(row)) return row;
  const message = `Expected ${name} of the change to be an object of columns, got ${foundIn(row)} (${originName(record.origin)})`;
  throw new DataError('SINK_REJECTED_RECORD', message);
}

function maybeRow(row: unknown): Fields | undefined {
  return isObject(row) ? row : undefined;
}

function noChange(value: unknown, { origin }: KafkaRecord): DataError {
  const message = `Expected a change with op, before and after, got ${isObject(value) ? 'another object' : foundIn(value)} (${originName(origin)}). Check connector.sink.changes and connector.value.`;
  return new DataError('SINK_REJECTED_RECORD', message);
}

function unknownOperation(known: string, { origin }: KafkaRecord): DataError {
  return new DataError('SINK_REJECTED_RECORD', `Expected op of the change to be ${known}, got something else (${originName(origin)})`);
}

function fail(error: DataError): never {
  throw error;
}

import { DataError } from '../../../core/errors.ts';
import { isObject } from '../../../core/field.ts';
import { type KafkaRecord, originName } from '../../../core/record.ts';
import { identityText, isCertain, keyTexts } from '../key.ts';
import type { Options, Settings } from '../options.ts';
import type { Plan } from '../plan.ts';
import { type Row, rowMaker } from '../rows.ts';
import type { Change, Fields, ReadChange } from './change.ts';
import { ChangeRecord } from './change-record.ts';
import { toldBy } from './unavailable.ts';

/** A row as a change leaves it. */
export interface ChangedRow extends Row {
  /** What the guard compares, when that is a field; null where the change has none. */
  readonly guard: string | null;
  /** Some columns keep what they hold, as the change does not tell them. */
  readonly isPartial: boolean;
}

/** What one record does to the table: at most one row goes, then at most one comes. */
export interface Operation {
  readonly position: number;
  readonly type: Exclude<Change['type'], 'none'>;
  readonly remove: ChangedRow | undefined;
  readonly put: ChangedRow | undefined;
  /** Only for a truncate: where it stands. */
  readonly at: ChangedRow | undefined;
}

export interface OperationMaker {
  /** An operation, or why there is none. `unknown` asks for columns to be added first. */
  operation(record: KafkaRecord, position: number): Operation | DataError | 'nothing' | 'unknown';
}

/** The settings under which a row says only what its change says. */
export function settingsOfChanges(settings: Settings): Settings {
  return { ...settings, write: 'update' };
}

export function operationMaker(
  plan: Plan,
  config: Options,
  settings: Settings,
  read: ReadChange,
  options: { readonly mayEvolve: boolean },
): OperationMaker {
  const { key } = settings;
  const maker = rowMaker(plan, config, settingsOfChanges(settings), options);
  const told = toldBy(config.unavailableValue);
  const nothing = plan.fields.map(() => undefined);

  /** A row that is known by its key alone. */
  const removal = (record: KafkaRecord, texts: readonly string[], position: number, guard: string | null): ChangedRow => ({
    position,
    record,
    identity: identityText(record, texts, key.from),
    certain: isCertain(record, texts, plan, key, false),
    key: texts,
    kind: 'tombstone',
    bytes: undefined,
    cells: nothing,
    extra: null,
    shape: 'x',
    alone: false,
    guard,
    isPartial: false,
  });

  const keyFields = plan.key.map(({ field }) => field);
  const hasKey = (row: Fields | undefined): row is Fields =>
    row !== undefined && keyFields.every((field) => Object.hasOwn(row, field) && row[field] !== null && row[field] !== undefined);

  const putOf = (change: Change & { type: 'insert' | 'update' }, record: KafkaRecord, position: number): ChangedRow | 'unknown' => {
    const { row, untold } = told(withKey(change, keyFields, key.from));
    const made = maker.row(new ChangeRecord(record, row), position);
    if (made === 'unknown') return made;
    if (made instanceof DataError) throw made;
    // Without all of its columns the row before it, if any, has to be found first.
    return Object.assign(made, { guard: change.guard, isPartial: untold.length > 0 });
  };

  const removedBy = (change: Change & { type: 'delete' | 'update' }, record: KafkaRecord, position: number): ChangedRow => {
    const view = new ChangeRecord(record, change.before ?? null);
    return removal(view, keyTexts(view, plan, key), position, change.guard);
  };

  const make = (record: KafkaRecord, position: number): Operation | 'nothing' | 'unknown' => {
    const change = read(record);
    if (change.type === 'none') return 'nothing';
    const operation = { position, type: change.type, remove: undefined, put: undefined, at: undefined };
    if (change.type === 'truncate') {
      if (config.truncates === 'ignore') return 'nothing';
      return { ...operation, at: removal(new ChangeRecord(record, null), [], position, change.guard) };
    }
    if (key.from === 'key' && !isObject(record.key)) throw keyless(record);
    if (change.type === 'delete')
      // A tombstone without a row says nothing that the delete before it did not say.
      return settings.deletes === 'ignore' || (record.value === null && key.from === 'value')
        ? 'nothing'
        : { ...operation, remove: removedBy(change, record, position) };
    const put = putOf(change, record, position);
    if (put === 'unknown') return put;
    if (change.type === 'insert' || key.from === 'key' || !hasKey(change.before)) return { ...operation, put };
    const before = removedBy({ ...change, type: 'update' }, record, position);
    return before.identity === put.identity ? { ...operation, put } : { ...operation, put, remove: before };
  };

  return {
    operation(record, position) {
      try {
        return make(record, position);
      } catch (error) {
        if (error instanceof DataError) return error;
        throw error;
      }
    },
  };
}

/** The row afterwards. Where it does not repeat its key, the key is as before. */
function withKey(
  { before, after, type }: Change & { type: 'insert' | 'update' },
  keyFields: readonly string[],
  from: Settings['key']['from'],
): Fields {
  const lacking = keyFields.filter((field) => !Object.hasOwn(after, field));
  if (from === 'key' || type === 'insert' || before === undefined || lacking.length === 0) return after;
  return {
    ...after,
    ...Object.fromEntries(lacking.filter((field) => Object.hasOwn(before, field)).map((field) => [field, before[field]])),
  };
}

function keyless({ origin }: KafkaRecord): DataError {
  const message = `Expected the Kafka key to be an object with the columns of the primary key (${originName(origin)}). Set connector.key to debezium, or connector.sink.primaryKeyFrom to value.`;
  return new DataError('SINK_RECORD_WITHOUT_KEY', message);
}

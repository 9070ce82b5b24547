import { DataError } from '../../core/errors.ts';
import { isObject } from '../../core/field.ts';
import { type KafkaRecord, originName } from '../../core/record.ts';
import type { Options, Settings } from './options.ts';
import { columnName, type FieldColumn, type Plan } from './plan.ts';
import { isOneObject } from './raw.ts';
import { expectedBy, foundIn } from './values.ts';

/** What one column gets: text, NULL, or nothing as the record says nothing of it. */
export type Cell = string | null | undefined;

/** One record on its way into one row. */
export interface Row {
  /** Position in the write. */
  readonly position: number;
  readonly record: KafkaRecord;
  /** What two rows must share to be the same one; null when each is its own. */
  readonly identity: string | null;
  /** Texts of the primary key's columns; empty where there is none or it is the origin. */
  readonly key: readonly string[];
  readonly kind: 'value' | 'tombstone';
  /** The JSON text goes in as it came; `cells` are then made when the server refuses it. */
  readonly bytes: Uint8Array | undefined;
  /** By position in the plan's fields. */
  readonly cells: readonly Cell[];
  /** The unknown fields as JSON, where they have a column. */
  readonly extra: string | null;
  /** Tells rows apart that need different statements: which of the fields that matter are there. */
  readonly shape: string;
  /** Must not be merged with others. */
  readonly alone: boolean;
}

export interface RowMaker {
  /** A row, or why there can be none. `unknown` asks for columns to be added first. */
  row(record: KafkaRecord, position: number): Row | DataError | 'unknown';
  /** The same row with its cells made from the decoded value. */
  decoded(row: Row): Row | DataError;
}

export function rowMaker(plan: Plan, config: Options, settings: Settings, options: { readonly mayEvolve: boolean }): RowMaker {
  const { fields, positions, defaulted, required, extra } = plan;
  const { key: keySetting, write } = settings;
  const isUpdate = write === 'update';
  const rejectsUnknown = config.unknownFields === 'error';
  const leavesOut = (name: string): boolean => columnName(name, config) === undefined;
  const { guard } = settings;
  const guardField = guard.type === 'field' ? fields.find(({ column }) => column.name === guard.column) : undefined;
  const emptyCells: readonly Cell[] = isUpdate ? fields.map(() => undefined) : fields.map(() => null);

  /** Texts of the primary key. Throws a DataError when a part of it is missing or does not fit. */
  const keyOf = (record: KafkaRecord): readonly string[] => {
    if (keySetting.from === 'none' || keySetting.from === 'origin') return noKey;
    const texts: string[] = [];
    for (const part of plan.key) texts.push(keyText(part, keyPart(record, part, keySetting), record, keySetting.from));
    return texts;
  };

  /** Whether every field has a place. Throws a DataError when one has none and must. */
  const knowsFields = (value: Readonly<Record<string, unknown>>, record: KafkaRecord): boolean => {
    for (const name in value) {
      if (positions.has(name) || leavesOut(name)) continue;
      if (options.mayEvolve) {
        if (value[name] === null || Buffer.byteLength(name) > 63) continue;
        return false;
      }
      if (config.autoEvolve && value[name] === null) continue;
      if (rejectsUnknown) throw unknownField(name, plan, record);
    }
    return true;
  };

  const shapeOfValue = (value: Readonly<Record<string, unknown>>): string => {
    if (defaulted.length === 0) return '';
    let shape = '';
    for (const position of defaulted) shape += Object.hasOwn(value, fields[position]?.field ?? '') ? '1' : '0';
    return shape;
  };

  const cellsOf = (value: Readonly<Record<string, unknown>>, record: KafkaRecord): { cells: Cell[]; extra: string | null } => {
    const cells = emptyCells.slice();
    const rest: [string, unknown][] = [];
    for (const name in value) {
      const position = positions.get(name);
      const found = value[name];
      if (position === undefined) {
        if (extra !== undefined && !leavesOut(name)) rest.push([name, found]);
        continue;
      }
      const field = fields[position];
      if (field === undefined) continue;
      if (found === null || found === undefined) {
        cells[position] = null;
        continue;
      }
      const text = field.toText(found);
      if (text === undefined) throw misfit(field, found, record);
      cells[position] = text;
    }
    for (const position of required) {
      const field = fields[position];
      if (field === undefined) continue;
      const absent = cells[position] === undefined || !Object.hasOwn(value, field.field);
      if (cells[position] === null && !(absent && (isUpdate || field.column.hasDefault))) throw misfit(field, null, record);
    }
    if (rest.length === 0 || extra === undefined) return { cells, extra: null };
    const text = extra.toText(Object.fromEntries(rest));
    if (text === undefined) throw misfit(extra, rest, record);
    return { cells, extra: text };
  };

  const shapeOfCells = (value: Readonly<Record<string, unknown>>, cells: readonly Cell[], more: string | null): string => {
    if (!isUpdate) return shapeOfValue(value);
    let shape = more === null ? '-' : '+';
    for (const cell of cells) shape += cell === undefined ? '0' : '1';
    return shape;
  };

  const make = (record: KafkaRecord, position: number): Row | DataError | 'unknown' => {
    const key = keyOf(record);
    const identity = identityText(record, key, keySetting.from);
    const { value, bytes } = record;
    if (value === null && bytes === undefined)
      return {
        position,
        record,
        identity,
        key,
        kind: 'tombstone',
        bytes: undefined,
        cells: emptyCells,
        extra: null,
        shape: 'x',
        alone: false,
      };
    if (!isObject(value)) throw notAnObject(value, record);
    if (!knowsFields(value, record)) return 'unknown';
    if (guardField !== undefined && (own(value, guardField.field) ?? null) === null) throw misfit(guardField, undefined, record);
    if (bytes !== undefined && plan.takesRaw && isOneObject(bytes))
      return {
        position,
        record,
        identity,
        key,
        kind: 'value',
        bytes,
        cells: emptyCells,
        extra: null,
        shape: shapeOfValue(value),
        alone: false,
      };
    const { cells, extra: rest } = cellsOf(value, record);
    const shape = shapeOfCells(value, cells, rest);
    return { position, record, identity, key, kind: 'value', bytes: undefined, cells, extra: rest, shape, alone: false };
  };

  return {
    row: (record, position) => orDataError(() => make(record, position)),
    decoded: (row) =>
      orDataError(() => {
        const { record } = row;
        if (row.kind === 'tombstone') return row;
        if (!isObject(record.value)) throw notAnObject(record.value, record);
        return { ...row, bytes: undefined, ...cellsOf(record.value, record) };
      }),
  };
}

/** Identity without a look at the table, so that it can be asked for at any time. */
export function identityOf(record: KafkaRecord, { key }: Settings, fieldOf: (column: string) => string): string | null {
  if (key.from === 'none') return null;
  if (key.from === 'origin') return identityText(record, noKey, 'origin');
  const texts: string[] = [];
  for (const column of key.columns) {
    const part = keyPart(record, { field: fieldOf(column) }, key);
    if (part === null || part === undefined) return null;
    texts.push(typeof part === 'string' ? part : typeof part === 'object' ? JSON.stringify(part) : String(part));
  }
  return joined(texts);
}

const noKey: readonly string[] = [];

function identityText({ version, part }: KafkaRecord, key: readonly string[], from: Settings['key']['from']): string | null {
  if (from === 'none') return null;
  if (from !== 'origin') return joined(key);
  return `${version.topic}\0${version.epoch}\0${version.partition}\0${version.offset}\0${part}`;
}

function joined(texts: readonly string[]): string {
  return texts.length === 1 ? (texts[0] ?? '') : texts.map((text) => `${text.length}:${text}`).join('');
}

function keyPart(record: KafkaRecord, { field }: { readonly field: string }, { from, columns }: Settings['key']): unknown {
  if (from === 'value') return own(record.value, field);
  const { key } = record;
  if (isObject(key)) return own(key, field);
  return columns.length === 1 ? key : undefined;
}

function own(value: unknown, field: string): unknown {
  return isObject(value) && Object.hasOwn(value, field) ? value[field] : undefined;
}

function keyText(part: FieldColumn, found: unknown, record: KafkaRecord, from: string): string {
  const text = found === null || found === undefined ? undefined : part.toText(found);
  if (text !== undefined) return canonical(part, text);
  const where = from === 'key' ? 'the Kafka key' : `field ${JSON.stringify(shortened(part.field))}`;
  const message = `Expected ${where} to be ${expectedBy(part.column)} for column ${JSON.stringify(part.column.name)}, got ${foundIn(found)} (${originName(record.origin)})`;
  return fail(new DataError('SINK_RECORD_WITHOUT_KEY', message));
}

/** One text for one row, where that is easily told: 01 and 1 are the same integer. */
function canonical({ column }: FieldColumn, text: string): string {
  if (column.base === 'int8' || column.base === 'int4' || column.base === 'int2') return integer.test(text) ? text : String(BigInt(text));
  return column.base === 'uuid' ? text.toLowerCase() : text;
}

const integer = /^(?:0|-?[1-9]\d*)$/;

function misfit({ field, column }: FieldColumn, found: unknown, { origin }: KafkaRecord): DataError {
  const message = `Expected field ${JSON.stringify(shortened(field))} to be ${expectedBy(column)}, got ${foundIn(found)} (${originName(origin)})`;
  return new DataError('SINK_REJECTED_RECORD', found === null ? `${message}, and its column takes no NULL` : message);
}

function unknownField(name: string, { table }: Plan, { origin }: KafkaRecord): DataError {
  const message = `Table ${JSON.stringify(table.name)} has no column for field ${JSON.stringify(shortened(name))} (${originName(origin)}). Set connector.sink.autoEvolve or connector.sink.unknownFields, or leave it out by connector.sink.fields.exclude.`;
  return new DataError('SINK_UNKNOWN_FIELD', message);
}

function notAnObject(value: unknown, { origin }: KafkaRecord): DataError {
  return new DataError(
    'SINK_REJECTED_RECORD',
    `Expected the value to be an object with fields, got ${foundIn(value)} (${originName(origin)})`,
  );
}

function shortened(name: string): string {
  return name.length <= 63 ? name : `${name.slice(0, 60)}…`;
}

function fail(error: DataError): never {
  throw error;
}

function orDataError<Result>(make: () => Result): Result | DataError {
  try {
    return make();
  } catch (error) {
    if (error instanceof DataError) return error;
    throw error;
  }
}

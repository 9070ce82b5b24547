import { DataError } from '../../core/errors.ts';
import { isObject } from '../../core/field.ts';
import { type KafkaRecord, originName } from '../../core/record.ts';
import { identityText, isCertain, keyTexts, own, shortened } from './key.ts';
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
  /** Rows of another identity are surely other rows: no key can be spelled in two ways. */
  readonly certain: boolean;
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
  /** What the guard compares, where that is no column of the row. */
  readonly guard?: string | null;
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

  /** Whether every field has a place. Throws a DataError when one has none and must. */
  const knowsFields = (value: Readonly<Record<string, unknown>>, record: KafkaRecord): boolean => {
    for (const name in value) {
      if (positions.has(name) || leavesOut(name)) continue;
      if (options.mayEvolve) {
        if (value[name] === null) continue;
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
      const text = isOverflow(field, found, record) ? undefined : field.toText(found);
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
    const key = keyTexts(record, plan, keySetting);
    const identity = identityText(record, key, keySetting.from);
    const { value, bytes } = record;
    if (value === null && bytes === undefined)
      return {
        position,
        record,
        identity,
        certain: isCertain(record, key, plan, keySetting, false),
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
    const raw = bytes !== undefined && plan.takesRaw && isOneObject(bytes);
    const certain = isCertain(record, key, plan, keySetting, raw);
    if (raw)
      return {
        position,
        record,
        identity,
        certain,
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
    return { position, record, identity, certain, key, kind: 'value', bytes: undefined, cells, extra: rest, shape, alone: false };
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

/** JSON has no infinity: a number that became one was too large for a double, and the column holds no more. */
function isOverflow({ column: { base } }: FieldColumn, found: unknown, record: KafkaRecord): boolean {
  if (typeof found !== 'number' || Number.isFinite(found) || (base !== 'float8' && base !== 'float4')) return false;
  return record.bytes !== undefined;
}

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

function orDataError<Result>(make: () => Result): Result | DataError {
  try {
    return make();
  } catch (error) {
    if (error instanceof DataError) return error;
    throw error;
  }
}

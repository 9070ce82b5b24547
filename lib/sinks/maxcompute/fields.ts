import type { Column } from '../../clients/maxcompute/table.ts';
import { DataError } from '../../core/errors.ts';
import { isObject } from '../../core/field.ts';
import { type KafkaRecord, originName } from '../../core/record.ts';
import { parseCsvRecord } from './csv.ts';
import type { PlanContext, Sources } from './plan.ts';
import { foundIn, valueWriter } from './values.ts';
import { parseZone } from './zone.ts';

const nowhere = -1;

/** The fields of an object, each in the column of its name in lower case. */
export function flattenSources(context: PlanContext, taken: ReadonlySet<Column>): Sources {
  const { config, positions, expect } = context;
  const { unknownFields } = config;
  const side = config.mode === 'key' ? 'key' : 'value';
  const extra =
    unknownFields === 'column'
      ? expect(config.unknownFieldsColumn, ['json', 'string'], 'unknownFields: column puts fields without a column there')
      : undefined;
  const columns = [...context.columns.values()].filter((column) => !taken.has(column) && isWritable(column));
  const positionsByName = new Map(
    columns.flatMap((column) => (column === extra ? [] : [[column.name, positions.get(column) ?? 0] as const])),
  );
  const known = new Map<string, number>(); // by the name as records spell it
  const positionOf = (field: string): number => {
    const position = known.get(field) ?? positionsByName.get(field.toLowerCase()) ?? nowhere;
    // Records with names without end must not fill the memory.
    if (known.size < 10_000) known.set(field, position);
    return position;
  };

  return {
    columns: columns.map((column) => ({ column })),
    fill(record, values) {
      const object = record[side];
      if (object === null) return;
      if (!isObject(object)) throw refused(`Expected the ${side} to be an object with format: flatten, found ${foundIn(object)}`, record);
      let others: Record<string, unknown> | undefined;
      for (const field of Object.keys(object)) {
        const value = object[field];
        const position = positionOf(field);
        if (position === nowhere) {
          if (unknownFields === 'error') throw unknownField(context, field, record);
          if (unknownFields === 'ignore') continue;
          others ??= Object.create(null) as Record<string, unknown>; // without a prototype, __proto__ is a field like any other
          others[field] = value;
        } else if (values[position] === null) values[position] = value;
        else if (value !== null)
          throw refused(
            `Expected one field for column ${nameAt(context, position)}, found several that differ in upper and lower case`,
            record,
          );
      }
      if (others !== undefined && extra !== undefined) values[positions.get(extra) ?? 0] = others;
    },
  };
}

function isWritable({ type }: Column): boolean {
  const settings = { zone: parseZone('UTC', ''), extraDigits: 'error', maxFieldBytes: 0, ignoresMembers: false } as const;
  return valueWriter(type, settings) !== undefined;
}

/** The fields of a text of CSV, each in the column of its position among those that are not the origin's. */
export function csvSources({ config, columns, positions }: PlanContext, taken: ReadonlySet<Column>): Sources {
  const side = config.mode === 'key' ? 'key' : 'value';
  const targets = [...columns.values()].filter((column) => !taken.has(column));
  return {
    columns: targets.map((column) => ({ column })),
    fill(record, values) {
      const text = textOf(record[side]);
      if (text === null) return;
      const fields = text === undefined ? undefined : parseCsvRecord(text);
      if (fields === undefined)
        throw refused(
          `Expected the ${side} to be one line of CSV, found ${text === undefined ? foundIn(record[side]) : 'other text'}`,
          record,
        );
      if (fields.length !== targets.length) throw refused(`Expected CSV of ${targets.length} fields, found ${fields.length}`, record);
      for (const [index, column] of targets.entries()) values[positions.get(column) ?? 0] = fields[index];
    },
  };
}

function textOf(value: unknown): string | null | undefined {
  if (value === null || typeof value === 'string') return value;
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8') : undefined;
}

/** Names of fields may come from anywhere, so one that looks like a value is not repeated. */
function unknownField({ table, columns }: PlanContext, field: string, record: KafkaRecord): DataError {
  const name = /^\w{1,64}$/.test(field) ? JSON.stringify(field) : 'of its name';
  const why = columns.has(field.toLowerCase()) ? `is for the origin of records, see connector.sink.origin` : `is missing in table ${table}`;
  return refused(
    `Expected a column for each field, and column ${name} ${why}. Set connector.sink.unknownFields, or add the column`,
    record,
  );
}

function nameAt({ columns, positions }: PlanContext, position: number): string {
  const column = [...columns.values()].find((each) => positions.get(each) === position);
  return JSON.stringify(column?.name);
}

function refused(message: string, { origin }: KafkaRecord): DataError {
  return new DataError('VALUE_INVALID', `${message} (${originName(origin)})`);
}

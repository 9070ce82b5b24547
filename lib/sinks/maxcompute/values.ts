import { isUtf8 } from 'node:buffer';
import type { ColumnType } from '../../clients/maxcompute/column-type.ts';
import { type RowBuffer, wire } from '../../clients/maxcompute/row-buffer.ts';
import { isObject } from '../../core/field.ts';
import { toJson } from '../../core/json.ts';
import { decimalText } from './decimal.ts';
import { toDay, toInstant, toWallTime } from './instant.ts';
import { bigInteger, boolean, double, float, integer } from './numbers.ts';
import type { Zone } from './zone.ts';

/** Appends a value that is not null, or answers what was expected instead of it, having appended nothing that counts. */
export type WriteValue = (rows: RowBuffer, value: unknown) => string | undefined;

export interface ValueSettings {
  readonly zone: Zone;
  readonly extraDigits: 'error' | 'round';
  /** Bytes that a field may have. */
  readonly maxFieldBytes: number;
  /** Whether members of structs that the table does not know are left out. */
  readonly ignoresMembers: boolean;
}

/** How a type is written, and with what tag; undefined for a type that this project does not write. */
export function valueWriter(
  type: ColumnType,
  settings: ValueSettings,
): { readonly wireType: number; readonly write: WriteValue } | undefined {
  const write = writerOf(type, settings);
  return write === undefined ? undefined : { wireType: wireTypes[type.name] ?? wire.bytes, write };
}

const wireTypes: Readonly<Record<string, number>> = {
  tinyint: wire.varint,
  smallint: wire.varint,
  int: wire.varint,
  bigint: wire.varint,
  boolean: wire.varint,
  date: wire.varint,
  datetime: wire.varint,
  float: wire.fixed32,
  double: wire.fixed64,
};

function writerOf(type: ColumnType, settings: ValueSettings): WriteValue | undefined {
  const { zone, extraDigits, maxFieldBytes } = settings;
  switch (type.name) {
    case 'tinyint':
      return integer(-128, 127);
    case 'smallint':
      return integer(-32_768, 32_767);
    case 'int':
      return integer(-2_147_483_648, 2_147_483_647);
    case 'bigint':
      return bigInteger;
    case 'boolean':
      return boolean;
    case 'float':
      return float;
    case 'double':
      return double;
    case 'decimal': {
      const expected = `a number of at most ${type.precision - type.scale} digits before the point and ${type.scale} after it`;
      return (rows, value) => {
        const text = decimalText(value, type, extraDigits);
        return text === undefined ? expected : rows.text(text, text.length);
      };
    }
    case 'string':
      return text(Number.POSITIVE_INFINITY, maxFieldBytes);
    case 'varchar':
    case 'char':
      return text(type.length, maxFieldBytes);
    case 'binary':
      return binary(maxFieldBytes);
    case 'json':
      return (rows, value) => writeText(rows, jsonOf(value), maxFieldBytes);
    case 'date':
      return (rows, value) => {
        const day = toDay(value);
        return day === undefined ? 'a date such as 2026-03-04' : rows.integer(day);
      };
    case 'datetime':
      return (rows, value) => {
        const instant = toInstant(value, zone);
        return instant === undefined ? anInstant : rows.integer(instant.seconds * 1_000 + Math.floor(instant.nanos / 1_000_000));
      };
    case 'timestamp':
    case 'timestamp_ntz': {
      const read = type.name === 'timestamp' ? toInstant : toWallTime;
      return (rows, value) => {
        const instant = read(value, zone);
        return instant === undefined ? anInstant : rows.instant(instant.seconds, instant.nanos);
      };
    }
    case 'array': {
      const element = writerOf(type.element, settings);
      return element === undefined ? undefined : list(element);
    }
    case 'map':
      return map(type, settings);
    case 'struct':
      return struct(type, settings);
    default:
      return undefined;
  }
}

const anInstant = 'an instant: text such as 2026-03-04T05:06:07Z, or milliseconds since the epoch';
function text(maxCharacters: number, maxBytes: number): WriteValue {
  return (rows, value) => {
    if (value instanceof Uint8Array) {
      if (!isUtf8(value)) return 'text in UTF-8';
      if (maxCharacters === Number.POSITIVE_INFINITY) return writeBytes(rows, value, maxBytes);
    }
    const spelled = value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : textOf(value);
    // A character beyond the basic plane counts once, so only a text that looks too long is counted.
    if (spelled !== undefined && spelled.length > maxCharacters && [...spelled].length > maxCharacters)
      return `text of at most ${maxCharacters} characters`;
    return writeText(rows, spelled, maxBytes);
  };
}

/** Appends text, unless it is too large or none. */
export function writeText(rows: RowBuffer, value: string | undefined, maxBytes: number): string | undefined {
  if (value === undefined) return 'something that text can say';
  const bytes = Buffer.byteLength(value);
  if (bytes > maxBytes) return `at most ${maxBytes} bytes`;
  return bytes === value.length || value.isWellFormed() ? rows.text(value, bytes) : 'text without half of a surrogate pair';
}

/** Appends bytes as they are. */
export function writeBytes(rows: RowBuffer, value: Uint8Array, maxBytes: number): string | undefined {
  return value.length > maxBytes ? `at most ${maxBytes} bytes` : rows.binary(value);
}

function binary(maxBytes: number): WriteValue {
  return (rows, value) => (value instanceof Uint8Array ? writeBytes(rows, value, maxBytes) : writeText(rows, textOf(value), maxBytes));
}

/** A value as text: text as it is, an object as JSON. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.toISOString();
  return jsonOf(value);
}

function jsonOf(value: unknown): string | undefined {
  try {
    return toJson(value);
  } catch {
    return undefined;
  }
}

function list(element: WriteValue): WriteValue {
  return (rows, value) => (Array.isArray(value) ? writeItems(rows, value, element) : 'a list');
}

function writeItems(rows: RowBuffer, items: readonly unknown[], element: WriteValue): string | undefined {
  rows.count(items.length);
  for (const item of items) {
    const problem = writeMember(rows, item, element);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function writeMember(rows: RowBuffer, value: unknown, write: WriteValue): string | undefined {
  const isNull = value === null || value === undefined;
  rows.isNull(isNull);
  return isNull ? undefined : write(rows, value);
}

function map(type: ColumnType & { readonly name: 'map' }, settings: ValueSettings): WriteValue | undefined {
  const [key, value] = [writerOf(type.key, settings), writerOf(type.value, settings)];
  if (key === undefined || value === undefined) return undefined;
  return (rows, entries) => {
    if (!isObject(entries)) return 'an object';
    return writeItems(rows, Object.keys(entries), key) ?? writeItems(rows, Object.values(entries), value);
  };
}

function struct(type: ColumnType & { readonly name: 'struct' }, settings: ValueSettings): WriteValue | undefined {
  const members: { readonly name: string; readonly write: WriteValue }[] = [];
  for (const member of type.members) {
    const write = writerOf(member.type, settings);
    if (write === undefined) return undefined;
    members.push({ name: member.name.toLowerCase(), write });
  }
  const known = new Set(members.map(({ name }) => name));
  return (rows, value) => {
    if (!isObject(value)) return 'an object';
    const fields = new Map(Object.entries(value).map(([name, field]) => [name.toLowerCase(), field]));
    if (!settings.ignoresMembers)
      for (const name of fields.keys()) if (!known.has(name)) return `an object with ${[...known].join(', ')} only`;
    for (const { name, write } of members) {
      const problem = writeMember(rows, fields.get(name), write);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
}

/** What was found, without repeating it. */
export function foundIn(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (ArrayBuffer.isView(value)) return 'bytes';
  if (value instanceof Date) return 'a date';
  return typeof value === 'string' ? 'text' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

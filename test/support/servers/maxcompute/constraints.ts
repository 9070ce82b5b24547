import { BrokenStream } from './cursor.ts';
import type { Column, ColumnType } from './types.ts';
import type { Value } from './values.ts';

export const defaultFieldBytes = 8 * 1024 * 1024;

const integerBits = { tinyint: 8n, smallint: 16n, int: 32n, bigint: 64n } as const;

/** Throws what the store answers to a value that its column cannot hold. */
export function expectStorable(columns: readonly Column[], row: Readonly<Record<string, Value>>, maxFieldBytes = defaultFieldBytes): void {
  for (const { name, type, nullable } of columns) {
    const value = row[name] ?? null;
    const fault = value === null ? (nullable ? undefined : 'may not be null') : faultOf(type, value, maxFieldBytes);
    if (fault !== undefined) throw new BrokenStream(`Column ${name} ${fault}.`, 'DataStoreError');
  }
}

function faultOf(type: ColumnType, value: Value, maxFieldBytes: number): string | undefined {
  switch (type.name) {
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint': {
      const limit = 1n << (integerBits[type.name] - 1n);
      const number = BigInt(value as number | bigint);
      // The least of the 64-bit integers is no value of BIGINT.
      const least = type.name === 'bigint' ? 1n - limit : -limit;
      return number < least || number >= limit ? `is out of the range of ${type.name}` : undefined;
    }
    case 'varchar':
    case 'char':
      return [...String(value)].length > (type.length ?? 0) ? `holds more than ${type.length} characters` : undefined;
    case 'string':
      return tooLong(Buffer.byteLength(String(value)), maxFieldBytes);
    case 'binary':
      return tooLong(Buffer.from(String(value), 'base64').length, maxFieldBytes);
    case 'json':
      return tooLong(Buffer.byteLength(String(value)), maxFieldBytes) ?? (isJson(String(value)) ? undefined : 'is not JSON');
    case 'decimal': {
      const [, integer, fraction = ''] = /^-?(\d+)(?:\.(\d+))?$/.exec(String(value)) ?? [];
      if (integer === undefined) return 'is not a decimal number';
      const room = (type.precision ?? 54) - (type.scale ?? 18);
      if (integer.replace(/^0+/, '').length > room) return `has more than ${room} digits before the point`;
      return fraction.length > (type.scale ?? 18) ? `has more than ${type.scale ?? 18} digits after the point` : undefined;
    }
    case 'array':
      return first((value as readonly Value[]).map((inner) => faultOfOptional(type.element, inner, maxFieldBytes)));
    case 'map': {
      const pairs = value as readonly (readonly [Value, Value])[];
      if (pairs.some(([key]) => key === null)) return 'has a map with a key that is null';
      if (new Set(pairs.map(([key]) => String(key))).size < pairs.length) return 'has a map with one key twice';
      return first(
        pairs.flatMap(([key, inner]) => [faultOf(type.key, key, maxFieldBytes), faultOfOptional(type.value, inner, maxFieldBytes)]),
      );
    }
    case 'struct': {
      const members = value as Readonly<Record<string, Value>>;
      return first(type.members.map((member) => faultOfOptional(member.type, members[member.name] ?? null, maxFieldBytes)));
    }
    default:
      return undefined;
  }
}

function faultOfOptional(type: ColumnType, value: Value, maxFieldBytes: number): string | undefined {
  return value === null ? undefined : faultOf(type, value, maxFieldBytes);
}

function first(faults: readonly (string | undefined)[]): string | undefined {
  return faults.find((fault) => fault !== undefined);
}

function tooLong(bytes: number, maxFieldBytes: number): string | undefined {
  return bytes > maxFieldBytes ? `holds more than ${maxFieldBytes} bytes` : undefined;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

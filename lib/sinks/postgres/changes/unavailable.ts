import { createHash } from 'node:crypto';
import { isObject } from '../../../core/field.ts';
import type { Fields } from './change.ts';

/** A row without the columns that the change does not tell, and the names of those. */
export interface Told {
  readonly row: Fields;
  readonly untold: readonly string[];
}

/** Finds the columns whose place is taken by the word for what is unavailable, in each of the forms Debezium gives it. */
export function toldBy(placeholder: string): (row: Fields) => Told {
  const bytes = Buffer.from(placeholder);
  const integers = [...bytes];
  const uuid = nameUuid(bytes);
  const base64 = bytes.toString('base64');
  const stands = (value: unknown): boolean => {
    if (typeof value === 'string') return value === placeholder || value === base64;
    if (typeof value !== 'object' || value === null) return false;
    if (ArrayBuffer.isView(value)) return bytes.equals(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
    if (!Array.isArray(value)) return isObject(value) && value[placeholder] === placeholder;
    if (value.length === 1) return value[0] === placeholder || value[0] === uuid;
    return value.length === integers.length && value.every((item, index) => Number(item) === integers[index]);
  };
  return (row) => {
    const untold = Object.keys(row).filter((name) => stands(row[name]));
    if (untold.length === 0) return { row, untold };
    return { row: Object.fromEntries(Object.entries(row).filter(([name]) => !untold.includes(name))), untold };
  };
}

/** The name-based UUID (version 3) of bytes without a name space, as Java makes it. */
function nameUuid(bytes: Uint8Array): string {
  const hash = createHash('md5').update(bytes).digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x30;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  return hash.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

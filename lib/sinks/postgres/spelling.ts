import type { Column } from './catalog.ts';

const integers: ReadonlySet<string> = new Set(['int2', 'int4', 'int8']);
const texts: ReadonlySet<string> = new Set(['text', 'varchar', 'bpchar', 'name']);

/** One text for all spellings of a key's value, where that is easily told: 01 and 1 are the same integer. */
export function canonical({ base, kind }: Column, text: string): string {
  if (kind === 'array') return text;
  if (integers.has(base)) return integer.test(text) ? text : decimal.test(text) ? String(BigInt(text.trim())) : text;
  if (base === 'uuid') return text.replace(/[^\da-f]/gi, '').toLowerCase();
  if (base === 'bpchar') return text.replace(/ +$/, '');
  return text;
}

/** Whether another canonical text is surely another value. Numbers are rounded, times have zones: 1.0 may be 1. */
export function isOnlySpelling({ base, kind, type, labels }: Column, text: string): boolean {
  if (kind === 'array') return false;
  if (texts.has(base) || base === 'uuid' || labels !== undefined) return true;
  if (integers.has(base)) return integer.test(text);
  if (base === 'numeric' || base === 'float8') return text.length <= 15 && integer.test(text);
  if (base === 'date') return day.test(text);
  return type === 'timestamp with time zone' && instant.test(text);
}

/** Whether the server would make the same text of this value's JSON as we do. */
export function isSameAsJson({ base }: Column, value: unknown): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value) && !texts.has(base);
  return typeof value !== 'object';
}

const integer = /^(?:0|-?[1-9]\d*)$/;
const decimal = /^\s*[+-]?\d+\s*$/;
const day = /^[12]\d{3}-\d\d-\d\d$/;
/** As dates are written by default. */
const instant = /^[12]\d{3}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;

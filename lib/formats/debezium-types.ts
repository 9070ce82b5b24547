import { isObject } from '../core/field.ts';
import { decimalText, decodeBase64, type NamedType, type NamedTypes } from './connect-schema.ts';

/** Debezium's own types, by the names of their schemas. Dates and times become ISO 8601 text to their last digit, decimals text with all of theirs. */
export const debeziumTypes: NamedTypes = new Map<string, NamedType>([
  ['io.debezium.time.Date', { type: 'date', convert: dateText }],
  ['io.debezium.time.Time', { type: 'time', convert: (value) => timeText(value, 3) }],
  ['io.debezium.time.MicroTime', { type: 'time', convert: (value) => timeText(value, 6) }],
  ['io.debezium.time.NanoTime', { type: 'time', convert: (value) => timeText(value, 9) }],
  ['io.debezium.time.Timestamp', { type: 'timestamp', convert: (value) => timestampText(value, 3) }],
  ['io.debezium.time.MicroTimestamp', { type: 'timestamp', convert: (value) => timestampText(value, 6) }],
  ['io.debezium.time.NanoTimestamp', { type: 'timestamp', convert: (value) => timestampText(value, 9) }],
  ['io.debezium.time.ZonedTimestamp', { type: 'timestamp', convert: text }],
  ['io.debezium.time.ZonedTime', { type: 'string', convert: text }],
  ['io.debezium.time.IsoDate', { type: 'date', convert: unzoned }],
  ['io.debezium.time.IsoTime', { type: 'time', convert: unzoned }],
  ['io.debezium.time.IsoTimestamp', { type: 'timestamp', convert: unzoned }],
  ['io.debezium.time.Year', { type: 'integer', convert: (value) => (Number.isInteger(value) ? value : undefined) }],
  ['io.debezium.time.MicroDuration', { type: 'string', convert: (value) => durationText(value, 6) }],
  ['io.debezium.time.NanoDuration', { type: 'string', convert: (value) => durationText(value, 9) }],
  ['io.debezium.time.Interval', { type: 'string', convert: text }],
  ['io.debezium.data.Json', { type: 'json', convert: parsed }],
  ['io.debezium.data.Bits', { type: 'string', convert: (value, { length }) => bitsText(value, Number(length)) }],
  ['io.debezium.data.VariableScaleDecimal', { type: 'decimal', convert: variableDecimal }],
]);

const ofColumns: ReadonlyMap<string, NamedType> = new Map([
  ...[...debeziumTypes].map(([name, type]) => [name.slice(name.lastIndexOf('.') + 1), type] as const),
  ['Decimal', { type: 'decimal', convert: (value, { length }) => decimalText(value, Number(length ?? 0)) } satisfies NamedType] as const,
  [
    'Bytes',
    { type: 'bytes', convert: (value) => (typeof value === 'string' ? decodeBase64(value) : undefined) } satisfies NamedType,
  ] as const,
]);

const columnType = /^([A-Za-z]+)(?:\((\d{1,4}|-\d{1,3})\))?$/;

/** How a column is encoded that has no schema, by the last part of a schema's name: `MicroTimestamp`, `Decimal(2)`, `Bits(8)`. Undefined for a type that is not known. */
export function typeOfColumn(name: string): ((value: unknown) => unknown) | undefined {
  const [, base = '', length] = columnType.exec(name) ?? [];
  const type = ofColumns.get(base);
  if (type === undefined) return undefined;
  return (value) => type.convert(value, length === undefined ? {} : { length });
}

/** The names that `typeOfColumn` knows, for a message. */
export const columnTypes: readonly string[] = [...ofColumns.keys()];

function text(value: unknown): unknown {
  return typeof value === 'string' ? value : undefined;
}

/** Dates and times without a zone are written with a Z all the same. */
function unzoned(value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/Z$/, '') : undefined;
}

/** The document; text that is none stays text, as what stands for an unavailable value does. */
function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return undefined;
  try {
    return JSON.parse(value, (_name, inner: unknown, context?: { readonly source?: string }) =>
      typeof inner === 'number' && !Number.isSafeInteger(inner) && /^-?\d+$/.test(context?.source ?? '')
        ? BigInt(context?.source ?? 0)
        : inner,
    );
  } catch {
    return value;
  }
}

const dayMs = 86_400_000n;

function integerOf(value: unknown): bigint | undefined {
  return typeof value === 'bigint' || Number.isSafeInteger(value) ? BigInt(value as number) : undefined;
}

function dateText(value: unknown): string | undefined {
  const days = integerOf(value);
  return days === undefined ? undefined : instant(days * dayMs, '', 'day');
}

/** Units since midnight, of which a second has 10 to the power of `digits`. Midnight at the end of a day is 24:00. */
function timeText(value: unknown, digits: number): string | undefined {
  const units = integerOf(value);
  const second = 10n ** BigInt(digits);
  if (units === undefined || units < 0n || units > 86_400n * second) return undefined;
  const seconds = Number(units / second);
  const two = (part: number): string => String(part).padStart(2, '0');
  return `${two(Math.floor(seconds / 3_600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${String(units % second).padStart(digits, '0')}`;
}

/** What stands for the ends of time in PostgreSQL, in microseconds; nanoseconds have the same. */
const infinities: ReadonlyMap<bigint, string> = new Map([
  [9_223_372_036_825_200_000n, 'infinity'],
  [-9_223_372_036_832_400_000n, '-infinity'],
]);

function timestampText(value: unknown, digits: number): string | undefined {
  const units = integerOf(value);
  if (units === undefined) return undefined;
  const end = infinities.get(digits === 3 ? units * 1_000n : units);
  if (end !== undefined) return end;
  const perMs = 10n ** BigInt(digits - 3);
  const rest = ((units % perMs) + perMs) % perMs;
  return instant((units - rest) / perMs, digits === 3 ? '' : String(rest).padStart(digits - 3, '0'), 'time');
}

/** A day, or a time without a zone, in the spelling of PostgreSQL where ISO 8601 has none: years before 1, and after 9999. */
function instant(ms: bigint, digits: string, kind: 'day' | 'time'): string | undefined {
  const date = new Date(Number(ms));
  if (Number.isNaN(date.getTime())) return undefined;
  const iso = date.toISOString();
  const year = date.getUTCFullYear();
  const rest = iso.slice(-20, -1);
  const numbered = String(year > 0 ? year : 1 - year).padStart(4, '0');
  return `${numbered}${kind === 'day' ? rest.slice(0, 6) : rest + digits}${year > 0 ? '' : ' BC'}`;
}

function durationText(value: unknown, digits: number): string | undefined {
  const units = integerOf(value);
  if (units === undefined) return undefined;
  const second = 10n ** BigInt(digits);
  const whole = units < 0n ? -units : units;
  return `PT${units < 0n ? '-' : ''}${whole / second}.${String(whole % second).padStart(digits, '0')}S`;
}

/** Bits as text, the first one last in the first byte. */
function bitsText(value: unknown, length: number): string | undefined {
  const bytes = typeof value === 'string' ? decodeBase64(value) : undefined;
  if (bytes === undefined) return undefined;
  const bits = [...bytes]
    .toReversed()
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('');
  return Number.isInteger(length) ? bits.slice(-length).padStart(length, '0') : bits;
}

/** No decimal of a database has more digits, and a record must not be able to ask for more memory than there is. */
const maxScale = 131_072;

function variableDecimal(value: unknown): string | undefined {
  if (!isObject(value)) return undefined;
  const { scale, value: unscaled } = value;
  return Number.isInteger(scale) && Math.abs(Number(scale)) <= maxScale ? decimalText(unscaled, Number(scale)) : undefined;
}

import { fieldReader } from '../../core/field.ts';
import type { KafkaRecord } from '../../core/record.ts';

/** Which time of a record names and partitions go by. */
export type TimeSource = 'record' | 'processing' | { readonly field: string; readonly unit: TimeUnit };
export type TimeUnit = 's' | 'ms' | 'us' | 'ns';

const perMs: Readonly<Record<TimeUnit, number>> = { s: 0.001, ms: 1, us: 1_000, ns: 1_000_000 };
const iso = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s?(Z|[+-]\d\d:?\d\d)?)?$/;

/** A field as milliseconds since the epoch: a number in the given unit, or a date as in ISO 8601, in UTC where it says nothing else. NaN for anything else. */
export function toMilliseconds(value: unknown, unit: TimeUnit): number {
  if (typeof value === 'number') return Math.floor(value / perMs[unit]);
  if (typeof value === 'bigint') return Math.floor(Number(value) / perMs[unit]);
  if (value instanceof Date) return value.getTime();
  if (typeof value !== 'string') return Number.NaN;
  if (/^\d+$/.test(value)) return Math.floor(Number(value) / perMs[unit]);
  const match = iso.exec(value);
  if (match === null) return Number.NaN;
  const [, date, time = '00:00', zone = 'Z'] = match;
  return Date.parse(`${date}T${time}${zone}`);
}

/** The time of a record that has one of its own. */
export function timeReader(source: TimeSource, processingTime: () => number): (record: KafkaRecord) => number {
  if (source === 'record') return ({ timestamp }) => timestamp;
  if (source === 'processing') return processingTime;
  const read = fieldReader(source.field);
  return ({ value }) => toMilliseconds(read(value), source.unit);
}

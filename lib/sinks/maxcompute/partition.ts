import type { Static } from 'typebox';
import { ConfigError, DataError } from '../../core/errors.ts';
import { fieldReader } from '../../core/field.ts';
import { type KafkaRecord, originName } from '../../core/record.ts';
import { router } from '../../core/route.ts';
import { parseTemplate } from '../../core/template.ts';
import { toInstant } from './instant.ts';
import { levelsOf, type PartitionLevel, type partition } from './partition-options.ts';
import { parseZone, type Zone } from './zone.ts';

/** The partition of a record, e.g. `pt=2026-03-04 05`; undefined for tables without. Throws a DataError when the record leads to none. */
export type PartitionOf = (record: KafkaRecord) => string | undefined;

export interface PartitionSettings {
  /** Different partitions at most within a day. */
  readonly maxPartitions: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Reads the option `partition`. Throws a ConfigError `CONFIG_INVALID` that names what makes no sense. */
export function partitioner(config: Static<typeof partition>, { maxPartitions, now }: PartitionSettings): PartitionOf {
  const path = (index: number): string => (Array.isArray(config) ? `connector.sink.partition[${index}]` : 'connector.sink.partition');
  const levels = levelsOf(config).map((level, index) => ({
    prefix: `${level.column.toLowerCase()}=`,
    value: levelValue(level, path(index), now),
  }));
  if (levels.length === 0) return () => undefined;
  const count = dayCounter(maxPartitions, now);
  let last = '';
  return (record) => {
    let spec = '';
    for (const { prefix, value } of levels) spec += `${spec === '' ? '' : ','}${prefix}${value(record)}`;
    if (spec !== last) {
      count(spec, record);
      last = spec;
    }
    return spec;
  };
}

function dayCounter(maxPartitions: number, now: () => number): (spec: string, record: KafkaRecord) => void {
  let seen = new Set<string>();
  let from = now();
  return (spec, record) => {
    if (seen.has(spec)) return;
    if (now() - from >= 86_400_000) {
      seen = new Set();
      from = now();
    }
    if (seen.size >= maxPartitions) {
      const message = `Record would lead to partition number ${maxPartitions + 1} within a day, and connector.sink.maxPartitions is ${maxPartitions}`;
      throw refused('TOO_MANY_TARGETS', message, record);
    }
    seen.add(spec);
  };
}

type LevelValue = (record: KafkaRecord) => string;

function levelValue(level: PartitionLevel, path: string, now: () => number): LevelValue {
  const { by, field, format, window } = level;
  if ((by === 'field') !== (field !== undefined))
    throw invalid(
      by === 'field'
        ? `Expected ${path}.field with by: field. Set it to a field of the value.`
        : `Expected no ${path}.field with by: ${by}.`,
    );
  if (format === 'text') return textValue(level, path);
  const zone = parseZone(level.timeZone, `${path}.timeZone`);
  const pattern = patternOf(format, window, `${path}.format`);
  const timeOf = timeReader(level, zone, now);
  const windowMs = windows[window];
  let lastWindow = Number.NaN;
  let lastText = '';
  return (record) => {
    const time = timeOf(record);
    const local = Math.floor((time + zone.offsetMs(time)) / windowMs);
    if (local === lastWindow) return lastText;
    const iso = new Date(local * windowMs).toISOString();
    if (!/^\d/.test(iso))
      throw refused('NAME_UNRESOLVED', 'Expected the time that decides the partition to be in the years 1 to 9999', record);
    lastText = pattern.replace(tokens, (token) => iso.slice(...(tokenPositions[token] ?? [])));
    lastWindow = local;
    return lastText;
  };
}

const windows = { day: 86_400_000, hour: 3_600_000, minute: 60_000 } as const;
const tokens = /yyyy|MM|dd|HH|mm/g;
const tokenPositions: Readonly<Record<string, readonly [start: number, end: number]>> = {
  yyyy: [0, 4],
  MM: [5, 7],
  dd: [8, 10],
  HH: [11, 13],
  mm: [14, 16],
};
const hours = { day: '', hour: ' HH', minute: ' HH:mm' } as const;

function patternOf(format: string, window: keyof typeof windows, path: string): string {
  if (format === 'new') return `yyyy-MM-dd${hours[window]}`;
  if (format === 'old') return `MM-dd-yyyy${hours[window]}`;
  if (format.search(tokens) < 0 || /[A-Za-z]/.test(format.replace(tokens, '')) || !isPartitionValue(format))
    throw invalid(`Expected ${path} to be new, old, text, or a pattern of yyyy, MM, dd, HH and mm without commas, slashes and quotes.`);
  return format;
}

function timeReader({ by, field = '' }: PartitionLevel, zone: Zone, now: () => number): (record: KafkaRecord) => number {
  if (by === 'processing-time') return now;
  const read = fieldReader(field);
  return (record) => {
    const instant = toInstant(by === 'field' ? read(record.value) : record.timestamp, zone);
    // Kafka says -1 for a record without a timestamp.
    if (instant === undefined || (by === 'record-time' && instant.seconds < 0)) {
      const found =
        by === 'field'
          ? `Expected ${JSON.stringify(field)} to be an instant, as it decides the partition`
          : 'Expected the record to have a timestamp, as it decides the partition';
      throw refused('NAME_UNRESOLVED', found, record);
    }
    return instant.seconds * 1_000;
  };
}

function textValue({ by, field = '', allow }: PartitionLevel, path: string): LevelValue {
  if (by !== 'field') throw invalid(`Expected ${path}.by to be field with format: text.`);
  const template = parseTemplate(`{value.${field}}`, `${path}.field`);
  const valid = (name: string) => isPartitionValue(name) || 'a partition value without commas, slashes and quotes';
  const route = router({ path: `${path}.field`, template, allow, maxTargets: Number.POSITIVE_INFINITY, valid });
  // The target that a transform chose is a table, not a partition.
  return ({ origin, version, part, timestamp, timestampType, headers, key, value }) =>
    route({ origin, version, part, timestamp, timestampType, headers, key, value });
}

function isPartitionValue(text: string): boolean {
  return text !== '' && !/[,/'"`\\\p{Cc}]/u.test(text) && Buffer.byteLength(text) <= 255;
}

function refused(code: string, message: string, { origin }: KafkaRecord): DataError {
  return new DataError(code, `${message} (${originName(origin)})`);
}

function invalid(message: string): ConfigError {
  return new ConfigError('CONFIG_INVALID', message);
}

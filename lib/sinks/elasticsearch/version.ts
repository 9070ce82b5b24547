import { ConfigError, DataError } from '../../core/errors.ts';
import { type KafkaRecord, originName } from '../../core/record.ts';

/** The first epoch, offset and part that do not fit. */
export const versionBounds = { epoch: 92, offset: 1e13, part: 10_000 } as const;

/**
 * (epoch, offset, part) as one external version: the digits of the epoch, then 13 of the offset, then 4 of the part, so that a person can
 * read it. The order is kept and the largest, 91_9999999999999_9999, is below 2^63. Throws a ConfigError for what does not fit.
 */
export function packVersion(record: Pick<KafkaRecord, 'version' | 'part' | 'origin'>): string {
  const { version, part } = record;
  if (!(version.epoch >= 0 && version.epoch < versionBounds.epoch))
    throw new ConfigError('VERSION_OUT_OF_RANGE', `Expected connector.epoch to be from 0 to ${versionBounds.epoch - 1} for this sink.`);
  if (!(version.offset >= 0 && version.offset < versionBounds.offset))
    throw new ConfigError(
      'VERSION_OUT_OF_RANGE',
      `Offset does not fit into a document version (${originName(record.origin)}). Set connector.sink.guard to none.`,
    );
  if (!(part >= 0 && part < versionBounds.part)) {
    const message = `Expected at most ${versionBounds.part} records from one, got part ${part} (${originName(record.origin)})`;
    throw new DataError('SINK_TOO_MANY_PARTS', message);
  }
  const high = version.epoch * versionBounds.offset + version.offset; // below 9.2e14, so exact
  if (high === 0) return String(part); // JSON knows no leading zeros
  return part === 0 ? `${high}0000` : `${high}${String(part).padStart(4, '0')}`;
}

const largest = 2n ** 63n - 1n;

/** The field of `guard.field` as an external version: a whole number, or a point in time as milliseconds. Throws a DataError. */
export function guardVersion(value: unknown, { origin }: KafkaRecord): string {
  const found = toWholeNumber(value);
  if (found !== undefined && found >= 0n && found <= largest) return found.toString();
  throw new DataError(
    'SINK_RECORD_WITHOUT_GUARD',
    `Expected the field of connector.sink.guard to be a whole number from 0 to 2^63 - 1 or a date, found ${value == null ? 'nothing' : 'something else'} (${originName(origin)})`,
  );
}

function toWholeNumber(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  if (typeof value === 'string' && /^\d{1,19}$/.test(value)) return BigInt(value);
  const time = value instanceof Date ? value.getTime() : typeof value === 'string' && isoDate.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? undefined : BigInt(time);
}

const isoDate = /^\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2}))?$/;

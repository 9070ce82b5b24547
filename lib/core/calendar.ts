import { ConfigError } from './errors.ts';

export type CalendarToken = 'yyyy' | 'MM' | 'dd' | 'HH' | 'mm' | 'ss';
export type CalendarParts = Readonly<Record<CalendarToken, string>>;

export interface Zone {
  readonly name: string;
  /** The offset from UTC never changes within a span of this length, counted from the epoch; see `isSteady`. */
  readonly steadyMs: number;
  /** Undefined for UTC, which needs no help. */
  readonly format: Intl.DateTimeFormat | undefined;
}

const endOfYear9999 = 253_402_300_799_999;
/** Before, some zones were off by seconds. Clocks are still set on odd minutes: in Casey at 00:01, until 2022. */
const steadySince = Date.UTC(1975, 0);

/** The zone of that IANA name. Throws a ConfigError `CONFIG_INVALID` when there is none. */
export function zoneNamed(name: string): Zone {
  if (name === 'UTC' || name === 'Etc/UTC') return { name, steadyMs: Number.POSITIVE_INFINITY, format: undefined };
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      ...{ timeZone: name, calendar: 'iso8601', numberingSystem: 'latn', hourCycle: 'h23' },
      ...{ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' },
    });
    return { name, steadyMs: 60_000, format };
  } catch (error) {
    const message = `Expected a time zone by its IANA name, e.g. Asia/Shanghai or UTC, got "${name}".`;
    throw new ConfigError('CONFIG_INVALID', message, { cause: error });
  }
}

/** Whether times as late as this one change their date and hour only where minutes end. */
export function isSteady(time: number): boolean {
  return time >= steadySince;
}

/** The calendar's digits for a time in milliseconds since the epoch; undefined outside the years 1970 to 9999. */
export function calendarParts(time: number, { format }: Zone): CalendarParts | undefined {
  if (!(time >= 0 && time <= endOfYear9999)) return undefined;
  if (format === undefined) {
    const iso = new Date(time).toISOString();
    const [yyyy, MM, dd] = [iso.slice(0, 4), iso.slice(5, 7), iso.slice(8, 10)];
    return { yyyy, MM, dd, HH: iso.slice(11, 13), mm: iso.slice(14, 16), ss: iso.slice(17, 19) };
  }
  const parts = new Map(format.formatToParts(time).map(({ type, value }) => [type, value]));
  const digits = (type: Intl.DateTimeFormatPartTypes, count: number): string => (parts.get(type) ?? '').padStart(count, '0');
  const [yyyy, MM, dd] = [digits('year', 4), digits('month', 2), digits('day', 2)];
  return { yyyy, MM, dd, HH: digits('hour', 2), mm: digits('minute', 2), ss: digits('second', 2) };
}

import type { Zone } from './zone.ts';

/** An instant, or what a clock shows: whole seconds since the epoch, rounded down, and nanoseconds. */
export interface Instant {
  readonly seconds: number;
  readonly nanos: number;
}

const pattern = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?)?$/i;
/** From the year 1 to the end of the year 9999. */
const firstSecond = -62_135_596_800;
const lastSecond = 253_402_300_799;

/** The instant that a date, milliseconds since the epoch or a text names; a text without a zone is read in `zone`. Undefined for anything else. */
export function toInstant(value: unknown, zone: Zone): Instant | undefined {
  if (typeof value === 'string') {
    const read = readText(value);
    if (read === undefined) return undefined;
    const { seconds, nanos, offsetSeconds } = read;
    return inRange(offsetSeconds === undefined ? zone.toInstant(seconds * 1_000) / 1_000 : seconds - offsetSeconds, nanos);
  }
  return fromMilliseconds(value);
}

/** What the clocks of `zone` show at that instant; of a text without a zone, what it says. */
export function toWallTime(value: unknown, zone: Zone): Instant | undefined {
  if (typeof value === 'string') {
    const read = readText(value);
    if (read !== undefined && read.offsetSeconds === undefined) return inRange(read.seconds, read.nanos);
  }
  const instant = toInstant(value, zone);
  return instant === undefined ? undefined : inRange(instant.seconds + zone.offsetMs(instant.seconds * 1_000) / 1_000, instant.nanos);
}

/** Days since the epoch of a calendar day: of a text its own, of a date the day in UTC. Numbers could be days or milliseconds, so they are none. */
export function toDay(value: unknown): number | undefined {
  const read = typeof value === 'string' ? readText(value) : value instanceof Date ? fromMilliseconds(value) : undefined;
  const found = read === undefined ? undefined : inRange(read.seconds, 0);
  return found === undefined ? undefined : Math.floor(found.seconds / 86_400);
}

function fromMilliseconds(value: unknown): Instant | undefined {
  const ms = value instanceof Date ? value.getTime() : typeof value === 'bigint' ? Number(value) : value;
  if (typeof ms !== 'number' || !Number.isFinite(ms)) return undefined;
  const whole = Math.floor(ms);
  const seconds = Math.floor(whole / 1_000);
  const nanos = (whole - seconds * 1_000) * 1_000_000 + Math.floor((ms - whole) * 1_000_000);
  return inRange(seconds, nanos);
}

function readText(text: string): (Instant & { readonly offsetSeconds: number | undefined }) | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, year = '', month = '', day = '', hour = '0', minute = '0', second = '0', fraction = '', zone] = match;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const days = dayNumber(Number(year), Number(month), Number(day));
  if (days === undefined) return undefined;
  const seconds = days * 86_400 + Number(hour) * 3_600 + Number(minute) * 60 + Number(second);
  return { seconds, nanos: Number(fraction.padEnd(9, '0')), offsetSeconds: zone === undefined ? undefined : offsetOf(zone) };
}

const monthLengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Days since the epoch; undefined where the calendar has no such day. */
function dayNumber(year: number, month: number, day: number): number | undefined {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const length = month === 2 && isLeap ? 29 : (monthLengths[month - 1] ?? 0);
  if (day < 1 || day > length) return undefined;
  // The calendar repeats after 400 years, and Date takes years below 100 for ones of the last century.
  return Date.UTC(year + 400, month - 1, day) / 86_400_000 - 146_097;
}

function offsetOf(zone: string): number {
  if (zone.toUpperCase() === 'Z') return 0;
  const seconds = Number(zone.slice(1, 3)) * 3_600 + Number(zone.slice(3).replace(':', '') || '0') * 60;
  return zone.startsWith('-') ? -seconds : seconds;
}

function inRange(seconds: number, nanos: number): Instant | undefined {
  return seconds >= firstSecond && seconds <= lastSecond ? { seconds, nanos } : undefined;
}

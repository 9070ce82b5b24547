import type { Zone } from './zone.ts';

/** An instant, or what a clock shows: whole seconds since the epoch, rounded down, and nanoseconds. */
export interface Instant {
  readonly seconds: number;
  readonly nanos: number;
}

const pattern = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?\s*(?:Z|[+-]\d\d(?::?\d\d)?)?)?$/i;
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

/** Digits are read at their places, which costs a third of what capturing them does. */
function readText(text: string): (Instant & { readonly offsetSeconds: number | undefined }) | undefined {
  if (!pattern.test(text)) return undefined;
  const days = dayNumber(two(text, 0) * 100 + two(text, 2), two(text, 5), two(text, 8));
  if (days === undefined) return undefined;
  if (text.length === 10) return { seconds: days * 86_400, nanos: 0, offsetSeconds: undefined };
  const [hour, minute] = [two(text, 11), two(text, 14)];
  const hasSeconds = text[16] === ':';
  const second = hasSeconds ? two(text, 17) : 0;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  let end = hasSeconds ? 19 : 16;
  let nanos = 0;
  if (hasSeconds && (text[end] === '.' || text[end] === ',')) {
    let unit = 100_000_000;
    for (end++; isDigit(text, end); end++, unit /= 10) nanos += (text.charCodeAt(end) - 48) * unit;
  }
  const zone = text.length === end ? '' : text.slice(end).trim();
  return { seconds: days * 86_400 + hour * 3_600 + minute * 60 + second, nanos, offsetSeconds: zone === '' ? undefined : offsetOf(zone) };
}

function two(text: string, at: number): number {
  return (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48;
}

function isDigit(text: string, at: number): boolean {
  const digit = text.charCodeAt(at) - 48;
  return digit >= 0 && digit <= 9;
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

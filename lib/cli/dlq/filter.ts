import { ConfigError } from '../../core/errors.ts';
import { originName, partitionName } from '../../core/record.ts';
import { type DeadLetter, sourceOf } from './dead-letter.ts';

/** What the command line says of the letters that are meant. */
export interface LetterFilter {
  /** The beginning of a group's fingerprint. */
  readonly group?: string;
  /** A topic, a partition as `quakes-2`, or one record as `quakes-2@17`. */
  readonly origin?: string;
  /** A time, or how long ago, of the last failure. */
  readonly since?: string;
  readonly until?: string;
}

/** A test for letters. Throws a ConfigError for times that are none. */
export function letterFilter({ group, origin, since, until }: LetterFilter, now: number): (letter: DeadLetter) => boolean {
  const from = since === undefined ? Number.NEGATIVE_INFINITY : parseTime(since, '--since', now);
  const to = until === undefined ? Number.POSITIVE_INFINITY : parseTime(until, '--until', now);
  if (group !== undefined && !/^[0-9a-f]{1,8}$/.test(group))
    throw new ConfigError('USAGE', 'Expected --group to be the id of a group, as sluice dlq list shows it.');
  return (letter) =>
    letter.lastFailure >= from &&
    letter.lastFailure < to &&
    (group === undefined || letter.fingerprint.startsWith(group)) &&
    (origin === undefined || isFrom(letter, origin));
}

function isFrom(letter: DeadLetter, origin: string): boolean {
  return [sourceOf(letter), letter.origin].some(
    (from) => from !== undefined && (from.topic === origin || partitionName(from) === origin || originName(from) === origin),
  );
}

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `30m`, `2h`, `7d` ago, or a date and time. Throws a ConfigError that names the option. */
export function parseTime(text: string, option: string, now: number): number {
  const ago = /^(\d+)([smhd])$/.exec(text);
  if (ago !== null) return now - Number(ago[1]) * (units[ago[2] ?? ''] ?? 0);
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time))
    throw new ConfigError('USAGE', `Expected ${option} to be how long ago (30m, 2h, 7d) or a time such as 2026-03-01T09:00.`);
  return time;
}

import { ConfigError } from '../../core/errors.ts';
import type { Origin } from '../../core/record.ts';
import { type DeadLetter, identityOf, replaysOf } from './dead-letter.ts';

/** One failure of one record, however many letters tell of it. */
export interface Failure {
  /** The letter that tells of the last attempt. */
  readonly letter: DeadLetter;
  /** All letters of it, that one among them. */
  readonly letters: readonly DeadLetter[];
}

/** Joins letters that tell of the same failure, as letters are written at least once; in the order of their first letters. */
export function collapse(letters: readonly DeadLetter[]): readonly Failure[] {
  return [...Map.groupBy(letters, identityOf).values()].map((own) => ({
    letter: own.reduce((last, each) => (replaysOf(each) > replaysOf(last) ? each : last)),
    letters: own,
  }));
}

/** What became of letters before, as far as is known here. */
export interface Marks {
  isReplayed(place: Origin): boolean;
}

/** True when the failure was replayed and no letter tells that it failed again since. */
export function isDone({ letter, letters }: Failure, marks: Marks): boolean {
  return letters.some((each) => marks.isReplayed(each.place) && replaysOf(each) >= replaysOf(letter));
}

/** Failures of one kind. */
export interface LetterGroup {
  readonly connector: string | undefined;
  readonly fingerprint: string;
  /** Failures that wait to be replayed. */
  readonly waiting: number;
  readonly replayed: number;
  /** Milliseconds since the epoch. */
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly stage: string;
  readonly code: string;
  readonly message: string;
  readonly example: Origin;
}

/** Failures by connector and fingerprint, the largest group first. */
export function groupsOf(failures: readonly Failure[], marks: Marks): readonly LetterGroup[] {
  return [...Map.groupBy(failures, ({ letter }) => `${letter.connector ?? ''} ${letter.fingerprint}`).values()]
    .flatMap((own): LetterGroup[] => {
      const last = own.at(-1)?.letter;
      if (last === undefined) return [];
      const { connector, fingerprint, stage, code, message, place } = last;
      const replayed = own.filter((failure) => isDone(failure, marks)).length;
      const firstSeen = own.reduce(
        (least, { letters }) => letters.reduce((time, each) => Math.min(time, each.firstFailure), least),
        Infinity,
      );
      const lastSeen = own.reduce((most, { letter }) => Math.max(most, letter.lastFailure), 0);
      const waiting = own.length - replayed;
      return [{ connector, fingerprint, waiting, replayed, firstSeen, lastSeen, stage, code, message, example: place }];
    })
    .sort((a, b) => b.waiting - a.waiting || b.lastSeen - a.lastSeen);
}

/** As many characters of the fingerprints as tell them apart, at least four. */
export function shortIds(fingerprints: readonly string[]): (fingerprint: string) => string {
  const distinct = [...new Set(fingerprints)];
  let length = 4;
  while (length < 8 && new Set(distinct.map((each) => each.slice(0, length))).size < distinct.length) length++;
  return (fingerprint) => fingerprint.slice(0, length);
}

/** Throws a ConfigError when the beginning of a group's id fits none of the letters, or several groups. */
export function checkGroup(group: string | undefined, letters: readonly DeadLetter[]): void {
  if (group === undefined) return;
  const known = [...new Set(letters.map(({ fingerprint }) => fingerprint))];
  const fitting = known.filter((each) => each.startsWith(group));
  if (fitting.length === 1) return;
  const id = shortIds(known);
  const there = known.slice(0, 20).map(id).join(', ');
  if (fitting.length > 1) throw new ConfigError('USAGE', `--group ${group} fits ${fitting.map(id).join(', ')}. Write more of it.`);
  throw new ConfigError(
    'USAGE',
    known.length === 0 ? `There are no letters, so no group ${group}.` : `There is no group ${group}. There are ${there}.`,
  );
}

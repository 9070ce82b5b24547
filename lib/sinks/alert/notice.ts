import { createHash } from 'node:crypto';
import type { KafkaRecord } from '../../core/record.ts';
import { originName } from '../../core/record.ts';
import type { Limit } from './cut.ts';
import type { Escape } from './escape.ts';
import type { Severity } from './severity.ts';
import { worst } from './severity.ts';
import type { Facts, Text } from './text.ts';

export type Status = 'firing' | 'resolved';

/** A record and what it says. */
export interface Event {
  readonly record: KafkaRecord;
  /** Its place in the batch. */
  readonly position: number;
  readonly severity: Severity;
  readonly status: Status;
  /** What it is about: records of one group are one alert. */
  readonly group: string;
}

/** What is written of an alert of one severity. */
export interface Wording {
  readonly title: Text;
  readonly text: Text;
  readonly link: ((record: KafkaRecord, facts: Facts) => string | undefined) | undefined;
  readonly linkTitle: string;
}

/** Similar records of a batch, which are told of once. */
export interface Notice {
  readonly connector: string;
  readonly group: string;
  readonly status: Status;
  readonly severity: Severity;
  /** In the order in which they came; the last one is what is shown. */
  readonly events: readonly [Event, ...Event[]];
  readonly wording: Wording;
}

/** Gathers the events of each group. A group whose status changes on the way is told of once for each change, in that order. */
export function gather(events: readonly Event[], connector: string, wordingOf: (event: Event) => Wording): readonly Notice[] {
  const notices: { events: [Event, ...Event[]]; severity: Severity }[] = [];
  const latest = new Map<string, (typeof notices)[number]>();
  for (const event of events) {
    const open = latest.get(event.group);
    if (open !== undefined && open.events[0].status === event.status) {
      open.events.push(event);
      open.severity = worst(open.severity, event.severity);
      continue;
    }
    const next: (typeof notices)[number] = { events: [event], severity: event.severity };
    latest.set(event.group, next);
    notices.push(next);
  }
  return notices.map(({ events: [first, ...others], severity }) => {
    const { group, status } = first;
    return {
      connector,
      group,
      status,
      severity,
      events: [first, ...others],
      wording: wordingOf({ ...last([first, ...others]), severity }),
    };
  });
}

/** A notice of several records as two of fewer, with its severity and words; none of a notice of one. */
export function halvesOf(notice: Notice): readonly Notice[] {
  if (notice.events.length === 1) return [];
  const middle = Math.ceil(notice.events.length / 2);
  return [notice.events.slice(0, middle), notice.events.slice(middle)].flatMap(([first, ...others]) =>
    first === undefined ? [] : [{ ...notice, events: [first, ...others] as const }],
  );
}

export function last(events: readonly [Event, ...Event[]]): Event {
  return events.at(-1) ?? events[0];
}

/** The same for every delivery of the same records of a group: receivers that know such keys tell a repetition by it. */
export function noticeId({ connector, group, status, events }: Notice, channel: string): string {
  const end = last(events);
  return `msg_${hash([connector, channel, group, status, versionName(events[0].record), versionName(end.record)]).slice(0, 32)}`;
}

/** One key for everything that is said about a group. */
export function groupKey({ connector, group }: Notice): string {
  const key = `${connector}/${group}`;
  return /^[\x20-\x7e]{1,255}$/.test(key) ? key : `${connector.slice(0, 100)}/${hash([group]).slice(0, 64)}`;
}

/** topic-partition@offset with part and epoch where there are any: the place that stays the same when a dead letter is replayed. */
export function versionName({ version, part }: KafkaRecord): string {
  const { epoch } = version;
  return `${originName(version)}${part > 0 || epoch > 0 ? `.${part}` : ''}${epoch > 0 ? `.${epoch}` : ''}`;
}

/** Where the records of a notice are in Kafka: the first, and the last when there are more. */
export function originsOf({ events }: Notice): string {
  const first = originName(events[0].record.origin);
  return events.length === 1 ? first : `${first} … ${originName(last(events).record.origin)}`;
}

export function titleOf(notice: Notice, escaped: Escape, limit: Limit): string {
  return notice.wording.title(last(notice.events).record, factsOf(notice), escaped, limit);
}

export function textOf(notice: Notice, escaped: Escape, limit: Limit): string {
  return notice.wording.text(last(notice.events).record, factsOf(notice), escaped, limit);
}

export function linkOf(notice: Notice): string | undefined {
  return notice.wording.link?.(last(notice.events).record, factsOf(notice));
}

/** When the first of them happened and the last, as ISO 8601; Kafka says -1 for a record without a time. */
export function timesOf({ events }: Notice): { readonly first: string | undefined; readonly last: string | undefined } {
  return { first: isoTime(events[0].record.timestamp), last: isoTime(last(events).record.timestamp) };
}

function isoTime(timestamp: number): string | undefined {
  return timestamp >= 0 && timestamp <= 253_402_300_799_999 ? new Date(timestamp).toISOString() : undefined;
}

function factsOf({ connector, group, severity, status, events }: Notice): Facts {
  return { connector, group, severity, status, count: events.length };
}

function hash(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

import type { Header, Version } from './record.ts';

/** What a dead letter says of the record it holds, beside what Kafka Connect's readers know: all values are UTF-8 text. */
export const letterHeaders = {
  version: 'sluice.version',
  timestamp: 'sluice.timestamp',
  parts: 'sluice.parts',
  attempts: 'sluice.attempts',
  firstFailure: 'sluice.first-failure',
  lastFailure: 'sluice.last-failure',
  class: 'sluice.class',
  code: 'sluice.code',
  fingerprint: 'sluice.fingerprint',
  configVersion: 'sluice.config-version',
  bodyOmitted: 'sluice.body-omitted',
} as const;

/** A record that was a dead letter: it keeps the version it failed with, and only its failed parts are sent. */
export interface Replay {
  readonly version: Version;
  /** Milliseconds since the epoch, as the record had it: a topic with LogAppendTime gives the letter another, which says nothing of the record's age. */
  readonly timestamp?: number;
  readonly parts?: readonly number[];
  readonly attempts: number;
  /** Milliseconds since the epoch. */
  readonly firstFailure?: number;
}

/** Reads the replay headers of a record; undefined when it has none, or none that make sense. */
export function readReplay(headers: readonly Header[]): Replay | undefined {
  if (headers.length === 0) return undefined;
  const version = parseVersion(lastText(headers, letterHeaders.version));
  if (version === undefined) return undefined;
  const parts = parseParts(lastText(headers, letterHeaders.parts));
  const timestamp = wholeNumber(lastText(headers, letterHeaders.timestamp));
  const firstFailure = wholeNumber(lastText(headers, letterHeaders.firstFailure));
  return {
    version,
    attempts: wholeNumber(lastText(headers, letterHeaders.attempts)) ?? 1,
    ...(timestamp === undefined ? {} : { timestamp }),
    ...(parts === undefined ? {} : { parts }),
    ...(firstFailure === undefined ? {} : { firstFailure }),
  };
}

/** `topic:partition:offset:epoch`; topic names hold no colon. */
export function versionText({ topic, partition, offset, epoch }: Version): string {
  return `${topic}:${partition}:${offset}:${epoch}`;
}

function parseVersion(text: string | undefined): Version | undefined {
  const match = /^([^:]+):(\d+):(\d+):(\d+)$/.exec(text ?? '');
  if (match === null) return undefined;
  const [, topic = '', partition, offset, epoch] = match;
  return { topic, partition: Number(partition), offset: Number(offset), epoch: Number(epoch) };
}

function parseParts(text: string | undefined): readonly number[] | undefined {
  return text !== undefined && /^\d+(,\d+)*$/.test(text) ? text.split(',').map(Number) : undefined;
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}

function lastText(headers: readonly Header[], key: string): string | undefined {
  const value = headers.findLast((header) => header.key === key)?.value;
  return value === undefined ? undefined : Buffer.from(value).toString('utf8');
}

import { DataError } from '../../core/errors.ts';
import { fingerprint, hash } from '../../core/letter.ts';
import { type Header, type Origin, originName, type SourceRecord, type Version } from '../../core/record.ts';
import { letterHeaders, readReplay, versionText } from '../../core/replay.ts';

/** What a letter says of itself, without its bytes: a topic may hold more of those than memory does. */
export interface DeadLetter {
  /** Where the letter is, in its dead letter topic. */
  readonly place: Origin;
  readonly writtenBy: 'sluice' | 'kafka-connect' | 'unknown';
  /** Undefined where the letter does not say. */
  readonly connector: string | undefined;
  /** The record that failed. */
  readonly origin: Origin | undefined;
  /** What newer-wins compares: of the first time it failed. Only Sluice writes it. */
  readonly version: Version | undefined;
  /** The parts of a fan-out that failed; all when undefined. */
  readonly parts: readonly number[] | undefined;
  readonly stage: string;
  readonly code: string;
  readonly message: string;
  /** The same for the same kind of failure. */
  readonly fingerprint: string;
  /** How often it was tried, as far as Kafka knows. */
  readonly attempts: number;
  /** How often it was sent to its topic again. */
  readonly rounds: number;
  /** Milliseconds since the epoch. */
  readonly firstFailure: number;
  readonly lastFailure: number;
  /** The record's own time; milliseconds since the epoch. */
  readonly timestamp: number;
  readonly configVersion: string | undefined;
  /** The record was too large for the topic: key and value are at its origin only. */
  readonly isBodyOmitted: boolean;
}

/** Counts how often a letter's record was sent to its topic again. It stays with the record, so that the next letter has it too. */
export const roundsHeader = 'sluice.replays';

const connectPrefix = '__connect.errors.';

/** Kafka Connect's stages (KIP-298) in our words. */
const stages: Readonly<Record<string, string>> = {
  KEY_CONVERTER: 'key',
  VALUE_CONVERTER: 'value',
  HEADER_CONVERTER: 'header',
  TRANSFORMATION: 'transform',
  TASK_PUT: 'sink',
};

/** Reads what a letter says of itself: our headers, those of Kafka Connect, or none. */
export function readLetter(record: SourceRecord): DeadLetter {
  const text = headerTexts(record.headers);
  const connect = (name: string): string | undefined => text(`${connectPrefix}${name}`);
  const replay = readReplay(record.headers);
  const origin = originOf(connect('topic'), connect('partition'), connect('offset'));
  const code = text(letterHeaders.code) ?? simpleName(connect('exception.class.name')) ?? 'UNKNOWN';
  const stage = stages[connect('stage') ?? ''] ?? connect('stage') ?? 'unknown';
  const message = connect('exception.message') ?? '';
  const timestamp = replay?.timestamp ?? record.timestamp;
  const lastFailure = wholeNumber(text(letterHeaders.lastFailure)) ?? record.timestamp;
  return {
    place: record.origin,
    writtenBy:
      replay !== undefined ? 'sluice' : origin !== undefined || connect('connector.name') !== undefined ? 'kafka-connect' : 'unknown',
    connector: connect('connector.name'),
    origin,
    version: replay?.version,
    parts: replay?.parts,
    stage,
    code,
    message,
    fingerprint: text(letterHeaders.fingerprint) ?? foreignFingerprint(stage, code, message),
    attempts: replay?.attempts ?? 1,
    rounds: wholeNumber(text(roundsHeader)) ?? 0,
    firstFailure: replay?.firstFailure ?? lastFailure,
    lastFailure,
    timestamp,
    configVersion: text(letterHeaders.configVersion),
    isBodyOmitted: text(letterHeaders.bodyOmitted) === 'true',
  };
}

/** The headers of the record that failed: what a letter adds stands behind them and begins with Kafka Connect's first. */
export function originalHeaders(headers: readonly Header[]): readonly Header[] {
  const from = headers.findLastIndex(({ key }) => key === `${connectPrefix}topic`);
  return from === -1 ? headers : headers.slice(0, from);
}

/** Letters are written at least once: two that share this are of one failure. */
export function identityOf({ place, connector, origin, version, parts }: DeadLetter): string {
  const record = version === undefined ? origin && originName(origin) : versionText(version);
  return record === undefined ? `at ${originName(place)}` : `${connector ?? ''} ${record} ${parts?.join(',') ?? ''}`;
}

/** How often the record failed after it was sent again, as far as Kafka knows. */
export function replaysOf({ attempts, rounds }: DeadLetter): number {
  return Math.max(attempts - 1, rounds);
}

/** The record that a letter holds was read from there; with a version it is where it first was. */
export function sourceOf({ version, origin }: DeadLetter): Origin | undefined {
  return version ?? origin;
}

function foreignFingerprint(stage: string, code: string, message: string): string {
  if (stage === 'key' || stage === 'value' || stage === 'transform' || stage === 'sink')
    return fingerprint(stage, new DataError(code, message));
  return hash(`${stage} ${code} ${message.replaceAll(/\d+/g, '#')}`);
}

function originOf(topic: string | undefined, partition: string | undefined, offset: string | undefined): Origin | undefined {
  const at = { partition: wholeNumber(partition), offset: wholeNumber(offset) };
  if (topic === undefined || topic === '' || at.partition === undefined || at.offset === undefined) return undefined;
  return { topic, partition: at.partition, offset: at.offset };
}

function simpleName(className: string | undefined): string | undefined {
  return className?.slice(className.lastIndexOf('.') + 1);
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** The last value of each name, as Kafka Connect appends. */
function headerTexts(headers: readonly Header[]): (name: string) => string | undefined {
  const values = new Map(headers.map(({ key, value }) => [key, value]));
  return (name) => {
    const value = values.get(name);
    return value === undefined ? undefined : Buffer.from(value).toString('utf8');
  };
}

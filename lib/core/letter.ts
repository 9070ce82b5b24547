import type { Delivery, Stage } from './delivery.ts';
import { type DataError, errorName } from './errors.ts';
import type { Header, KafkaRecord } from './record.ts';
import { letterHeaders, type Replay, readReplay, versionText } from './replay.ts';

/** Who writes the letters, and when. */
export interface LetterContext {
  readonly connector: string;
  /** The sink's name, which ran the last stage. */
  readonly sink: string;
  /** A fingerprint of the connector's settings. */
  readonly configVersion: string;
  readonly epoch: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Whether replay headers of records from this topic are to be believed. */
  readonly believesReplays: (topic: string) => boolean;
}

/** A dead letter on its way: the source's key, value and headers byte for byte, and why it is here. */
export type Letter = KafkaRecord<Uint8Array, Uint8Array>;

const maxMessage = 2_000;
const maxStackTrace = 8_000;

/** Kafka Connect's names for the stages (KIP-298). */
const connectStages: Readonly<Record<Stage, string>> = {
  key: 'KEY_CONVERTER',
  value: 'VALUE_CONVERTER',
  transform: 'TRANSFORMATION',
  sink: 'TASK_PUT',
};

/** The letter for a record that failed: Kafka Connect's ten context headers (KIP-298), which its users' tools read, then our own. */
export function toLetter({ source, stage = 'sink', failedParts }: Delivery, error: DataError, context: LetterContext): Letter {
  const { origin, timestamp, timestampType, key, value } = source;
  const replay = context.believesReplays(origin.topic) ? readReplay(source.headers) : undefined;
  const own = replay ?? { version: { ...origin, epoch: context.epoch }, timestamp };
  const kept = replay === undefined ? source.headers : source.headers.filter((header) => !isContext(header));
  const headers = [
    ...kept,
    ...connectHeaders(source.origin, stage, error, context),
    text(letterHeaders.version, versionText(own.version)),
    text(letterHeaders.timestamp, String(own.timestamp ?? timestamp)),
    ...ownHeaders(stage, error, context, replay, failedParts),
  ];
  const letter = { origin, version: own.version, part: 0, timestamp, timestampType, headers, key, value };
  return source.incomplete === undefined ? letter : headerOnly(letter);
}

/** The letter without key and value, for a record that is not there as a whole or is at the topic's size limit: its origin says where to find it. */
export function headerOnly(letter: Letter): Letter {
  const { headers, ...rest } = letter;
  return { ...rest, key: null, value: null, headers: [...headers.filter(isContext), text(letterHeaders.bodyOmitted, 'true')] };
}

function connectHeaders(
  { topic, partition, offset }: Delivery['source']['origin'],
  stage: Stage,
  error: DataError,
  { connector, sink }: LetterContext,
): Header[] {
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  const trace = error.cause instanceof Error ? (error.cause.stack ?? '') : (error.stack ?? '');
  return [
    text('__connect.errors.topic', topic),
    text('__connect.errors.partition', String(partition)),
    text('__connect.errors.offset', String(offset)),
    text('__connect.errors.connector.name', connector),
    text('__connect.errors.task.id', '0'),
    text('__connect.errors.stage', connectStages[stage]),
    text('__connect.errors.class.name', stage === 'sink' ? `sluice/sinks/${sink}` : `sluice/${stage}`),
    text('__connect.errors.exception.class.name', error.cause === undefined ? error.name : errorName(error.cause)),
    text('__connect.errors.exception.message', cut(`${error.message}${cause}`, maxMessage)),
    text('__connect.errors.exception.stacktrace', cut(trace, maxStackTrace)),
  ];
}

function ownHeaders(
  stage: Stage,
  error: DataError,
  context: LetterContext,
  replay: Replay | undefined,
  failedParts: readonly number[] | undefined,
): Header[] {
  const headers = [
    text(letterHeaders.attempts, String((replay?.attempts ?? 0) + 1)),
    text(letterHeaders.firstFailure, String(replay?.firstFailure ?? context.now)),
    text(letterHeaders.lastFailure, String(context.now)),
    text(letterHeaders.class, error.class),
    text(letterHeaders.code, error.code),
    text(letterHeaders.fingerprint, fingerprint(stage, error)),
    text(letterHeaders.configVersion, context.configVersion),
  ];
  const parts = failedParts ?? replay?.parts;
  if (parts !== undefined) headers.push(text(letterHeaders.parts, parts.join(',')));
  return headers;
}

/** The same for the same kind of failure: numbers, origins and what stands in brackets do not count. */
export function fingerprint(stage: Stage, { code, message }: DataError): string {
  return hash(`${stage} ${code} ${message.replaceAll(/\([^)]*\)/g, '').replaceAll(/\d+/g, '#')}`);
}

/** 32 bits of FNV-1a over the UTF-16 units, as eight hexadecimal digits: enough to tell groups apart, no secret. */
export function hash(input: string): string {
  let state = 0x811c9dc5;
  for (let index = 0; index < input.length; index++) state = Math.imul(state ^ input.charCodeAt(index), 0x01000193);
  return (state >>> 0).toString(16).padStart(8, '0');
}

const ownNames: ReadonlySet<string> = new Set(Object.values(letterHeaders));

function isContext({ key }: Header): boolean {
  return key.startsWith('__connect.errors.') || ownNames.has(key);
}

function text(key: string, value: string): Header {
  return { key, value: Buffer.from(value, 'utf8') };
}

/** Cuts by code points, so that the last character stays whole. */
function cut(input: string, limit: number): string {
  return input.length <= limit ? input : `${[...input.slice(0, limit)].slice(0, -1).join('')}…`;
}

import type { ConnectorError } from '../../core/errors.ts';
import type { SourceRecord } from '../../core/record.ts';
import { laneName, type TopicPartition } from './member.ts';

/** Why nothing is fetched for a partition: its records wait, its last batch failed, its starting position is being looked up, or the worker is going to stop. */
export type Hold = 'full' | 'failed' | 'starting' | 'draining';

/** What a partition failed with, until it makes progress. */
export interface Failure {
  readonly error: ConnectorError;
  /** Counts from 1. */
  readonly attempt: number;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/** One partition while this worker owns it without a break. */
export interface Lane extends TopicPartition {
  readonly name: string;
  /** Aborts when the partition is lost. */
  readonly lost: AbortController;
  readonly holds: Set<Hold>;
  /** The offset that the next fetch has to begin with; undefined before the first. */
  position: number | undefined;
  /** Everything before it is acknowledged. */
  acknowledged: number | undefined;
  committed: number | undefined;
  highWatermark: number | undefined;
  isInFlight: boolean;
  failure: Failure | undefined;
  /** Fetches in a row that did not begin at `position`. */
  mismatches: number;
  readonly waiting: Waiting;
}

/** The records that wait, oldest first, as they were fetched. */
export interface Waiting {
  records: number;
  bytes: number;
  /** When the oldest and the newest of them arrived. */
  oldestAt: number;
  newestAt: number;
  readonly segments: Segment[];
}

interface Segment {
  readonly records: readonly SourceRecord[];
  readonly at: number;
  readonly bytes: number;
  from: number;
  bytesLeft: number;
}

export function createLane({ topic, partition }: TopicPartition): Lane {
  return {
    topic,
    partition,
    name: laneName({ topic, partition }),
    lost: new AbortController(),
    holds: new Set(),
    position: undefined,
    acknowledged: undefined,
    committed: undefined,
    highWatermark: undefined,
    isInFlight: false,
    failure: undefined,
    mismatches: 0,
    waiting: { records: 0, bytes: 0, oldestAt: 0, newestAt: 0, segments: [] },
  };
}

/** What a record keeps in memory, roughly. */
function sizeOf({ key, value }: SourceRecord): number {
  return 64 + (key === null ? 0 : key.length) + (value === null ? 0 : value.length);
}

/** Adds fetched records at the end; answers their bytes. */
export function enqueue({ waiting }: Lane, records: readonly SourceRecord[], now: number): number {
  if (records.length === 0) return 0;
  let bytes = 0;
  for (const record of records) bytes += sizeOf(record);
  if (waiting.records === 0) waiting.oldestAt = now;
  waiting.newestAt = now;
  waiting.records += records.length;
  waiting.bytes += bytes;
  waiting.segments.push({ records, at: now, bytes, from: 0, bytesLeft: bytes });
  return bytes;
}

export interface Taken {
  readonly records: readonly SourceRecord[];
  readonly bytes: number;
}

/** Takes records from the front, at least one, as long as they fit. */
export function take({ waiting }: Lane, maxRecords: number, maxBytes: number): Taken {
  const parts: (readonly SourceRecord[])[] = [];
  let records = 0;
  let bytes = 0;
  for (let segment = waiting.segments[0]; segment !== undefined && records < maxRecords; segment = waiting.segments[0]) {
    const left = segment.records.length - segment.from;
    if (records + left <= maxRecords && bytes + segment.bytesLeft <= maxBytes) {
      parts.push(segment.from === 0 ? segment.records : segment.records.slice(segment.from));
      records += left;
      bytes += segment.bytesLeft;
      waiting.segments.shift();
      continue;
    }
    const cut = cutOff(segment, maxRecords - records, maxBytes - bytes, records === 0);
    if (cut.records.length > 0) parts.push(cut.records);
    records += cut.records.length;
    bytes += cut.bytes;
    break;
  }
  waiting.records -= records;
  waiting.bytes -= bytes;
  const next = waiting.segments[0];
  if (next !== undefined) waiting.oldestAt = next.at;
  return { records: parts.length === 1 ? (parts[0] ?? []) : parts.flat(), bytes };
}

function cutOff(segment: Segment, maxRecords: number, maxBytes: number, atLeastOne: boolean): Taken {
  let bytes = 0;
  let to = segment.from;
  for (; to < segment.records.length && to - segment.from < maxRecords; to++) {
    const record = segment.records[to];
    const size = record === undefined ? 0 : sizeOf(record);
    if (bytes + size > maxBytes && !(atLeastOne && to === segment.from)) break;
    bytes += size;
  }
  const records = segment.records.slice(segment.from, to);
  segment.from = to;
  segment.bytesLeft -= bytes;
  return { records, bytes };
}

/** Forgets what waits; answers the bytes that were freed. */
export function clear({ waiting }: Lane): number {
  const { bytes } = waiting;
  waiting.segments.length = 0;
  waiting.records = 0;
  waiting.bytes = 0;
  return bytes;
}

/** How many records are between what is acknowledged and the end of the partition, as far as it is known. */
export function lagOf({ highWatermark, acknowledged }: Lane): number | undefined {
  return highWatermark === undefined || acknowledged === undefined ? undefined : Math.max(0, highWatermark - acknowledged);
}

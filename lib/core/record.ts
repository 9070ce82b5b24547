import type { DataError } from './errors.ts';

/** Where a record sits in Kafka: its identity, and what gets acknowledged. */
export interface Origin {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** What newer-wins compares: the origin, and the epoch an operator raises when a topic was re-created or repartitioned. */
export interface Version extends Origin {
  readonly epoch: number;
}

/** Names repeat and order counts, so headers are a list. Values need not be UTF-8. */
export interface Header {
  readonly key: string;
  readonly value: Uint8Array;
}

export type LogicalType =
  | 'boolean'
  | 'integer'
  | 'bigint'
  | 'float'
  | 'double'
  | 'decimal'
  | 'string'
  | 'bytes'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'json';

export interface SchemaField {
  readonly name: string;
  readonly type: LogicalType;
  readonly optional: boolean;
  /** Digits after the point, for `decimal`. */
  readonly scale?: number;
}

/** Field names and logical types, when the format or an envelope knows them. */
export interface RecordSchema {
  readonly name?: string;
  readonly fields: readonly SchemaField[];
}

/** A record as a platform read it: bytes, not yet decoded. Getters may decode from the platform's own form when asked. */
export interface SourceRecord {
  readonly origin: Origin;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly timestampType: 'create' | 'append';
  readonly headers: readonly Header[];
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** The same bytes in memory that is used again for the next record: cheaper where the platform has to decode them, and only for formats that keep nothing of it. */
  readonly borrowedKey?: Uint8Array | null;
  readonly borrowedValue?: Uint8Array | null;
  /** Why the platform could not hand over what Kafka holds, e.g. as it was too large: never delivered, and its letter has no body. */
  readonly incomplete?: DataError;
}

/** One Kafka record on its way to a target. `value` is null for a tombstone. What a transform gets can be copied with `{ ...record }`; a sink reads. */
export interface KafkaRecord<Value = unknown, Key = unknown> {
  readonly origin: Origin;
  readonly version: Version;
  /** 0, or the position within a fan-out. */
  readonly part: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly timestampType: 'create' | 'append';
  readonly headers: readonly Header[];
  readonly key: Key | null;
  readonly value: Value | null;
  /** The table, index or topic that a transform chose; sinks accept it inside their allow-list only. */
  readonly target?: string;
  readonly schema?: RecordSchema | undefined;
  /** The value as received, one JSON value in strict UTF-8; there only when the format carries JSON and nothing touched it. */
  readonly bytes?: Uint8Array | undefined;
  /** Bytes of the value as received, which batch limits count. */
  readonly size?: number;
}

/** `topic-partition`, the name by which Lambda, logs and metrics know a partition. */
export function partitionName({ topic, partition }: Origin): string {
  return `${topic}-${partition}`;
}

/** `topic-partition@offset`, enough to find a record; safe in messages and logs. */
export function originName(origin: Origin): string {
  return `${origin.topic}-${origin.partition}@${origin.offset}`;
}

/** Negative when `a` is older than `b`. Compare only versions of one topic and partition. */
export function compareVersions(a: { version: Version; part: number }, b: { version: Version; part: number }): number {
  return a.version.epoch - b.version.epoch || a.version.offset - b.version.offset || a.part - b.part;
}

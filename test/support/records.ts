import type { Header, KafkaRecord, SourceRecord } from '../../lib/core/record.ts';

export interface RecordOptions {
  readonly topic?: string;
  readonly partition?: number;
  readonly offset?: number;
  readonly epoch?: number;
  readonly part?: number;
  readonly timestamp?: number;
  readonly headers?: readonly Header[];
  readonly target?: string;
  /** Sets `bytes` to the value's JSON text, as `deliver` does when nothing touched the value. */
  readonly raw?: boolean;
}

/** A record as a sink gets it. Offsets count up by themselves when none is given. */
export function record<Value, Key = string>(key: Key | null, value: Value | null, options: RecordOptions = {}): KafkaRecord<Value, Key> {
  const {
    topic = 'orders',
    partition = 0,
    offset = nextOffset++,
    epoch = 0,
    part = 0,
    timestamp = 1_760_000_000_000 + offset,
    headers = [],
    target,
    raw,
  } = options;
  const origin = { topic, partition, offset };
  const bytes = raw === true && value !== null ? Buffer.from(JSON.stringify(value)) : undefined;
  return {
    origin,
    version: { ...origin, epoch },
    part,
    timestamp,
    timestampType: 'create',
    headers,
    key,
    value,
    ...(target === undefined ? {} : { target }),
    ...(bytes === undefined ? {} : { bytes, size: bytes.length }),
  };
}

/** A record as a platform reads it; key and value as text or bytes. */
export function sourceRecord(
  key: string | Uint8Array | null,
  value: string | Uint8Array | null,
  options: RecordOptions = {},
): SourceRecord {
  const { topic = 'orders', partition = 0, offset = nextOffset++, timestamp = 1_760_000_000_000 + offset, headers = [] } = options;
  const toBytes = (part: string | Uint8Array | null) => (typeof part === 'string' ? Buffer.from(part) : part);
  return { origin: { topic, partition, offset }, timestamp, timestampType: 'create', headers, key: toBytes(key), value: toBytes(value) };
}

let nextOffset = 0;

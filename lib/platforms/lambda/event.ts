import { acknowledge } from '../../core/acknowledge.ts';
import { ConfigError } from '../../core/errors.ts';
import { type Header, type Origin, partitionName, type SourceRecord } from '../../core/record.ts';
import type { Settlement } from '../../core/settle.ts';

/** One record as Lambda's Kafka trigger sends it. The published types of others lack the nulls. */
export interface KafkaTriggerRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly timestampType: 'CREATE_TIME' | 'LOG_APPEND_TIME';
  /** Base64. Absent and null both mean no key; empty text is an empty key. */
  readonly key?: string | null;
  readonly value?: string | null;
  /** One object per header; the bytes are signed. */
  readonly headers?: readonly Readonly<Record<string, readonly number[]>>[] | null;
}

/** What Amazon MSK and self-managed clusters send: records by `topic-partition`. */
export interface KafkaTriggerEvent {
  readonly eventSource: 'aws:kafka' | 'SelfManagedKafka';
  readonly eventSourceArn?: string;
  readonly bootstrapServers?: string;
  readonly records: Readonly<Record<string, readonly KafkaTriggerRecord[]>>;
}

/** Names the records that are to come again; read by Lambda only where the mapping says `ReportBatchItemFailures`. */
export interface KafkaTriggerResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: { readonly partition: string; readonly offset: number } }[];
}

/**
 * The records of an event, each partition in the order of its offsets. Bytes are decoded when they are asked for.
 * Throws a ConfigError `EVENT_MALFORMED` that says where: an event that is not understood must never be acknowledged.
 */
export function readBatch(event: unknown): SourceRecord[] {
  const batch: SourceRecord[] = [];
  for (const [name, records] of Object.entries(recordsOf(event))) {
    if (!Array.isArray(records)) throw malformed(`event.records["${name}"]`, 'a list of records');
    let before: Origin | undefined;
    for (const record of records as readonly unknown[]) {
      if (!isTriggerRecord(record))
        throw malformed(`event.records["${name}"][${records.indexOf(record)}]`, 'a record with topic, partition, offset and timestamp');
      const { topic, partition, offset } = record;
      if (before !== undefined && (before.topic !== topic || before.partition !== partition || before.offset >= offset))
        throw malformed(`event.records["${name}"]`, 'records of one partition with rising offsets');
      const origin = { topic: before?.topic ?? topic, partition, offset };
      batch.push(new EventRecord(origin, record));
      before = origin;
    }
  }
  return batch;
}

/** The event that Lambda would send for these records. */
export function toEvent(
  records: readonly SourceRecord[],
  envelope: Omit<KafkaTriggerEvent, 'records'> = { eventSource: 'SelfManagedKafka' },
): KafkaTriggerEvent {
  const partitions = new Map<string, KafkaTriggerRecord[]>();
  for (const record of records) {
    const name = partitionName(record.origin);
    const list = partitions.get(name);
    if (list === undefined) partitions.set(name, [toTriggerRecord(record)]);
    else list.push(toTriggerRecord(record));
  }
  return { ...envelope, records: Object.fromEntries(partitions) };
}

/**
 * The answer that acknowledges what was settled, and nothing else: lists the first record that is to come again and all after it, by partition.
 * Throws in batch mode when any is to come again.
 */
export function toResponse(settlement: Settlement, event: KafkaTriggerEvent): KafkaTriggerResponse {
  const again = acknowledge(settlement);
  if (again.length === 0) return { batchItemFailures: [] };
  // Lambda compares with its own name of the partition, and takes a name it does not know for a failure of the whole batch.
  const names = new Map(
    Object.entries(event.records).flatMap(([name, [first]]) => (first === undefined ? [] : [[partitionName(first), name]])),
  );
  return {
    batchItemFailures: again.map((origin) => {
      const partition = partitionName(origin);
      return { itemIdentifier: { partition: names.get(partition) ?? partition, offset: origin.offset } };
    }),
  };
}

/** Decodes key, value and headers from the event when asked: most are asked for once or never, and none has to outlive that. */
class EventRecord implements SourceRecord {
  readonly origin: Origin;
  private readonly record: KafkaTriggerRecord;

  constructor(origin: Origin, record: KafkaTriggerRecord) {
    this.origin = origin;
    this.record = record;
  }

  get timestamp(): number {
    return this.record.timestamp;
  }

  get timestampType(): 'create' | 'append' {
    return this.record.timestampType === 'LOG_APPEND_TIME' ? 'append' : 'create';
  }

  get key(): Uint8Array | null {
    return copied(this.borrowedKey);
  }

  get value(): Uint8Array | null {
    return copied(this.borrowedValue);
  }

  get borrowedKey(): Uint8Array | null {
    return decodeBase64(this.record.key, 'key', this.origin);
  }

  get borrowedValue(): Uint8Array | null {
    return decodeBase64(this.record.value, 'value', this.origin);
  }

  get headers(): readonly Header[] {
    return readHeaders(this.record.headers, this.origin);
  }
}

function recordsOf(event: unknown): object {
  const records = typeof event === 'object' && event !== null && 'records' in event ? event.records : undefined;
  if (typeof records !== 'object' || records === null || Array.isArray(records))
    throw malformed('event', 'an event of a Kafka trigger, with records by partition');
  return records;
}

function isTriggerRecord(record: unknown): record is KafkaTriggerRecord {
  if (typeof record !== 'object' || record === null) return false;
  const { topic, partition, offset, timestamp, key, value, headers } = record as { readonly [name in keyof KafkaTriggerRecord]: unknown };
  return (
    typeof topic === 'string' &&
    Number.isSafeInteger(partition) &&
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(timestamp) &&
    (typeof value === 'string' || value == null) &&
    (typeof key === 'string' || key == null) &&
    (headers == null || Array.isArray(headers))
  );
}

/** Everything is decoded into this memory first: a buffer for each key and value costs more than decoding it. */
let scratch = Buffer.allocUnsafeSlow(64 * 1024);
/** Its first bytes, by how many: lengths repeat, and making a view costs as much as decoding a short text. */
const views = new Map<number, Buffer>();
const maxViews = 2_048;

function decodeBase64(text: string | null | undefined, part: string, { topic, partition, offset }: Origin): Uint8Array | null {
  if (text == null) return null;
  if (text.length > scratch.length) {
    scratch = Buffer.allocUnsafeSlow(2 * text.length);
    views.clear();
  }
  const padding = text.charCodeAt(text.length - 1) !== equals ? 0 : text.charCodeAt(text.length - 2) !== equals ? 1 : 2;
  const length = text.length <= maxShort ? decodeShort(text, padding) : scratch.write(text, 0, 'base64');
  if (length === (text.length / 4) * 3 - padding) return viewOf(length);
  throw malformed(`the ${part} of ${topic}-${partition}@${offset}`, 'base64'); // decoding stops silently at what is none
}

const equals = '='.charCodeAt(0);

const maxShort = 64;
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** What each character stands for; -1 where it is none of the alphabet. */
const sextets = new Int8Array(256).fill(-1);
for (let value = 0; value < alphabet.length; value++) sextets[alphabet.charCodeAt(value)] = value;

/** Decodes a short text in a third of the time that it takes to call Node. Answers the number of bytes; -1 for what is not all of the alphabet. */
function decodeShort(text: string, padding: number): number {
  let length = 0;
  let bits = 0;
  let pending = 0;
  for (let at = 0; at < text.length - padding; at++) {
    const sextet = sextets[text.charCodeAt(at)] ?? -1;
    if (sextet < 0) return -1;
    bits = (bits << 6) | sextet;
    pending += 6;
    if (pending < 8) continue;
    pending -= 8;
    scratch[length++] = bits >> pending;
  }
  return length;
}

function viewOf(length: number): Buffer {
  let view = views.get(length);
  if (view === undefined) {
    view = scratch.subarray(0, length);
    if (views.size < maxViews) views.set(length, view);
  }
  return view;
}

function copied(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : Buffer.from(bytes);
}

function readHeaders(headers: KafkaTriggerRecord['headers'], { topic, partition, offset }: Origin): readonly Header[] {
  if (headers == null || headers.length === 0) return none;
  return headers.flatMap((header) =>
    Object.entries(header).map(([key, bytes]: [string, unknown]) => {
      if (bytes === null) return { key, value: new Uint8Array() };
      if (!Array.isArray(bytes)) throw malformed(`a header of ${topic}-${partition}@${offset}`, 'a list of bytes');
      return { key, value: Buffer.from(bytes) };
    }),
  );
}

const none: readonly Header[] = [];

function toTriggerRecord({ origin, timestamp, timestampType, key, value, headers }: SourceRecord): KafkaTriggerRecord {
  return {
    topic: origin.topic,
    partition: origin.partition,
    offset: origin.offset,
    timestamp,
    timestampType: timestampType === 'append' ? 'LOG_APPEND_TIME' : 'CREATE_TIME',
    ...(key === null ? {} : { key: toBase64(key) }),
    ...(value === null ? {} : { value: toBase64(value) }),
    headers: headers.map((header) => Object.fromEntries([[header.key, [...Int8Array.from(header.value)]]])),
  };
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

function malformed(where: string, expected: string): ConfigError {
  return new ConfigError(
    'EVENT_MALFORMED',
    `Expected ${where} to be ${expected}, got something else. Nothing of the event is acknowledged. Check what invokes the function.`,
  );
}

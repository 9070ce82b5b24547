import type { Header, Origin, SourceRecord } from '../../core/record.ts';
import { type Codec, type Compression, codecIds, codecOf } from './codecs.ts';
import { crc32c } from './crc32c.ts';
import { ByteReader, ByteWriter, digitCount, varIntSize, varLongSize } from './varint.ts';

// Layout: https://kafka.apache.org/documentation/#recordbatch. Fetched batches are read here instead of by kafkajs, because kafkajs folds
// repeated header names into an object and cannot write a null header value, and because it computes every number as a bigint.

const magic = 2;
const headerBytes = 61;
const crcFrom = 21;
const appendTimeFlag = 0x08;
const transactionalFlag = 0x10;
const controlFlag = 0x20;

/** Stands for a header value that is null in Kafka: empty to whoever reads it, null again when it is written. */
export const nullHeaderValue: Uint8Array = new Uint8Array(0);

/** Headers after the record's own that many records share but for one number: they are encoded once, and the number is written into the last value. */
export interface Stamp {
  /** How many headers they are. */
  readonly count: number;
  /** All of them, encoded, up to the length of the last value. */
  readonly lead: Uint8Array;
  /** The last value, before and after the number. */
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/** One record to be produced. A record without a timestamp gets the time of sending. */
export interface OutgoingRecord {
  readonly topic: string;
  /** Otherwise the key chooses, or, without a key, turns are taken. */
  readonly partition?: number;
  /** Chooses the partition in the place of the key. */
  readonly partitionKey?: Uint8Array;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly Header[];
  readonly stamp?: Stamp | undefined;
  /** What the stamp says of this record: a whole number, not negative. */
  readonly stampNumber?: number;
  readonly timestamp?: number;
}

/** A stamp of these headers, the last of which holds a number between two texts in ASCII. */
export function stampOf(
  headers: readonly Header[],
  last: { readonly key: string; readonly before: string; readonly after: string },
): Stamp {
  const name = Buffer.from(last.key);
  const size = headers.reduce((sum, { key, value }) => sum + 10 + Buffer.byteLength(key) + value.length, 5 + name.length);
  const writer = new ByteWriter(Buffer.alloc(size));
  for (const { key, value } of headers) {
    writer.text(key);
    writer.nullableBytes(toWire(value));
  }
  writer.nullableBytes(name);
  return {
    count: headers.length + 1,
    lead: writer.bytes.subarray(0, writer.at),
    before: Buffer.from(last.before, 'latin1'),
    after: Buffer.from(last.after, 'latin1'),
  };
}

/** Records of one partition as one record batch. */
export async function encodeRecordBatch(records: readonly OutgoingRecord[], compression: Compression, now: number): Promise<Buffer> {
  const baseTimestamp = records[0]?.timestamp ?? now;
  let maxTimestamp = baseTimestamp;
  let size = 0;
  const sizes = new Array<number>(records.length);
  for (const [index, record] of records.entries()) {
    const timestamp = record.timestamp ?? now;
    if (timestamp > maxTimestamp) maxTimestamp = timestamp;
    const body = bodySize(record, timestamp - baseTimestamp, index);
    sizes[index] = body;
    size += varIntSize(body) + body;
  }

  const writer = new ByteWriter(Buffer.allocUnsafe(headerBytes + size));
  writer.at = headerBytes;
  for (const [index, record] of records.entries())
    writeRecord(writer, record, (record.timestamp ?? now) - baseTimestamp, index, sizes[index] ?? 0);

  let batch = writer.bytes;
  if (compression !== 'none') {
    const compressed = await (await codecOf(codecIds[compression])).compress(batch.subarray(headerBytes));
    batch = Buffer.concat([batch.subarray(0, headerBytes), compressed]);
  }
  batch.writeBigInt64BE(0n, 0); // the broker sets the first offset
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt32BE(-1, 12);
  batch.writeInt8(magic, 16);
  batch.writeInt16BE(codecIds[compression], 21);
  batch.writeInt32BE(records.length - 1, 23);
  batch.writeBigInt64BE(BigInt(baseTimestamp), 27);
  batch.writeBigInt64BE(BigInt(maxTimestamp), 35);
  batch.writeBigInt64BE(-1n, 43); // no producer id
  batch.writeInt16BE(-1, 51);
  batch.writeInt32BE(-1, 53);
  batch.writeInt32BE(records.length, 57);
  batch.writeUInt32BE(crc32c(batch, crcFrom), 17);
  return batch;
}

/** Bytes that a record takes in a batch that is not compressed, to the safe side. */
export function encodedSize({ key, value, headers, stamp }: Pick<OutgoingRecord, 'key' | 'value' | 'headers' | 'stamp'>): number {
  let size = 32 + (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers) size += 10 + Buffer.byteLength(header.key) + header.value.length;
  if (stamp !== undefined) size += 20 + stamp.lead.length + stamp.before.length + stamp.after.length;
  return size;
}

function bodySize({ key, value, headers, stamp, stampNumber = 0 }: OutgoingRecord, timestampDelta: number, offsetDelta: number): number {
  const count = headers.length + (stamp?.count ?? 0);
  let size = 1 + varLongSize(timestampDelta) + varIntSize(offsetDelta) + bytesSize(key) + bytesSize(value) + varIntSize(count);
  for (const header of headers) {
    const nameSize = Buffer.byteLength(header.key);
    size += varIntSize(nameSize) + nameSize + bytesSize(toWire(header.value));
  }
  if (stamp !== undefined) {
    const last = stamp.before.length + digitCount(stampNumber) + stamp.after.length;
    size += stamp.lead.length + varIntSize(last) + last;
  }
  return size;
}

function bytesSize(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : varIntSize(bytes.length) + bytes.length;
}

function toWire(value: Uint8Array): Uint8Array | null {
  return value === nullHeaderValue ? null : value;
}

function writeRecord(writer: ByteWriter, record: OutgoingRecord, timestampDelta: number, offsetDelta: number, size: number): void {
  writer.varInt(size);
  writer.byte(0);
  writer.varLong(timestampDelta);
  writer.varInt(offsetDelta);
  writer.nullableBytes(record.key);
  writer.nullableBytes(record.value);
  const { headers, stamp, stampNumber = 0 } = record;
  writer.varInt(headers.length + (stamp?.count ?? 0));
  for (const { key, value } of headers) {
    writer.text(key);
    writer.nullableBytes(toWire(value));
  }
  if (stamp === undefined) return;
  writer.raw(stamp.lead);
  const digits = digitCount(stampNumber);
  writer.varInt(stamp.before.length + digits + stamp.after.length);
  writer.raw(stamp.before);
  writer.digits(stampNumber, digits);
  writer.raw(stamp.after);
}

/** What the records of one batch share. The names are those by which kafkajs filters aborted transactions. */
interface BatchContext {
  readonly topic: string;
  readonly partition: number;
  readonly timestampType: 'create' | 'append';
  readonly producerId: string;
  readonly inTransaction: boolean;
  readonly isControlBatch: boolean;
}

const noHeaders: readonly Header[] = [];

/** A record as fetched. It looks into the fetched bytes and copies nothing; headers are read when asked for. */
export class FetchedRecord implements SourceRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly batchContext: BatchContext;
  readonly #headerBytes: Uint8Array | null;

  constructor(
    batchContext: BatchContext,
    offset: number,
    timestamp: number,
    key: Buffer | null,
    value: Buffer | null,
    headers: Buffer | null,
  ) {
    this.batchContext = batchContext;
    this.offset = offset;
    this.timestamp = timestamp;
    this.key = key;
    this.value = value;
    this.#headerBytes = headers;
  }

  get origin(): Origin {
    return { topic: this.batchContext.topic, partition: this.batchContext.partition, offset: this.offset };
  }

  get timestampType(): 'create' | 'append' {
    return this.batchContext.timestampType;
  }

  get headers(): readonly Header[] {
    return this.#headerBytes === null ? noHeaders : decodeHeaders(this.#headerBytes);
  }

  get isControlRecord(): boolean {
    return this.batchContext.isControlBatch;
  }
}

function decodeHeaders(bytes: Uint8Array): Header[] {
  const reader = new ByteReader(bytes);
  const headers = new Array<Header>(reader.varInt());
  for (let index = 0; index < headers.length; index++) {
    const key = reader.nullableBytes()?.toString('utf8') ?? '';
    headers[index] = { key, value: reader.nullableBytes() ?? nullHeaderValue };
  }
  return headers;
}

/** The records of all complete batches in a partition's fetched bytes. A batch that was cut off at the end comes again with the next fetch. */
export async function decodeRecordBatches(bytes: Buffer, topic: string, partition: number): Promise<FetchedRecord[]> {
  const records: FetchedRecord[] = [];
  for (let at = 0; at + headerBytes <= bytes.length; ) {
    const end = at + 12 + bytes.readInt32BE(at + 8);
    if (bytes[at + 16] !== magic)
      throw new Error(`Expected records of ${topic} in Kafka's format 2, which brokers write since 0.11, got format ${bytes[at + 16]}.`);
    if (end > bytes.length) break;
    await decodeBatch(bytes.subarray(at, end), topic, partition, records);
    at = end;
  }
  return records;
}

async function decodeBatch(batch: Buffer, topic: string, partition: number, records: FetchedRecord[]): Promise<void> {
  const attributes = batch.readInt16BE(21);
  const baseOffset = Number(batch.readBigInt64BE(0));
  const lastOffset = baseOffset + batch.readInt32BE(23);
  const isAppendTime = (attributes & appendTimeFlag) !== 0;
  const context: BatchContext = {
    topic,
    partition,
    timestampType: isAppendTime ? 'append' : 'create',
    producerId: batch.readBigInt64BE(43).toString(),
    inTransaction: (attributes & transactionalFlag) !== 0,
    isControlBatch: (attributes & controlFlag) !== 0,
  };
  const baseTimestamp = Number(batch.readBigInt64BE(27));
  const maxTimestamp = Number(batch.readBigInt64BE(35));
  const count = batch.readInt32BE(57);
  const codec: Codec | undefined = (attributes & 7) === 0 ? undefined : await codecOf(attributes & 7);
  const payload = batch.subarray(headerBytes);
  const reader = new ByteReader(codec === undefined || count === 0 ? payload : await codec.decompress(payload));

  let last = baseOffset - 1;
  for (let index = 0; index < count; index++) {
    const end = reader.varInt() + reader.at;
    reader.at += 1; // attributes of a record: none are defined
    const timestamp = baseTimestamp + reader.varLong();
    last = baseOffset + reader.varInt();
    const key = reader.nullableBytes();
    const value = reader.nullableBytes();
    const hasHeaders = reader.bytes[reader.at] !== 0;
    const headers = hasHeaders ? reader.bytes.subarray(reader.at, end) : null;
    records.push(new FetchedRecord(context, last, isAppendTime ? maxTimestamp : timestamp, key, value, headers));
    reader.at = end;
  }
  // Compaction leaves batches whose last records are gone. A control record in that place, which nobody sees, moves the consumer past it.
  if (last < lastOffset) records.push(new FetchedRecord({ ...context, isControlBatch: true }, lastOffset, maxTimestamp, null, null, null));
}

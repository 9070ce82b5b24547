import Batch from 'kafkajs/src/consumer/batch.js';
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import { type Call, type ProduceOptions, requests } from 'kafkajs/src/protocol/requests/index.js';
import type { Compression } from './codecs.ts';
import { decodeRecordBatches, encodeRecordBatch, FetchedRecord, type OutgoingRecord } from './record-batch.ts';
import { ByteReader } from './varint.ts';

// kafkajs keeps its connections, metadata and groups; the records of our own producers and consumers are written and read by
// record-batch.ts. Ours are told apart by the two classes below, so other users of kafkajs in the same process notice nothing.

/** Goes where kafkajs expects a rack id, which is the one option that it hands from the consumer to each fetch unseen. */
export class OwnFetch {
  readonly rack: string;

  constructor(rack: string) {
    this.rack = rack;
  }
}

/** Goes where kafkajs expects a message: records of one partition, and what the broker said of them. */
export class Parcel {
  // kafkajs wants these of a message: it finds the partition by the first and refuses an undefined value.
  readonly partition: number | undefined;
  readonly value = null;
  readonly records: readonly OutgoingRecord[];
  readonly compression: Compression;
  /** Set when it was written to a connection: from then on the broker may have it. */
  isSent = false;
  /** Kafka's error code, 0 for none; undefined as long as the broker has not answered. */
  errorCode: number | undefined;

  constructor(records: readonly OutgoingRecord[], partition: number | undefined, compression: Compression) {
    this.records = records;
    this.partition = partition;
    this.compression = compression;
  }
}

// Before these versions records had no headers (Kafka 0.11).
const firstFetchVersion = 4;
const firstProduceVersion = 3;
// The broker then wants newer metadata, which kafkajs fetches when a request fails with one of these.
const staleMetadataCodes = new Set([3, 5, 6]);

const { Fetch, Produce } = requests;
const fetchProtocol = Fetch.protocol;
const produceProtocol = Produce.protocol;

Fetch.protocol = ({ version }) => {
  const build = fetchProtocol({ version });
  return (options) => {
    const { rackId } = options;
    if (!(rackId instanceof OwnFetch)) return build(options);
    if (version < firstFetchVersion) throw new Error('Expected a broker of Kafka 0.11 or newer.');
    const call = build({ ...options, rackId: rackId.rack });
    return { ...call, response: { decode: (bytes) => decodeFetch(bytes, version), parse: call.response.parse } };
  };
};

Produce.protocol = ({ version }) => {
  const build = produceProtocol({ version });
  return (options) => {
    const parcels = parcelsOf(options);
    if (parcels === undefined) return build(options);
    if (version < firstProduceVersion) throw new Error('Expected a broker of Kafka 0.11 or newer.');
    const call = build({ ...options, topicData: [] });
    return { ...call, request: { ...call.request, encode: () => encodeProduce(options, parcels) }, response: settling(call, parcels) };
  };
};

// kafkajs arms this timer even when nothing waits: with a negative time, of which Node 24 warns, and then a thousand times a second for
// as long as the connection lives. Whoever adds a request that has to wait arms it again.
const { scheduleCheckPendingRequests } = RequestQueue.prototype;
RequestQueue.prototype.scheduleCheckPendingRequests = function (): void {
  if (this.pending.length > 0) scheduleCheckPendingRequests.call(this);
};

// kafkajs steps over a fetch of control records and aborted transactions by itself and tells nobody from where to where. Ours is handed on,
// without records, so that whoever keeps offsets sees each step.
const { isEmpty, isEmptyDueToFiltering } = Batch.prototype;
const isOurs = ({ rawMessages }: Batch): boolean => rawMessages[0] instanceof FetchedRecord;
Batch.prototype.isEmpty = function (): boolean {
  return isOurs(this) ? false : isEmpty.call(this);
};
Batch.prototype.isEmptyDueToFiltering = function (): boolean {
  return isOurs(this) ? false : isEmptyDueToFiltering.call(this);
};

/** Our parcels by topic and partition, or nothing when the request is not ours. */
type Parcels = ReadonlyMap<string, ReadonlyMap<number, readonly Parcel[]>>;

function parcelsOf({ topicData }: ProduceOptions): Parcels | undefined {
  const topics = new Map<string, Map<number, readonly Parcel[]>>();
  for (const { topic, partitions } of topicData) {
    const byPartition = new Map<number, readonly Parcel[]>();
    for (const { partition, messages } of partitions) {
      const parcels = messages.filter((message) => message instanceof Parcel);
      if (parcels.length < messages.length) return undefined;
      byPartition.set(partition, parcels);
    }
    topics.set(topic, byPartition);
  }
  return topics;
}

async function encodeProduce({ acks, timeout, transactionalId = null }: ProduceOptions, topics: Parcels) {
  const now = Date.now();
  const parts: Buffer[] = [string(transactionalId), int16(acks), int32(timeout), int32(topics.size)];
  for (const [topic, partitions] of topics) {
    parts.push(string(topic), int32(partitions.size));
    for (const [partition, parcels] of partitions) {
      const records = parcels.length === 1 ? (parcels[0]?.records ?? []) : parcels.flatMap((parcel) => parcel.records);
      const batch = await encodeRecordBatch(records, parcels[0]?.compression ?? 'none', now);
      parts.push(int32(partition), int32(batch.length), batch);
    }
  }
  for (const parcel of all(topics)) parcel.isSent = true;
  const buffer = Buffer.concat(parts);
  return { buf: buffer, buffer };
}

/** kafkajs fails the whole request with the first partition's error; here each parcel gets its own. */
function settling({ response }: Call, topics: Parcels): Call['response'] {
  return {
    decode: (bytes) => response.decode(bytes),
    async parse(decoded: ProduceResponse) {
      let isStale = false;
      for (const { topicName, partitions } of decoded.topics) {
        for (const { partition, errorCode } of partitions) {
          for (const parcel of topics.get(topicName)?.get(partition) ?? []) parcel.errorCode = errorCode;
          isStale ||= staleMetadataCodes.has(errorCode);
        }
      }
      return isStale ? response.parse(decoded as never) : decoded;
    },
  };
}

interface ProduceResponse {
  readonly topics: readonly {
    readonly topicName: string;
    readonly partitions: readonly { readonly partition: number; readonly errorCode: number }[];
  }[];
}

function* all(topics: Parcels): Generator<Parcel> {
  for (const partitions of topics.values()) for (const parcels of partitions.values()) yield* parcels;
}

/** The answer to a fetch, in the shape that kafkajs' consumer reads, with our records in it. */
async function decodeFetch(bytes: Buffer, version: number): Promise<unknown> {
  const reader = new ByteReader(bytes);
  const throttleMs = reader.int32();
  if (version >= 7) reader.at += 6; // error code and session id: kafkajs opens no fetch sessions
  const responses: unknown[] = [];
  for (let topics = reader.int32(); topics > 0; topics--) {
    const topicName = reader.string();
    const partitions: unknown[] = [];
    for (let count = reader.int32(); count > 0; count--) partitions.push(await decodePartition(reader, topicName, version));
    responses.push({ topicName, partitions });
  }
  // From version 8 on the broker answers first and expects the client to keep quiet for that long.
  return version >= 8 ? { throttleTime: 0, clientSideThrottleTime: throttleMs, responses } : { throttleTime: throttleMs, responses };
}

async function decodePartition(reader: ByteReader, topic: string, version: number): Promise<unknown> {
  const partition = reader.int32();
  const errorCode = reader.int16();
  const highWatermark = reader.int64().toString();
  const lastStableOffset = reader.int64().toString();
  if (version >= 5) reader.at += 8; // log start offset
  const abortedTransactions: unknown[] = [];
  for (let count = reader.int32(); count > 0; count--)
    abortedTransactions.push({ producerId: reader.int64().toString(), firstOffset: reader.int64().toString() });
  const preferredReadReplica = version >= 11 ? reader.int32() : -1;
  const messages = await decodeRecordBatches(reader.slice(Math.max(0, reader.int32())), topic, partition);
  return { partition, errorCode, highWatermark, lastStableOffset, abortedTransactions, preferredReadReplica, messages };
}

function int16(value: number): Buffer {
  const buffer = Buffer.allocUnsafe(2);
  buffer.writeInt16BE(value);
  return buffer;
}

function int32(value: number): Buffer {
  const buffer = Buffer.allocUnsafe(4);
  buffer.writeInt32BE(value);
  return buffer;
}

function string(text: string | null): Buffer {
  return text === null ? int16(-1) : Buffer.concat([int16(Buffer.byteLength(text)), Buffer.from(text)]);
}

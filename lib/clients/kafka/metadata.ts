import { ByteReader } from './varint.ts';

// kafkajs asks for metadata in a version that does not know the ids of topics. They came with version 10 (Kafka 2.8), and with it "flexible"
// encoding: lengths are unsigned, one more than they are, and each structure ends with a list of tagged fields, here always empty.

export const metadataApi = 3;
export const metadataVersion = 10;

const noId = 'AAAAAAAAAAAAAAAAAAAAAA';
const unknownTopic = 3;

export interface TopicMetadata {
  /** Kafka's error code, 0 for none. */
  readonly errorCode: number;
  /** Another one when a topic is created again; undefined where brokers have none. */
  readonly id: string | undefined;
  readonly partitions: number;
}

export interface Metadata {
  readonly clusterId: string | undefined;
  readonly topics: ReadonlyMap<string, TopicMetadata>;
}

/** The request for these topics, without its header but for the header's tagged fields. */
export function encodeMetadataRequest(topics: readonly string[]): Buffer {
  const parts: Buffer[] = [Buffer.from([0]), unsignedVarInt(topics.length + 1)];
  for (const topic of topics) {
    const name = Buffer.from(topic);
    parts.push(Buffer.alloc(16), unsignedVarInt(name.length + 1), name, Buffer.from([0]));
  }
  parts.push(Buffer.from([0, 0, 0, 0])); // creates no topic, asks for no rights, no tagged fields
  return Buffer.concat(parts);
}

/** What the broker answers to it, from after the correlation id. */
export function decodeMetadataResponse(bytes: Buffer): Metadata {
  const reader = new ByteReader(bytes);
  skipTags(reader);
  reader.at += 4; // throttle time
  for (let brokers = reader.unsignedVarInt() - 1; brokers > 0; brokers--) {
    reader.at += 4; // node id
    compactString(reader);
    reader.at += 4; // port
    compactString(reader);
    skipTags(reader);
  }
  const clusterId = compactString(reader);
  reader.at += 4; // controller id
  const topics = new Map<string, TopicMetadata>();
  for (let count = reader.unsignedVarInt() - 1; count > 0; count--) {
    const errorCode = reader.int16();
    const name = compactString(reader) ?? '';
    const id = reader.slice(16).toString('base64url');
    reader.at += 1; // whether it is internal
    const partitions = reader.unsignedVarInt() - 1;
    for (let left = partitions; left > 0; left--) skipPartition(reader);
    reader.at += 4; // rights
    skipTags(reader);
    topics.set(name, { errorCode, id: id === noId ? undefined : id, partitions });
  }
  return { clusterId, topics };
}

/** True for a topic that is not there, as far as this user may see. */
export function isMissing({ errorCode }: TopicMetadata): boolean {
  return errorCode === unknownTopic;
}

function skipPartition(reader: ByteReader): void {
  reader.at += 2 + 4 + 4 + 4; // error, number, leader, leader's epoch
  for (let list = 0; list < 3; list++) reader.slice(4 * Math.max(0, reader.unsignedVarInt() - 1)); // replicas, in sync, offline
  skipTags(reader);
}

function compactString(reader: ByteReader): string | undefined {
  const length = reader.unsignedVarInt();
  return length === 0 ? undefined : reader.slice(length - 1).toString('utf8');
}

function skipTags(reader: ByteReader): void {
  for (let count = reader.unsignedVarInt(); count > 0; count--) {
    reader.unsignedVarInt();
    reader.slice(reader.unsignedVarInt());
  }
}

function unsignedVarInt(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

import type { Kafka } from 'kafkajs';
import { ConfigError, type ConnectorError, RetriableError } from '../../core/errors.ts';
import type { SourceRecord } from '../../core/record.ts';
import { type Connection, named } from './connection.ts';
import { refusal } from './errors.ts';
import { OwnFetch } from './kafkajs-wire.ts';
import { decodeMetadataResponse, encodeMetadataRequest, isMissing, type Metadata, metadataApi, metadataVersion } from './metadata.ts';
import type { FetchedRecord } from './record-batch.ts';

const maxBytesPerPartition = 1_048_576;
const refusedTopic = 29;

export interface ClusterDescription {
  readonly clusterId: string;
  /** Only those that exist. */
  readonly topics: ReadonlyMap<string, { readonly id: string | undefined; readonly partitions: number }>;
}

/** Looks into a cluster without a consumer group. Every call throws a ConfigError or RetriableError by its name; after one, open another. */
export interface LogInspector {
  describe(topics: readonly string[]): Promise<ClusterDescription>;
  /** By partition, the offset of the oldest record that is there (`first`), or the one that the next record will get (`next`). */
  offsets(topic: string, edge: 'first' | 'next'): Promise<ReadonlyMap<number, number>>;
  /** About so many of the last records of each of these partitions; of all when none are given. */
  tail(topic: string, records: number, partitions?: readonly number[]): Promise<readonly SourceRecord[]>;
  /** About so many of the first records from this offset on. */
  head(topic: string, partition: number, from: number, records: number): Promise<readonly SourceRecord[]>;
  /** Cuts the connections at once. */
  destroy(): void;
}

/** The parts of kafkajs' cluster, which its producers, consumers and admins share, that are used here. */
interface KafkajsCluster {
  connect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  metadata(options: { readonly topics: readonly string[] }): Promise<{
    readonly clusterId: string | null;
    readonly topicMetadata: readonly { readonly topic: string; readonly partitionMetadata: readonly unknown[] }[];
  }>;
  findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number; readonly leader: number }[];
  findBroker(broker: { readonly nodeId: number }): Promise<KafkajsBroker>;
  fetchTopicsOffset(
    topics: readonly { readonly topic: string; readonly partitions: readonly object[]; readonly fromBeginning: boolean }[],
  ): Promise<readonly { readonly partitions: readonly { readonly partition: number; readonly offset: string }[] }[]>;
  readonly brokerPool: { findConnectedBroker(): Promise<KafkajsBroker> };
}

interface KafkajsBroker {
  readonly versions: Readonly<Record<number, { readonly maxVersion: number } | undefined>> | null;
  readonly connectionPool: { send(call: object): Promise<unknown> };
  fetch(options: object): Promise<{
    readonly responses: readonly {
      readonly partitions: readonly { readonly partition: number; readonly messages: readonly FetchedRecord[] }[];
    }[];
  }>;
}

/** Connects, and answers what looks around there. */
export async function logInspector({ kafka, destroy }: Connection): Promise<LogInspector> {
  const cluster = clusterOf(kafka);
  try {
    await named(cluster.connect());
  } catch (error) {
    destroy();
    throw error;
  }
  const offsets: LogInspector['offsets'] = async (topic, edge) => {
    await named(cluster.addTargetTopic(topic));
    const partitions = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => ({ partition: partitionId }));
    const [found] = await named(cluster.fetchTopicsOffset([{ topic, partitions, fromBeginning: edge === 'first' }]));
    return new Map((found?.partitions ?? []).map(({ partition, offset }) => [partition, Number(offset)]));
  };
  return {
    async describe(topics) {
      const { clusterId, topics: found } = await named(describe(cluster, topics));
      if (clusterId === undefined) throw noClusterId();
      const refused = [...found.values()].find(({ errorCode }) => errorCode === refusedTopic);
      if (refused !== undefined) throw topicRefused();
      return { clusterId, topics: new Map([...found].filter(([, topic]) => !isMissing(topic))) };
    },
    offsets,
    async tail(topic, records, only) {
      const [first, next] = [await offsets(topic, 'first'), await offsets(topic, 'next')];
      const spans: Span[] = [...next]
        .filter(([partition]) => only === undefined || only.includes(partition))
        .map(([partition, end]) => ({ partition, from: Math.max(first.get(partition) ?? 0, end - records), end }));
      return await named(readSpans(cluster, topic, spans));
    },
    async head(topic, partition, from, records) {
      const end = Math.min((await offsets(topic, 'next')).get(partition) ?? 0, from + records);
      return await named(readSpans(cluster, topic, [{ partition, from, end }]));
    },
    destroy,
  };
}

async function describe(cluster: KafkajsCluster, topics: readonly string[]): Promise<Metadata> {
  const broker = await cluster.brokerPool.findConnectedBroker();
  const maxVersion = broker.versions?.[metadataApi]?.maxVersion ?? 0;
  if (maxVersion < metadataVersion) return await describeWithoutIds(cluster, topics);
  const buffer = encodeMetadataRequest(topics);
  const answer = await broker.connectionPool.send({
    request: { apiKey: metadataApi, apiVersion: metadataVersion, apiName: 'Metadata', encode: async () => ({ buf: buffer, buffer }) },
    response: { decode: async (bytes: Buffer) => decodeMetadataResponse(bytes), parse: async (decoded: unknown) => decoded },
  });
  return answer as Metadata;
}

async function describeWithoutIds(cluster: KafkajsCluster, names: readonly string[]): Promise<Metadata> {
  const topics = new Map<string, { errorCode: number; id: undefined; partitions: number }>();
  const { clusterId } = await cluster.metadata({ topics: [] });
  for (const name of names) {
    try {
      const { topicMetadata } = await cluster.metadata({ topics: [name] });
      topics.set(name, { errorCode: 0, id: undefined, partitions: topicMetadata[0]?.partitionMetadata.length ?? 0 });
    } catch (error) {
      if (!(error instanceof Error && 'type' in error && error.type === 'UNKNOWN_TOPIC_OR_PARTITION')) throw error;
    }
  }
  return { clusterId: clusterId ?? undefined, topics };
}

interface Span {
  readonly partition: number;
  from: number;
  readonly end: number;
}

async function readSpans(cluster: KafkajsCluster, topic: string, spans: readonly Span[]): Promise<readonly FetchedRecord[]> {
  const leaders = new Map(cluster.findTopicPartitionMetadata(topic).map(({ partitionId, leader }) => [partitionId, leader]));
  const records: FetchedRecord[] = [];
  for (const [nodeId, own] of Map.groupBy(spans, ({ partition }) => leaders.get(partition) ?? -1)) {
    const broker = await cluster.findBroker({ nodeId });
    for (let left = own.filter(({ from, end }) => from < end); left.length > 0; left = left.filter(({ from, end }) => from < end)) {
      const partitions = left.map(({ partition, from }) => ({ partition, fetchOffset: String(from), maxBytes: maxBytesPerPartition }));
      const { responses } = await broker.fetch({
        isolationLevel: 0, // markers and open transactions too: the end of the partition is reached whatever is there
        maxWaitTime: 100,
        minBytes: 1,
        maxBytes: maxBytesPerPartition * 4,
        topics: [{ topic, partitions }],
        rackId: new OwnFetch(''),
      });
      const found = new Map(responses.flatMap((response) => response.partitions.map(({ partition, messages }) => [partition, messages])));
      if (!advance(left, found, records)) break;
    }
  }
  return records;
}

/** Takes what was fetched; false when nothing was, as then nothing more will be. */
function advance(spans: readonly Span[], found: ReadonlyMap<number, readonly FetchedRecord[]>, records: FetchedRecord[]): boolean {
  let isFurther = false;
  for (const span of spans) {
    const { from } = span;
    for (const record of found.get(span.partition) ?? []) {
      if (record.offset < from) continue; // a batch comes whole
      span.from = record.offset + 1;
      isFurther = true;
      if (!record.isControlRecord) records.push(record);
    }
  }
  return isFurther;
}

/** kafkajs keeps what makes its clusters behind a symbol of its own. */
function clusterOf(kafka: Kafka): KafkajsCluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === 'private:Kafka:createCluster');
  if (symbol === undefined) throw new Error('Expected kafkajs 2.2, which makes its clusters as this client knows.');
  const create = (kafka as unknown as Record<symbol, (options: object) => KafkajsCluster>)[symbol];
  if (create === undefined) throw new Error('Expected kafkajs 2.2, which makes its clusters as this client knows.');
  return create({ metadataMaxAge: 60_000, allowAutoTopicCreation: false });
}

function noClusterId(): ConfigError {
  const message =
    'The brokers do not say which cluster they are (Kafka 0.10.1 or newer does), so a record that goes round would not be noticed. Set connector.sink.provenance to false.';
  return new ConfigError('KAFKA_TOO_OLD', message);
}

function topicRefused(): ConnectorError {
  return refusal('TOPIC_AUTHORIZATION_FAILED') ?? new RetriableError('KAFKA_UNAVAILABLE', 'Kafka did not let this user at the topic');
}

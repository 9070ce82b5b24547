import { type Stamp, stampOf } from '../../clients/kafka/record-batch.ts';
import type { Header, KafkaRecord, Version } from '../../core/record.ts';

/** Where a mirrored record was before. */
export const provenanceHeaders = { source: 'sluice.source', chain: 'sluice.chain' } as const;

/** A cluster and the topic in it, as one word of the chain. */
export function hop(clusterId: string, topic: string): string {
  return `${encodeURIComponent(clusterId)}/${topic}`;
}

/** The record's place in the source, as a header says it. */
export interface MirroredFrom {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly epoch: number;
  readonly part: number;
  /** Kafka's id of the source topic; undefined where the source's brokers have none. */
  readonly topicId: string | undefined;
}

const sourcePattern = /^([^:]+):(\d+):(\d+):(\d+):(\d+):([\w-]*)$/;

/** Reads the header `sluice.source`; undefined for anything else. */
export function parseSource(text: string): MirroredFrom | undefined {
  const match = sourcePattern.exec(text);
  if (match === null) return undefined;
  const [, topic = '', partition, offset, epoch, part, topicId = ''] = match;
  return {
    topic,
    partition: Number(partition),
    offset: Number(offset),
    epoch: Number(epoch),
    part: Number(part),
    topicId: topicId === '' ? undefined : topicId,
  };
}

/** The last value of a header as text. */
export function headerText(headers: readonly Header[], name: string): string | undefined {
  const value = headers.findLast(({ key }) => key === name)?.value;
  return value === undefined ? undefined : Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1');
}

/**
 * Whether the record has been where it is going. Between clusters, one visit to the target's cluster is enough, whatever the topic was called
 * there; within a cluster it is the topic that counts.
 */
export function isLoop(chain: readonly string[], source: string, target: string): boolean {
  const cluster = clusterOf(target);
  if (clusterOf(source) === cluster) return chain.includes(target);
  return chain.some((each) => clusterOf(each) === cluster);
}

function clusterOf(word: string): string {
  return word.slice(0, word.indexOf('/'));
}

/** The chain of a record that goes on; undefined when it would go round. */
export function nextChain(incoming: string | undefined, source: string, target: string): string | undefined {
  const before = incoming === undefined || incoming === '' ? [] : incoming.split(',');
  return isLoop(before, source, target) ? undefined : [...before, source].join(',');
}

/** The headers that a record goes on with, but for its offset; undefined when it would go round. */
export type StampFor = (record: KafkaRecord, incoming: string | undefined, targetTopic: string) => Stamp | undefined;

export interface StampOptions {
  /** The ids of the clusters. */
  readonly source: string;
  readonly target: string;
  /** Kafka's id of a source topic, where it has one. */
  readonly topicId: (topic: string) => string | undefined;
}

interface Known {
  readonly record: KafkaRecord;
  readonly version: Version;
  readonly incoming: string | undefined;
  readonly targetTopic: string;
  readonly topicId: string | undefined;
  readonly stamp: Stamp | undefined;
}

const rememberedStamps = 1_000;

/** `topic:partition:offset:epoch:part:topic id`, and the chain. Runs of records share all but the offset, so each is put together once. */
export function stamps({ source, target, topicId }: StampOptions): StampFor {
  const known = new Map<string, Stamp | undefined>();
  let last: Known | undefined;
  return (record, incoming, targetTopic) => {
    const { origin, version, part } = record;
    const id = topicId(origin.topic);
    if (
      last !== undefined &&
      last.incoming === incoming &&
      last.targetTopic === targetTopic &&
      last.topicId === id &&
      isSamePlace(last, record)
    )
      return last.stamp;
    const before = `${version.topic}:${version.partition}:`;
    const after = `:${version.epoch}:${part}:${id ?? ''}`;
    const name = `${origin.topic} ${before} ${after} ${targetTopic} ${incoming ?? ''}`;
    if (!known.has(name)) {
      if (known.size >= rememberedStamps) known.clear();
      const chain = nextChain(incoming, hop(source, origin.topic), hop(target, targetTopic));
      const header = { key: provenanceHeaders.chain, value: Buffer.from(chain ?? '', 'latin1') };
      known.set(name, chain === undefined ? undefined : stampOf([header], { key: provenanceHeaders.source, before, after }));
    }
    const stamp = known.get(name);
    last = { record, version, incoming, targetTopic, topicId: id, stamp };
    return stamp;
  };
}

function isSamePlace({ record, version }: Known, { origin, version: other, part }: KafkaRecord): boolean {
  return (
    version.partition === other.partition &&
    version.epoch === other.epoch &&
    record.part === part &&
    version.topic === other.topic &&
    record.origin.topic === origin.topic
  );
}

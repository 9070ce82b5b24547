import type { Header, KafkaRecord } from '../../core/record.ts';

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

/** `topic:partition:offset:epoch:part:topic id`; neither names of topics nor ids hold a colon. */
export function sourceText({ version, part }: Pick<KafkaRecord, 'version' | 'part'>, topicId = ''): string {
  return `${version.topic}:${version.partition}:${version.offset}:${version.epoch}:${part}:${topicId}`;
}

const sourcePattern = /^([^:]+):(\d+):(\d+):(\d+):(\d+):([\w-]*)$/;

/** Reads what `sourceText` wrote; undefined for anything else. */
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

/** The chain of a record that goes on, ready to be written; undefined when it would go round. */
export type NextChain = (incoming: string | undefined, sourceTopic: string, targetTopic: string) => Header | undefined;

const rememberedChains = 1_000;

/** Adds the source to chains. Records share few different ones, so each is worked out once. */
export function chains(clusters: { readonly source: string; readonly target: string }): NextChain {
  const known = new Map<string, Header | undefined>();
  return (incoming, sourceTopic, targetTopic) => {
    const name = `${sourceTopic} ${targetTopic} ${incoming ?? ''}`;
    if (known.has(name)) return known.get(name);
    if (known.size >= rememberedChains) known.clear();
    const before = incoming === undefined || incoming === '' ? [] : incoming.split(',');
    const source = hop(clusters.source, sourceTopic);
    const next = isLoop(before, source, hop(clusters.target, targetTopic))
      ? undefined
      : { key: provenanceHeaders.chain, value: Buffer.from([...before, source].join(','), 'latin1') };
    known.set(name, next);
    return next;
  };
}

import type { Lookout } from '../../clients/kafka/lookout.ts';
import { ConfigError } from '../../core/errors.ts';
import { type KafkaRecord, partitionName, type SourceRecord } from '../../core/record.ts';
import type { LastMirrored } from './continuity.ts';
import { headerText, hop, parseSource, provenanceHeaders } from './provenance.ts';

const depths = { quick: [20, 500], thorough: [1_000] } as const;

export interface MirroredOptions {
  readonly target: Lookout;
  readonly sourceId: string;
  /** Where a record is going; undefined when it is going nowhere. */
  readonly targetOf: (record: KafkaRecord) => string | undefined;
  readonly keepsPartition: boolean;
}

/** Reads the ends of the target's partitions for the last records of these source partitions, one record of each. */
export async function lastMirrored(
  records: readonly KafkaRecord[],
  thorough: boolean,
  { target, sourceId, targetOf, keepsPartition }: MirroredOptions,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, LastMirrored>> {
  const found = new Map<string, LastMirrored>();
  for (const [topic, own] of Map.groupBy(records, targetOf)) {
    if (topic === undefined) continue;
    for (const depth of depths[thorough ? 'thorough' : 'quick']) {
      const missing = own.filter(({ origin }) => !found.has(partitionName(origin)));
      if (missing.length === 0) break;
      const partitions = keepsPartition ? missing.map(({ origin }) => origin.partition) : undefined;
      const last = await tail(target, topic, depth, partitions, signal);
      const index = indexOf(last, sourceId);
      for (const { origin, version } of missing) {
        const mirrored = index.get(`${origin.topic}:${origin.partition}:${version.epoch}`);
        if (mirrored !== undefined) found.set(partitionName(origin), mirrored);
      }
    }
  }
  return found;
}

async function tail(
  target: Lookout,
  topic: string,
  records: number,
  partitions: readonly number[] | undefined,
  signal: AbortSignal,
): Promise<readonly SourceRecord[]> {
  try {
    return await target.ask((inspector) => inspector.tail(topic, records, partitions), signal);
  } catch (error) {
    // The producer says so with more of the circumstances.
    if (error instanceof ConfigError && error.code === 'KAFKA_TOPIC_MISSING') return [];
    throw error;
  }
}

/** The highest offset of each source partition and epoch, among records that came straight from this source. */
function indexOf(records: readonly SourceRecord[], sourceId: string): ReadonlyMap<string, LastMirrored> {
  const index = new Map<string, LastMirrored>();
  for (const { headers } of records) {
    const source = parseSource(headerText(headers, provenanceHeaders.source) ?? '');
    if (source === undefined) continue;
    const { topic, partition, offset, epoch, topicId } = source;
    const chain = headerText(headers, provenanceHeaders.chain) ?? '';
    if (chain.slice(chain.lastIndexOf(',') + 1) !== hop(sourceId, topic)) continue;
    const name = `${topic}:${partition}:${epoch}`;
    if ((index.get(name)?.offset ?? -1) < offset) index.set(name, { offset, topicId });
  }
  return index;
}

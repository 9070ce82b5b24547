import type { Lookout } from '../../clients/kafka/lookout.ts';
import { ConfigError } from '../../core/errors.ts';
import type { KafkaRecord } from '../../core/record.ts';
import { type StampFor, stamps } from './provenance.ts';

const refreshMs = 60_000;

/** What a mirror knows of its two clusters. */
export interface Surroundings {
  readonly sourceId: string;
  readonly targetId: string;
  readonly isSameCluster: boolean;
  readonly stampFor: StampFor;
  /** Kafka's id of a source topic, where it has one; as of a minute ago at most. */
  topicId(topic: string): string | undefined;
  /** Partitions of a source topic; undefined where nobody may ask. */
  partitions(topic: string): number | undefined;
}

export interface Explorer {
  /** What is known, with the source topics of these records in it. Throws a ConfigError or RetriableError. */
  explore(records: readonly KafkaRecord[], signal: AbortSignal): Promise<Surroundings>;
}

export interface ExplorerOptions {
  /** Undefined where only its id is known. */
  readonly source: Lookout | undefined;
  readonly sourceClusterId: string | undefined;
  readonly target: Lookout;
  readonly now: () => number;
}

/** Asks both clusters who they are, once, and the source for its topics, every minute, as somebody may create them again. */
export function explorer({ source, sourceClusterId, target, now }: ExplorerOptions): Explorer {
  const topics = new Map<string, { readonly id: string | undefined; readonly partitions: number } | undefined>();
  let known: Surroundings | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;

  return {
    async explore(records, signal) {
      const names = sourceTopics(records);
      const isFresh = now() - askedAt < refreshMs && names.every((name) => topics.has(name));
      if (known !== undefined && (isFresh || source === undefined)) return known;
      const asked = [...new Set([...topics.keys(), ...names])];
      const found = source === undefined ? undefined : await source.ask((inspector) => inspector.describe(asked), signal);
      for (const name of asked) topics.set(name, found?.topics.get(name));
      askedAt = now();
      const sourceId = sourceClusterId ?? found?.clusterId;
      if (sourceId === undefined) throw unknownSource();
      if (known !== undefined && known.sourceId === sourceId) return known;
      const { clusterId: targetId } =
        source === target && found !== undefined ? found : await target.ask((inspector) => inspector.describe([]), signal);
      const topicId = (topic: string) => topics.get(topic)?.id;
      known = {
        sourceId,
        targetId,
        isSameCluster: sourceId === targetId,
        stampFor: stamps({ source: sourceId, target: targetId, topicId }),
        topicId,
        partitions: (topic) => topics.get(topic)?.partitions,
      };
      return known;
    },
  };
}

function sourceTopics(records: readonly KafkaRecord[]): readonly string[] {
  const names = new Set<string>();
  let last: string | undefined;
  for (const { origin } of records) {
    if (origin.topic === last) continue;
    last = origin.topic;
    names.add(last);
  }
  return [...names];
}

function unknownSource(): ConfigError {
  const message =
    'Expected to know the cluster that is read, which records carry on as their provenance. Set sluice.cluster, or connector.sink.sourceClusterId, or connector.sink.provenance to false.';
  return new ConfigError('CONFIG_INVALID', message);
}

import type { Lookout } from '../../clients/kafka/lookout.ts';
import type { Cluster } from '../../clients/kafka.ts';
import { ConfigError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { copiedSettings, type Options } from './options.ts';

const lookMs = 60_000;

/** A target topic and the source topic whose records go there. */
export interface TopicPair {
  readonly source: string;
  readonly target: string;
}

export interface NewTopicsOptions {
  readonly createTopics: Options['createTopics'];
  readonly partition: Options['partition'];
  /** Undefined where nobody may ask the source. */
  readonly source: Cluster | undefined;
  readonly target: Cluster;
  readonly targetLookout: Lookout;
  /** Partitions of a source topic. */
  readonly partitionsOf: (topic: string) => number | undefined;
  readonly log: Log;
  readonly now: () => number;
}

/** Creates the target topics that are not there, if that was asked for, and says when a target has other partitions than its source. */
export function newTopics(options: NewTopicsOptions): (pairs: readonly TopicPair[], signal: AbortSignal) => Promise<void> {
  const { createTopics, targetLookout, log, now } = options;
  const own = createTopics === true ? defaults : createTopics;
  const followsSource = options.partition === 'keep' || (own !== false && own.partitions === undefined);
  const known = new Set<string>();
  const said = new Map<string, string>();
  let lookedAt = Number.NEGATIVE_INFINITY;

  return async (pairs, signal) => {
    if (own === false && !followsSource) return;
    if (now() - lookedAt < lookMs && pairs.every(({ target }) => known.has(target))) return;
    lookedAt = now();
    const { topics } = await targetLookout.ask((inspector) => inspector.describe(pairs.map(({ target }) => target)), signal);
    for (const { source, target } of pairs) {
      const there = topics.get(target);
      const wanted = options.partitionsOf(source);
      if (there === undefined && own !== false) await create(options, own, { source, target }, own.partitions ?? wanted);
      else if (there !== undefined && wanted !== undefined && followsSource && there.partitions !== wanted) {
        const counts = `${wanted}/${there.partitions}`;
        if (said.get(target) !== counts)
          log.warn('The target topic has other partitions than the source topic', {
            source,
            target,
            sourcePartitions: wanted,
            targetPartitions: there.partitions,
          });
        said.set(target, counts);
      }
      known.add(target);
    }
  };
}

const defaults: Exclude<Options['createTopics'], boolean> = { copy: [...copiedSettings], settings: {} };

async function create(
  { source, target, log }: NewTopicsOptions,
  { copy, settings, replicationFactor }: Exclude<Options['createTopics'], boolean>,
  pair: TopicPair,
  partitions: number | undefined,
): Promise<void> {
  if (partitions === undefined) {
    const message = `Expected to know how many partitions ${pair.target} is to have. Set connector.sink.createTopics.partitions, or sluice.cluster to read it from the source.`;
    throw new ConfigError('CONFIG_INVALID', message);
  }
  const copied = source === undefined ? {} : await ownSettings(source, pair.source, copy);
  const admin = await target.admin();
  try {
    const isNew = await admin.createTopic({
      topic: pair.target,
      partitions,
      settings: { ...copied, ...settings },
      ...(replicationFactor === undefined ? {} : { replicationFactor }),
    });
    if (isNew) log.info('Created the target topic', { topic: pair.target, partitions });
  } finally {
    await admin.close();
  }
}

async function ownSettings(source: Cluster, topic: string, names: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const admin = await source.admin();
  try {
    return await admin.ownSettings(topic, names);
  } finally {
    await admin.close();
  }
}

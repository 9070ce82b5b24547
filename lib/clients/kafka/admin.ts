import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin, ConfigEntries } from 'kafkajs';
import { ConfigError, RetriableError } from '../../core/errors.ts';
import { type Connection, named } from './connection.ts';
import type { NextOffset } from './consumer.ts';

// kafkajs has a name for it, but in a way that an import by name does not see.
const topicResource = 2;
const setOnTopic = 1;
// What kafkajs commits in the place of an offset that Kafka does not have any more, before it goes on from the oldest one that is left.
const atBeginning = -2;
const knownPollMs = 50;
const knownTimeoutMs = 10_000;

export interface NewTopic {
  readonly topic: string;
  readonly partitions?: number;
  readonly replicationFactor?: number;
  /** Topic settings, e.g. `cleanup.policy`. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface PartitionRange {
  readonly partition: number;
  /** The offset of the oldest record that is still there. */
  readonly low: number;
  /** The offset that the next record will get. */
  readonly high: number;
}

/** What tools ask a cluster. Every call throws a ConfigError or RetriableError by its name. */
export interface ClusterAdmin {
  topics(): Promise<readonly string[]>;
  /** How many partitions the topic has. */
  partitions(topic: string): Promise<number>;
  /** Answers whether it was made; false when it was there already. */
  createTopic(topic: NewTopic): Promise<boolean>;
  deleteTopic(topic: string): Promise<void>;
  settings(topic: string, names: readonly string[]): Promise<Readonly<Record<string, string>>>;
  /** The same, without those that come from the cluster's defaults. */
  ownSettings(topic: string, names: readonly string[]): Promise<Readonly<Record<string, string>>>;
  /** Sets these and keeps the others that were set on the topic. */
  changeSettings(topic: string, settings: Readonly<Record<string, string>>): Promise<void>;
  ranges(topic: string): Promise<readonly PartitionRange[]>;
  /** The first offset whose record is not older, or the end, per partition. */
  offsetsAt(topic: string, timestamp: number): Promise<readonly NextOffset[]>;
  groups(): Promise<readonly string[]>;
  /** The group's state in Kafka's words (`Stable`, `Empty`, `Dead` …) and its members. */
  group(groupId: string): Promise<{ readonly state: string; readonly members: number }>;
  /** What the group has committed; partitions without a commit are left out. */
  committed(groupId: string, topics: readonly string[]): Promise<readonly NextOffset[]>;
  /** Sets what the group has committed. The group must have no members. */
  setCommitted(groupId: string, offsets: readonly NextOffset[]): Promise<void>;
  close(): Promise<void>;
}

export async function clusterAdmin({ kafka, destroy }: Connection): Promise<ClusterAdmin> {
  const admin = kafka.admin();
  try {
    await named(admin.connect());
  } catch (error) {
    destroy();
    throw error;
  }
  const ranges = async (topic: string): Promise<readonly PartitionRange[]> => {
    const found = await named(admin.fetchTopicOffsets(topic));
    return found
      .map(({ partition, low, high }) => ({ partition, low: Number(low), high: Number(high) }))
      .sort((a, b) => a.partition - b.partition);
  };
  const describe = async (topic: string, names: readonly string[]): Promise<readonly ConfigEntries[]> => {
    const resources = [{ type: topicResource, name: topic, configNames: [...names] }];
    const { resources: found } = await named(admin.describeConfigs({ resources, includeSynonyms: false }));
    return found[0]?.configEntries ?? [];
  };
  const toSettings = (entries: readonly ConfigEntries[]) =>
    Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue]));
  return {
    topics: () => named(admin.listTopics()),
    async partitions(topic) {
      const { topics } = await named(admin.fetchTopicMetadata({ topics: [topic] }));
      return topics[0]?.partitions.length ?? 0;
    },
    async createTopic({ topic, partitions = 1, replicationFactor, settings = {} }) {
      const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
      const replication = replicationFactor === undefined ? {} : { replicationFactor };
      const topics = [{ topic, numPartitions: partitions, configEntries, ...replication }];
      const isNew = await named(admin.createTopics({ topics, waitForLeaders: false }));
      if (isNew) await known(admin, topic);
      return isNew;
    },
    deleteTopic: (topic) => named(admin.deleteTopics({ topics: [topic] })),
    settings: async (topic, names) => toSettings(await describe(topic, names)),
    // Its type says a number too; the name of the enumeration does not exist at run time.
    ownSettings: async (topic, names) =>
      toSettings((await describe(topic, names)).filter(({ configSource }) => Number(configSource) === setOnTopic)),
    async changeSettings(topic, settings) {
      // Kafka's request replaces whatever was set before.
      const { resources } = await named(
        admin.describeConfigs({ resources: [{ type: topicResource, name: topic }], includeSynonyms: false }),
      );
      const own = (resources[0]?.configEntries ?? []).filter(({ configSource }) => Number(configSource) === setOnTopic);
      const configEntries = Object.entries({ ...toSettings(own), ...settings }).map(([name, value]) => ({ name, value }));
      await named(admin.alterConfigs({ validateOnly: false, resources: [{ type: topicResource, name: topic, configEntries }] }));
    },
    ranges,
    async offsetsAt(topic, timestamp) {
      const found = await named(admin.fetchTopicOffsetsByTimestamp(topic, timestamp));
      return found.map(({ partition, offset }) => ({ topic, partition, offset: Number(offset) })).sort((a, b) => a.partition - b.partition);
    },
    async groups() {
      const { groups } = await named(admin.listGroups());
      return groups.map(({ groupId }) => groupId);
    },
    async group(groupId) {
      const { groups } = await named(admin.describeGroups([groupId]));
      return { state: groups[0]?.state ?? 'Dead', members: groups[0]?.members.length ?? 0 };
    },
    async committed(groupId, topics) {
      const found = await named(admin.fetchOffsets({ groupId, topics: [...topics] }));
      const offsets = found.flatMap(({ topic, partitions }) =>
        partitions.map(({ partition, offset }) => ({ topic, partition, offset: Number(offset) })),
      );
      const lows = new Map<string, number>();
      for (const topic of new Set(offsets.flatMap((each) => (each.offset === atBeginning ? each.topic : []))))
        for (const { partition, low } of await ranges(topic)) lows.set(`${topic}/${partition}`, low);
      return offsets
        .map((each) => (each.offset === atBeginning ? { ...each, offset: lows.get(`${each.topic}/${each.partition}`) ?? 0 } : each))
        .filter(({ offset }) => offset >= 0);
    },
    async setCommitted(groupId, offsets) {
      for (const [topic, own] of Map.groupBy(offsets, (next) => next.topic)) {
        const partitions = own.map(({ partition, offset }) => ({ partition, offset: String(offset) }));
        await named(admin.setOffsets({ groupId, topic, partitions }));
      }
    },
    async close() {
      await admin.disconnect().catch(() => undefined);
      destroy();
    },
  };
}

/** Waits until a topic that was just made has its leaders. kafkajs gives up when the first broker it asks has not heard of it yet. */
async function known(admin: Admin, topic: string): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += knownPollMs) {
    try {
      await named(admin.fetchTopicOffsets(topic));
      return;
    } catch (error) {
      const isEarly = error instanceof RetriableError || (error instanceof ConfigError && error.code === 'KAFKA_TOPIC_MISSING');
      if (!isEarly || waitedMs >= knownTimeoutMs) throw error;
      await sleep(knownPollMs);
    }
  }
}

import type { ClusterAdmin } from '../clients/kafka/admin.ts';

/** What a letter may add to the record that it carries: its headers. */
const letterBytes = 65_536;
const limitName = 'max.message.bytes';

/** A connector as far as its topics go. */
export interface TopicUse {
  readonly connector: string;
  readonly topics: readonly string[];
  readonly deadLetterTopic: string | undefined;
}

/** What there is to do for one topic. missing: an input that its owner has to create. */
export interface TopicPlan {
  readonly topic: string;
  readonly role: 'input' | 'dead letters';
  readonly connectors: readonly string[];
  readonly action: 'none' | 'create' | 'raise' | 'missing';
  readonly partitions: number;
  /** Bytes of a record that the topic takes, and of a dead letter topic has to take. */
  readonly maxBytes?: number;
  readonly neededBytes?: number;
}

/** Bytes that letters of these topics may have. Throws when they cannot be looked up. */
export async function lettersNeed(admin: Pick<ClusterAdmin, 'settings'>, topics: readonly string[]): Promise<number> {
  const limits = await Promise.all(topics.map((topic) => recordLimit(admin, topic)));
  return Math.max(0, ...limits) + letterBytes;
}

/** What keeps the topics of these connectors from being as they have to be. Changes nothing. */
export async function planTopics(admin: ClusterAdmin, uses: readonly TopicUse[]): Promise<readonly TopicPlan[]> {
  const existing = new Set(await admin.topics());
  const readers = byTopic(uses, ({ topics }) => topics);
  const writers = byTopic(uses, ({ deadLetterTopic }) => (deadLetterTopic === undefined ? [] : [deadLetterTopic]));
  const inputs = [...readers].map(async ([topic, own]): Promise<TopicPlan> => {
    const connectors = own.map(({ connector }) => connector);
    if (!existing.has(topic)) return { topic, role: 'input', connectors, action: 'missing', partitions: 0 };
    const [partitions, maxBytes] = await Promise.all([admin.partitions(topic), recordLimit(admin, topic)]);
    return { topic, role: 'input', connectors, action: 'none', partitions, maxBytes };
  });
  const letters = [...writers].map(async ([topic, own]): Promise<TopicPlan> => {
    const connectors = own.map(({ connector }) => connector);
    const sources = [...new Set(own.flatMap(({ topics }) => topics))].filter((source) => existing.has(source));
    const neededBytes = await lettersNeed(admin, sources);
    const plan = { topic, role: 'dead letters', connectors, neededBytes } as const;
    if (!existing.has(topic)) return { ...plan, action: 'create', partitions: await mostPartitions(admin, sources) };
    const [partitions, maxBytes] = await Promise.all([admin.partitions(topic), recordLimit(admin, topic)]);
    return { ...plan, action: maxBytes < neededBytes ? 'raise' : 'none', partitions, maxBytes };
  });
  return (await Promise.all([...inputs, ...letters])).toSorted((a, b) => (a.topic < b.topic ? -1 : 1));
}

/** Does what the plan says for dead letter topics; inputs are their owners' business. */
export async function applyTopics(
  admin: Pick<ClusterAdmin, 'createTopic' | 'changeSettings'>,
  plans: readonly TopicPlan[],
  { replicationFactor, retentionMs }: { readonly replicationFactor?: number | undefined; readonly retentionMs: number },
): Promise<void> {
  for (const { topic, action, partitions, neededBytes } of plans) {
    const limit = { [limitName]: String(neededBytes) };
    if (action === 'raise') await admin.changeSettings(topic, limit);
    if (action !== 'create') continue;
    await admin.createTopic({
      topic,
      partitions,
      ...(replicationFactor === undefined ? {} : { replicationFactor }),
      // By the time of the letter, not of the record: Kafka would delete letters of old records at once.
      settings: { ...limit, 'cleanup.policy': 'delete', 'retention.ms': String(retentionMs), 'message.timestamp.type': 'LogAppendTime' },
    });
  }
}

async function recordLimit(admin: Pick<ClusterAdmin, 'settings'>, topic: string): Promise<number> {
  return Number((await admin.settings(topic, [limitName]))[limitName] ?? 0);
}

/** Letters of one key stay in order where there are as many partitions; more than a few are never needed. */
async function mostPartitions(admin: Pick<ClusterAdmin, 'partitions'>, sources: readonly string[]): Promise<number> {
  return Math.min(6, Math.max(1, ...(await Promise.all(sources.map((source) => admin.partitions(source))))));
}

function byTopic(uses: readonly TopicUse[], topicsOf: (use: TopicUse) => readonly string[]): ReadonlyMap<string, readonly TopicUse[]> {
  const found = new Map<string, TopicUse[]>();
  for (const use of uses) for (const topic of topicsOf(use)) found.set(topic, [...(found.get(topic) ?? []), use]);
  return found;
}

import type { ClusterAdmin, PartitionRange } from '../clients/kafka/admin.ts';
import { ConfigError } from '../core/errors.ts';
import type { ConnectorSettings } from '../core/settings.ts';

/** A consumer group and the topics that it reads for a connector. */
export interface ReadingGroup {
  readonly groupId: string;
  readonly topics: readonly string[];
}

/** Where a group stands in a partition. */
export interface Position {
  readonly groupId: string;
  readonly topic: string;
  readonly partition: number;
  /** The offsets of the oldest record that is still there, and of the next one that will come. */
  readonly low: number;
  readonly high: number;
  /** The next record to read; undefined where nothing was committed yet. */
  readonly committed: number | undefined;
  /** Records to go. */
  readonly lag: number;
}

/** Where a group is to stand. */
export type Target =
  | { readonly to: 'earliest' }
  | { readonly to: 'latest' }
  | { readonly to: 'offset'; readonly offset: number }
  /** Milliseconds since the epoch: the first record that is not older. */
  | { readonly to: 'time'; readonly timestamp: number };

export interface Move extends Position {
  readonly target: number;
}

/** Where each partition stands; what a group has not begun counts from where it will begin. */
export async function positions(
  admin: Pick<ClusterAdmin, 'ranges' | 'committed' | 'offsetsAt'>,
  groups: readonly ReadingGroup[],
  { trigger }: Pick<ConnectorSettings, 'trigger'>,
): Promise<readonly Position[]> {
  const ofGroup = async ({ groupId, topics }: ReadingGroup): Promise<readonly Position[]> => {
    const committed = await admin.committed(groupId, topics);
    const ofTopic = async (topic: string): Promise<readonly Position[]> => {
      const ranges = await admin.ranges(topic);
      const begins = await beginnings(admin, topic, trigger);
      return ranges.map((range) => {
        const { partition, low, high } = range;
        const at = committed.find((each) => each.topic === topic && each.partition === partition)?.offset;
        // What Kafka deleted is not read any more.
        const next = Math.max(low, at ?? begins(range));
        return { groupId, topic, partition, low, high, committed: at, lag: Math.max(0, high - next) };
      });
    };
    return (await Promise.all(topics.map(ofTopic))).flat();
  };
  return (await Promise.all(groups.map(ofGroup))).flat();
}

async function beginnings(
  admin: Pick<ClusterAdmin, 'offsetsAt'>,
  topic: string,
  { startingPosition, startingPositionTimestamp: seconds = 0 }: ConnectorSettings['trigger'],
): Promise<(range: PartitionRange) => number> {
  if (startingPosition === 'LATEST') return ({ high }) => high;
  if (startingPosition === 'TRIM_HORIZON') return ({ low }) => low;
  const at = await admin.offsetsAt(topic, seconds * 1_000);
  return ({ partition, high }) => at.find((each) => each.partition === partition)?.offset ?? high;
}

/** Which partitions are to be moved; all when nothing is named. */
export interface Selection {
  readonly topic?: string | undefined;
  readonly partitions?: readonly number[] | undefined;
}

/** Where each selected partition goes. Throws a ConfigError for one that is not there, or an offset that is outside of it. */
export async function planMoves(
  admin: Pick<ClusterAdmin, 'offsetsAt'>,
  current: readonly Position[],
  target: Target,
  { topic, partitions }: Selection,
): Promise<readonly Move[]> {
  const topics = [...new Set(current.map((each) => each.topic))];
  if (topic !== undefined && !topics.includes(topic))
    throw new ConfigError('USAGE', `The connector does not read ${topic}. Name one of ${topics.join(', ')} with --topic.`);
  const ofTopic = current.filter((each) => topic === undefined || each.topic === topic);
  const missing = partitions?.find((partition) => !ofTopic.some((each) => each.partition === partition));
  if (missing !== undefined) throw new ConfigError('USAGE', `There is no partition ${missing}. Name one that sluice offsets show lists.`);
  const chosen = ofTopic.filter(({ partition }) => partitions === undefined || partitions.includes(partition));
  if (target.to === 'offset' && chosen.length > 1)
    throw new ConfigError(
      'USAGE',
      'An offset belongs to one partition. Say which with --partition, and with --topic where there are several.',
    );
  const times = new Map<string, Awaited<ReturnType<ClusterAdmin['offsetsAt']>>>();
  if (target.to === 'time')
    for (const each of new Set(chosen.map((position) => position.topic))) times.set(each, await admin.offsetsAt(each, target.timestamp));
  return chosen.map((position) => ({ ...position, target: targetOffset(position, target, times.get(position.topic) ?? []) }));
}

function targetOffset(
  { topic, partition, low, high }: Position,
  target: Target,
  times: readonly { readonly partition: number; readonly offset: number }[],
): number {
  switch (target.to) {
    case 'earliest':
      return low;
    case 'latest':
      return high;
    case 'time':
      return Math.min(high, Math.max(low, times.find((each) => each.partition === partition)?.offset ?? high));
    case 'offset':
      if (target.offset >= low && target.offset <= high) return target.offset;
      throw new ConfigError(
        'USAGE',
        `${topic}-${partition} holds the offsets ${low} to ${high}, and ${target.offset} is outside. Name one of them with --offset.`,
      );
  }
}

/** Moves the groups. Throws a ConfigError, and moves nothing, while one of them has members: they would commit over it. */
export async function applyMoves(
  admin: Pick<ClusterAdmin, 'group' | 'setCommitted'>,
  moves: readonly Move[],
  whatToDo: string,
): Promise<void> {
  const groups = Map.groupBy(moves, ({ groupId }) => groupId);
  for (const groupId of groups.keys()) {
    const { members } = await admin.group(groupId);
    if (members > 0)
      throw new ConfigError(
        'GROUP_ACTIVE',
        `The consumer group ${groupId} has ${members} ${members === 1 ? 'member' : 'members'}, which would commit over it. ${whatToDo}`,
      );
  }
  for (const [groupId, own] of groups)
    await admin.setCommitted(
      groupId,
      own.map(({ topic, partition, target }) => ({ topic, partition, offset: target })),
    );
}

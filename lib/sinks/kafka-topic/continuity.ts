import { ConfigError, type ConnectorError } from '../../core/errors.ts';
import { type KafkaRecord, partitionName } from '../../core/record.ts';

/** The last record of a source partition that is in the target. */
export interface LastMirrored {
  readonly offset: number;
  /** Kafka's id of the topic that it came from, where there was one. */
  readonly topicId: string | undefined;
}

/** What the two clusters know. Offsets are by partition. */
export interface Logs {
  /** Kafka's id of a source topic, as of not long ago. */
  topicId(topic: string): string | undefined;
  /** The offsets of the oldest records that the source still has. */
  first(topic: string): Promise<ReadonlyMap<number, number>>;
  /** The offsets that the next records of the source will get. */
  next(topic: string): Promise<ReadonlyMap<number, number>>;
  /** Whether all that the source has between these offsets, as far as is worth looking, has been in the target before and is not mirrored for that. */
  isAllLooping(record: KafkaRecord, from: number, to: number): Promise<boolean>;
  /** By `partitionName`, what the target holds last of these; `thorough` looks further back. */
  lastMirrored(records: readonly KafkaRecord[], thorough: boolean): Promise<ReadonlyMap<string, LastMirrored>>;
}

export interface Continuity {
  /** Looks at a batch before it is written. Answers why partitions must not go on, by `partitionName`. */
  check(records: readonly KafkaRecord[], logs: Logs): Promise<ReadonlyMap<string, ConnectorError>>;
  /** Takes note of a record of the batch that was not written: it has to come again, and may be deleted before it does. */
  missed(record: KafkaRecord): void;
}

type Hole = readonly [from: number, to: number];

interface Track {
  readonly name: string;
  readonly topic: string;
  readonly partition: number;
  /** The first record of the batch. */
  record: KafkaRecord;
  /** The offset that has to come; undefined where nothing was mirrored before. */
  next: number | undefined;
  /** Offsets of the batch that did not come: from the first, to before the second. */
  holes: Hole[];
  /** Whether an offset came that was expected long ago. */
  isBehind: boolean;
}

/**
 * Finds out that the source lost records before they were mirrored. Offsets that are missing prove nothing: compaction, markers of
 * transactions, other instances of the function and transforms leave them out too. But the source still has everything from its first
 * offset on, so what is missing from there on was never meant to come; and what is missing before it was lost, unless the target has it.
 */
export function continuity(acceptGaps: Readonly<Record<string, number>>): Continuity {
  const tracks = new Map<string, Track>();
  const topicIds = new Map<string, string>();

  const follow = (records: readonly KafkaRecord[]): { readonly all: Track[]; readonly unknown: Track[] } => {
    const batch = new Map<string, Track>();
    const unknown: Track[] = [];
    let last: Track | undefined;
    for (const record of records) {
      const { topic, partition } = record.origin;
      if ((last?.topic === topic && last.partition === partition) || isReplay(record)) continue;
      const name = partitionName(record.origin);
      last = batch.get(name);
      if (last !== undefined) continue;
      last = tracks.get(name);
      if (last === undefined) {
        last = { name, topic, partition, record, next: undefined, holes: [], isBehind: false };
        unknown.push(last);
      }
      last.record = record;
      if (last.holes.length > 0) last.holes = [];
      last.isBehind = false;
      batch.set(name, last);
    }
    return { all: [...batch.values()], unknown };
  };

  const learn = async (unknown: readonly Track[], logs: Logs): Promise<ReadonlyMap<string, LastMirrored>> => {
    if (unknown.length === 0) return new Map();
    const found = await logs.lastMirrored(
      unknown.map(({ record }) => record),
      false,
    );
    for (const track of unknown) {
      const mirrored = found.get(track.name);
      track.next = mirrored === undefined ? undefined : mirrored.offset + 1;
    }
    return found;
  };

  return {
    async check(records, logs) {
      const refused = new Map<string, ConnectorError>();
      const { all, unknown } = follow(records);
      const mirrored = await learn(unknown, logs);
      const before = new Map(all.map((track) => [track, track.next]));
      step(records, new Map(all.map((track) => [track.name, track])));
      const reborn = new Set<Track>();
      const firsts = new Map<string, ReadonlyMap<number, number>>();
      const nexts = new Map<string, ReadonlyMap<number, number>>();
      for (const track of all) {
        const { topic, partition, name } = track;
        const current = logs.topicId(topic);
        const was = mirrored.get(name)?.topicId ?? topicIds.get(topic);
        if (current !== undefined && was !== undefined && current !== was) {
          refused.set(name, createdAgain(name));
          reborn.add(track);
        } else if (current !== undefined) topicIds.set(topic, current);
        const expected = before.get(track);
        if (track.isBehind && expected !== undefined && !refused.has(name)) {
          const ends = nexts.get(topic) ?? (await logs.next(topic));
          nexts.set(topic, ends);
          if ((ends.get(partition) ?? 0) < expected) refused.set(name, shorter(name, expected));
        }
        for (const hole of track.holes) {
          if (refused.has(name) || hole[1] <= (acceptGaps[name] ?? -1)) continue;
          const starts = firsts.get(topic) ?? (await logs.first(topic));
          firsts.set(topic, starts);
          const gap = await findGap(track, hole, starts.get(partition) ?? 0, unknown.includes(track), logs);
          if (gap !== undefined) refused.set(name, gap);
        }
      }
      for (const track of all) {
        // What is refused comes again, and has to be found wrong again.
        if (refused.has(track.name)) track.next = before.get(track);
        if (reborn.has(track)) tracks.delete(track.name);
        else tracks.set(track.name, track);
      }
      return refused;
    },
    missed(record) {
      const track = tracks.get(partitionName(record.origin));
      if (track === undefined || isReplay(record)) return;
      track.next = Math.min(track.next ?? record.origin.offset, record.origin.offset);
    },
  };
}

async function findGap(
  { name, record }: Track,
  [from, to]: Hole,
  first: number,
  isFromTarget: boolean,
  logs: Logs,
): Promise<ConfigError | undefined> {
  if (first <= from) return undefined;
  // Another instance may have mirrored what is missing here.
  const known = (await logs.lastMirrored([record], true)).get(name);
  const missing = Math.max(from, known === undefined ? 0 : known.offset + 1);
  if (missing >= to || first <= missing) return undefined;
  // What went round does not show in the target, so it is long ago that something was mirrored, and nothing is lost.
  if (isFromTarget && first < to && (await logs.isAllLooping(record, first, to))) return undefined;
  return gapFound(name, missing, Math.min(first, to), to);
}

/** Follows the offsets of the batch. */
function step(records: readonly KafkaRecord[], batch: ReadonlyMap<string, Track>): void {
  let last: Track | undefined;
  for (const record of records) {
    const { topic, partition, offset } = record.origin;
    if (last === undefined || last.topic !== topic || last.partition !== partition) last = batch.get(partitionName(record.origin));
    if (last === undefined || isReplay(record)) continue;
    const { next } = last;
    // Parts of one record share its offset.
    if (next !== undefined && offset > next) last.holes.push([next, offset]);
    if (next !== undefined && offset < next - 1) last.isBehind = true;
    last.next = offset + 1;
  }
}

/** A dead letter that is sent again comes when it comes. */
function isReplay({ origin, version }: KafkaRecord): boolean {
  return version.offset !== origin.offset || version.topic !== origin.topic;
}

function gapFound(name: string, from: number, lost: number, to: number): ConfigError {
  const message = `Records of ${name} were deleted by Kafka before they were mirrored: offsets ${from} to ${lost - 1}, as far as there were records. Lengthen the retention of the source topic; to go on without them, set connector.sink.acceptGaps to { "${name}": ${to} }.`;
  return new ConfigError('SOURCE_GAP', message);
}

function createdAgain(name: string): ConfigError {
  const message = `The topic of ${name} was created again since it was last mirrored, so its offsets begin anew and records may be missing or come twice. Raise connector.epoch by one to mirror the new topic from where the consumer group stands.`;
  return new ConfigError('SOURCE_RECREATED', message);
}

function shorter(name: string, expected: number): ConfigError {
  const message = `${name} ends before offset ${expected - 1}, which was mirrored already: the topic was created again or lost its newest records. Raise connector.epoch by one to mirror it from where the consumer group stands.`;
  return new ConfigError('SOURCE_RECREATED', message);
}

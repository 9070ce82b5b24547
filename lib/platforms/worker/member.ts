import type { Origin, SourceRecord } from '../../core/record.ts';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** What one fetch brought of one partition. */
export interface Fetch extends TopicPartition {
  /** The offset that was asked for; compaction and transactions leave gaps after it. */
  readonly fetchedOffset: number;
  /** Where the partition goes on after these records and what Kafka hides behind them. */
  readonly nextOffset: number;
  /** The end of the partition when it was fetched. */
  readonly highWatermark: number;
  /** None where Kafka hides all that was fetched: control records, aborted transactions. */
  readonly records: readonly SourceRecord[];
  /** Tells the group that this member is alive; rejects when the group is rebalancing. */
  heartbeat(): Promise<void>;
}

/** What happens to a member of a consumer group, in the order in which it happens. */
export interface MemberEvents {
  /** Nothing more of this broker is fetched before the promise is resolved. Never rejects. */
  fetched(fetch: Fetch): Promise<void>;
  /** Once before each attempt to join; from here until `joined` nothing is known of ownership. */
  joining(): void;
  joined(assignment: { readonly memberId: string; readonly partitions: readonly TopicPartition[] }): void;
  /** The membership is over and does not come back by itself. */
  ended(error: unknown): void;
}

/** One membership in a consumer group. */
export interface Member {
  /** Connects and joins; rejects when that cannot be begun, e.g. as a topic does not exist. */
  run(): Promise<void>;
  pause(partition: TopicPartition): void;
  resume(partition: TopicPartition): void;
  /** From which offset the next fetch reads; what was fetched before and is not yet handed over is thrown away. */
  seek(origin: Origin): void;
  /** Commits once, under the generation at the time of the call, and never again under a later one. */
  commit(offsets: readonly Origin[]): Promise<void>;
  /** Leaves the group and closes its connections, once the calls of `fetched` have ended. */
  leave(): Promise<void>;
  /** Cuts the connections at once, without leaving the group. */
  destroy(): void;
}

/** A new member of the consumer group, not yet joined. */
export type CreateMember = (events: MemberEvents) => Member;

/** Offsets as the cluster knows them, for all partitions of the connector's topics. */
export interface Offsets {
  /** What the group committed; partitions without a commit are missing. */
  committed(): Promise<readonly Origin[]>;
  beginning(): Promise<readonly Origin[]>;
  end(): Promise<readonly Origin[]>;
  /** The first record at or after the time, the end where there is none. */
  at(timestamp: number): Promise<readonly Origin[]>;
  close(): Promise<void>;
}

export function laneName({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}

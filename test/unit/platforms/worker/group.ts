import type { Origin, SourceRecord } from '../../../../lib/core/record.ts';
import type { CreateMember, Fetch, Member, MemberEvents, TopicPartition } from '../../../../lib/platforms/worker/member.ts';

const topic = 'orders';

/** A stretch of time in which one partition belonged to the member without a break. */
export interface Tenure {
  readonly partition: number;
  readonly from: number;
  readonly acknowledged: Set<number>;
}

interface Partition {
  end: number;
  committed: number;
  /** Where kafkajs would fetch next. */
  position: number;
  seek: number | undefined;
  isPaused: boolean;
  tenure: Tenure | undefined;
}

interface Response {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  readonly tenure: Tenure | undefined;
}

/** A consumer group as kafkajs shows it to its only member under test, one step at a time, and a judge of what it commits. */
export function fakeGroup(partitionCount: number) {
  const partitions = Array.from(
    { length: partitionCount },
    (): Partition => ({ end: 0, committed: 0, position: 0, seek: undefined, isPaused: false, tenure: undefined }),
  );
  const tenures = new WeakMap<SourceRecord, Tenure>();
  const at = (index: number): Partition => {
    const partition = partitions[index];
    if (partition === undefined) throw new Error(`no partition ${index}`);
    return partition;
  };
  let events: MemberEvents | undefined;
  let memberNumber = 1;
  let isJoined = false;
  let handling = 0;
  let responses: Response[] = [];
  let failCommits = false;
  const violations: string[] = [];
  const commits: Origin[] = [];
  let heartbeats = 0;
  let hasLeft = false;

  const commit = (offsets: readonly Origin[]): void => {
    if (!isJoined) violations.push('committed while the group was rebalancing');
    for (const { partition: index, offset } of offsets) {
      const partition = at(index);
      commits.push({ topic, partition: index, offset });
      if (partition.tenure === undefined) violations.push(`committed ${index}@${offset}, which it does not own`);
      for (let before = partition.tenure?.from ?? 0; before < offset; before++) {
        if (!partition.tenure?.acknowledged.has(before)) {
          violations.push(`committed ${index}@${offset}, but ${before} is not acknowledged since the partition is owned`);
          break;
        }
      }
      partition.committed = offset;
    }
  };

  const record = (partition: number, offset: number): SourceRecord => ({
    origin: { topic, partition, offset },
    timestamp: 0,
    timestampType: 'create',
    headers: [],
    key: null,
    value: Buffer.from(`${partition}@${offset}`),
  });

  const toFetch = ({ partition: index, from, to, tenure }: Response): Fetch => {
    const records: SourceRecord[] = [];
    for (let offset = from; offset < to; offset++) {
      const each = record(index, offset);
      if (tenure !== undefined) tenures.set(each, tenure);
      records.push(each);
    }
    return {
      topic,
      partition: index,
      fetchedOffset: from,
      nextOffset: to,
      highWatermark: at(index).end,
      records,
      async heartbeat() {
        heartbeats++;
      },
    };
  };

  const createMember: CreateMember = (given) => {
    events = given;
    const member: Member = {
      run: async () => undefined,
      pause: ({ partition }) => {
        at(partition).isPaused = true;
      },
      resume: ({ partition }) => {
        at(partition).isPaused = false;
      },
      seek: ({ partition, offset }) => {
        at(partition).seek = offset;
      },
      async commit(offsets) {
        if (failCommits) throw new Error('the coordinator is moving');
        commit(offsets);
      },
      async leave() {
        hasLeft = true;
      },
      destroy: () => undefined,
    };
    return member;
  };

  return {
    createMember,
    violations,
    commits,
    heartbeats: () => heartbeats,
    hasLeft: () => hasLeft,
    committed: (index: number) => at(index).committed,
    end: (index: number) => at(index).end,
    isPaused: (index: number) => at(index).isPaused,
    owned: () => partitions.flatMap(({ tenure }, index) => (tenure === undefined ? [] : [index])),
    handling: () => handling,
    setCommitsFail(fail: boolean) {
      failCommits = fail;
    },
    produce(index: number, count: number) {
      at(index).end += count;
    },
    /** Another member of the group commits. */
    commitElsewhere(index: number, offset: number) {
      at(index).committed = offset;
    },
    /** The connector acknowledged this record, whatever the worker makes of it. */
    acknowledge(source: SourceRecord) {
      tenures.get(source)?.acknowledged.add(source.origin.offset);
    },
    startRebalance() {
      isJoined = false;
      events?.joining();
    },
    /** Ends a rebalance. `missed`: a generation passed without this member, or it had to join anew. */
    join(own: readonly number[], { missed = 'nothing' }: { missed?: 'nothing' | 'generation' | 'membership' } = {}) {
      if (isJoined) events?.joining();
      if (missed === 'generation') events?.joining();
      if (missed === 'membership') memberNumber++;
      for (const [index, partition] of partitions.entries()) {
        const isOwned = own.includes(index);
        if (!isOwned) partition.tenure = undefined;
        else if (partition.tenure === undefined || missed !== 'nothing')
          partition.tenure = { partition: index, from: partition.committed, acknowledged: new Set() };
        partition.position = partition.committed;
        if (!isOwned) partition.seek = undefined;
      }
      responses = [];
      isJoined = true;
      const assigned: TopicPartition[] = own.map((partition) => ({ topic, partition }));
      events?.joined({ memberId: `member-${memberNumber}`, partitions: assigned });
    },
    /** The broker gets a request for all partitions that are not paused; its answer is on the way. */
    request(maxRecords: number) {
      if (!isJoined || handling > 0 || responses.length > 0) return;
      for (const [index, partition] of partitions.entries()) {
        if (partition.tenure === undefined) continue;
        if (partition.seek !== undefined) {
          partition.position = partition.seek;
          partition.seek = undefined;
        }
        if (partition.isPaused || partition.position >= partition.end) continue;
        const to = Math.min(partition.end, partition.position + maxRecords);
        responses.push({ partition: index, from: partition.position, to, tenure: partition.tenure });
      }
    },
    /** The answer arrives; what was sought or paused meanwhile is thrown away. */
    respond() {
      const arrived = responses;
      responses = [];
      for (const response of arrived) {
        const partition = at(response.partition);
        if (partition.tenure !== response.tenure || partition.seek !== undefined || partition.isPaused) continue;
        handling++;
        void events?.fetched(toFetch(response)).finally(() => {
          handling--;
          if (partition.tenure === response.tenure) partition.position = response.to;
        });
      }
    },
    crash(error: Error) {
      isJoined = false;
      responses = [];
      for (const partition of partitions) partition.tenure = undefined;
      events?.ended(error);
    },
  };
}

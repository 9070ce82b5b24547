import { ConnectorError } from '../../core/errors.ts';
import { type KafkaRecord, partitionName } from '../../core/record.ts';
import type { Outcome, Unsent } from '../../core/sink.ts';
import { type Chain, chainName } from './names.ts';
import type { PathOf, Paths } from './path.ts';
import { byOffset, type Rejected } from './rejected.ts';

/** Records of one chain with one path, in the order of their offsets, and their positions in the write. */
export interface Group {
  readonly path: string;
  readonly chain: Chain;
  readonly records: KafkaRecord[];
  readonly positions: number[];
  /** Replayed dead letters: each is written by itself, wherever its offset is. */
  readonly isReplay: boolean;
}

/** What a write has of one Kafka partition; it shares one outcome, unless a record is rejected. */
export interface Gather {
  readonly topic: string;
  readonly partition: number;
  readonly positions: number[];
  /** Without replayed dead letters, in the order of offsets. */
  readonly records: KafkaRecord[];
  readonly groups: Map<string, Group>;
  /** Whose path is not known: no object that spans one of them may say that it covers it. In the order of offsets. */
  readonly rejected: Rejected[];
  /** Timestamps of the records that were not sent, by their offsets. */
  readonly unsent: Map<number, number>;
}

export interface GatherOptions {
  readonly connector: string;
  readonly configVersion: string;
  readonly paths: Paths;
  readonly writesTombstones: boolean;
  readonly unsent: readonly Unsent[];
}

/** Sorts a write by partition and path, and answers at once for what is not written. */
export function gatherAll(records: readonly KafkaRecord[], outcomes: Outcome[], options: GatherOptions): readonly Gather[] {
  const gathers = new Map<string, Gather>();
  let current: Gather | undefined;
  let sort: Sorter | undefined;
  const sorters = new Map<Gather, Sorter>();
  for (let position = 0; position < records.length; position++) {
    const record = records[position];
    if (record === undefined) continue;
    const { topic, partition } = record.origin;
    if (current === undefined || sort === undefined || current.partition !== partition || current.topic !== topic) {
      const name = partitionName(record.origin);
      current = gathers.get(name) ?? { topic, partition, positions: [], records: [], groups: new Map(), rejected: [], unsent: new Map() };
      gathers.set(name, current);
      sort = sorters.get(current) ?? sorter(current, options);
      sorters.set(current, sort);
    }
    current.positions.push(position);
    if (!isReplay(record)) current.records.push(record);
    if (record.value === null && !options.writesTombstones) outcomes[position] = 'ignored';
    else {
      const failure = sort(record, position);
      if (failure !== undefined) outcomes[position] = failure;
    }
  }
  for (const { origin, timestamp, why } of options.unsent) {
    const gather = gathers.get(partitionName(origin));
    gather?.unsent.set(origin.offset, timestamp);
    if (why === 'rejected') gather?.rejected.push({ offset: origin.offset });
  }
  for (const { rejected } of gathers.values()) rejected.sort(byOffset);
  return [...gathers.values()].map(inOrder);
}

/** Puts a record into its group; answers why it cannot. */
type Sorter = (record: KafkaRecord, position: number) => ConnectorError | undefined;

function sorter(gather: Gather, { connector, configVersion, paths }: GatherOptions): Sorter {
  const pathOf = paths.forPartition();
  let last: Group | undefined;
  const add = (record: KafkaRecord, position: number, path: string): void => {
    if (last?.path !== path) {
      last = gather.groups.get(path) ?? newGroup(path, record, connector, configVersion, false);
      gather.groups.set(path, last);
    }
    last.records.push(record);
    last.positions.push(position);
  };
  return (record, position) => {
    const replay = isReplay(record);
    try {
      if (!replay) add(record, position, pathOf(record));
      else addReplay(gather, record, position, paths.forPartition(), connector, configVersion);
      return undefined;
    } catch (error) {
      if (!(error instanceof ConnectorError)) throw error;
      if (!replay) gather.rejected.push({ offset: record.version.offset, part: record.part });
      return error;
    }
  };
}

function addReplay(gather: Gather, record: KafkaRecord, position: number, pathOf: PathOf, connector: string, configVersion: string): void {
  const group = newGroup(pathOf(record), record, connector, configVersion, true);
  const name = `${chainName(group.chain)}\n${group.path}`; // no path holds a line feed
  const known = gather.groups.get(name) ?? group;
  gather.groups.set(name, known);
  known.records.push(record);
  known.positions.push(position);
}

function newGroup(path: string, { version }: KafkaRecord, connector: string, configVersion: string, replay: boolean): Group {
  const { topic, partition, epoch } = version;
  return { path, chain: { connector, configVersion, topic, partition, epoch }, records: [], positions: [], isReplay: replay };
}

/** A replayed dead letter keeps the version that it failed with. */
function isReplay({ origin, version }: KafkaRecord): boolean {
  return version.offset !== origin.offset || version.partition !== origin.partition || version.topic !== origin.topic;
}

/** Kafka delivers in order; whoever else calls may not. */
function inOrder(gather: Gather): Gather {
  if (!isSorted(gather.records)) gather.records.sort((a, b) => a.version.offset - b.version.offset || a.part - b.part);
  for (const { records, positions } of gather.groups.values()) {
    if (isSorted(records)) continue;
    const pairs = records.map((record, index) => ({ record, position: positions[index] ?? 0 }));
    pairs.sort((a, b) => a.record.version.offset - b.record.version.offset || a.record.part - b.record.part);
    for (const [index, { record, position }] of pairs.entries()) {
      records[index] = record;
      positions[index] = position;
    }
  }
  return gather;
}

function isSorted(records: readonly KafkaRecord[]): boolean {
  let last = -1;
  for (const { version } of records) {
    if (version.offset < last) return false;
    last = version.offset;
  }
  return true;
}

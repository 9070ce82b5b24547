import { ConfigError } from '../../../core/errors.ts';
import { type KafkaRecord, originName } from '../../../core/record.ts';

/** From the first to the last offset, both included. */
export type Range = readonly [from: number, to: number];

/** How far a partition is written: everything up to the last record, but for gaps and what was refused. */
export interface Position {
  readonly offset: number;
  readonly part: number;
  /** Offsets below the last one of which nothing came, in order. They are written if they come after all. */
  readonly gaps: readonly Range[];
  /** Parts of records that the table refused, as `offset:part`. */
  readonly refused: readonly string[];
  /** Of the last record, in milliseconds since the epoch. */
  readonly timestamp: number;
  /** The latest of all timestamps and times of writing, in milliseconds since the epoch. */
  readonly newest: number;
}

/** What is to be done with a record: written already, or not yet. Throws GUARD_AHEAD where its offset was given before, to another record. */
export function isWritten(position: Position | undefined, record: KafkaRecord): boolean {
  if (position === undefined) return false;
  const { offset } = record.origin;
  const { part, timestamp } = record;
  const isLater = offset > position.offset || (offset === position.offset && part > position.part);
  if (isLater || position.refused.includes(`${offset}:${part}`) || isIn(position.gaps, offset)) return false;
  const isLast = offset === position.offset && part === position.part;
  // No record that was written is newer than the newest, nor is the last one of another time.
  if (timestamp > position.newest || (isLast && timestamp !== position.timestamp)) throw createdAgain(record);
  return true;
}

/** A redelivery reaches back to the last acknowledgement. What did not come by so much later was acknowledged, as dropped or dead-lettered. */
const windowOffsets = 20_000;
const maxGaps = 10_000;

/** The position after these records, some of which were refused: at least one, in any order. */
export function advanced(
  before: Position | undefined,
  records: readonly { readonly record: KafkaRecord; readonly isRefused: boolean }[],
  now: number,
): Position {
  const refused = new Set(before?.refused);
  const sorted = records.toSorted(({ record: a }, { record: b }) => a.origin.offset - b.origin.offset || a.part - b.part);
  let gaps: readonly Range[] = before?.gaps ?? [];
  let last = before;
  let newest = Math.max(before?.newest ?? 0, now);
  for (const { record, isRefused } of sorted) {
    const { part, timestamp } = record;
    const { offset } = record.origin;
    newest = Math.max(newest, timestamp);
    if (isRefused) refused.add(`${offset}:${part}`);
    else refused.delete(`${offset}:${part}`);
    const end = last?.offset ?? -1;
    if (offset > end + 1) gaps = [...gaps, [end + 1, offset - 1]];
    else if (offset < end) gaps = without(gaps, offset);
    if (last === undefined || offset > last.offset || (offset === last.offset && part > last.part))
      last = { offset, part, timestamp, gaps, refused: [], newest };
  }
  const horizon = (sorted[0]?.record.origin.offset ?? 0) - windowOffsets;
  // What came before the first record of all may still come, when the connector is set back.
  const open = gaps.filter(([from, to]) => from === 0 || to >= horizon);
  return {
    offset: last?.offset ?? 0,
    part: last?.part ?? 0,
    timestamp: last?.timestamp ?? 0,
    newest,
    gaps: open.length <= maxGaps ? open : open.filter(([from], index) => from === 0 || index >= open.length - maxGaps),
    refused: [...refused].filter((name) => Number.parseInt(name, 10) >= horizon),
  };
}

function isIn(gaps: readonly Range[], offset: number): boolean {
  let [low, high] = [0, gaps.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const [from, to] = gaps[middle] ?? [0, -1];
    if (offset < from) high = middle - 1;
    else if (offset > to) low = middle + 1;
    else return true;
  }
  return false;
}

function without(gaps: readonly Range[], offset: number): readonly Range[] {
  if (!isIn(gaps, offset)) return gaps;
  return gaps.flatMap(([from, to]): Range[] => {
    if (offset < from || offset > to) return [[from, to]];
    return [...(offset > from ? [[from, offset - 1] as const] : []), ...(offset < to ? [[offset + 1, to] as const] : [])];
  });
}

function createdAgain({ origin }: KafkaRecord): ConfigError {
  return new ConfigError(
    'GUARD_AHEAD',
    `The offset of ${originName(origin)} was given to another record before: the topic was created again. Raise connector.epoch once the old partitions have drained.`,
  );
}

import { ConnectorError, DataError } from '../../core/errors.ts';
import type { KafkaRecord } from '../../core/record.ts';
import type { Outcome } from '../../core/sink.ts';
import type { ObjectWriter } from './body.ts';
import { reach } from './look-back.ts';
import { byOffset, maxRejectedBytes, type Rejected, rejectedText } from './rejected.ts';

/** When an object ends. */
export interface ObjectLimits {
  readonly maxBytes: number;
  readonly maxRecords: number;
}

/** An object in the making. */
export interface Draft {
  readonly writer: ObjectWriter;
  readonly first: number;
  last: number;
  readonly firstTimestamp: number;
  lastTimestamp: number;
  /** Between the first and the last offset, in order. */
  rejected: readonly Rejected[];
  rejectedText: string;
  /** Of the records in it. */
  readonly positions: number[];
}

const mostRejected = 2_000;

/** Whether the next record begins another object. */
export function isFull({ writer, first }: Draft, offset: number, { maxBytes, maxRecords }: ObjectLimits): boolean {
  return writer.bytes >= maxBytes || writer.count >= maxRecords || offset - first >= reach;
}

/** Adds the only part of a source record, after which nothing was rejected; false when it cannot be written. */
export function addOne(draft: Draft, record: KafkaRecord, position: number): boolean {
  try {
    draft.writer.add(record);
  } catch (error) {
    if (error instanceof ConnectorError) return false;
    throw error;
  }
  draft.last = record.version.offset;
  draft.lastTimestamp = record.timestamp;
  draft.positions.push(position);
  return true;
}

export interface Unit {
  readonly offset: number;
  /** Parts of one source record, which stay together. */
  readonly records: readonly KafkaRecord[];
  readonly positions: readonly number[];
}

/**
 * Adds a source record with all its parts. Answers the draft, none when there is still nothing to write, or `full` when the record needs an
 * object of its own. `writer` is the draft's, or an empty one. What was rejected since the last record waits in `pending` until a later one makes the object span it.
 */
export function addUnit(
  draft: Draft | undefined,
  { offset, records, positions }: Unit,
  pending: Rejected[],
  { writer, outcomes }: { readonly writer: ObjectWriter; readonly outcomes: Outcome[] },
): Draft | 'full' | undefined {
  const { bytes, count } = writer;
  const failures: { readonly rejected: Rejected; readonly position: number; readonly error: ConnectorError }[] = [];
  const written: number[] = [];
  let lastTimestamp = draft?.lastTimestamp ?? 0;
  let firstTimestamp: number | undefined = draft?.firstTimestamp;
  for (let index = 0; index < records.length; index++) {
    const record = records[index] as KafkaRecord;
    const position = positions[index] as number;
    try {
      writer.add(record);
      written.push(position);
      lastTimestamp = record.timestamp;
      firstTimestamp ??= lastTimestamp;
    } catch (error) {
      if (!(error instanceof ConnectorError)) throw error;
      failures.push({ rejected: { offset, part: record.part }, position, error });
    }
  }
  const { rejected, text } = joined(draft, pending, failures, offset);
  const isTooMuch = text.length > maxRejectedBytes || rejected.length > mostRejected;
  if (isTooMuch && draft !== undefined) {
    writer.rewind(count, bytes);
    return 'full';
  }
  for (const { position, error } of failures) outcomes[position] = error;
  if (written.length === 0) {
    for (const failure of failures) pending.push(failure.rejected);
    return draft;
  }
  if (isTooMuch) {
    const error = failures[0]?.error ?? new DataError('TOO_MANY_REJECTED', 'Too many parts of the record were rejected to keep its others');
    for (const position of written) outcomes[position] = error;
    writer.rewind(count, bytes);
    return undefined;
  }
  pending.length = 0;
  if (draft === undefined)
    return {
      writer,
      first: offset,
      last: offset,
      firstTimestamp: firstTimestamp ?? 0,
      lastTimestamp,
      rejected,
      rejectedText: text,
      positions: written,
    };
  draft.last = offset;
  draft.lastTimestamp = lastTimestamp;
  draft.rejected = rejected;
  draft.rejectedText = text;
  for (const position of written) draft.positions.push(position);
  return draft;
}

function joined(
  draft: Draft | undefined,
  pending: readonly Rejected[],
  failures: readonly { readonly rejected: Rejected }[],
  offset: number,
): { readonly rejected: readonly Rejected[]; readonly text: string } {
  if (pending.length === 0 && failures.length === 0) return { rejected: draft?.rejected ?? [], text: draft?.rejectedText ?? '' };
  const first = draft?.first ?? offset;
  const rejected = [...(draft?.rejected ?? []), ...pending, ...failures.map((failure) => failure.rejected)]
    .filter((each) => each.offset >= first)
    .sort(byOffset);
  return { rejected, text: rejectedText(rejected) };
}

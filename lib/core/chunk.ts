import { DataError, RetriableError } from './errors.ts';
import { checkedOutcomes, failAll, heldBack, sinkFailure } from './outcome.ts';
import { type KafkaRecord, partitionName } from './record.ts';
import type { Limits, Outcome, Sink, WriteOptions } from './sink.ts';

/**
 * Cuts a write into pieces the sink can take, one after the other. A sink that is not `ordered` gets at most one record per identity in a
 * piece, and nothing of a partition after a record of it failed retriably. A DataError thrown for a whole piece is narrowed down by
 * halving until it belongs to one record. After any other throw the rest is not sent.
 */
export function chunked(sink: Sink, limits: Limits, { ordered }: { readonly ordered: boolean }): Sink {
  return {
    ...sink,
    async write(records, options) {
      const fits = records.length <= limits.records && totalBytes(records) <= limits.bytes;
      if (fits && (ordered || identitiesDiffer(sink, records))) return (await send(sink, records, options)).outcomes;
      return writeInPieces(sink, records, limits, ordered, options);
    },
  };
}

async function writeInPieces(
  sink: Sink,
  records: readonly KafkaRecord[],
  limits: Limits,
  ordered: boolean,
  options: WriteOptions,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = Array(records.length);
  const failedAt = new Map<string, number>(); // partition -> position of its first retriable failure
  let waiting = records.map((_, position) => position);
  let stopped = false;
  while (waiting.length > 0) {
    const sendable = ordered ? waiting : waiting.filter((position) => !isHeldBack(records[position], position, failedAt));
    const { piece, rest } = nextPiece(sink, records, sendable, limits, ordered);
    if (stopped || piece.length === 0) {
      for (const position of waiting) outcomes[position] = heldBack();
      break;
    }
    if (sendable.length < waiting.length) {
      const kept = new Set(sendable);
      for (const position of waiting) if (!kept.has(position)) outcomes[position] = heldBack();
    }
    const answer = await send(sink, pick(records, piece), options);
    stopped = answer.stopped;
    for (const [index, position] of piece.entries()) {
      const outcome = answer.outcomes[index] ?? heldBack();
      outcomes[position] = outcome;
      const record = records[position];
      if (outcome instanceof RetriableError && record !== undefined) {
        const partition = partitionName(record.origin);
        failedAt.set(partition, Math.min(position, failedAt.get(partition) ?? position));
      }
    }
    waiting = rest;
  }
  return outcomes;
}

/** The longest run that one write may carry; a record whose identity is already in it waits, and so does everything of that identity after it. */
function nextPiece(
  sink: Sink,
  records: readonly KafkaRecord[],
  waiting: readonly number[],
  limits: Limits,
  ordered: boolean,
): { piece: number[]; rest: number[] } {
  const piece: number[] = [];
  const rest: number[] = [];
  const identities = new Set<string>();
  let bytes = 0;
  for (const [index, position] of waiting.entries()) {
    const record = records[position];
    if (record === undefined) continue;
    const identity = ordered ? null : (sink.identity?.(record) ?? null);
    if (identity !== null && identities.has(identity)) {
      rest.push(position);
      continue;
    }
    const size = sizeOf(record);
    if (piece.length > 0 && (piece.length >= limits.records || bytes + size > limits.bytes)) {
      rest.push(...waiting.slice(index));
      break;
    }
    if (identity !== null) identities.add(identity);
    piece.push(position);
    bytes += size;
  }
  return { piece, rest };
}

interface Answer {
  readonly outcomes: readonly Outcome[];
  /** The sink threw something that the next piece would meet as well. */
  readonly stopped: boolean;
}

async function send(sink: Sink, records: readonly KafkaRecord[], options: WriteOptions): Promise<Answer> {
  try {
    return { outcomes: checkedOutcomes(await sink.write(records, options), records.length), stopped: false };
  } catch (error) {
    const failure = sinkFailure(error);
    if (!(failure instanceof DataError)) return { outcomes: failAll(records.length, failure), stopped: true };
    if (records.length === 1) return { outcomes: [failure], stopped: false };
    if (options.signal.aborted)
      return { outcomes: failAll(records.length, new RetriableError('ABORTED', 'The time for writing is over')), stopped: true };
    const middle = records.length >> 1;
    const first = await send(sink, records.slice(0, middle), options);
    const second = first.stopped
      ? { outcomes: failAll(records.length - middle, heldBack()), stopped: true }
      : await send(sink, records.slice(middle), options);
    return { outcomes: [...first.outcomes, ...second.outcomes], stopped: second.stopped };
  }
}

function isHeldBack(record: KafkaRecord | undefined, position: number, failedAt: ReadonlyMap<string, number>): boolean {
  if (record === undefined || failedAt.size === 0) return false;
  return position > (failedAt.get(partitionName(record.origin)) ?? Number.POSITIVE_INFINITY);
}

function identitiesDiffer(sink: Sink, records: readonly KafkaRecord[]): boolean {
  if (sink.identity === undefined) return true;
  const seen = new Set<string>();
  for (const record of records) {
    const identity = sink.identity(record);
    if (identity === null) continue;
    if (seen.has(identity)) return false;
    seen.add(identity);
  }
  return true;
}

function totalBytes(records: readonly KafkaRecord[]): number {
  let bytes = 0;
  for (const record of records) bytes += sizeOf(record);
  return bytes;
}

function sizeOf(record: KafkaRecord): number {
  if (record.size !== undefined) return record.size;
  const { bytes, value } = record; // asked for only now: some platforms decode them each time
  if (bytes !== undefined) return bytes.length;
  return typeof value === 'string' || value instanceof Uint8Array ? value.length : 0;
}

function pick(records: readonly KafkaRecord[], positions: readonly number[]): KafkaRecord[] {
  return positions.flatMap((position) => records[position] ?? []);
}

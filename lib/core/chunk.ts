import { ConfigError, type ConnectorError, DataError, RetriableError } from './errors.ts';
import { checkedOutcomes, failAll, heldBack, sinkFailure } from './outcome.ts';
import { type KafkaRecord, partitionName } from './record.ts';
import type { Limits, Outcome, Sink, WriteOptions } from './sink.ts';

/**
 * Cuts a write into pieces the sink can take, one after the other. A sink that is not `ordered` gets at most one record per identity in a
 * piece, and nothing of a partition after a record of it failed retriably or for a wrong setting. A DataError thrown for a whole piece is
 * narrowed down by halving until it belongs to one record. After any other throw the rest is not sent.
 */
export function chunked(sink: Sink, limits: Limits, { ordered }: { readonly ordered: boolean }): Sink {
  return {
    ...sink,
    async write(records, options) {
      if (ordered || identitiesDiffer(sink, records)) return await writeInTurn(sink, records, limits, ordered, options);
      return await writeInPieces(sink, records, limits, options);
    },
  };
}

/** The records one after the other, as many at once as fit. */
async function writeInTurn(
  sink: Sink,
  records: readonly KafkaRecord[],
  limits: Limits,
  ordered: boolean,
  options: WriteOptions,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  while (outcomes.length < records.length) {
    const from = outcomes.length;
    const to = endOfPiece(records, from, limits);
    const isAll = from === 0 && to === records.length;
    const answer = await send(sink, isAll ? records : records.slice(from, to), options);
    if (isAll) return answer.outcomes;
    for (const outcome of answer.outcomes) outcomes.push(outcome);
    if (answer.stoppedBy !== undefined) while (outcomes.length < records.length) outcomes.push(heldBackBy(answer.stoppedBy));
    else if (!ordered && answer.outcomes.some(holdsBack)) return await writeInPieces(sink, records, limits, options, outcomes);
  }
  return outcomes;
}

/** Where a piece ends that begins here. */
function endOfPiece(records: readonly KafkaRecord[], from: number, limits: Limits): number {
  const most = Math.min(records.length, from + limits.records);
  let bytes = 0;
  for (let position = from; position < most; position++) {
    const record = records[position];
    bytes += record === undefined ? 0 : sizeOf(record);
    if (bytes > limits.bytes && position > from) return position;
  }
  return Math.max(most, from + 1);
}

/** As in turn, but what must not be sent together, or not yet, waits for a later piece. The first outcomes may be known. */
async function writeInPieces(
  sink: Sink,
  records: readonly KafkaRecord[],
  limits: Limits,
  options: WriteOptions,
  known: readonly Outcome[] = [],
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = Array(records.length);
  const failures = new Map<string, Failure>(); // by partition
  const settle = (position: number, outcome: Outcome): void => {
    outcomes[position] = outcome;
    const record = records[position];
    if (!holdsBack(outcome) || record === undefined) return;
    const partition = partitionName(record.origin);
    const before = failures.get(partition);
    if (before === undefined || position < before.position) failures.set(partition, { position, outcome });
  };
  for (const [position, outcome] of known.entries()) settle(position, outcome);
  const identities = records.map((record) => sink.identity?.(record) ?? null); // many pieces ask for those of all that waits
  let waiting = Array.from({ length: records.length - known.length }, (_, index) => known.length + index);
  while (waiting.length > 0) {
    const sendable: number[] = [];
    for (const position of waiting) {
      const failure = failureBefore(records[position], position, failures);
      if (failure === undefined) sendable.push(position);
      else outcomes[position] = heldBackBy(failure.outcome);
    }
    const { piece, rest } = nextPiece(records, identities, sendable, limits);
    if (piece.length === 0) break;
    const answer = await send(sink, pick(records, piece), options);
    for (const [index, position] of piece.entries()) settle(position, answer.outcomes[index] ?? heldBack());
    waiting = rest;
    if (answer.stoppedBy === undefined) continue;
    for (const position of rest) outcomes[position] = heldBackBy(answer.stoppedBy);
    break;
  }
  return outcomes;
}

/** The longest run that one write may carry; a record whose identity is already in it waits, and so does everything of that identity after it. */
function nextPiece(
  records: readonly KafkaRecord[],
  identities: readonly (string | null)[],
  waiting: readonly number[],
  limits: Limits,
): { piece: number[]; rest: number[] } {
  const piece: number[] = [];
  const rest: number[] = [];
  const taken = new Set<string>();
  let bytes = 0;
  for (let index = 0; index < waiting.length; index++) {
    const position = waiting[index] ?? 0;
    const record = records[position];
    if (record === undefined) continue;
    const identity = identities[position] ?? null;
    if (identity !== null && taken.has(identity)) {
      rest.push(position);
      continue;
    }
    const size = sizeOf(record);
    if (piece.length > 0 && (piece.length >= limits.records || bytes + size > limits.bytes)) {
      rest.push(...waiting.slice(index));
      break;
    }
    if (identity !== null) taken.add(identity);
    piece.push(position);
    bytes += size;
  }
  return { piece, rest };
}

interface Answer {
  readonly outcomes: readonly Outcome[];
  /** What the sink threw, when the next piece would meet it as well. */
  readonly stoppedBy?: ConnectorError;
}

async function send(sink: Sink, records: readonly KafkaRecord[], options: WriteOptions): Promise<Answer> {
  try {
    return { outcomes: checkedOutcomes(await sink.write(records, options), records.length) };
  } catch (error) {
    const failure = sinkFailure(error);
    if (!(failure instanceof DataError)) return stoppedBy(failure, records.length);
    if (records.length === 1) return { outcomes: [failure] };
    if (options.signal.aborted) return stoppedBy(new RetriableError('ABORTED', 'The time for writing is over'), records.length);
    const middle = records.length >> 1;
    const first = await send(sink, records.slice(0, middle), options);
    if (first.stoppedBy !== undefined) {
      const others = Array<Outcome>(records.length - middle).fill(heldBackBy(first.stoppedBy));
      return { outcomes: [...first.outcomes, ...others], stoppedBy: first.stoppedBy };
    }
    const second = await send(sink, records.slice(middle), options);
    return { ...second, outcomes: [...first.outcomes, ...second.outcomes] };
  }
}

function stoppedBy(failure: ConnectorError, count: number): Answer {
  return { outcomes: failAll(count, failure), stoppedBy: failure };
}

/** What a partition waits for since one of its records failed. */
interface Failure {
  readonly position: number;
  readonly outcome: Outcome;
}

function holdsBack(outcome: Outcome): boolean {
  return outcome instanceof RetriableError || outcome instanceof ConfigError;
}

/** Behind a wrong setting the others are wrong as well: retried, they could be written before it. */
function heldBackBy(outcome: Outcome | undefined): Outcome {
  return outcome instanceof ConfigError ? outcome : heldBack();
}

function failureBefore(record: KafkaRecord | undefined, position: number, failures: ReadonlyMap<string, Failure>): Failure | undefined {
  if (record === undefined || failures.size === 0) return undefined;
  const failure = failures.get(partitionName(record.origin));
  return failure !== undefined && position > failure.position ? failure : undefined;
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

function sizeOf(record: KafkaRecord): number {
  if (record.size !== undefined) return record.size;
  const { bytes, value } = record; // asked for only now: some platforms decode them each time
  if (bytes !== undefined) return bytes.length;
  return typeof value === 'string' || value instanceof Uint8Array ? value.length : 0;
}

function pick(records: readonly KafkaRecord[], positions: readonly number[]): KafkaRecord[] {
  return positions.flatMap((position) => records[position] ?? []);
}

import type { LogInspector } from '../../clients/kafka/log-inspector.ts';
import { ConnectorError, DataError } from '../../core/errors.ts';
import type { SourceOutcome } from '../../core/outcome.ts';
import { type Origin, originName, type SourceRecord } from '../../core/record.ts';
import type { Clock } from '../../core/retry.ts';
import { originalHeaders } from './dead-letter.ts';
import type { Destination, Replayed } from './destination.ts';
import type { Edit } from './edit.ts';
import type { Failure } from './groups.ts';
import type { Mark } from './journal.ts';
import { readPlaces } from './topic.ts';

export interface Held {
  readonly place: Origin;
  readonly because: string;
}

export interface ReplayCounts {
  readonly letters: number;
  /** Those of which it is known what became of them. */
  readonly done: number;
  readonly delivered: number;
  readonly ignored: number;
  readonly dropped: number;
  readonly failed: number;
  /** Left where they are by the edit. */
  readonly skipped: number;
}

export interface ReplayResult {
  readonly counts: ReplayCounts;
  readonly held: readonly Held[];
  readonly failures: readonly { readonly place: Origin; readonly error: DataError }[];
  /** What kept the others from being sent. */
  readonly stoppedBy: ConnectorError | undefined;
  readonly isInterrupted: boolean;
  readonly ms: number;
}

export interface ReplayOptions {
  readonly inspector: LogInspector;
  readonly destination: Destination;
  readonly edit: Edit | undefined;
  readonly clock: Clock;
  /** Ends it after the batch that is under way. */
  readonly signal: AbortSignal;
  /** Letters per second at most. */
  readonly rate?: number;
  /** Called after each batch; the next one begins when it resolves. */
  readonly settled: (marks: readonly Mark[]) => Promise<void>;
  readonly progress: (counts: ReplayCounts) => void;
}

const batchLetters = 500;

/** Sends letters in their order, in batches, and ends at the first that the target cannot take for now: what was not sent waits for the next time. */
export async function replayAll(failures: readonly Failure[], options: ReplayOptions): Promise<ReplayResult> {
  const { clock, signal, rate, destination, progress } = options;
  const from = clock.now();
  const counts = { letters: failures.length, done: 0, delivered: 0, ignored: 0, dropped: 0, failed: 0, skipped: 0 };
  const held: Held[] = [];
  const refused: { place: Origin; error: DataError }[] = [];
  let stoppedBy: ConnectorError | undefined;
  const size = Math.min(batchLetters, rate ?? batchLetters);
  let start = 0;
  for (; start < failures.length && stoppedBy === undefined && !signal.aborted; start += size) {
    if (rate !== undefined && start > 0) await clock.sleep(Math.max(0, from + (start * 1_000) / rate - clock.now()), signal);
    if (signal.aborted) break;
    const batch = failures.slice(start, start + size);
    const prepared = await prepare(batch, options);
    const ready = prepared.flatMap((each) => ('record' in each && !('error' in each) ? [each] : []));
    const outcomes = ready.length === 0 ? [] : await destination.send(ready);
    const marks: Mark[] = [];
    let next = 0;
    for (const [index, each] of prepared.entries()) {
      const places = batch[index]?.letters.map(({ place }) => place) ?? [];
      if ('because' in each) {
        held.push(each);
        counts.done++;
      } else if ('skip' in each) {
        counts.skipped++;
        counts.done++;
      } else {
        const outcome: SourceOutcome | undefined = 'error' in each ? each.error : outcomes[next++];
        if (outcome === undefined) continue;
        if (outcome instanceof DataError) {
          counts.failed++;
          counts.done++;
          refused.push({ place: each.letter.place, error: outcome });
          // A failed edit says nothing of the letter.
          if (!('error' in each)) marks.push(...places.map((place) => ({ place, outcome: 'failed' as const })));
        } else if (outcome instanceof ConnectorError) {
          if (stoppedBy === undefined || stoppedBy.code === 'HELD_BACK') stoppedBy = outcome;
        } else {
          counts[outcome]++;
          counts.done++;
          marks.push(...places.map((place) => ({ place, outcome: 'replayed' as const })));
        }
      }
    }
    await options.settled(marks);
    progress(counts);
  }
  const isInterrupted = signal.aborted && start < failures.length;
  return { counts, held, failures: refused, stoppedBy, isInterrupted, ms: clock.now() - from };
}

type Prepared = Replayed | (Replayed & { readonly error: DataError }) | { readonly skip: true } | Held;

/** Fetches the bytes, and edits them. */
async function prepare(batch: readonly Failure[], { inspector, edit }: ReplayOptions): Promise<readonly Prepared[]> {
  const letters = batch.map(({ letter }) => letter);
  const places = letters.flatMap(({ place, isBodyOmitted, origin }) => (isBodyOmitted && origin !== undefined ? [place, origin] : [place]));
  const records = await readPlaces(inspector, places);
  const prepared: Prepared[] = [];
  for (const letter of letters) {
    const { place, isBodyOmitted, origin } = letter;
    const from = isBodyOmitted ? origin : place;
    const found = from === undefined ? undefined : records.get(originName(from));
    if (found === undefined) {
      prepared.push({
        place,
        because: isBodyOmitted
          ? 'holds no bytes, and its record is not in its topic any more'
          : 'was deleted by the retention of its topic',
      });
      continue;
    }
    const { timestampType, key, value } = found;
    const headers = isBodyOmitted ? found.headers : originalHeaders(found.headers);
    const record: SourceRecord = { origin: place, timestamp: letter.timestamp, timestampType, headers, key, value };
    prepared.push(await edited({ letter, record }, edit));
  }
  return prepared;
}

async function edited(replayed: Replayed, edit: Edit | undefined): Promise<Prepared> {
  if (edit === undefined) return replayed;
  try {
    const record = await edit(replayed.letter, replayed.record);
    return record === null ? { skip: true } : { ...replayed, record };
  } catch (error) {
    if (error instanceof DataError) return { ...replayed, error };
    throw error;
  }
}

import type { Origin } from '../../../core/record.ts';
import type { AcknowledgeMode } from '../../../core/settle.ts';
import type { KafkaTriggerEvent } from '../event.ts';
import { type Answer, resolveAnswer } from './answer.ts';

/** Where a mapping gets its events from. */
export interface EventSource {
  /** The next event; undefined when there are no more, or the signal aborted. */
  take(signal: AbortSignal): Promise<KafkaTriggerEvent | undefined>;
  /** The event that was taken last is done: commits where its partitions go on, and delivers the rest of it again. */
  settle(next: readonly Origin[], againFrom: ReadonlyMap<string, number>): Promise<void>;
  close(): Promise<void>;
}

/** What happened, for whoever watches. */
export type MappingReport =
  | { readonly kind: 'delivered'; readonly records: number; readonly again: number }
  | {
      readonly kind: 'failed';
      readonly because: string;
      readonly attempt: number;
      readonly records: number;
      readonly first: Origin | undefined;
      readonly waitMs: number;
    }
  | { readonly kind: 'lost'; readonly records: number };

export interface MappingOptions {
  readonly source: EventSource;
  readonly invoke: (event: KafkaTriggerEvent) => Promise<Answer>;
  readonly mode: AcknowledgeMode;
  /** After so many failures of the same records it ends; Lambda itself goes on until Kafka deletes them. */
  readonly maxAttempts: number;
  readonly signal: AbortSignal;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly report: (report: MappingReport) => void;
}

/** Longest pause between two attempts. */
const maxPauseMs = 30_000;

/**
 * Delivers events to a function as Lambda's event source mapping does: one at a time, in order, until it was acknowledged.
 * Answers `gaveUp` when the same records failed `maxAttempts` times.
 */
export async function runMapping(options: MappingOptions): Promise<'ended' | 'gaveUp'> {
  const { source, invoke, mode, maxAttempts, signal, sleep, report } = options;
  for (let event = await source.take(signal); event !== undefined; event = await source.take(signal)) {
    for (let attempt = 1; ; attempt++) {
      const resolution = resolveAnswer(await invoke(event), event, mode);
      if (resolution.kind === 'settled') {
        const again = countFrom(event, resolution.againFrom);
        report({ kind: 'delivered', records: countRecords(event) - again, again });
        if (resolution.unseenFailures > 0) report({ kind: 'lost', records: resolution.unseenFailures });
        if (again === 0 || resolution.next.length > 0) {
          await source.settle(resolution.next, resolution.againFrom);
          break;
        }
      }
      if (signal.aborted) return 'ended';
      const because = resolution.kind === 'repeat' ? resolution.because : 'the function reported all of its records as failed';
      const waitMs = Math.min(maxPauseMs, 500 * 2 ** (attempt - 1));
      const first = Object.values(event.records)[0]?.[0];
      report({ kind: 'failed', because, attempt, records: countRecords(event), first, waitMs });
      if (attempt >= maxAttempts) return 'gaveUp';
      await sleep(waitMs, signal);
      if (signal.aborted) return 'ended';
    }
    if (signal.aborted) return 'ended';
  }
  return 'ended';
}

function countRecords({ records }: KafkaTriggerEvent): number {
  let count = 0;
  for (const list of Object.values(records)) count += list.length;
  return count;
}

function countFrom({ records }: KafkaTriggerEvent, againFrom: ReadonlyMap<string, number>): number {
  let count = 0;
  for (const [name, from] of againFrom) count += records[name]?.filter(({ offset }) => offset >= from).length ?? 0;
  return count;
}

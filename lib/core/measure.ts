import { ConfigError, DataError } from './errors.ts';
import type { Outcome, Sink } from './sink.ts';

/** What one write to the target came to. */
export interface WriteMeasurement {
  readonly records: number;
  readonly delivered: number;
  readonly ignored: number;
  readonly data: number;
  readonly retriable: number;
  readonly config: number;
  readonly ms: number;
  /** The code of the last error among the outcomes. */
  readonly lastError?: string;
}

/** Reports each write of the sink; a write that threw counts as failed for all of its records. */
export function measured(sink: Sink, report: (measurement: WriteMeasurement) => void, now: () => number): Sink {
  return {
    ...sink,
    async write(records, options) {
      const from = now();
      try {
        const outcomes = await sink.write(records, options);
        report(count(outcomes, now() - from));
        return outcomes;
      } catch (error) {
        const kind = error instanceof ConfigError ? 'config' : error instanceof DataError ? 'data' : 'retriable';
        report({ ...count([], now() - from), records: records.length, [kind]: records.length, lastError: codeOf(error) });
        throw error;
      }
    },
  };
}

function count(outcomes: readonly Outcome[], ms: number): WriteMeasurement {
  const counts = { delivered: 0, ignored: 0, data: 0, retriable: 0, config: 0 };
  let lastError: string | undefined;
  for (const outcome of outcomes) {
    if (outcome === 'delivered' || outcome === 'ignored') counts[outcome]++;
    else {
      counts[outcome.class]++;
      lastError = outcome.code;
    }
  }
  return { records: outcomes.length, ...counts, ms, ...(lastError === undefined ? {} : { lastError }) };
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'SINK_FAILED';
}

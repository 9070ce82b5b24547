import { ConfigError, ConnectorError, DataError, errorName, RetriableError } from './errors.ts';
import type { Outcome } from './sink.ts';

/** What became of a source record: the worst of its outputs, or `dropped` when its transform wanted none. */
export type SourceOutcome = Outcome | 'dropped';

/** Orders outcomes from harmless to severe: dropped, ignored, delivered, data, retriable, config. */
export function severity(outcome: SourceOutcome): number {
  if (outcome === 'dropped') return 0;
  if (outcome === 'ignored') return 1;
  if (outcome === 'delivered') return 2;
  if (outcome instanceof DataError) return 3;
  return outcome instanceof ConfigError ? 5 : 4;
}

/** The more severe of two; the first when they are equal. */
export function worse(a: SourceOutcome, b: SourceOutcome): SourceOutcome {
  return severity(b) > severity(a) ? b : a;
}

/** The ConnectorError for anything a sink threw: an unknown failure of a sink is retriable. */
export function sinkFailure(error: unknown): ConnectorError {
  return error instanceof ConnectorError
    ? error
    : new RetriableError('SINK_FAILED', `The sink failed in a way it does not explain: ${errorName(error)}`, { cause: error });
}

/** The sink's answer, checked: a missing or senseless answer must never count as delivered. */
export function checkedOutcomes(outcomes: readonly Outcome[], count: number): readonly Outcome[] {
  if (outcomes.length !== count)
    return failAll(count, new RetriableError('SINK_MISCOUNTED', `Sink answered for ${outcomes.length} of ${count} records.`));
  for (const outcome of outcomes) {
    if (outcome === 'delivered' || outcome === 'ignored' || outcome instanceof ConnectorError) continue;
    return failAll(count, new RetriableError('SINK_MISCOUNTED', 'Sink answered something that is no outcome.'));
  }
  return outcomes;
}

export function failAll(count: number, error: ConnectorError): readonly Outcome[] {
  return Array<Outcome>(count).fill(error);
}

/** For a record that was not sent because one before it in its partition could not be delivered yet. */
export function heldBack(): RetriableError {
  return new RetriableError('HELD_BACK', 'Not sent, as an earlier record of its partition has to be delivered first');
}

import { ConfigError, ConnectorError, DataError } from './errors.ts';
import type { SourceOutcome } from './outcome.ts';
import type { SourceRecord } from './record.ts';

/** Where a record failed. */
export type Stage = 'key' | 'value' | 'transform' | 'sink';

/** What became of one source record. */
export interface Delivery {
  readonly source: SourceRecord;
  readonly outcome: SourceOutcome;
  /** There when the outcome is an error. */
  readonly stage?: Stage;
  /** The parts of a fan-out that failed with a data error; a replay of the dead letter sends only those. */
  readonly failedParts?: readonly number[];
}

/** Whether a data error can be put aside: in a dead letter topic, by an explicit `onError: skip`, or not at all. */
export type DataErrorPolicy = 'dead-letter' | 'skip' | 'block';

/** True when the prefix of the record's partition ends before this outcome. */
export function isBlocking(outcome: SourceOutcome, policy: DataErrorPolicy): boolean {
  if (!(outcome instanceof ConnectorError)) return false;
  return outcome instanceof DataError ? policy === 'block' : true;
}

/** The same deliveries with their data errors turned into the config error that so many of them are. */
export function refuseDataErrors<D extends Delivery | undefined>(deliveries: readonly D[]): (D | Delivery)[] {
  const errors = deliveries.flatMap((delivery) => (delivery?.outcome instanceof DataError ? [delivery.outcome] : []));
  const refusal = tooManyDataErrors(errors.length, deliveries.length, errors[0]);
  return deliveries.map((delivery) => (delivery?.outcome instanceof DataError ? { ...delivery, outcome: refusal } : delivery));
}

function tooManyDataErrors(errors: number, records: number, first: DataError | undefined): ConfigError {
  const example = first === undefined ? '' : ` The first: ${first.code} ${first.message.replace(/\.?$/, '.')}`;
  return new ConfigError(
    'TOLERANCE_EXCEEDED',
    `${errors} of ${records} records cannot be delivered, more than connector.onError.tolerance allows, so nothing more is acknowledged.${example} Mend the cause, or raise the tolerance to dead-letter them.`,
    { cause: first },
  );
}

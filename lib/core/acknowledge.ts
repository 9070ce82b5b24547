import { ConfigError, ConnectorError, RetriableError } from './errors.ts';
import { severity } from './outcome.ts';
import type { Origin } from './record.ts';
import { isComplete, type Settlement } from './settle.ts';

/**
 * Names every record that Kafka must deliver again: per partition the first after its prefix and everything after it.
 * Throws in batch mode when any record must come again, because there the platform takes silence for success.
 */
export function acknowledge(settlement: Settlement): readonly Origin[] {
  if (settlement.mode === 'batch' && !isComplete(settlement)) throw worstError(settlement);
  return settlement.partitions.flatMap(({ deliveries, prefix }) => deliveries.slice(prefix).map(({ source }) => source.origin));
}

/** Where each partition goes on: the offset of the first record that is not acknowledged, or the one after the last. */
export function nextOffsets({ partitions }: Settlement): readonly Origin[] {
  return partitions.flatMap(({ topic, partition, deliveries, prefix }) => {
    const last = deliveries[prefix - 1];
    return last === undefined ? [] : [{ topic, partition, offset: last.source.origin.offset + 1 }];
  });
}

/** The most severe error that keeps records from being acknowledged. */
function worstError({ partitions }: Settlement): ConnectorError {
  let worst: ConnectorError | undefined;
  for (const { deliveries, prefix } of partitions) {
    for (const { outcome } of deliveries.slice(prefix)) {
      if (outcome instanceof ConnectorError && (worst === undefined || severity(outcome) > severity(worst) || worst.code === 'HELD_BACK'))
        worst = outcome;
    }
  }
  return worst ?? new RetriableError('NOT_ACKNOWLEDGED', 'Records could not be acknowledged');
}

/** The config error that keeps records from being acknowledged, when one does. */
export function blockingConfigError({ partitions }: Settlement): ConfigError | undefined {
  for (const { deliveries, prefix } of partitions) {
    for (const { outcome } of deliveries.slice(prefix)) if (outcome instanceof ConfigError) return outcome;
  }
  return undefined;
}

import { ConnectorError, RetriableError } from '../../core/errors.ts';
import type { SourceRecord } from '../../core/record.ts';
import type { PartitionSettlement, Settlement } from '../../core/settle.ts';
import type { TopicPartition } from './member.ts';

/** Where the lane goes on after its part of a batch, and what keeps it from going further. */
export function outcomeOf(
  settlement: Settlement | ConnectorError,
  { topic, partition }: TopicPartition,
  count: number,
  first: SourceRecord,
  last: SourceRecord,
): { readonly next: number; readonly error?: ConnectorError } {
  if (settlement instanceof ConnectorError) return { next: first.origin.offset, error: settlement };
  const own = settlement.partitions.find((each) => each.partition === partition && each.topic === topic);
  if (own === undefined || own.deliveries.length !== count)
    return { next: first.origin.offset, error: new RetriableError('BATCH_FAILED', 'Not every record of the batch was settled') };
  if (own.prefix === count) return { next: last.origin.offset + 1 };
  return { next: own.deliveries[own.prefix]?.source.origin.offset ?? first.origin.offset, error: blocking(own) };
}

function blocking({ deliveries, prefix }: PartitionSettlement): ConnectorError {
  const outcome = deliveries[prefix]?.outcome;
  return outcome instanceof ConnectorError ? outcome : new RetriableError('NOT_ACKNOWLEDGED', 'A record could not be acknowledged');
}

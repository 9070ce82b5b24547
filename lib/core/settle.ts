import { type DataErrorPolicy, type Delivery, isBlocking } from './delivery.ts';

/** partial: each partition is acknowledged up to its first blocking record. batch: the platform takes all or nothing. */
export type AcknowledgeMode = 'partial' | 'batch';

export interface PartitionSettlement {
  readonly topic: string;
  readonly partition: number;
  /** In the order of offsets, as delivered. */
  readonly deliveries: readonly Delivery[];
  /** How many of them, from the first, may be acknowledged. */
  readonly prefix: number;
}

export interface Settlement {
  readonly mode: AcknowledgeMode;
  readonly partitions: readonly PartitionSettlement[];
}

/**
 * Finds what may be acknowledged: per partition the deliveries before the first that is config, retriable, or data that cannot be put aside.
 * In batch mode any such record empties every prefix.
 */
export function settle(
  deliveries: readonly Delivery[],
  { mode, dataErrors }: { readonly mode: AcknowledgeMode; readonly dataErrors: DataErrorPolicy },
): Settlement {
  const partitions = byPartition(deliveries).map(({ topic, partition, deliveries: own }) => {
    const blocking = own.findIndex(({ outcome }) => isBlocking(outcome, dataErrors));
    return { topic, partition, deliveries: own, prefix: blocking === -1 ? own.length : blocking };
  });
  return allOrNothing({ mode, partitions });
}

/** In batch mode a prefix that is not whole empties all of them. */
export function allOrNothing(settlement: Settlement): Settlement {
  if (settlement.mode === 'partial' || isComplete(settlement)) return settlement;
  return { ...settlement, partitions: settlement.partitions.map((partition) => ({ ...partition, prefix: 0 })) };
}

/** True when every delivery may be acknowledged. */
export function isComplete({ partitions }: Settlement): boolean {
  return partitions.every(({ prefix, deliveries }) => prefix === deliveries.length);
}

/** The deliveries that may be acknowledged. */
export function acknowledged({ partitions }: Settlement): readonly Delivery[] {
  const [only] = partitions;
  if (partitions.length === 1 && only !== undefined && only.prefix === only.deliveries.length) return only.deliveries;
  return partitions.flatMap(({ deliveries, prefix }) => deliveries.slice(0, prefix));
}

function byPartition(deliveries: readonly Delivery[]): { topic: string; partition: number; deliveries: Delivery[] }[] {
  const topics = new Map<string, Map<number, { topic: string; partition: number; deliveries: Delivery[] }>>();
  const all: { topic: string; partition: number; deliveries: Delivery[] }[] = [];
  let current: { topic: string; partition: number; deliveries: Delivery[] } | undefined;
  for (const delivery of deliveries) {
    const { topic, partition } = delivery.source.origin;
    if (current === undefined || current.partition !== partition || current.topic !== topic) {
      const partitions = topics.get(topic) ?? new Map<number, { topic: string; partition: number; deliveries: Delivery[] }>();
      topics.set(topic, partitions);
      current = partitions.get(partition);
      if (current === undefined) {
        current = { topic, partition, deliveries: [] };
        partitions.set(partition, current);
        all.push(current);
      }
    }
    current.deliveries.push(delivery);
  }
  return all;
}

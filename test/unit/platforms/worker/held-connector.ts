import type { Connector } from '../../../../lib/core/connector.ts';
import type { DataErrorPolicy } from '../../../../lib/core/delivery.ts';
import { ConfigError, DataError, RetriableError } from '../../../../lib/core/errors.ts';
import type { SourceOutcome } from '../../../../lib/core/outcome.ts';
import type { SourceRecord } from '../../../../lib/core/record.ts';
import { acknowledged, type Settlement, settle } from '../../../../lib/core/settle.ts';

export const outcomes = {
  delivered: () => 'delivered' as const,
  dropped: () => 'dropped' as const,
  retriable: () => new RetriableError('SINK_UNAVAILABLE', 'The target is away'),
  throttled: () => new RetriableError('SINK_THROTTLED', 'The target wants a pause', { retryAfterMs: 90_000 }),
  config: () => new ConfigError('SINK_MISCONFIGURED', 'The table does not exist. Create it.'),
  data: () => new DataError('SINK_REJECTED_RECORD', 'The target refused the record'),
} as const;
export type OutcomeName = keyof typeof outcomes;

export interface HeldBatch {
  readonly records: readonly SourceRecord[];
  readonly signal: AbortSignal;
  /** Answers the batch; records get the outcomes in turn. */
  answer(names: readonly OutcomeName[]): void;
  crash(error: Error): void;
}

/** A connector whose batches wait until the test answers them. */
export function heldConnector({
  policy = 'block',
  onAcknowledged = () => undefined,
}: {
  policy?: DataErrorPolicy;
  onAcknowledged?: (source: SourceRecord) => void;
} = {}) {
  const held: HeldBatch[] = [];
  const seen: (readonly SourceRecord[])[] = [];
  let probe: () => Promise<void> = async () => undefined;
  let probes = 0;
  const connector: Connector = {
    name: 'orders-to-test',
    process(records, { signal = new AbortController().signal }) {
      seen.push(records);
      return new Promise<Settlement>((resolve, reject) => {
        const done = (): void => void held.splice(held.indexOf(batch), 1);
        const batch: HeldBatch = {
          records,
          signal,
          answer(names) {
            done();
            const deliveries = records.map((source, index) => {
              const outcome: SourceOutcome = outcomes[names[index % names.length] ?? 'delivered']();
              return { source, outcome };
            });
            const settlement = settle(deliveries, { mode: 'partial', dataErrors: policy });
            for (const { source } of acknowledged(settlement)) onAcknowledged(source);
            resolve(settlement);
          },
          crash(error) {
            done();
            reject(error);
          },
        };
        held.push(batch);
      });
    },
    async probe() {
      probes++;
      await probe();
    },
    close: async () => undefined,
  };
  return {
    connector,
    held,
    seen,
    probes: () => probes,
    setProbe(next: () => Promise<void>) {
      probe = next;
    },
  };
}

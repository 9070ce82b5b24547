import { type DeadLetter, readLetter } from '../../../../lib/cli/dlq/dead-letter.ts';
import type { Stage } from '../../../../lib/core/delivery.ts';
import { DataError } from '../../../../lib/core/errors.ts';
import { toLetter } from '../../../../lib/core/letter.ts';
import type { Origin, SourceRecord } from '../../../../lib/core/record.ts';

export interface LetterOptions {
  /** Where the letter is; the offset, or all of it. */
  readonly at?: number | Origin;
  /** Offset of the record. */
  readonly offset?: number;
  readonly connector?: string;
  readonly stage?: Stage;
  readonly code?: string;
  readonly message?: string;
  readonly failedParts?: readonly number[];
  /** Milliseconds since the epoch. */
  readonly now?: number;
  readonly source?: Partial<SourceRecord>;
}

/** A letter as the pipeline writes it, read back from its topic. */
export function letterRecord(options: LetterOptions = {}): SourceRecord {
  const {
    at = 0,
    offset = 17,
    connector = 'orders',
    stage = 'sink',
    code = 'SINK_REJECTED_RECORD',
    message = 'no',
    now = 1_000,
    failedParts,
  } = options;
  const source: SourceRecord = {
    origin: { topic: 'orders', partition: 2, offset },
    timestamp: 5,
    timestampType: 'create',
    headers: [],
    key: Buffer.from('k'),
    value: Buffer.from('v'),
    ...options.source,
  };
  const delivery = { source, outcome: 'dropped' as const, stage, ...(failedParts === undefined ? {} : { failedParts }) };
  const letter = toLetter(delivery, new DataError(code, message), {
    connector,
    sink: 'memory',
    configVersion: 'abcdef01',
    epoch: 3,
    now,
    believesReplays: (topic) => topic === 'replays',
  });
  const place = typeof at === 'number' ? { topic: 'orders.dlq', partition: 0, offset: at } : at;
  const { timestamp, timestampType, headers, key, value } = letter;
  return { origin: place, timestamp, timestampType, headers, key, value };
}

export function letterOf(options: LetterOptions = {}): DeadLetter {
  return readLetter(letterRecord(options));
}

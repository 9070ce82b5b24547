import { createRowBuffer } from '../../clients/maxcompute/row-buffer.ts';
import { type ConnectorError, DataError } from '../../core/errors.ts';
import type { KafkaRecord } from '../../core/record.ts';
import type { Plan } from './plan.ts';

/** Encoded rows, and the records that they are. */
export interface Body {
  readonly rows: Buffer;
  readonly records: readonly KafkaRecord[];
}

export interface Encoded {
  readonly bodies: readonly Body[];
  /** The records that have no row, and why. */
  readonly refused: ReadonlyMap<KafkaRecord, ConnectorError>;
}

/** Encodes records, each on its own, into bodies that end once they have so many bytes. */
export function encode(records: readonly KafkaRecord[], plan: Plan, blockBytes: number): Encoded {
  const bodies: Body[] = [];
  const refused = new Map<KafkaRecord, ConnectorError>();
  const sizeHint = Math.min(blockBytes, 64 * records.length + records.reduce((bytes, { size = 256 }) => bytes + size, 0));
  let rows = createRowBuffer(sizeHint);
  let written: KafkaRecord[] = [];
  const cut = (): void => {
    if (written.length > 0) bodies.push({ rows: rows.finish(), records: written });
    written = [];
  };
  for (const record of records) {
    try {
      plan.write(record, rows);
      written.push(record);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      refused.set(record, error);
      rows.dropRow();
    }
    if (rows.bytes < blockBytes) continue;
    cut();
    rows = createRowBuffer(sizeHint);
  }
  cut();
  return { bodies, refused };
}

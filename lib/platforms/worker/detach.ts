import type { SourceRecord } from '../../core/record.ts';

const worthwhileBytes = 65_536;
const share = 8;

/**
 * Fetched records look into the whole answer of the broker. A few of them that wait for others would keep all of it in memory, so they are
 * copied where they are less than an eighth of it: what waits never holds more than eight times its own size.
 */
export function detached(records: readonly SourceRecord[]): readonly SourceRecord[] {
  const whole = records[0]?.value?.buffer.byteLength ?? 0;
  if (whole <= worthwhileBytes) return records;
  let bytes = 0;
  for (const { key, value } of records) bytes += (key?.length ?? 0) + (value?.length ?? 0);
  return bytes * share < whole ? records.map(copied) : records;
}

function copied({ origin, timestamp, timestampType, headers, key, value }: SourceRecord): SourceRecord {
  return {
    origin,
    timestamp,
    timestampType,
    headers: headers.map((header) => ({ key: header.key, value: own(header.value) })),
    key: key === null ? null : own(key),
    value: value === null ? null : own(value),
  };
}

// Outside of Node's shared pool, which small buffers would keep alive in turn. What is empty stays the same object, as it may stand for null.
function own(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return bytes;
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

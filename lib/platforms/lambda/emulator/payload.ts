import { partitionName, type SourceRecord } from '../../../core/record.ts';

/** Lambda's limit for the event of one invocation. */
export const maxPayloadBytes = 6 * 1024 * 1024;

export interface BatchLimits {
  readonly records: number;
  readonly payloadBytes: number;
}

/** What a record takes of an event's JSON, at most. */
export function payloadBytes({ origin, key, value, headers }: SourceRecord): number {
  let bytes = 170 + 2 * origin.topic.length + base64Bytes(key) + base64Bytes(value);
  // A signed byte has up to four characters, and a comma.
  for (const header of headers) bytes += 8 + 6 * header.key.length + 5 * header.value.length;
  return bytes;
}

/** Takes what one event may carry from the heads of the queues, which keep the rest; each partition in its order. */
export function takeBatch(queues: ReadonlyMap<string, SourceRecord[]>, limits: BatchLimits): SourceRecord[] {
  const batch: SourceRecord[] = [];
  let bytes = 0;
  for (const queue of queues.values()) {
    let taken = 0;
    for (const record of queue) {
      const size = payloadBytes(record);
      if (batch.length >= limits.records || (batch.length > 0 && bytes + size > limits.payloadBytes)) break;
      batch.push(record);
      bytes += size;
      taken++;
    }
    queue.splice(0, taken);
  }
  return batch;
}

/** True when nothing more fits into the event that the queues would make. */
export function isFull(queues: ReadonlyMap<string, readonly SourceRecord[]>, limits: BatchLimits): boolean {
  let records = 0;
  let bytes = 0;
  for (const queue of queues.values()) {
    for (const record of queue) {
      records++;
      bytes += payloadBytes(record);
      if (records >= limits.records || bytes >= limits.payloadBytes) return true;
    }
  }
  return false;
}

/** Puts records before what is waiting, by partition. */
export function putBack(queues: Map<string, SourceRecord[]>, records: readonly SourceRecord[]): void {
  for (const [name, own] of Map.groupBy(records, ({ origin }) => partitionName(origin)))
    queues.set(name, [...own, ...(queues.get(name) ?? [])]);
}

function base64Bytes(bytes: Uint8Array | null): number {
  return bytes === null ? 4 : 4 * Math.ceil(bytes.length / 3);
}

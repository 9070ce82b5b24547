import { createHash } from 'node:crypto';
import type { KafkaRecord } from '../../core/record.ts';

/** What a receiver knows a record by, whatever the number of deliveries. */
export type IdOf = (record: KafkaRecord) => string;

const maxLength = 255;

/** Ids made of the connector, the version and the part: safe in headers and URLs. */
export function recordIds(connector: string): IdOf {
  const prefix = encodeURIComponent(connector);
  return ({ version: { topic, partition, epoch, offset }, part }) => short(`${prefix}:${topic}:${partition}:${epoch}:${offset}:${part}`);
}

/**
 * The id of a request with these records: their first and last version when nothing is missing in between, and a digest of all of them
 * otherwise. The same records have the same id; records that are cut differently have another one.
 */
export function batchId(records: readonly KafkaRecord[], idOf: IdOf): string {
  const [first] = records;
  const last = records.at(-1);
  if (first === undefined || last === undefined) return '';
  if (records.length === 1) return idOf(first);
  if (areConsecutive(records)) return short(`${idOf(first)}..${last.version.offset}:0`);
  const digest = createHash('sha256');
  for (const record of records) digest.update(`${idOf(record)}\n`);
  return short(`${idOf(first)}..${last.version.offset}:${last.part}:${digest.digest('hex').slice(0, 32)}`);
}

function areConsecutive(records: readonly KafkaRecord[]): boolean {
  let expected = records[0]?.version;
  if (expected === undefined) return false;
  let { offset } = expected;
  for (const { version, part } of records) {
    if (part !== 0 || version.offset !== offset || version.partition !== expected.partition) return false;
    if (version.topic !== expected.topic || version.epoch !== expected.epoch) return false;
    expected = version;
    offset++;
  }
  return true;
}

function short(id: string): string {
  return id.length <= maxLength ? id : `sha256:${createHash('sha256').update(id).digest('hex')}`;
}

import { DataError } from '../../core/errors.ts';
import { isObject } from '../../core/field.ts';
import { toJson } from '../../core/json.ts';
import { type KafkaRecord, originName } from '../../core/record.ts';
import type { Body } from './body.ts';

/** What a stored document says about the record it came from. */
export interface Stamp {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: number;
  readonly offset: number;
  readonly part: number;
  /** Milliseconds since the epoch, as all times here. */
  readonly timestamp: number;
  readonly writtenAt: number;
  /** What `guard.field` held, as text because a double would round it. */
  readonly guard?: string;
  readonly deleted?: boolean;
}

/** Writes the field that tells where a document came from, as JSON text without braces around it. */
export type StampText = (record: KafkaRecord, options: { readonly guard?: string | undefined; readonly deleted?: boolean }) => string;

export function stampText(field: string, now: () => number): StampText {
  const start = `${JSON.stringify(field)}:{"topic":`;
  let topic: string | undefined;
  let partition = -1;
  let epoch = -1;
  let position = '';
  return ({ version, part, timestamp }, { guard, deleted }) => {
    if (version.topic !== topic || version.partition !== partition || version.epoch !== epoch) {
      ({ topic, partition, epoch } = version);
      position = `${start}${JSON.stringify(topic)},"partition":${partition},"epoch":${epoch},"offset":`;
    }
    const rest = `${guard === undefined ? '' : `,"guard":"${guard}"`}${deleted === undefined ? '' : `,"deleted":${deleted}`}`;
    return `${position}${version.offset},"part":${part},"timestamp":${timestamp},"writtenAt":${now()}${rest}}`;
  };
}

/** Reads what `stampText` wrote; undefined for a document that somebody else made. */
export function readStamp(stored: unknown): Stamp | undefined {
  if (!isObject(stored)) return undefined;
  const { topic, partition, epoch, offset, part, timestamp, writtenAt, guard, deleted } = stored;
  const numbers = [partition, epoch, offset, part, timestamp, writtenAt];
  if (typeof topic !== 'string' || !numbers.every((number) => typeof number === 'number')) return undefined;
  return {
    ...({ topic, partition, epoch, offset, part, timestamp, writtenAt } as Stamp),
    ...(typeof guard === 'string' ? { guard } : {}),
    ...(deleted === true ? { deleted } : {}),
  };
}

const open = 0x7b;
const close = 0x7d;

/** Appends the value of a record as one line of JSON with the stamp as its last field. Throws a DataError for what is not an object. */
export function writeDocument(body: Body, record: KafkaRecord, stamp: string): void {
  if (record.bytes !== undefined && writeBytes(body, record.bytes, stamp)) return;
  const json = isObject(record.value) ? serialize(record) : '';
  if (!json.startsWith('{'))
    throw new DataError('SINK_REJECTED_RECORD', `Expected the value to be an object, found something else (${originName(record.origin)})`);
  if (stamp === '') body.text(json);
  else body.text(json === '{}' ? `{${stamp}}` : `${json.slice(0, -1)},${stamp}}`);
}

/** Appends bytes that are one JSON value; false when it is not an object, or begins with a byte order mark. */
function writeBytes(body: Body, bytes: Uint8Array, stamp: string): boolean {
  const first = firstVisible(bytes);
  const last = lastVisible(bytes, bytes.length - 1);
  if (bytes[first] !== open || bytes[last] !== close) return false;
  if (stamp === '') {
    body.line(bytes);
    return true;
  }
  body.line(bytes.subarray(first, last));
  body.text(lastVisible(bytes, last - 1) === first ? `${stamp}}` : `,${stamp}}`);
  return true;
}

function serialize(record: KafkaRecord): string {
  try {
    return toJson(record.value);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new DataError(error.code, `${error.message} (${originName(record.origin)})`);
  }
}

function firstVisible(bytes: Uint8Array): number {
  let at = 0;
  while (isSpace(bytes[at])) at++;
  return at;
}

function lastVisible(bytes: Uint8Array, from: number): number {
  let at = from;
  while (isSpace(bytes[at])) at--;
  return at;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

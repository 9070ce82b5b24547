import { ConfigError, DataError } from '../../core/errors.ts';
import { isObject } from '../../core/field.ts';
import { type Origin, originName, type SourceRecord } from '../../core/record.ts';
import { readHeaders } from './headers.ts';

/**
 * The records of an event in any of its five framings: CloudEvents as objects or as text, their bare data, records of the old Kafka
 * connector, or one of these without a list around it. Sorted by topic, partition and offset, each record once.
 * Throws a ConfigError that says where: an event that is not understood must never be acknowledged.
 */
export function readBatch(body: Uint8Array): SourceRecord[] {
  const text = decodeText(body);
  try {
    return readAll(text, JSON.parse);
  } catch (error) {
    // Where values are JSON and not text, their numbers must come out as they came in.
    if (error instanceof StructuredValue) return readAll(text, parseExactly);
    throw error;
  }
}

type Parse = (text: string) => unknown;

/** Met a value that is not text while numbers were read as doubles. */
class StructuredValue extends Error {}

function readAll(text: string, parse: Parse): SourceRecord[] {
  const event = parsed(text, parse);
  if (event === undefined) throw malformed('event', 'JSON');
  const elements = Array.isArray(event) ? (event as readonly unknown[]) : [event];
  const records = elements.map((element, index) => readElement(element, Array.isArray(event) ? `event[${index}]` : 'event', parse));
  records.sort(({ origin: a }, { origin: b }) =>
    a.topic === b.topic ? a.partition - b.partition || a.offset - b.offset : a.topic < b.topic ? -1 : 1,
  );
  return records.filter((record, index) => !isSame(record.origin, records[index - 1]?.origin));
}

function isSame(origin: Origin, before: Origin | undefined): boolean {
  return origin.topic === before?.topic && origin.partition === before.partition && origin.offset === before.offset;
}

function readElement(element: unknown, at: string, parse: Parse): SourceRecord {
  const given = typeof element === 'string' ? parsed(element, parse) : element;
  if (!isObject(given)) throw withoutOffsets(at);
  if (!Object.hasOwn(given, 'specversion')) return toRecord(given, at, undefined, parse);
  const data = dataOf(given, parse);
  if (!isObject(data)) throw withoutOffsets(`${at}.data`);
  return toRecord(data, `${at}.data`, given['time'], parse);
}

/** What a CloudEvent carries: as JSON, as text, or as base64 of that text. */
function dataOf({ data, data_base64: base64 }: Readonly<Record<string, unknown>>, parse: Parse): unknown {
  if (data == null && typeof base64 === 'string') return parsed(Buffer.from(base64, 'base64').toString(), parse);
  return typeof data === 'string' ? parsed(data, parse) : data;
}

function toRecord(data: Readonly<Record<string, unknown>>, at: string, time: unknown, parse: Parse): SourceRecord {
  const { topic, timestamp, overflowFlag, valueSize } = data;
  if (topic == null || data['partition'] == null || data['offset'] == null) throw withoutOffsets(at);
  if (typeof topic !== 'string' || topic === '') throw malformed(`${at}.topic`, 'the name of a topic');
  const origin = {
    topic,
    partition: wholeNumber(data['partition'], `${at}.partition`),
    offset: wholeNumber(data['offset'], `${at}.offset`),
  };
  const headers = readHeaders(data['headers']);
  if (headers === undefined) throw malformed(`${at}.headers`, 'headers');
  const record = {
    origin,
    timestamp: timestamp == null ? timeOf(time) : wholeNumber(timestamp, `${at}.timestamp`, -1),
    timestampType: 'create',
    headers,
    key: bytesOf(data['key'], parse),
  } as const;
  // A beginning of a value is no value, and least of all a tombstone.
  if (String(overflowFlag) === 'true') return { ...record, value: null, incomplete: oversize(origin, valueSize) };
  return { ...record, value: bytesOf(data['value'], parse) };
}

function bytesOf(given: unknown, parse: Parse): Uint8Array | null {
  if (given == null) return null;
  if (typeof given === 'string') return Buffer.from(given);
  if (parse !== parseExactly) throw new StructuredValue();
  return Buffer.from(JSON.stringify(given));
}

/** Numbers may come as text. A number that a double cannot hold would be another record's. */
function wholeNumber(given: unknown, at: string, minimum = 0): number {
  const number = typeof given === 'string' && /^-?\d+$/.test(given) ? Number(given) : given;
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= minimum) return number;
  throw malformed(at, `a whole number from ${minimum} to ${Number.MAX_SAFE_INTEGER}`);
}

function timeOf(time: unknown): number {
  const ms = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  return Number.isNaN(ms) ? 0 : ms;
}

function decodeText(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw malformed('event', 'UTF-8');
  }
}

function parsed(text: string, parse: Parse): unknown {
  try {
    return parse(text);
  } catch {
    return undefined; // what it holds may be a record's, so the reason is not repeated
  }
}

// The library of types does not have these two yet.
const { rawJSON, parse: parseWith } = JSON as unknown as {
  rawJSON(text: string): unknown;
  parse(text: string, reviver: (name: string, value: unknown, context: { readonly source?: string }) => unknown): unknown;
};

/** Parses JSON so that it is written again with the same digits. */
function parseExactly(text: string): unknown {
  return parseWith(text, (_name, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source ? rawJSON(source) : value,
  );
}

function oversize(origin: Origin, size: unknown): DataError {
  const bytes = typeof size === 'number' || typeof size === 'string' ? ` of ${Number(size)} bytes` : '';
  return new DataError('OVERSIZE', `The trigger cut off a value${bytes} that is too large for it (${originName(origin)})`);
}

function malformed(at: string, expected: string): ConfigError {
  return new ConfigError('EVENT_MALFORMED', `Expected ${at} to be ${expected}, found something else.`);
}

function withoutOffsets(at: string): ConfigError {
  return new ConfigError(
    'EVENT_WITHOUT_OFFSETS',
    `Expected ${at} to have topic, partition and offset, found a bare payload. Without them no record can be told from another: set eventSchema of the trigger to CloudEvents.`,
  );
}

import { ConfigError } from '../../core/errors.ts';
import { isObject } from '../../core/field.ts';
import { toJson } from '../../core/json.ts';
import type { Header, Origin, SourceRecord } from '../../core/record.ts';
import { closest } from '../../core/suggest.ts';
import { decodeJson } from '../../formats/json.ts';

/*
 * A file of samples has one record a line, as JSON:
 *
 *   {"origin":{"topic":"quakes","partition":0,"offset":41},"timestamp":1515553353000,"headers":[{"key":"trace","value":"4bf9"}],"key":"ci1","value":{"mag":5.2}}
 *
 * `value` has to be there, the rest may be left out. Text stands for itself, null for a tombstone or an absent key, { "base64": … } for bytes
 * that are no text, anything else for its JSON.
 */

/** A record to try a transform on. */
export interface Sample {
  /** Its origin, or file and line where it has none: how reports and expected records call it. */
  readonly name: string;
  readonly source: SourceRecord;
}

/** The time of samples that have none. */
const someTime = Date.UTC(2026, 0, 1);
const nowhere: Origin = { topic: '', partition: 0, offset: 0 };
const known = ['origin', 'timestamp', 'timestampType', 'headers', 'key', 'value'];

/** A record as a line of a file of samples. */
export function toSampleLine({ origin, timestamp, timestampType, headers, key, value }: SourceRecord): string {
  return toJson({
    origin: { topic: origin.topic, partition: origin.partition, offset: origin.offset },
    timestamp,
    ...(timestampType === 'append' ? { timestampType } : {}),
    ...(headers.length === 0 ? {} : { headers: headers.map((header) => ({ key: header.key, value: textOrBytes(header.value) })) }),
    key: key === null ? null : keyContent(key),
    value: value === null ? null : valueContent(value),
  });
}

/** The samples of a file. Samples without an origin sit in the given topic. Throws a ConfigError with the line that is none. */
export function readSamples(text: string, file: string, topic: string): Sample[] {
  return text.split('\n').flatMap((line, index) => (line.trim() === '' ? [] : [readSample(line, `${file}:${index + 1}`, topic, index)]));
}

function readSample(line: string, place: string, topic: string, index: number): Sample {
  const wrong = (message: string): ConfigError => new ConfigError('SAMPLES_INVALID', `${place}  ${message}`);
  let sample: unknown;
  try {
    sample = decodeJson(Buffer.from(line), nowhere);
  } catch (cause) {
    throw new ConfigError('SAMPLES_INVALID', `${place}  Expected a JSON object, as a line of samples is one record.`, { cause });
  }
  if (!isObject(sample)) throw wrong('Expected a JSON object, as a line of samples is one record.');
  const unknown = Object.keys(sample).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const near = closest(unknown, known);
    const advice = near === undefined ? `A sample has ${known.join(', ')}; fields of the record go into value.` : `Did you mean ${near}?`;
    throw wrong(`Unknown name ${unknown}. ${advice}`);
  }
  const { origin, timestamp = someTime, timestampType = 'create', headers = [], key = null, value } = sample;
  if (value === undefined) throw wrong('Expected a value; write null for a tombstone.');
  if (origin !== undefined && !isOrigin(origin)) throw wrong('Expected origin to be { topic, partition, offset }.');
  if (typeof timestamp !== 'number') throw wrong('Expected timestamp to be milliseconds since the epoch.');
  if (timestampType !== 'create' && timestampType !== 'append') throw wrong('Expected timestampType to be create or append.');
  if (!Array.isArray(headers) || !headers.every(isHeader)) throw wrong('Expected headers to be a list of { key, value } with text.');
  const name = origin === undefined ? place.slice(place.lastIndexOf('/') + 1) : `${origin.topic}-${origin.partition}@${origin.offset}`;
  const source: SourceRecord = {
    origin: origin ?? { topic, partition: 0, offset: index },
    timestamp,
    timestampType,
    headers: headers.map((header): Header => ({ key: header.key, value: toBytes(header.value) })),
    key: key === null ? null : toBytes(key),
    value: value === null ? null : toBytes(value),
  };
  return { name, source };
}

/** Bytes as what stands for them in JSON: text as it is, otherwise base64. */
export function textOrBytes(bytes: Uint8Array): string | { readonly base64: string } {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { base64: Buffer.from(bytes).toString('base64') };
  }
}

/** A value: its JSON where it is some. Spaces and ways to write numbers are the same value. */
function valueContent(bytes: Uint8Array): unknown {
  const json = jsonOf(bytes);
  return json === undefined ? textOrBytes(bytes) : json;
}

/** A key: its JSON where that says every byte, as keys are compared by them. */
function keyContent(bytes: Uint8Array): unknown {
  const json = jsonOf(bytes);
  return json === undefined || !Buffer.from(toJson(json)).equals(bytes) ? textOrBytes(bytes) : json;
}

/** What can stand for itself in a sample: objects, lists, and numbers and booleans that are written in the usual way. */
export function jsonOf(bytes: Uint8Array): unknown {
  let json: unknown;
  try {
    json = decodeJson(bytes, nowhere);
  } catch {
    return undefined;
  }
  if (json === null || typeof json === 'string' || isBase64(json)) return undefined;
  return typeof json === 'object' || Buffer.from(toJson(json)).equals(bytes) ? json : undefined;
}

function toBytes(content: unknown): Uint8Array {
  if (typeof content === 'string') return Buffer.from(content);
  return isBase64(content) ? Buffer.from(content.base64, 'base64') : Buffer.from(toJson(content));
}

function isBase64(content: unknown): content is { readonly base64: string } {
  return isObject(content) && Object.keys(content).length === 1 && typeof content['base64'] === 'string';
}

function isHeader(header: unknown): header is { readonly key: string; readonly value: unknown } {
  if (!isObject(header) || typeof header['key'] !== 'string') return false;
  return typeof header['value'] === 'string' || isBase64(header['value']);
}

function isOrigin(origin: unknown): origin is Origin {
  return isObject(origin) && typeof origin['topic'] === 'string' && isCount(origin['partition']) && isCount(origin['offset']);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

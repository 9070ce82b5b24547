import { ConfigError, DataError } from '../../core/errors.ts';
import { toJson } from '../../core/json.ts';
import { type KafkaRecord, originName } from '../../core/record.ts';
import type { IdOf } from './idempotency.ts';
import { type Part, type Placeholder, parseParts, renderParts } from './template.ts';

/** What is sent of one record. */
export type Content = string | Uint8Array;
/** Throws a DataError for a record that has none. */
export type ContentOf = (record: KafkaRecord) => Content;

const path = 'connector.sink.body';

export function isJsonType(contentType: string): boolean {
  return /^[\w.+-]+\/[\w.+-]*json[\w.+-]*(?:\s*;|$)/i.test(contentType.trim()); // text/json, application/jsonlines … too
}

/** Reads `body`: the shape of a JSON value, or text of another content type. Without one, the value of the record. Throws a ConfigError. */
export function contentReader(body: unknown, contentType: string, idOf: IdOf): ContentOf {
  const isJson = isJsonType(contentType);
  if (body === undefined) return isJson ? jsonValue : plainValue;
  if (isJson) return jsonShape(typeof body === 'string' ? parsed(body) : body, idOf);
  if (typeof body !== 'string')
    throw new ConfigError('CONFIG_INVALID', `Expected ${path} to be text, as connector.sink.contentType is not JSON.`);
  const parts = parseParts(body, path, idOf);
  const escapeText = escapeFor(contentType);
  return (record) => renderParts(parts, record, escapeText);
}

/** The value as JSON: the bytes as they came where nothing touched them. */
export function jsonValue(record: KafkaRecord): Content {
  const { bytes } = record;
  if (bytes === undefined) return serialized(record.value, record);
  return bytes[0] === 0xef ? bytes.subarray(3) : bytes; // JSON begins with no byte order mark
}

/** Text and bytes as they are, everything else as JSON. */
function plainValue(record: KafkaRecord): Content {
  const { value } = record;
  return typeof value === 'string' || value instanceof Uint8Array ? value : jsonValue(record);
}

function serialized(value: unknown, { origin }: KafkaRecord): string {
  try {
    return toJson(value ?? null);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new DataError(error.code, `${error.message} (${originName(origin)})`);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // a shape that is one text, such as {value.payload}
  }
}

/** Text of JSON that is the same for every record, or what writes the part that is not. */
type Chunk = string | ((record: KafkaRecord) => string);

function jsonShape(shape: unknown, idOf: IdOf): ContentOf {
  const chunks: Chunk[] = [];
  addShape(chunks, shape, path, idOf);
  return (record) => {
    let text = '';
    for (const chunk of chunks) text += typeof chunk === 'string' ? chunk : chunk(record);
    return text;
  };
}

function addShape(chunks: Chunk[], shape: unknown, at: string, idOf: IdOf): void {
  if (typeof shape === 'string') addText(chunks, parseParts(shape, at, idOf));
  else if (typeof shape !== 'object' || shape === null) add(chunks, toJson(shape));
  else {
    const isList = Array.isArray(shape);
    add(chunks, isList ? '[' : '{');
    for (const [index, [name, field]] of Object.entries(shape).entries()) {
      if (index > 0) add(chunks, ',');
      if (!isList) add(chunks, `${JSON.stringify(name)}:`);
      addShape(chunks, field, isList ? `${at}[${name}]` : `${at}.${name}`, idOf);
    }
    add(chunks, isList ? ']' : '}');
  }
}

/** A placeholder that stands alone keeps its type; between other text it becomes text. */
function addText(chunks: Chunk[], parts: readonly Part[]): void {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined && typeof only !== 'string') {
    add(chunks, jsonOf(only));
    return;
  }
  add(chunks, '"');
  for (const part of parts) add(chunks, typeof part === 'string' ? inner(part) : (record) => inner(part.text(record)));
  add(chunks, '"');
}

function jsonOf({ read, isValue }: Placeholder): (record: KafkaRecord) => string {
  if (!isValue) return (record) => serialized(read(record), record);
  return (record) => {
    const content = jsonValue(record);
    return typeof content === 'string' ? content : Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString();
  };
}

/** Text as it stands between the quotes of JSON. */
function inner(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function add(chunks: Chunk[], chunk: Chunk): void {
  const last = chunks.at(-1);
  if (typeof chunk === 'string' && typeof last === 'string') chunks[chunks.length - 1] = last + chunk;
  else chunks.push(chunk);
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** What keeps a record's text from being more than text in this kind of content. */
function escapeFor(contentType: string): (text: string, record: KafkaRecord) => string {
  if (/^application\/x-www-form-urlencoded/i.test(contentType))
    return (text, record) => {
      if (!text.isWellFormed()) throw new DataError('VALUE_NOT_TEXT', `Expected well-formed text (${originName(record.origin)})`);
      return encodeURIComponent(text);
    };
  if (/^(?:text|application)\/(?:[\w.+-]+\+)?(?:xml|html)/i.test(contentType))
    return (text) => text.replace(/[&<>"']/g, (sign) => entities[sign] ?? sign);
  return (text) => text;
}

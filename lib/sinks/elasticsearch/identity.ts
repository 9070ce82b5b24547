import { DataError } from '../../core/errors.ts';
import { fieldReader, isObject } from '../../core/field.ts';
import { type KafkaRecord, originName } from '../../core/record.ts';

/** Where a document's id comes from. */
export type IdOption = 'key' | 'record' | { readonly fields: readonly string[] };

/** The text of one record, for an id or a routing. Throws a DataError when the record has none. */
export type TextOf = (record: KafkaRecord) => string;

const maxIdBytes = 512;

/** Document ids as `connector.sink.id` says. Two records get the same id only when they are the same thing. */
export function idReader(option: IdOption): TextOf {
  if (option === 'record') return positionId;
  if (option === 'key') return (record) => checked(keyText(record), record);
  const readers = option.fields.map((field) => ({ field, read: fieldReader(field) }));
  return (record) => {
    const texts = readers.map(({ field, read }) => {
      const text = scalarText(read(record.value));
      if (text === undefined) throw missing(`Expected the field ${field}, which connector.sink.id names, to be text or a number`, record);
      return text;
    });
    // A colon inside of a field is escaped, so that ("a:b", "c") and ("a", "b:c") stay two things.
    const [first = ''] = texts;
    return checked(texts.length === 1 ? first : texts.map((text) => text.replace(/[\\:]/g, '\\$&')).join(':'), record);
  };
}

/** The routing as `connector.sink.routing` says. */
export function routingReader(option: 'key' | { readonly field: string }): TextOf {
  if (option === 'key') return keyText;
  const read = fieldReader(option.field);
  return (record) => {
    const text = scalarText(read(record.value));
    if (text !== undefined && text !== '') return text;
    throw missing('Expected the field of connector.sink.routing to be text or a number', record);
  };
}

/** `topic+partition+offset`, with the part and the epoch behind it where they are not 0. A topic's name holds no plus. */
function positionId({ version, part }: KafkaRecord): string {
  const position = `${version.topic}+${version.partition}+${version.offset}`;
  if (version.epoch > 0) return `${position}+${part}+${version.epoch}`;
  return part > 0 ? `${position}+${part}` : position;
}

/** Text and numbers as they are, bytes as base64url, an object with one plain field as that field, anything else as JSON with sorted names. */
function keyText(record: KafkaRecord): string {
  const { key } = record;
  if (typeof key === 'string') return key;
  if (key === null || key === undefined) throw missing('Expected a key', record);
  const text = scalarText(key);
  if (text !== undefined) return text;
  if (ArrayBuffer.isView(key)) return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('base64url');
  if (isObject(key)) {
    const fields = Object.values(key);
    const only = fields.length === 1 ? scalarText(fields[0]) : undefined;
    if (only !== undefined) return only;
  }
  return JSON.stringify(sorted(key));
}

function scalarText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : undefined;
}

function sorted(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, field]) => [name, sorted(field)]));
}

/** An id that is empty or too long would make the server refuse the whole request. */
function checked(id: string, record: KafkaRecord): string {
  if (id === '') throw missing('Expected an id, found empty text', record);
  if (!id.isWellFormed()) throw missing('Expected an id in Unicode, found half a character', record);
  const bytes = id.length * 3 <= maxIdBytes ? 0 : Buffer.byteLength(id);
  if (bytes > maxIdBytes) throw missing(`Expected an id of at most ${maxIdBytes} bytes, found ${bytes}`, record);
  return id;
}

function missing(message: string, { origin }: KafkaRecord): DataError {
  return new DataError('SINK_RECORD_WITHOUT_ID', `${message} (${originName(origin)})`);
}

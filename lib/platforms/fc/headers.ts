import { isObject } from '../../core/field.ts';
import type { Header } from '../../core/record.ts';

/**
 * The headers of a record in whichever form the trigger wrote them, as the service does not say: a list of `{ key, value }` or of
 * `{ name: value }`, a map, or either inside `{ headers }`. Undefined for what is none of these.
 */
export function readHeaders(given: unknown): readonly Header[] | undefined {
  if (given == null) return [];
  const headers = isObject(given) && (given['headers'] === null || Array.isArray(given['headers'])) ? given['headers'] : given;
  if (headers === null) return [];
  if (isObject(headers)) return entriesOf(headers);
  if (!Array.isArray(headers)) return undefined;
  const read: Header[] = [];
  for (const element of headers as readonly unknown[]) {
    if (!isObject(element)) return undefined;
    const name = element['key'];
    if (typeof name === 'string' && Object.keys(element).every((field) => field === 'key' || field === 'value'))
      read.push({ key: name, value: bytesOf(element['value']) });
    else read.push(...entriesOf(element));
  }
  return read;
}

function entriesOf(map: Readonly<Record<string, unknown>>): Header[] {
  return Object.entries(map).map(([key, value]) => ({ key, value: bytesOf(value) }));
}

/** Text, a list of Java's signed bytes, a serialised Buffer; whatever else there is, as JSON, so that nothing is lost. */
function bytesOf(value: unknown): Uint8Array {
  if (value == null) return new Uint8Array();
  if (typeof value === 'string') return Buffer.from(value);
  if (isBytes(value)) return Uint8Array.from(value);
  if (isObject(value) && value['type'] === 'Buffer' && isBytes(value['data'])) return Uint8Array.from(value['data']);
  return Buffer.from(JSON.stringify(value));
}

function isBytes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((byte) => Number.isInteger(byte) && byte >= -128 && byte <= 255);
}

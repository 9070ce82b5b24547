import { createHmac } from 'node:crypto';
import { isObject } from '../../core/field.ts';
import { toJson } from '../../core/json.ts';
import type { SourceRecord } from '../../core/record.ts';
import { jsonOf } from './sample-lines.ts';

/** Takes the place of what must not be seen; counts how often. */
export interface Masking {
  readonly mask: (record: SourceRecord) => SourceRecord;
  /** How many values each field's mask has covered. */
  readonly covered: ReadonlyMap<string, number>;
}

type Place = { readonly of: 'key' | 'value'; readonly steps: readonly string[] } | { readonly of: 'header'; readonly name: string };

/**
 * Masks fields: `name`, dotted for inner ones and through lists, of the value; `key`, `key.name`; `header:name`. The same content always gets the same
 * mask, whichever field it stands in, and letters stay letters and digits digits. What is no JSON, and so may hold a field anywhere, is masked whole.
 */
export function masking(fields: readonly string[], secret: string): Masking {
  const covered = new Map(fields.map((field) => [field, 0]));
  const count = (field: string): void => void covered.set(field, (covered.get(field) ?? 0) + 1);
  const mask = (record: SourceRecord): SourceRecord => {
    let { key, value, headers } = record;
    for (const field of fields) {
      const place = placeOf(field);
      const found = () => count(field);
      if (place.of === 'header')
        headers = headers.map((header) =>
          header.key === place.name ? { ...header, value: maskedBytes(header.value, secret, found) } : header,
        );
      else if (place.of === 'key') key = key === null ? null : maskedContent(key, place.steps, secret, found);
      else value = value === null ? null : maskedContent(value, place.steps, secret, found);
    }
    const { origin, timestamp, timestampType } = record;
    return { origin, timestamp, timestampType, headers, key, value };
  };
  return { mask, covered };
}

function placeOf(field: string): Place {
  if (field.startsWith('header:')) return { of: 'header', name: field.slice('header:'.length) };
  const [first = '', ...rest] = field.split('.');
  if (first === 'key') return { of: 'key', steps: rest };
  return { of: 'value', steps: first === 'value' && rest.length > 0 ? rest : [first, ...rest] };
}

function maskedContent(bytes: Uint8Array, steps: readonly string[], secret: string, found: () => void): Uint8Array {
  const json = jsonOf(bytes);
  if (json === undefined) return maskedBytes(bytes, secret, found);
  return Buffer.from(toJson(maskedAt(json, steps, secret, found)));
}

function maskedAt(value: unknown, steps: readonly string[], secret: string, found: () => void): unknown {
  const [step, ...rest] = steps;
  if (step === undefined) {
    found();
    return maskedValue(value, secret);
  }
  if (Array.isArray(value)) return value.map((item: unknown) => maskedAt(item, steps, secret, found));
  if (!isObject(value)) return value;
  // A name may hold dots itself.
  const whole = steps.join('.');
  if (rest.length > 0 && Object.hasOwn(value, whole)) return maskedField(value, whole, [], secret, found);
  return Object.hasOwn(value, step) ? maskedField(value, step, rest, secret, found) : value;
}

function maskedField(
  value: Readonly<Record<string, unknown>>,
  name: string,
  steps: readonly string[],
  secret: string,
  found: () => void,
): unknown {
  return Object.fromEntries(
    Object.entries(value).map(([own, inner]) => [own, own === name ? maskedAt(inner, steps, secret, found) : inner]),
  );
}

/** A value of the same kind, so that transforms work on it. */
function maskedValue(value: unknown, secret: string): unknown {
  if (typeof value === 'string') return maskedText(value, secret);
  if (typeof value === 'number') return maskedNumber(toJson(value), secret);
  if (typeof value === 'bigint') return maskedInteger(String(value), secret);
  if (typeof value === 'boolean') return false;
  if (Array.isArray(value)) return value.map((item: unknown) => maskedValue(item, secret));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, maskedValue(inner, secret)]));
}

function maskedBytes(bytes: Uint8Array, secret: string, found: () => void): Uint8Array {
  found();
  const text = Buffer.from(bytes).toString('utf8');
  if (Buffer.from(text).equals(bytes)) return Buffer.from(maskedText(text, secret));
  const random = randomBytes(Buffer.from(bytes).toString('base64'), secret);
  return Uint8Array.from(bytes, random);
}

/** Other letters for letters, other digits for digits; what stands between them stays. */
function maskedText(text: string, secret: string): string {
  const random = randomBytes(text, secret);
  return text.replaceAll(/[\p{L}\p{N}]/gu, (character) => {
    if (/\d/.test(character)) return String(random() % 10);
    const letter = String.fromCharCode(97 + (random() % 26));
    return character === character.toLowerCase() ? letter : letter.toUpperCase();
  });
}

/** A number with as many digits, its exponent kept; without it where that would be too much for a number. */
function maskedNumber(text: string, secret: string): number {
  const random = randomBytes(text, secret);
  const [mantissa = '', exponent = '0'] = text.replaceAll(/(?<!e.*)\d/g, () => String(1 + (random() % 9))).split('e');
  const number = Number(`${mantissa}e${exponent}`);
  return Number.isFinite(number) ? number : Number(mantissa);
}

function maskedInteger(text: string, secret: string): bigint {
  const random = randomBytes(text, secret);
  return BigInt(text.replaceAll(/\d/g, () => String(1 + (random() % 9))));
}

/** Bytes that follow from a text, one after the other. */
function randomBytes(text: string, secret: string): () => number {
  let block = 0;
  let bytes: Uint8Array = new Uint8Array();
  let at = 0;
  return () => {
    if (at === bytes.length) {
      bytes = createHmac('sha256', secret).update(`${block++}:`).update(text).digest();
      at = 0;
    }
    return bytes[at++] ?? 0;
  };
}

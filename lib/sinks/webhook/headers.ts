import { ConfigError, DataError } from '../../core/errors.ts';
import { type KafkaRecord, originName } from '../../core/record.ts';
import type { IdOf } from './idempotency.ts';
import { constantOf, type Part, parseParts, renderParts } from './template.ts';

export type Headers = Readonly<Record<string, string>>;

export interface HeaderTemplates {
  /** What is the same for every record. */
  readonly constant: Headers;
  /** The headers of one record, without the constant ones; undefined when there are none. */
  readonly headersOf: ((record: KafkaRecord) => Headers) | undefined;
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// They belong to the connection, or to an option of their own.
const reserved = new Set(['connection', 'content-length', 'expect', 'host', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade']);

/** Reads the headers of requests; names are the operator's, records fill in parts of values. Throws a ConfigError. */
export function headerTemplates(headers: Headers, idOf: IdOf): HeaderTemplates {
  const constant: Record<string, string> = {};
  const varying: { readonly name: string; readonly parts: readonly Part[] }[] = [];
  for (const [name, text] of Object.entries(headers)) {
    const path = `connector.sink.headers.${name}`;
    checkName(name, path);
    const parts = parseParts(text, path, idOf);
    const fixed = constantOf(parts);
    if (fixed === undefined) varying.push({ name: name.toLowerCase(), parts });
    else constant[name.toLowerCase()] = constantValue(fixed, path);
  }
  if (varying.length === 0) return { constant, headersOf: undefined };
  return {
    constant,
    headersOf(record) {
      const found: Record<string, string> = {};
      for (const { name, parts } of varying) found[name] = renderParts(parts, record, escapeValue);
      return found;
    },
  };
}

/** Throws a ConfigError for a name that is none, or that is not the operator's to set. */
export function checkName(name: string, path: string): void {
  if (!token.test(name)) throw new ConfigError('CONFIG_INVALID', `Expected ${path} to be named like a header: letters, digits and dashes.`);
  if (reserved.has(name.toLowerCase()) || /^proxy-/i.test(name))
    throw new ConfigError('CONFIG_INVALID', `Expected no ${path}, as it belongs to the connection.`);
}

/** A header's value as it goes over the wire. Throws a ConfigError that does not repeat it. */
export function constantValue(text: string, path: string): string {
  if (/[\0-\x08\x0a-\x1f\x7f]/.test(text)) throw new ConfigError('CONFIG_INVALID', `Expected ${path} to be without control characters.`);
  return wireText(text);
}

// A line end in a value would begin a header of the record's own.
function escapeValue(text: string, { origin }: KafkaRecord): string {
  if (/[\0-\x08\x0a-\x1f\x7f]/.test(text) || !text.isWellFormed())
    throw new DataError(
      'HEADER_INVALID',
      `Expected what the record gives to a header to be without control characters (${originName(origin)})`,
    );
  return wireText(text);
}

/** Headers are bytes; everybody who reads more than ASCII reads UTF-8. */
function wireText(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : Buffer.from(text).toString('latin1');
}

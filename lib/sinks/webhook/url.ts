import { ConfigError, DataError } from '../../core/errors.ts';
import { type KafkaRecord, originName } from '../../core/record.ts';
import type { IdOf } from './idempotency.ts';
import { constantOf, type Part, parseParts, renderParts } from './template.ts';

export interface UrlOptions {
  readonly url: string;
  /** Paths, and prefixes that end in `*`, that a record may choose. */
  readonly allow: readonly string[];
  readonly maxTargets: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface UrlTemplate {
  /** Throws a DataError for a record that would reach another path than those written down. */
  readonly urlOf: (record: KafkaRecord) => URL;
  readonly origin: string;
  readonly host: string;
  /** Whether key, headers, value or target of a record have a say in the path. */
  readonly isSteered: boolean;
  readonly constant: URL | undefined;
}

const path = 'connector.sink.url';
const allowPath = 'connector.sink.allow';
const dayMs = 86_400_000;

/** Reads the URL. Scheme, host and port are the operator's; a record fills in parts of the path inside of an allowed prefix, and the query. Throws a ConfigError. */
export function urlTemplate({ url, allow, maxTargets, now }: UrlOptions, idOf: IdOf): UrlTemplate {
  const [, origin = '', rest = ''] = /^(https?:\/\/[^/?#{}\\\s]+)((?:[/?#].*)?)$/is.exec(url.trim()) ?? [];
  if (origin === '' || !URL.canParse(origin))
    throw invalid(`Expected ${path} to be an http or https URL whose host is written out. Placeholders may stand in path and query only.`);
  const base = new URL(origin);
  if (base.username !== '' || base.password !== '')
    throw invalid(`Expected ${path} without user and password. Set connector.sink.auth instead.`);
  const [location = '', ...queries] = (rest.split('#')[0] ?? '').split('?');
  const pathParts = parseParts(location === '' ? '/' : location, path, idOf).map((part) =>
    typeof part === 'string' ? encodeLiteral(part) : part,
  );
  const queryParts = parseParts(queries.join('?'), path, idOf);
  const fixedPath = constantOf(pathParts);
  const fixedQuery = constantOf(queryParts);
  const usesTarget = [...pathParts, ...queryParts].some((part) => typeof part !== 'string' && part.usesTarget);
  const isSteered = pathParts.some((part) => typeof part !== 'string' && part.steeredByRecord);
  const prefix = literalPrefix(pathParts);
  const isAllowed = allowList(allow, isSteered && prefix.length > 1 ? prefix : undefined);
  if (isSteered && prefix.length < 2 && allow.length === 0)
    throw invalid(
      `Expected ${allowPath}, as records choose the first part of the path in ${path}. Set it to the paths or prefixes they may choose, e.g. ["/orders/*"].`,
    );
  const toUrl = (record: KafkaRecord, pathText: string): URL => {
    const query = fixedQuery ?? renderParts(queryParts, record, escapeQuery);
    return new URL(`${base.origin}${pathText}${query === '' ? '' : `?${query}`}`);
  };
  const constant = fixedPath !== undefined && fixedQuery !== undefined ? new URL(`${base.origin}${rest.split('#')[0] ?? ''}`) : undefined;
  const count = counter(maxTargets, now);

  return {
    origin: base.origin,
    host: base.host,
    isSteered,
    constant,
    urlOf(record) {
      if (record.target !== undefined && !usesTarget)
        throw refused('TARGET_NOT_ALLOWED', `Record chose a target, and ${path} has no {target}`, record);
      if (constant !== undefined) return constant;
      if (fixedPath !== undefined) return toUrl(record, fixedPath);
      const pathText = renderParts(pathParts, record, escapeSegment);
      checkSegments(pathText, record);
      const result = toUrl(record, pathText);
      // What the parser makes of it is what is requested.
      if (result.origin !== base.origin || result.pathname !== pathText)
        throw refused('TARGET_INVALID', 'Expected the path of the record to be what a server reads in it', record);
      if (isSteered && !isAllowed(pathText)) throw refused('TARGET_NOT_ALLOWED', `Record chose a path that is not in ${allowPath}`, record);
      count(pathText.slice(0, pathText.lastIndexOf('/')), record);
      return result;
    },
  };
}

/** What the operator wrote, as it goes over the wire. */
function encodeLiteral(text: string): string {
  if (/%(?![0-9a-f]{2})/i.test(text)) throw invalid(`Expected every % in the path of ${path} to be followed by two hex digits.`);
  return text.replace(/[^\x21-\x7e]|["<>`^|]/gu, encodeURIComponent);
}

/** Up to and including the last slash in front of the first placeholder that a record steers: what the operator wrote down. */
function literalPrefix(parts: readonly Part[]): string {
  const [first] = parts;
  return typeof first === 'string' ? first.slice(0, first.lastIndexOf('/') + 1) : '';
}

/** One part of a path, percent-encoded. Throws a DataError for what a server could take for more than one part. */
function escapeSegment(text: string, record: KafkaRecord): string {
  if (/\p{Cc}/u.test(text) || !text.isWellFormed())
    throw refused('TARGET_INVALID', 'Expected the path of the record to be without control characters', record);
  if (/[/\\]|%(?:2e|2f|5c|25|00)/i.test(text))
    throw refused('TARGET_INVALID', 'Expected what the record gives to the path to be without separators, plain or encoded', record);
  return encodeURIComponent(text);
}

function checkSegments(pathText: string, record: KafkaRecord): void {
  for (const segment of pathText.split('/'))
    if (segment === '.' || segment === '..')
      throw refused('TARGET_INVALID', 'Expected the path of the record to be without dot segments', record);
}

function escapeQuery(text: string, record: KafkaRecord): string {
  if (!text.isWellFormed()) throw refused('TARGET_INVALID', 'Expected the query of the record to be well-formed text', record);
  return encodeURIComponent(text);
}

/** Counts the paths that records reach within a day, each without its last part: that is the thing, and the rest where it belongs. */
function counter(maxTargets: number, now: () => number): (collection: string, record: KafkaRecord) => void {
  let seen = new Set<string>();
  let since = now();
  return (collection, record) => {
    if (seen.has(collection)) return;
    if (now() - since >= dayMs) {
      seen = new Set();
      since = now();
    }
    if (seen.size >= maxTargets) {
      const message = `Record would reach path number ${maxTargets + 1} of ${path}, and connector.sink.maxTargets is ${maxTargets}`;
      throw refused('TOO_MANY_TARGETS', message, record);
    }
    seen.add(collection);
  };
}

/** Whether a path as it goes over the wire is allowed. The entries are written as people read paths. */
function allowList(allow: readonly string[], prefix: string | undefined): (pathText: string) => boolean {
  for (const [index, entry] of allow.entries())
    if (!entry.startsWith('/') || entry === '/*' || entry.slice(0, -1).includes('*'))
      throw invalid(
        `Expected ${allowPath}[${index}] to be a path that starts with /, or such a prefix followed by one *, but not /* itself.`,
      );
  const entries = allow.map((entry) => encodeURI(entry));
  return (pathText) =>
    (prefix !== undefined && pathText.startsWith(prefix)) ||
    entries.some((entry) => (entry.endsWith('*') ? pathText.startsWith(entry.slice(0, -1)) : pathText === entry));
}

function refused(code: string, message: string, { origin }: KafkaRecord): DataError {
  return new DataError(code, `${message} (${originName(origin)})`);
}

function invalid(message: string): ConfigError {
  return new ConfigError('CONFIG_INVALID', message);
}

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError, DataError, errorName } from '../../core/errors.ts';
import { isObject } from '../../core/field.ts';
import { toJson } from '../../core/json.ts';
import { type Header, type Origin, originName, type SourceRecord } from '../../core/record.ts';
import { decodeJson } from '../../formats/json.ts';
import type { DeadLetter } from './dead-letter.ts';
import { utf8Text } from './text.ts';

/** What an edit is given of a letter. */
export interface EditableLetter {
  readonly letter: DeadLetter;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** The value as UTF-8; undefined where it is none. */
  readonly text: string | undefined;
  /** The value as JSON; undefined where it is none. */
  readonly json: unknown;
  readonly headers: readonly Header[];
}

/** What is to be sent instead: bytes, text, or what becomes JSON. What is left out stays as it is; null for the whole leaves the letter where it is. */
export interface Edited {
  readonly key?: unknown;
  readonly value?: unknown;
  readonly headers?: readonly Header[];
}

/** Changes a letter's record before it is replayed; null when it is to stay. Throws a DataError for a letter that it cannot change. */
export type Edit = (letter: DeadLetter, record: SourceRecord) => Promise<SourceRecord | null>;

/** Loads the function `edit` of a file. Throws a ConfigError when there is none. */
export async function loadEdit(file: string): Promise<Edit> {
  const path = resolve(file);
  if (!existsSync(path)) throw new ConfigError('USAGE', `There is no ${path}. Name a file that exports a function edit with --transform.`);
  let loaded: unknown;
  try {
    loaded = await import(pathToFileURL(path).href);
  } catch (cause) {
    throw new ConfigError('USAGE', `${path} cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  const edit = isObject(loaded) ? (loaded['edit'] ?? loaded['default']) : undefined;
  if (typeof edit !== 'function')
    throw new ConfigError(
      'USAGE',
      `${path} exports no function edit. Write export function edit({ text, json, key, headers, letter }) { … }.`,
    );
  return async (letter, record) => {
    let edited: unknown;
    try {
      edited = await edit(editable(letter, record));
    } catch (cause) {
      throw new DataError('EDIT_FAILED', `The edit threw ${errorName(cause)} (${originName(letter.place)})`, { cause });
    }
    return edited === null ? null : applied(record, edited, letter.place);
  };
}

function editable(letter: DeadLetter, { key, value, headers }: SourceRecord): EditableLetter {
  return {
    letter,
    key,
    value,
    headers,
    text: value === null ? undefined : utf8Text(value),
    get json() {
      try {
        return value === null ? undefined : decodeJson(value, letter.place);
      } catch {
        return undefined;
      }
    },
  };
}

function applied(record: SourceRecord, edited: unknown, place: Origin): SourceRecord {
  if (!isObject(edited)) throw wrong('{ value, key, headers }, or null to leave the letter where it is', place);
  const { key, value, headers = record.headers }: { readonly [name in keyof Edited]?: unknown } = edited;
  const { origin, timestamp, timestampType } = record;
  if (!isHeaders(headers)) throw wrong('headers as a list of { key, value }, with bytes for values', place);
  return {
    origin,
    timestamp,
    timestampType,
    headers,
    key: 'key' in edited ? toBytes(key, place) : record.key,
    value: 'value' in edited ? toBytes(value, place) : record.value,
  };
}

function toBytes(value: unknown, place: Origin): Uint8Array | null {
  if (value === null || value instanceof Uint8Array) return value;
  if (typeof value === 'string') return Buffer.from(value);
  if (value === undefined) throw wrong('a key and a value that are there, or null', place);
  return Buffer.from(toJson(value));
}

function isHeaders(headers: unknown): headers is readonly Header[] {
  return (
    Array.isArray(headers) &&
    headers.every((header) => isObject(header) && typeof header['key'] === 'string' && header['value'] instanceof Uint8Array)
  );
}

function wrong(expected: string, place: Origin): DataError {
  return new DataError('EDIT_RETURNED_NOTHING', `Expected the edit to return ${expected} (${originName(place)})`);
}

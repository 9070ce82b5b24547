import { DataError } from '../../core/errors.ts';
import { fieldReader } from '../../core/field.ts';
import { type KafkaRecord, originName } from '../../core/record.ts';
import { parseTemplate } from '../../core/template.ts';
import type { IdOf } from './idempotency.ts';

/** What a template asks a record for. */
export interface Placeholder {
  /** The thing itself, for JSON; undefined when the record lacks it. */
  readonly read: (record: KafkaRecord) => unknown;
  /** As text. Throws a DataError `NAME_UNRESOLVED` when the record has none. */
  readonly text: (record: KafkaRecord) => string;
  /** Whether it is the whole value, which may be there as bytes. */
  readonly isValue: boolean;
  /** Whether key, headers, value or target of a record have a say in it. */
  readonly steeredByRecord: boolean;
  readonly usesTarget: boolean;
}

export type Part = string | Placeholder;

const braces = /\{([^{}]*)\}/g;

/** Reads text with placeholders: those that all sinks know, and {id}, {part}, {epoch}, {timestamp} and {value}. Throws a ConfigError `CONFIG_INVALID` that names the option. */
export function parseParts(text: string, path: string, idOf: IdOf): readonly Part[] {
  const parts: Part[] = [];
  let end = 0;
  const literal = (upTo: number): void => {
    const between = text.slice(end, upTo);
    if (between !== '') parts.push(parseTemplate(between, path).constant ?? between);
  };
  for (const match of text.matchAll(braces)) {
    literal(match.index);
    parts.push(placeholder(match[1] ?? '', path, idOf));
    end = match.index + match[0].length;
  }
  literal(text.length);
  return parts;
}

function placeholder(name: string, path: string, idOf: IdOf): Placeholder {
  const own = ownPlaceholder(name, idOf);
  if (own !== undefined)
    return { text: (record) => String(own(record)), read: own, isValue: false, steeredByRecord: false, usesTarget: false };
  if (name === 'value') {
    const text = (record: KafkaRecord): string => plainText(record.value, record);
    return { read: (record) => record.value, text, isValue: true, steeredByRecord: true, usesTarget: false };
  }
  const { render, steeredByRecord, usesTarget } = parseTemplate(`{${name}}`, path);
  return { read: reader(name, render), text: render, isValue: false, steeredByRecord, usesTarget };
}

function ownPlaceholder(name: string, idOf: IdOf): ((record: KafkaRecord) => string | number) | undefined {
  if (name === 'id') return idOf;
  if (name === 'part') return (record) => record.part;
  if (name === 'epoch') return (record) => record.version.epoch;
  return name === 'timestamp' ? (record) => record.timestamp : undefined;
}

function reader(name: string, text: (record: KafkaRecord) => string): (record: KafkaRecord) => unknown {
  if (name === 'partition') return (record) => record.origin.partition;
  if (name === 'offset') return (record) => record.origin.offset;
  if (name === 'key') return (record) => record.key;
  if (name.startsWith('key.') || name.startsWith('value.')) {
    const side = name.startsWith('key.') ? 'key' : 'value';
    const field = fieldReader(name.slice(side.length + 1));
    return (record) => field(record[side]);
  }
  // A header or target that is not there is null in JSON.
  if (name === 'target') return (record) => record.target;
  if (!name.startsWith('header:')) return text;
  const header = name.slice('header:'.length);
  return (record) => (record.headers.some(({ key }) => key === header) ? text(record) : undefined);
}

function plainText(value: unknown, { origin }: KafkaRecord): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  throw new DataError(
    'NAME_UNRESOLVED',
    `Expected {value} to be text or a number, found something else in the record (${originName(origin)})`,
  );
}

/** The text that parts come to for one record, with what the record gives escaped for its place. */
export function renderParts(
  parts: readonly Part[],
  record: KafkaRecord,
  escapeText: (text: string, record: KafkaRecord) => string,
): string {
  let text = '';
  for (const part of parts) text += typeof part === 'string' ? part : escapeText(part.text(record), record);
  return text;
}

/** The text when it is the same for every record. */
export function constantOf(parts: readonly Part[]): string | undefined {
  return parts.every((part) => typeof part === 'string') ? parts.join('') : undefined;
}

import { DataError } from '../../core/errors.ts';
import { isObject } from '../../core/field.ts';
import { toJson } from '../../core/json.ts';
import { type KafkaRecord, originName } from '../../core/record.ts';
import type { Settings } from './options.ts';
import type { FieldColumn, Plan } from './plan.ts';
import { canonical, isOnlySpelling, isSameAsJson } from './spelling.ts';
import { expectedBy, foundIn } from './values.ts';

/** Texts of the primary key's columns; none where there is no key, or it is the origin. Throws a DataError when a part is missing or does not fit. */
export function keyTexts(record: KafkaRecord, plan: Plan, key: Settings['key']): readonly string[] {
  if (key.from === 'none' || key.from === 'origin') return noKey;
  const texts: string[] = [];
  for (const part of plan.key) texts.push(keyText(part, keyPart(record, part, key), record, key.from));
  return texts;
}

/** Whether a row of other texts is surely another row. */
export function isCertain(record: KafkaRecord, texts: readonly string[], plan: Plan, key: Settings['key'], raw: boolean): boolean {
  for (let index = 0; index < texts.length; index++) {
    const part = plan.key[index];
    if (part === undefined) continue;
    if (!isOnlySpelling(part.column, texts[index] ?? '')) return false;
    if (raw && key.from === 'value' && !isSameAsJson(part.column, own(record.value, part.field))) return false;
  }
  return true;
}

/** Identity without a look at the table, so that it can be asked for at any time. */
export function identityOf(record: KafkaRecord, { key }: Settings, fieldOf: (column: string) => string): string | null {
  if (key.from === 'none') return null;
  if (key.from === 'origin') return identityText(record, noKey, 'origin');
  const texts: string[] = [];
  for (const column of key.columns) {
    const part = keyPart(record, { field: fieldOf(column) }, key);
    if (part === null || part === undefined) return null;
    const text = typeof part === 'string' ? part : typeof part === 'object' ? jsonOf(part) : String(part);
    if (text === undefined) return null;
    texts.push(text);
  }
  return joined(texts);
}

function jsonOf(part: object): string | undefined {
  try {
    return toJson(part);
  } catch {
    return undefined; // such a record is refused anyway
  }
}

const noKey: readonly string[] = [];

/** What two rows must share to be the same one, by the texts of their keys. */
export function identityText({ version, part }: KafkaRecord, key: readonly string[], from: Settings['key']['from']): string | null {
  if (from === 'none') return null;
  if (from !== 'origin') return joined(key);
  return `${version.topic}\0${version.epoch}\0${version.partition}\0${version.offset}\0${part}`;
}

function joined(texts: readonly string[]): string {
  return texts.length === 1 ? (texts[0] ?? '') : texts.map((text) => `${text.length}:${text}`).join('');
}

function keyPart(record: KafkaRecord, { field }: { readonly field: string }, { from, columns }: Settings['key']): unknown {
  if (from === 'value') return own(record.value, field);
  const { key } = record;
  if (isObject(key)) return own(key, field);
  return columns.length === 1 ? key : undefined;
}

/** A field of an object's own. */
export function own(value: unknown, field: string): unknown {
  return isObject(value) && Object.hasOwn(value, field) ? value[field] : undefined;
}

function keyText(part: FieldColumn, found: unknown, record: KafkaRecord, from: string): string {
  const text = found === null || found === undefined ? undefined : part.toText(found);
  if (text !== undefined) return canonical(part.column, text);
  const where = from === 'key' ? 'the Kafka key' : `field ${JSON.stringify(shortened(part.field))}`;
  const message = `Expected ${where} to be ${expectedBy(part.column)} for column ${JSON.stringify(part.column.name)}, got ${foundIn(found)} (${originName(record.origin)})`;
  return fail(new DataError('SINK_RECORD_WITHOUT_KEY', message));
}

/** A name of a field, as far as a message should repeat it. */
export function shortened(name: string): string {
  return name.length <= 63 ? name : `${name.slice(0, 60)}…`;
}

function fail(error: DataError): never {
  throw error;
}

import { ConfigError, DataError } from '../../core/errors.ts';
import { toJson } from '../../core/json.ts';
import type { KafkaRecord } from '../../core/record.ts';
import { parseTemplate } from '../../core/template.ts';
import { join, type Limit, type Piece } from './cut.ts';
import type { Escape } from './escape.ts';

/** What a text may say beyond what is in the record. */
export interface Facts {
  readonly connector: string;
  readonly severity: string;
  readonly status: string;
  readonly count: number;
  readonly group: string;
}

/** Fills in one record, with the values escaped for where the text is shown, and cut to what fits there. */
export type Text = (record: KafkaRecord, facts: Facts, escaped: Escape, limit: Limit) => string;

/** What is shown for a field that a record does not have: an alert about a broken record is still an alert. */
const nothing = '–';
const factNames: readonly (keyof Facts)[] = ['connector', 'severity', 'status', 'count', 'group'];

/** Reads a text with placeholders. What is written around them is the operator's own markup and stays as it is. Throws a ConfigError that names the option. */
export function parseText(template: string, path: string): Text {
  const parts = template.split(/(\{[^{}]*\})/).filter((part) => part !== '');
  const readers = parts.map((part) => pieceReader(part, path));
  return (record, facts, escaped, limit) =>
    join(
      readers.map((read) => read(record, facts)),
      escaped,
      limit,
    );
}

function pieceReader(part: string, path: string): (record: KafkaRecord, facts: Facts) => Piece {
  const fact = factNames.find((name) => part === `{${name}}`);
  if (fact !== undefined) return (_, facts) => ({ text: String(facts[fact]), isValue: true });
  const { constant, render } = parseTemplate(part, path);
  if (constant !== undefined) return () => ({ text: constant, isValue: false });
  return (record) => ({ text: rendered(() => render(record)), isValue: true });
}

function rendered(render: () => string): string {
  try {
    return render();
  } catch (error) {
    if (error instanceof DataError) return nothing;
    throw error;
  }
}

/** The value as JSON, for who wrote no text; a tombstone has none. */
export const valueText: Text = (record, _, escaped, limit) =>
  record.value === null ? '' : join([{ text: rendered(() => jsonOf(record)), isValue: true }], escaped, limit);

function jsonOf({ value, bytes }: KafkaRecord): string {
  return bytes === undefined ? toJson(value) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

/** Reads the URL of a link; values are percent-encoded. Throws a ConfigError unless the operator wrote where it leads. */
export function parseLink(template: string, path: string): (record: KafkaRecord, facts: Facts) => string | undefined {
  const steered = template.indexOf('{');
  const written = steered < 0 ? template : template.slice(0, steered);
  if (!/^https?:\/\/[^/?#{}@\\\s]+(?:[/?#]|$)/.test(written) || (steered >= 0 && !/^https?:\/\/[^/]+[/?#]/.test(written)))
    throw new ConfigError(
      'CONFIG_INVALID',
      `Expected ${path} to begin with https://, a host and a slash, as records must not choose where a link leads.`,
    );
  const text = parseText(template, path);
  return (record, facts) => {
    const url = text(record, facts, encodeURIComponent, { max: 2_000, unit: 'bytes' });
    return url.endsWith('…') || !URL.canParse(url) ? undefined : new URL(url).href;
  };
}

import { DataError } from '../../core/errors.ts';
import { fieldReader, isObject } from '../../core/field.ts';
import { toJson } from '../../core/json.ts';
import type { KafkaRecord } from '../../core/record.ts';
import type { Format } from './body.ts';
import { type Envelope, headersJson } from './json.ts';

/** A column: a field of the value by its dotted name, under that name or another. */
export type Column = string | { readonly name: string; readonly field: string };

export interface CsvOptions {
  readonly columns: readonly Column[];
  readonly header: boolean;
  readonly delimiter: string;
  /** What stands for a null or absent field. Text that looks the same is quoted. */
  readonly null: string;
}

type Cell = (record: KafkaRecord) => unknown;

/** Rows as in RFC 4180, each ended by a line feed. */
export function csvFormat({ columns, header, delimiter, null: nullText }: CsvOptions, envelope: Envelope): Format {
  const named: { readonly name: string; readonly cell: Cell }[] = [
    ...envelopeColumns(envelope),
    ...columns.map((column) => {
      const { name, field } = typeof column === 'string' ? { name: column, field: column } : column;
      const read = fieldReader(field);
      return { name, cell: ({ value }: KafkaRecord) => read(value) };
    }),
  ];
  const special = /["\r\n]/;
  const quoted = (text: string): string =>
    text === '' || text === nullText || text.includes(delimiter) || special.test(text) || text !== text.trim()
      ? `"${text.replaceAll('"', '""')}"`
      : text;
  const toText = (value: unknown): string => {
    if (value === null || value === undefined) return nullText;
    return quoted(typeof value === 'string' ? value : isScalar(value) ? String(value) : jsonCell(value));
  };
  return {
    ...{ extension: '.csv', contentType: 'text/csv; charset=utf-8', footer: '', between: '', foldsLines: false },
    header: header ? `${named.map(({ name }) => quoted(name)).join(delimiter)}\n` : '',
    append(record, body) {
      if (record.value !== null && !isObject(record.value))
        throw new DataError('VALUE_NOT_OBJECT', 'Expected a value with fields for the columns of a CSV, found something else');
      const row = named.map(({ cell }) => toText(cell(record))).join(delimiter);
      body.text(`${rowStart(row, named.length)}${row}\n`);
    },
  };
}

/** An empty only column would be an empty line, which readers skip. */
function rowStart(row: string, columns: number): string {
  return row === '' && columns === 1 ? '""' : '';
}

function isScalar(value: unknown): boolean {
  return typeof value === 'boolean' || typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value));
}

function jsonCell(value: unknown): string {
  const json = toJson(value);
  return json.startsWith('"') ? (JSON.parse(json) as string) : json; // bytes and dates are text
}

function envelopeColumns(envelope: Envelope): { name: string; cell: Cell }[] {
  const metadata = [
    { name: '_topic', cell: ({ version }: KafkaRecord) => version.topic },
    { name: '_partition', cell: ({ version }: KafkaRecord) => version.partition },
    { name: '_offset', cell: ({ version }: KafkaRecord) => version.offset },
    { name: '_epoch', cell: ({ version }: KafkaRecord) => version.epoch },
    { name: '_part', cell: ({ part }: KafkaRecord) => part },
    { name: '_timestamp', cell: ({ timestamp }: KafkaRecord) => timestamp },
  ];
  return [
    ...(envelope.includes('metadata') ? metadata : []),
    ...(envelope.includes('key') ? [{ name: '_key', cell: ({ key }: KafkaRecord) => key }] : []),
    ...(envelope.includes('headers') ? [{ name: '_headers', cell: ({ headers }: KafkaRecord) => headersJson(headers) }] : []),
  ];
}

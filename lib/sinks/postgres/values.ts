import { toJson } from '../../core/json.ts';
import type { Column } from './catalog.ts';
import { clockText, instantText } from './time.ts';

/** The value as the text that the type of a column reads, or undefined when it surely does not fit. What is not sure is left to the server. */
export type ToText = (value: unknown) => string | undefined;

/** Converts values for a column, as `jsonb_to_recordset` would convert their JSON. Nothing and null are the caller's business. */
export function toTextFor(column: Column): ToText {
  if (column.kind === 'array') return arrayText(toTextFor({ ...column, kind: 'plain' }));
  if (column.labels !== undefined) return enumText(new Set(column.labels));
  switch (column.base) {
    case 'int2':
      return integerText(2 ** 15);
    case 'int4':
      return integerText(2 ** 31);
    case 'int8':
      return integerText(2 ** 63);
    case 'float4':
    case 'float8':
      return floatText;
    case 'numeric':
      return numericText(column);
    case 'bool':
      return booleanText;
    case 'json':
      return jsonText;
    case 'jsonb':
      return jsonbText;
    case 'timestamptz':
    case 'timestamp':
      return timestampText;
    case 'date':
      return dateText;
    case 'time':
    case 'timetz':
      return timeText;
    case 'uuid':
      return uuidText;
    case 'bytea':
      return bytesText;
    default:
      return plainText(column.maxLength);
  }
}

function integerText(limit: number): ToText {
  return (value) => {
    if (typeof value === 'number') return Number.isInteger(value) && value >= -limit && value < limit ? integerDigits(value) : undefined;
    if (typeof value === 'bigint') return value >= BigInt(-limit) && value < BigInt(limit) ? String(value) : undefined;
    if (typeof value !== 'string') return undefined;
    if (!integerPattern.test(value)) return laxInteger.test(value) ? value : undefined;
    const whole = BigInt(value.trim());
    return whole >= BigInt(-limit) && whole < BigInt(limit) ? value : undefined;
  };
}

const integerPattern = /^\s*[+-]?\d{1,30}\s*$/;
const laxInteger = /^\s*[+-]?\d[\da-fxo_]*\s*$/i; // newer servers read 0x1F and 1_000

function integerDigits(value: number): string {
  return value === 0 ? '0' : Math.abs(value) < 1e21 ? String(value) : String(BigInt(value));
}

const numberPattern = /^\s*[+-]?(\d[\d_]*\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;
const specialNumber = /^\s*([+-]?inf(inity)?|nan|0[xob][\da-f_]+)\s*$/i;

const floatText: ToText = (value) => {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return typeof value === 'string' && (numberPattern.test(value) || specialNumber.test(value)) ? value : undefined;
};

function numericText({ precision, scale = 0 }: Column): ToText {
  const limit = precision === undefined ? Number.POSITIVE_INFINITY : 10 ** (precision - scale);
  return (value) => {
    const text = floatText(value);
    return text !== undefined && Math.abs(Number(text)) > limit ? undefined : text;
  };
}

const booleanWord = /^\s*(t(r(ue?)?)?|f(a(l(se?)?)?)?|y(es?)?|no?|on|off?|[01])\s*$/i;

const booleanText: ToText = (value) => {
  if (value === true) return 't';
  if (value === false) return 'f';
  if (value === 1 || value === 0) return String(value);
  return typeof value === 'string' && booleanWord.test(value) ? value : undefined;
};

/** Text of any scalar; of what is nested its JSON. */
function plainText(maxLength: number | undefined): ToText {
  return (value) => {
    const text = typeof value === 'string' ? value : scalarText(value);
    if (text === undefined || text.includes('\0') || !text.isWellFormed()) return undefined;
    if (maxLength !== undefined && text.length > maxLength && [...text.trimEnd()].length > maxLength) return undefined;
    return text;
  };
}

function scalarText(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : undefined;
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (value instanceof Date) return instantText(value.getTime());
  return jsonText(value);
}

const jsonText: ToText = (value) => {
  try {
    return toJson(value);
  } catch {
    return undefined;
  }
};

// Well-formed JSON.stringify writes escapes of surrogates only for those without a partner.
const notInJsonb = /(?:^|[^\\])(?:\\\\)*\\u(?:0000|d[89a-f])/;

const jsonbText: ToText = (value) => {
  const text = jsonText(value);
  return text === undefined || (text.includes('\\u') && notInJsonb.test(text)) ? undefined : text;
};

const hasDigit = /\d/;
const timeWord = /^\s*(now|today|tomorrow|yesterday|epoch|allballs|[+-]?infinity)\s*$/i;

/** Text as it is, a date, or milliseconds since the epoch. */
const timestampText: ToText = (value) => {
  if (typeof value === 'string') return wordOrDigits(value);
  if (value instanceof Date) return instantText(value.getTime());
  return typeof value === 'number' || typeof value === 'bigint' ? instantText(Number(value)) : undefined;
};

const dateText: ToText = (value) => {
  if (typeof value === 'string') return wordOrDigits(value);
  return value instanceof Date ? instantText(value.getTime()) : undefined;
};

const timeText: ToText = (value) => {
  if (typeof value === 'string') return wordOrDigits(value);
  return value instanceof Date ? clockText(value) : undefined;
};

const isoStart = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)|$)/;

function wordOrDigits(text: string): string | undefined {
  const iso = isoStart.exec(text);
  if (iso !== null) {
    const [, , month = '', day = '', hour = '00', minute = '00'] = iso;
    return month >= '01' && month <= '12' && day >= '01' && day <= '31' && hour <= '24' && minute <= '59' ? text : undefined;
  }
  return (hasDigit.test(text) || timeWord.test(text)) && !text.includes('\0') && text.isWellFormed() ? text : undefined;
}

const uuidPattern = /^\s*\{?([\da-f]{4}-?){7}[\da-f]{4}\}?\s*$/i;
const uuidText: ToText = (value) => (typeof value === 'string' && uuidPattern.test(value) ? value : undefined);

const bytesText: ToText = (value) => {
  if (ArrayBuffer.isView(value)) return `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`;
  const text = typeof value === 'string' ? value : scalarText(value);
  return text === undefined ? undefined : clean(text);
};

function enumText(labels: ReadonlySet<string>): ToText {
  return (value) => {
    const text = typeof value === 'string' ? value : scalarText(value);
    return text !== undefined && labels.has(text) ? text : undefined;
  };
}

/** A list as an array, nested lists as further dimensions; text is taken for an array that is spelled out. */
function arrayText(toText: ToText): ToText {
  return (value) => {
    if (typeof value === 'string') return value.startsWith('{') || value.startsWith('[') ? clean(value) : undefined;
    return Array.isArray(value) ? arrayItems(value, toText) : undefined;
  };
}

function arrayItems(items: readonly unknown[], toText: ToText): string | undefined {
  const texts: string[] = [];
  for (const item of items) {
    const text = Array.isArray(item) ? arrayItems(item, toText) : item === null || item === undefined ? 'NULL' : quotedItem(toText(item));
    if (text === undefined) return undefined;
    texts.push(text);
  }
  return `{${texts.join(',')}}`;
}

function quotedItem(text: string | undefined): string | undefined {
  const cleaned = text === undefined ? undefined : clean(text);
  return cleaned === undefined ? undefined : `"${cleaned.replace(/["\\]/g, '\\$&')}"`;
}

function clean(text: string): string | undefined {
  return text.includes('\0') || !text.isWellFormed() ? undefined : text;
}

/** What a column takes, in words for a message. */
export function expectedBy({ type, labels }: Column): string {
  return labels === undefined ? `a value for ${type}` : `one of the labels of ${type}`;
}

/** What was found, without repeating it. */
export function foundIn(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (ArrayBuffer.isView(value)) return 'bytes';
  if (value instanceof Date) return 'a date';
  return typeof value === 'string' ? 'text' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

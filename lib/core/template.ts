import { type CalendarToken, calendarParts, isSteady, zoneNamed } from './calendar.ts';
import { ConfigError, DataError } from './errors.ts';
import { fieldReader } from './field.ts';
import { type KafkaRecord, originName } from './record.ts';

export interface Template {
  /** The text for one record. Throws a DataError `NAME_UNRESOLVED` when the record lacks what a placeholder asks for. */
  render(record: KafkaRecord): string;
  /** Whether key, headers, value or target of a record have a say in the text. */
  readonly steeredByRecord: boolean;
  /** Whether the text contains the target that a transform chose. */
  readonly usesTarget: boolean;
  /** What every text starts with. */
  readonly literalPrefix: string;
  /** The text, when it is the same for every record. */
  readonly constant?: string;
  /** True when nothing but the topic makes a difference. */
  readonly byTopicOnly: boolean;
  /** How many milliseconds of a partition share one text, counted from the epoch; undefined where more than topic, partition and time has a say. */
  readonly stableMs?: number;
  /** The part of the text that key, headers, value or target of a record decide. */
  choice(record: KafkaRecord): string;
}

export interface TemplateOptions {
  /** IANA name of the zone that `{timestamp:…}` is in. Default: UTC. */
  readonly timeZone?: string | undefined;
  /** What `{timestamp:…}` shows, in milliseconds since the epoch. Default: the record's timestamp. */
  readonly timeOf?: ((record: KafkaRecord) => number) | undefined;
}

type Render = (record: KafkaRecord) => string;
type Steering = 'topic' | 'position' | 'record' | 'target';
interface Placeholder {
  readonly render: Render;
  readonly steering: Steering;
  readonly stableMs?: number;
}

const known = '{topic}, {partition}, {offset}, {timestamp:yyyy-MM-dd}, {key}, {key.field}, {header:name}, {value.field}, {target}';

/** Reads text with placeholders, e.g. `quakes-{timestamp:yyyy-MM}`. Throws a ConfigError `CONFIG_INVALID` that names the option at `path`. */
export function parseTemplate(text: string, path: string, options: TemplateOptions = {}): Template {
  const parts: (string | Placeholder)[] = [];
  let end = 0;
  for (const match of text.matchAll(/\{([^{}]*)\}/g)) {
    addLiteral(parts, text.slice(end, match.index), path);
    parts.push(placeholder(match[1] ?? '', path, options));
    end = match.index + match[0].length;
  }
  addLiteral(parts, text.slice(end), path);
  const placeholders = parts.filter((part) => typeof part !== 'string');
  const steerings = new Set(placeholders.map(({ steering }) => steering));
  const steered = placeholders.filter(({ steering }) => steering === 'record' || steering === 'target');
  const stableMs = Math.min(...placeholders.map((each) => each.stableMs ?? Number.NaN));
  return {
    render: renderer(parts),
    steeredByRecord: steerings.has('record') || steerings.has('target'),
    usesTarget: steerings.has('target'),
    literalPrefix: typeof parts[0] === 'string' ? parts[0] : '',
    byTopicOnly: [...steerings].every((steering) => steering === 'topic'),
    choice: renderer(steered.flatMap((each) => [each, '\n'])),
    ...(Number.isNaN(stableMs) ? {} : { stableMs }),
    ...(placeholders.length === 0 ? { constant: text } : {}),
  };
}

function addLiteral(parts: (string | Placeholder)[], literal: string, path: string): void {
  if (/[{}]/.test(literal)) throw invalid(`Expected every brace in ${path} to belong to a placeholder. Known placeholders: ${known}.`);
  if (literal !== '') parts.push(literal);
}

function renderer(parts: readonly (string | Placeholder)[]): Render {
  const [first, second] = parts;
  if (first === undefined) return () => '';
  if (second === undefined) return typeof first === 'string' ? () => first : first.render;
  return (record) => {
    let text = '';
    for (const part of parts) text += typeof part === 'string' ? part : part.render(record);
    return text;
  };
}

// By the version, so that a replayed dead letter goes where its record would have gone.
function placeholder(name: string, path: string, options: TemplateOptions): Placeholder {
  if (name === 'topic') return { steering: 'topic', stableMs: Number.POSITIVE_INFINITY, render: ({ version }) => version.topic };
  if (name === 'partition')
    return { steering: 'position', stableMs: Number.POSITIVE_INFINITY, render: ({ version }) => String(version.partition) };
  if (name === 'offset') return { steering: 'position', render: ({ version }) => String(version.offset) };
  if (name === 'target') return { steering: 'target', render: (record) => scalar(record.target, name, record) };
  if (name === 'key') return { steering: 'record', render: (record) => scalar(record.key, name, record) };
  if (name.startsWith('timestamp:')) return timestamp(name.slice('timestamp:'.length), path, options);
  if (name.startsWith('header:') && name.length > 'header:'.length) {
    const header = name.slice('header:'.length);
    return { steering: 'record', render: (record) => scalar(headerText(record, header), name, record) };
  }
  const side = name.startsWith('value.') ? 'value' : name.startsWith('key.') ? 'key' : undefined;
  if (side === undefined || name.split('.').includes('')) throw invalid(`Unknown placeholder {${name}} in ${path}. Known: ${known}.`);
  const read = fieldReader(name.slice(side.length + 1));
  return { steering: 'record', render: (record) => scalar(read(record[side]), name, record) };
}

function scalar(value: unknown, name: string, record: KafkaRecord): string {
  if (typeof value === 'string' && value !== '') return value;
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  throw unresolved(name, record);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The last header of that name, as in Kafka's `lastHeader`. */
function headerText(record: KafkaRecord, name: string): string | undefined {
  const header = record.headers.findLast(({ key }) => key === name);
  if (header === undefined) return undefined;
  try {
    return utf8.decode(header.value);
  } catch {
    return undefined;
  }
}

const tokens = /yyyy|MM|dd|HH|mm|ss/g;

function timestamp(
  format: string,
  path: string,
  { timeZone = 'UTC', timeOf = ({ timestamp }) => timestamp }: TemplateOptions,
): Placeholder {
  if (format.search(tokens) < 0 || /[A-Za-z]/.test(format.replace(tokens, '')))
    throw invalid(`Unknown date format {timestamp:${format}} in ${path}. Known parts: yyyy, MM, dd, HH, mm and ss.`);
  const unitMs = format.includes('ss') ? 1_000 : format.includes('mm') ? 60_000 : format.includes('HH') ? 3_600_000 : 86_400_000;
  const zone = zoneNamed(timeZone);
  const stableMs = Math.min(unitMs, zone.steadyMs);
  let lastUnit = Number.NaN;
  let lastText = '';
  const render: Render = (record) => {
    const time = timeOf(record);
    const unit = Math.floor(time / stableMs);
    if (unit === lastUnit && isSteady(time)) return lastText;
    const parts = calendarParts(time, zone); // Kafka says -1 for a record without a timestamp.
    if (parts === undefined) throw unresolved('timestamp', record);
    lastText = format.replace(tokens, (token) => parts[token as CalendarToken]);
    lastUnit = unit;
    return lastText;
  };
  return { steering: 'position', stableMs, render };
}

function unresolved(name: string, record: KafkaRecord): DataError {
  return new DataError(
    'NAME_UNRESOLVED',
    `Expected {${name}} to be text or a number, found none in the record (${originName(record.origin)})`,
  );
}

function invalid(message: string): ConfigError {
  return new ConfigError('CONFIG_INVALID', message);
}

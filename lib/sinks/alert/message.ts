import { type Limit, measure } from './cut.ts';
import type { Escape } from './escape.ts';
import { type Notice, originsOf, type Status, textOf, titleOf } from './notice.ts';
import { type Severity, worst } from './severity.ts';

/** What is sent at once: one notice, or several as a digest. */
export interface Message {
  readonly notices: readonly [Notice, ...Notice[]];
  readonly severity: Severity;
  readonly status: Status;
}

export function messageOf(notices: readonly [Notice, ...Notice[]]): Message {
  const firing = notices.filter(({ status }) => status === 'firing');
  const told: readonly Notice[] = firing.length > 0 ? firing : notices;
  const severity = told.reduce<Severity>((bad, notice) => worst(bad, notice.severity), 'info');
  return { notices, severity, status: firing.length > 0 ? 'firing' : 'resolved' };
}

/** One line that says how bad it is, how often, and what: `CRITICAL ×3: disk full`. */
export function headingOf({ notices, severity, status }: Message, escaped: Escape, limit: Limit): string {
  const [first, ...others] = notices;
  if (others.length === 0) return noticeHeading(first, escaped, limit);
  return `${label({ severity, status })}: ${notices.length} alerts of ${escaped(first.connector)}`;
}

function noticeHeading(notice: Notice, escaped: Escape, { max, unit }: Limit): string {
  const times = notice.events.length > 1 ? ` ×${notice.events.length}` : '';
  const start = `${label(notice)}${times}: `;
  return start + titleOf(notice, escaped, { max: Math.max(0, max - measure(start, unit)), unit });
}

function label({ severity, status }: { readonly severity: Severity; readonly status: Status }): string {
  return status === 'resolved' ? 'RESOLVED' : severity.toUpperCase();
}

/** The text of the only notice, or a line for each of several; what does not fit any more is counted: `… and 37 more`. */
export function contentOf({ notices }: Message, escaped: Escape, limit: Limit, bullet = '• '): string {
  const [first, ...others] = notices;
  if (others.length === 0) return textOf(first, escaped, limit);
  const { max, unit } = limit;
  const reserved = measure(`… and ${notices.length} more`, unit);
  let text = '';
  let used = 0;
  for (const [index, notice] of notices.entries()) {
    const line = `${bullet}${digestLine(notice, escaped, unit)}\n`;
    const size = measure(line, unit);
    if (used + size + (index < others.length ? reserved : 0) > max) return `${text}… and ${notices.length - index} more`;
    text += line;
    used += size;
  }
  return text.trimEnd();
}

function digestLine(notice: Notice, escaped: Escape, unit: Limit['unit']): string {
  const inLine: Escape = (value) => escaped(value.replace(/\s+/g, ' '));
  const text = textOf(notice, inLine, { max: 200, unit }).replaceAll('\n', ' ');
  const heading = noticeHeading(notice, inLine, { max: 150, unit });
  return `${heading}${text === '' ? '' : ` — ${text}`} · ${originsOf(notice)}`;
}

/** Where the records are in Kafka, and when the last one happened. */
export function footerOf({ notices }: Message): string {
  const [first, ...others] = notices;
  return others.length === 0 ? `${originsOf(first)} · ${first.connector}` : first.connector;
}

/** What `build` makes with as much text as lets the whole of it be at most that many bytes. */
export function fitted(build: (maxTextBytes: number) => string, maxBytes: number): string {
  for (let room = maxBytes; ; ) {
    const body = build(room);
    const over = Buffer.byteLength(body) - maxBytes;
    if (over <= 0 || room === 0) return body;
    room = Math.max(0, Math.floor(room * 0.9) - over);
  }
}

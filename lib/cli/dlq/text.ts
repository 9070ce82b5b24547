import { stripVTControlCharacters } from 'node:util';
import { type Origin, originName } from '../../core/record.ts';
import type { DeadLetter } from './dead-letter.ts';

const weekMs = 7 * 86_400_000;

/** A time as people read it, in the time zone of the machine: `Mon 09:14` within the last week, otherwise with its date. */
export function shortTime(time: number, now: number): string {
  const date = new Date(time);
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}`;
  if (time > now - weekMs && time <= now + 60_000) return `${date.toLocaleDateString('en-US', { weekday: 'short' })} ${clock}`;
  return `${dayOf(date)} ${clock}`;
}

/** The same with seconds and the date, whenever it was. */
export function longTime(time: number): string {
  const date = new Date(time);
  return `${dayOf(date)} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

function dayOf(date: Date): string {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** Text of others on one line of a terminal, which it must not steer. */
export function printable(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\p{Cc}|\p{Cf}/gu, '')
    .trim();
}

export function cut(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}

/** Why the record failed, without saying again which one it was. */
export function becauseOf({ code, message }: Pick<DeadLetter, 'code' | 'message'>): string {
  const said = message.replaceAll(/ ?\([a-zA-Z0-9._-]+-\d+@\d+\)/g, '');
  return printable(`${code}  ${said}`).replace(code, `${code} `).trim();
}

/** The first few places, and how many more there are. */
export function placesText(places: readonly Origin[], limit = 5): string {
  const named = places.slice(0, limit).map(originName).join(', ');
  return places.length <= limit ? named : `${named} and ${places.length - limit} more`;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Bytes as the text that they are, otherwise as nothing. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

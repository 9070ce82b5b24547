import { calendarParts, type Zone } from '../../core/calendar.ts';

export type Every = 'hour' | 'day';

/** An hour or a day of the calendar. */
export interface Period {
  /** `2026-03-04` or `2026-03-04T05`. Where clocks are set back, the hour that comes twice is one. */
  readonly name: string;
  /** Milliseconds since the epoch; the end is not part of it. */
  readonly start: number;
  readonly end: number;
}

/** No zone changes its offset in between. */
const stepMs = 900_000;

/** The period that a time falls into; undefined where the calendar does not reach. */
export function periodOf(time: number, every: Every, zone: Zone): Period | undefined {
  const name = nameOf(time, every, zone);
  if (name === undefined) return undefined;
  const step = Math.floor(time / stepMs) * stepMs;
  let start = step;
  while (nameOf(start - stepMs, every, zone) === name) start -= stepMs;
  let end = step + stepMs;
  while (nameOf(end, every, zone) === name) end += stepMs;
  return { name, start, end };
}

function nameOf(time: number, every: Every, zone: Zone): string | undefined {
  const parts = calendarParts(time, zone);
  if (parts === undefined) return undefined;
  const day = `${parts.yyyy}-${parts.MM}-${parts.dd}`;
  return every === 'day' ? day : `${day}T${parts.HH}`;
}

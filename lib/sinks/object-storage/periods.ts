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

/** The ends are looked for in strides, and then by the minute, as some clocks are set on odd ones. */
const strideMs = 900_000;
const minuteMs = 60_000;

/** The period that a time falls into; undefined where the calendar does not reach. */
export function periodOf(time: number, every: Every, zone: Zone): Period | undefined {
  const name = nameOf(time, every, zone);
  if (name === undefined) return undefined;
  const minute = Math.floor(time / minuteMs) * minuteMs;
  let start = minute;
  let end = minute + minuteMs;
  for (const stepMs of [strideMs, minuteMs]) {
    while (nameOf(start - stepMs, every, zone) === name) start -= stepMs;
    while (nameOf(end + stepMs - minuteMs, every, zone) === name) end += stepMs;
  }
  return { name, start, end };
}

function nameOf(time: number, every: Every, zone: Zone): string | undefined {
  const parts = calendarParts(time, zone);
  if (parts === undefined) return undefined;
  const day = `${parts.yyyy}-${parts.MM}-${parts.dd}`;
  return every === 'day' ? day : `${day}T${parts.HH}`;
}

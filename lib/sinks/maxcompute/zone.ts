import { ConfigError } from '../../core/errors.ts';

/** A time zone: how far its clocks are ahead of UTC. */
export interface Zone {
  /** Milliseconds to add to an instant to get what the clocks of the zone show. */
  offsetMs(instantMs: number): number;
  /** The instant at which the clocks of the zone show this; the earlier one where they show it twice. */
  toInstant(localMs: number): number;
}

/** Reads `UTC`, `+08:00`, `GMT+8` or a name such as `Asia/Shanghai`. Throws a ConfigError `CONFIG_INVALID` that names the option at `path`. */
export function parseZone(text: string, path: string): Zone {
  const fixed = /^(?:UTC|GMT)?(?:([+-])(\d{1,2})(?::?(\d\d))?)?$|^Z$/i.exec(text);
  if (fixed !== null && text !== '') {
    const [, sign = '+', hours = '0', minutes = '0'] = fixed;
    const offset = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
    if (Math.abs(offset) <= 18 * 3_600_000) return { offsetMs: () => offset, toInstant: (localMs) => localMs - offset };
  }
  const clock = clockOf(text, path);
  const minuteMs = 60_000;
  let lastMinute = Number.NaN;
  let lastOffset = 0;
  // Clocks are set on whole minutes, and not always on quarters of an hour: in Casey at 00:01, until 2022.
  const offsetMs = (instantMs: number): number => {
    const minute = Math.floor(instantMs / minuteMs);
    if (minute === lastMinute) return lastOffset;
    lastMinute = minute;
    lastOffset = offsetAt(clock, minute * minuteMs);
    return lastOffset;
  };
  return {
    offsetMs,
    toInstant(localMs) {
      const candidates = [localMs - 86_400_000, localMs + 86_400_000].map((near) => localMs - offsetMs(near));
      const fitting = candidates.filter((instant) => instant + offsetMs(instant) === localMs);
      return fitting.length === 0 ? Math.max(...candidates) : Math.min(...fitting);
    },
  };
}

function clockOf(zone: string, path: string): Intl.DateTimeFormat {
  const numeric = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' } as const;
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', era: 'short', calendar: 'iso8601', ...numeric });
  } catch {
    throw new ConfigError(
      'CONFIG_INVALID',
      `Expected ${path} to be a time zone. Set it to an offset such as +08:00, or a name such as Asia/Shanghai.`,
    );
  }
}

function offsetAt(clock: Intl.DateTimeFormat, instantMs: number): number {
  const parts = new Map(clock.formatToParts(instantMs).map(({ type, value }) => [type, value]));
  const part = (name: Intl.DateTimeFormatPartTypes): number => Number(parts.get(name));
  const local = new Date(0);
  local.setUTCFullYear(part('year'), part('month') - 1, part('day'));
  local.setUTCHours(part('hour'), part('minute'), part('second'));
  return local.getTime() - instantMs;
}

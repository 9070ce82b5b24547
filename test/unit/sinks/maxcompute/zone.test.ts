import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseZone } from '../../../../lib/sinks/maxcompute/zone.ts';

const hour = 3_600_000;

it.each([
  ['UTC', 0],
  ['Z', 0],
  ['GMT+8', 8 * hour],
  ['GMT+08:00', 8 * hour],
  ['+08:00', 8 * hour],
  ['+0530', 5.5 * hour],
  ['-3', -3 * hour],
  ['Asia/Shanghai', 8 * hour],
])('reads %s', (text, offset) => {
  expect(parseZone(text, 'x').offsetMs(Date.UTC(2026, 2, 4))).toBe(offset);
});

it.each(['', 'Mars', '+99:00', '8'])('refuses %o with the name of the option', (text) => {
  expect(() => parseZone(text, 'connector.sink.timeZone')).toThrow(/connector\.sink\.timeZone to be a time zone/);
});

it('changes to summer time and back', () => {
  const { offsetMs } = parseZone('Europe/Warsaw', 'x');
  const spring = Date.UTC(2026, 2, 29, 1);
  expect([offsetMs(spring - 1), offsetMs(spring), offsetMs(spring - 1)]).toEqual([hour, 2 * hour, hour]);
});

it('finds the instant of what clocks show, the earlier one where they show it twice', () => {
  const { toInstant } = parseZone('Europe/Warsaw', 'x');
  expect(toInstant(Date.UTC(2026, 2, 4, 12))).toBe(Date.UTC(2026, 2, 4, 11));
  expect(toInstant(Date.UTC(2026, 9, 25, 2, 30))).toBe(Date.UTC(2026, 9, 25, 0, 30));
  expect(toInstant(Date.UTC(2026, 2, 29, 2, 30))).toBe(Date.UTC(2026, 2, 29, 1, 30)); // clocks skip it
});

it.each(['Asia/Shanghai', 'America/New_York', 'Australia/Lord_Howe', '+05:45'])('goes there and back in %s', (name) => {
  const { offsetMs, toInstant } = parseZone(name, 'x');
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (seconds) => {
      const instant = seconds * 1_000;
      const local = instant + offsetMs(instant);
      const back = toInstant(local);
      expect(back + offsetMs(back)).toBe(local);
      expect(back).toBeLessThanOrEqual(instant);
    }),
  );
});

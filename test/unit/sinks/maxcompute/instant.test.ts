import fc from 'fast-check';
import { expect, it } from 'vitest';
import { toDay, toInstant, toWallTime } from '../../../../lib/sinks/maxcompute/instant.ts';
import { parseZone } from '../../../../lib/sinks/maxcompute/zone.ts';

const zone = parseZone('+08:00', 'x');

it('reads every instant as Date does, however it is spelled', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date('0001-01-02T00:00:00Z'), max: new Date('9999-12-30T00:00:00Z'), noInvalidDate: true }), (date) => {
      const iso = date.toISOString();
      const expected = { seconds: Math.floor(date.getTime() / 1_000), nanos: date.getUTCMilliseconds() * 1_000_000 };
      for (const value of [
        date,
        date.getTime(),
        BigInt(date.getTime()),
        iso,
        iso.replace('T', ' '),
        iso.replace('.', ','),
        iso.replace('Z', ' +00:00'),
        iso.replace('Z', '-0000'),
      ])
        expect(toInstant(value, zone)).toEqual(expected);
      expect(toInstant(iso.replace('Z', ''), zone)).toEqual({ ...expected, seconds: expected.seconds - 28_800 });
      expect(toWallTime(iso.replace('Z', ''), zone)).toEqual(expected);
      expect(toWallTime(iso, zone)).toEqual({ ...expected, seconds: expected.seconds + 28_800 });
      expect(toDay(iso)).toBe(Math.floor(expected.seconds / 86_400));
    }),
  );
});

it.each([
  ['2026-03-04', '2026-03-03T16:00:00Z', 0],
  ['2026-03-04 05:06', '2026-03-03T21:06:00Z', 0],
  ['2026-03-04T05:06Z', '2026-03-04T05:06:00Z', 0],
  ['2026-03-04T05:06:07.1+05', '2026-03-04T00:06:07Z', 100_000_000],
  ['2026-03-04T05:06:07.123456789 -0530', '2026-03-04T10:36:07Z', 123_456_789],
  ['2024-02-29t23:59:59z', '2024-02-29T23:59:59Z', 0],
])('reads %s', (text, expected, nanos) => {
  expect(toInstant(text, zone)).toEqual({ seconds: Date.parse(expected) / 1_000, nanos });
});

it.each([
  '',
  '2026-3-4',
  '2026-02-29',
  '1900-02-29',
  '2026-00-01',
  '2026-13-01',
  '2026-04-31',
  '2026-03-04T24:00:00Z',
  '2026-03-04T05:60:00Z',
  '2026-03-04T05:06:60Z',
  '2026-03-04T05',
  '2026-03-04T05:06:07.1234567890Z',
  '2026-03-04T05:06:07.Z',
  '2026-03-04T05:06:07X',
  '2026-03-04Z',
  ' 2026-03-04',
  '+12026-03-04T05:06:07Z',
])('finds no instant in %o', (text) => {
  expect(toInstant(text, zone)).toBeUndefined();
});

import { describe, expect, it } from 'vitest';
import { parseTime } from '../../../lib/cli/offsets.ts';

const now = Date.UTC(2026, 10, 22, 12);

describe('a time to go on from', () => {
  it.each([
    ['90m', Date.UTC(2026, 10, 22, 10, 30)],
    ['2d', Date.UTC(2026, 10, 20, 12)],
    ['2026-11-22T10:00:00Z', Date.UTC(2026, 10, 22, 10)],
    ['2026-11-22T10:00+02:00', Date.UTC(2026, 10, 22, 8)],
    ['2026-11-22', Date.UTC(2026, 10, 22)],
  ])('%s is understood', (text, time) => {
    expect(parseTime(text, now)).toBe(time);
  });

  it.each(['yesterday', '10', '', '2026-13-01', '2026-11-22T10:00:00', '-6h'])('%j is refused', (text) => {
    expect(() => parseTime(text, now)).toThrow('2026-11-22T10:00:00Z, or a time ago');
  });
});

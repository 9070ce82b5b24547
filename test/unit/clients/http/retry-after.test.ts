import { describe, expect, it } from 'vitest';
import { readRetryAfter } from '../../../../lib/clients/http/retry-after.ts';

const nowMs = Date.parse('2026-11-21T08:00:00Z');

describe('readRetryAfter', () => {
  it.each([
    ['120', 120_000],
    [' 0 ', 0],
    ['Sat, 21 Nov 2026 08:01:30 GMT', 90_000],
    ['Saturday, 21-Nov-26 08:01:30 GMT', 90_000],
    ['Sat Nov 21 08:01:30 2026 GMT', 90_000],
    ['Sat, 21 Nov 2026 07:00:00 GMT', 0],
    ['3601', 3_600_000],
    ['9'.repeat(400), 3_600_000],
    ['Fri, 31 Dec 9999 23:59:59 GMT', 3_600_000],
  ])('reads %j', (header, expected) => {
    expect(readRetryAfter(header, nowMs)).toBe(expected);
  });

  it.each([undefined, '', 'soon', '-5', '1.5', '2026-11-21'])('has nothing to say about %j', (header) => {
    expect(readRetryAfter(header, nowMs)).toBeUndefined();
  });
});

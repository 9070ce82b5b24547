import { describe, expect, it } from 'vitest';
import { clockText, instantText } from '../../../../lib/sinks/postgres/time.ts';

describe('an instant', () => {
  it.each([
    [0, '1970-01-01T00:00:00.000Z'],
    [1_709_251_199_123.456, '2024-02-29T23:59:59.123456Z'],
    [0.9999, '1970-01-01T00:00:00.001Z'],
    [-0.25, '1969-12-31T23:59:59.999750Z'],
    [1_760_000_000_000_000, '57742-03-07T08:53:20.000Z'],
    [Date.UTC(-43, 2, 15), '0044-03-15T00:00:00.000Z BC'],
    [8.64e15 + 1, undefined],
    [Number.NaN, undefined],
    [Number.POSITIVE_INFINITY, undefined],
  ])('of %d ms is %s', (ms, text) => {
    expect(instantText(ms)).toBe(text);
  });

  it('has a time of day in any year', () => {
    expect(clockText(new Date('2024-02-29T23:59:59.999Z'))).toBe('23:59:59.999Z');
    expect(clockText(new Date(1_760_000_000_000_000))).toBe('08:53:20.000Z');
    expect(clockText(new Date(Number.NaN))).toBeUndefined();
  });
});

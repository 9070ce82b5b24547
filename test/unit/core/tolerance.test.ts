import { describe, expect, it } from 'vitest';
import { defaultTolerance, parseTolerance, tolerance } from '../../../lib/core/tolerance.ts';

describe('tolerance', () => {
  it('stops by default when half of twenty records are data errors', () => {
    expect(tolerance(defaultTolerance).isExceeded(20, 9)).toBe(false);
    expect(tolerance(defaultTolerance).isExceeded(20, 10)).toBe(true);
  });

  it('lets a few bad records at the start of a topic through', () => {
    expect(tolerance(defaultTolerance).isExceeded(3, 3)).toBe(false);
  });

  it('adds small batches up', () => {
    const judge = tolerance(defaultTolerance);
    for (let batch = 0; batch < 3; batch++) {
      expect(judge.isExceeded(3, 3)).toBe(false);
      judge.settled(3, 3);
    }
    expect(judge.isExceeded(3, 3)).toBe(true);
  });

  it('forgets what lies before its window', () => {
    const judge = tolerance(parseTolerance('10% of 100'));
    judge.settled(50, 9);
    judge.settled(100, 0);
    expect(judge.isExceeded(1, 1)).toBe(false);
  });

  it('tolerates everything with all and nothing with none', () => {
    expect(tolerance(parseTolerance('all')).isExceeded(1_000, 1_000)).toBe(false);
    expect(tolerance(parseTolerance('none')).isExceeded(1_000, 1)).toBe(true);
    expect(tolerance(parseTolerance('none')).isExceeded(1_000, 0)).toBe(false);
  });

  it.each(['some', '5%', '120% of 10', '5% of 0', ''])('refuses "%s" and says what can be written', (text) => {
    expect(() => parseTolerance(text)).toThrow('connector.onError.tolerance');
  });
});

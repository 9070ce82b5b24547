import { describe, expect, it } from 'vitest';
import { progressBar } from '../../../../lib/cli/dlq/progress.ts';
import { becauseOf, placesText, printable, shortTime } from '../../../../lib/cli/dlq/text.ts';

describe('what people read of letters', () => {
  it('does not say again which record it was', () => {
    expect(becauseOf({ code: 'RECORD_UNDECODABLE', message: 'Expected JSON, found "}" at position 14 (quakes-2@17)' })).toBe(
      'RECORD_UNDECODABLE  Expected JSON, found "}" at position 14',
    );
    expect(becauseOf({ code: 'X', message: '' })).toBe('X');
  });

  it('cannot steer the terminal', () => {
    expect(printable('a\u001b[31mb\r\n\tc\u0007\u202ed')).toBe('ab cd');
  });

  it('says the day of this week, and the date of others', () => {
    const now = new Date(2026, 2, 4, 12).getTime();
    expect(shortTime(new Date(2026, 2, 2, 9, 4).getTime(), now)).toBe('Mon 09:04');
    expect(shortTime(new Date(2026, 1, 2, 9, 4).getTime(), now)).toBe('2026-02-02 09:04');
  });

  it('names a few places and counts the others', () => {
    const places = Array.from({ length: 7 }, (_, offset) => ({ topic: 'a', partition: 0, offset }));
    expect(placesText(places.slice(0, 2))).toBe('a-0@0, a-0@1');
    expect(placesText(places)).toBe('a-0@0, a-0@1, a-0@2, a-0@3, a-0@4 and 2 more');
  });
});

describe('the progress of a replay', () => {
  const drawn = (isTTY: boolean, env: Readonly<Record<string, string>> = { NO_COLOR: '1' }): string => {
    const written: string[] = [];
    let time = 0;
    const bar = progressBar({ isTTY, write: (text) => written.push(text) }, env, 1_000, () => time);
    time = 2_000;
    bar.show(500, '500 delivered');
    bar.end();
    return written.join('');
  };

  it('is one line that is drawn again, and gone at the end', () => {
    expect(drawn(true)).toBe(`\r\u001b[K  ${'█'.repeat(12)}${'░'.repeat(12)}  500 of 1,000   250/s   500 delivered\r\u001b[K`);
  });

  it('is nothing without a terminal', () => {
    expect(drawn(false)).toBe('');
    expect(drawn(true, { TERM: 'dumb' })).toBe('');
  });
});

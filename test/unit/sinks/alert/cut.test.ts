import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cut, join, measure } from '../../../../lib/sinks/alert/cut.ts';
import { feishuMarkdown, slackText } from '../../../../lib/sinks/alert/escape.ts';

const family = '👩‍👩‍👧';

describe('cut', () => {
  it.each([
    ['磁盘空间不足', 10, '磁盘…'],
    ['磁盘空间不足', 12, '磁盘空…'],
    ['磁盘空间不足', 18, '磁盘空间不足'],
    [`ab${family}c`, 20, 'ab…'],
    [`${family}${family}`, 18 + 3, `${family}…`],
    ['e\u0301e\u0301', 5, '…'],
    ['abc', 2, ''],
  ])('keeps characters whole: "%s" in %i bytes is "%s"', (text, max, expected) => {
    expect(cut(text, { max, unit: 'bytes' })).toBe(expected);
  });

  it('never gives more than fits, never half a character, and never half an entity', () => {
    const pieces = fc.array(fc.record({ text: fc.string({ unit: 'grapheme', maxLength: 40 }), isValue: fc.boolean() }), { maxLength: 4 });
    const limit = fc.record({ max: fc.nat(80), unit: fc.constantFrom('bytes' as const, 'characters' as const) });
    fc.assert(
      fc.property(pieces, limit, fc.constantFrom(slackText, feishuMarkdown), (parts, within, escaped) => {
        const text = join(parts, escaped, within);
        expect(measure(text, within.unit)).toBeLessThanOrEqual(within.max);
        expect(text.isWellFormed()).toBe(true);
        const whole = parts.map((part) => (part.isValue ? escaped(part.text) : part.text)).join('');
        if (measure(whole, within.unit) <= within.max) expect(text).toBe(whole);
      }),
    );
  });

  it('does not read a text of megabytes to the end for a short one', () => {
    const from = performance.now();
    expect(cut('x'.repeat(5_000_000), { max: 100, unit: 'bytes' })).toBe(`${'x'.repeat(97)}…`);
    expect(performance.now() - from).toBeLessThan(2_000);
  });
});

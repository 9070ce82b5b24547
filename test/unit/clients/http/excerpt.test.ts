import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { excerptOf } from '../../../../lib/clients/http/excerpt.ts';

describe('excerptOf', () => {
  it('keeps what the receiver says about a failure', () => {
    expect(excerptOf()('{"error":"field \\"mag\\" must be positive"}')).toBe('{"error":"field \\"mag\\" must be positive"}');
  });

  it('makes one line of an error page', () => {
    expect(excerptOf()('<html><style>body { color: red }</style>\n<h1>Bad   Gateway</h1>\r\n<p>nginx</p></html>')).toBe(
      'Bad Gateway nginx',
    );
  });

  it('leaves out secrets, and what looks like one', () => {
    expect(excerptOf({ secrets: ['hunter22'] })('no access for hunter22 today')).toBe('no access for *** today');
    expect(excerptOf()('token=abcd1234 is expired')).toBe('token=*** is expired');
    expect(excerptOf()('got Authorization: Bearer eyJhbGciOi.J9 back')).not.toContain('eyJ');
    expect(excerptOf()('key sk_live_51H8x9yA2eZvKYlo2C refused')).toBe('key *** refused');
  });

  it('leaves out the words that were sent', () => {
    expect(excerptOf({ values: ['Countess Ada Lovelace of 1815'] })('name "Ada Lovelace" is taken')).toBe('name "… …" is taken');
  });

  it.each([
    'name Ada%20Lovelace is taken',
    String.raw`{"got":"line\nLovelace"}`,
    String.raw`{"got":"\u004covelace"}`,
    'name &#76;ovelace is taken',
    'name Lovela… is taken',
  ])('leaves them out however they are escaped or cut: %s', (said) => {
    expect(excerptOf({ values: ['Ada Lovelace'] })(said)).not.toMatch(/Lovela|ovelace/);
  });

  it('cuts between characters', () => {
    expect(excerptOf({ maxChars: 10 })('😀'.repeat(300))).toBe(`${'😀'.repeat(9)}…`);
  });

  it('never shows a word of a value or secret, and is never longer than asked for', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 3 }),
        fc.string(),
        fc.string(),
        fc.integer({ min: 5, max: 50 }),
        (value, before, after, maxChars) => {
          const excerpt = excerptOf({ values: [value], maxChars })(`${before} ${value} ${after}`);
          for (const word of value.match(/[\p{L}\p{N}_]{2,}/gu) ?? []) expect(excerpt.match(/[\p{L}\p{N}_]+/gu) ?? []).not.toContain(word);
          expect(Array.from(excerpt).length).toBeLessThanOrEqual(maxChars);
        },
      ),
    );
  });
});

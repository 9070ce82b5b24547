import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytes } from '../../../lib/formats/bytes.ts';
import { formats } from '../../../lib/formats/registry.ts';
import { string } from '../../../lib/formats/string.ts';

const origin = { topic: 'quakes', partition: 2, offset: 17 };
const text = (input: Uint8Array) => string.decoder({})(input, origin);

describe('string', () => {
  it('takes no bytes as empty text', () => {
    expect(text(new Uint8Array())).toEqual({ value: '' });
  });

  it('keeps a byte order mark and NUL', () => {
    expect(text(Buffer.from('\ufeffa\u0000'))).toEqual({ value: '\ufeffa\u0000' });
  });

  it('reads the part of a larger buffer that it is given', () => {
    expect(text(new Uint8Array([120, 97, 98, 99, 120]).subarray(1, 4))).toEqual({ value: 'abc' });
  });

  it('refuses bytes that are not UTF-8 without repeating them', () => {
    expect(() => text(Uint8Array.of(0x61, 0x80))).toThrow('Expected UTF-8, found something else at byte 1 (quakes-2@17)');
  });

  it('refuses to write a lone surrogate or something else than text', () => {
    expect(() => string.encode!('a\ud800')).toThrow('lone surrogate');
    for (const value of [null, 1, 1n, {}, undefined, Uint8Array.of(1)]) expect(() => string.encode!(value)).toThrow('Expected text');
  });

  it('reads back whatever it writes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        expect(text(string.encode!(value))).toEqual({ value });
      }),
    );
  });

  it('takes exactly the bytes that are strict UTF-8', () => {
    const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const nearText = fc.array(
      fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0xc3, 0xb6, 0xef, 0xbf, 0xbd, 0xf0, 0x9f, 0x98, 0x80, 0x61)),
    );
    fc.assert(
      fc.property(nearText, (values) => {
        const input = Uint8Array.from(values);
        let expected: string | undefined;
        try {
          expected = strict.decode(input);
        } catch {}
        if (expected === undefined) expect(() => text(input)).toThrow(/at byte \d+ /);
        else expect(text(input)).toEqual({ value: expected });
      }),
      { numRuns: 500 },
    );
  });
});

describe('bytes', () => {
  it('passes bytes on as they are, none included', () => {
    const input = Uint8Array.of(0, 255);
    expect(bytes.decoder({})(input, origin)).toEqual({ value: input });
    expect(bytes.decoder({})(new Uint8Array(), origin)).toEqual({ value: new Uint8Array() });
    expect(bytes.encode!(input)).toBe(input);
  });

  it('refuses to write anything else', () => {
    for (const value of [null, 'a', [1], {}]) expect(() => bytes.encode!(value)).toThrow('Expected bytes');
  });
});

describe('formats', () => {
  it('knows each format by its name, and which carry JSON', () => {
    expect([...formats].map(([name, format]) => [name, format.name, format.carriesJson])).toEqual([
      ['json', 'json', true],
      ['string', 'string', false],
      ['bytes', 'bytes', false],
      ['debezium', 'debezium', false],
    ]);
  });
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isOneObject, jsonbArray } from '../../../../lib/sinks/postgres/raw.ts';

const isOne = (text: string): boolean => isOneObject(Buffer.from(text));

it('takes any JSON object, with any white space around it', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom('', ' ', '\n\t\r'), (value, space) => {
      expect(isOne(`${space}${JSON.stringify(value, null, space.length)}${space}`)).toBe(true);
    }),
  );
});

it('refuses what is not one object', () => {
  for (const text of [
    '',
    ' ',
    '1',
    '"{}"',
    '[{}]',
    '{',
    '{}}',
    '{"a":1},{"b":2}',
    '{} {}',
    '{"a',
    '{"a":"\\"}',
    '{"a":[1}',
    'null',
    '{"a":1}x',
  ])
    expect(isOne(text), text).toBe(false);
});

it('refuses whatever could stand for another number of elements once it is put between commas', () => {
  const piece = fc.array(fc.constantFrom('{', '}', '[', ']', '"', '\\', ',', ':', '1', '"a"', ' ')).map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.array(piece.filter(isOne), { minLength: 1, maxLength: 4 }), (documents) => {
      let parsed: unknown;
      try {
        parsed = JSON.parse(`[${documents.join(',')}]`);
      } catch {
        return; // the server refuses it as well
      }
      expect(parsed).toEqual(documents.map((document) => JSON.parse(document)));
    }),
    { numRuns: 2_000 },
  );
});

it('joins documents as the binary form of jsonb, with an empty object for none', () => {
  expect(jsonbArray([Buffer.from('{"a":"ü"}'), undefined]).toString()).toBe('\u0001[{"a":"ü"},{}]');
  expect(jsonbArray([]).toString()).toBe('\u0001[]');
});

import { parseExact } from './exact.ts';

/** A value that has broken somebody's connector. */
export interface Sample {
  readonly name: string;
  readonly value: unknown;
  /** The same as the bytes of a JSON record. */
  readonly json: string;
}

export const samples: readonly Sample[] = [
  sample('an empty object', '{}'),
  sample('an empty text', '""'),
  sample('empty text, null, empty list and empty object as fields', '{"text": "", "nothing": null, "list": [], "object": {}}'),
  sample('unicode', '{"text": "żółć 日本 𝒳 👩‍👩‍👧 \\u0301 \\u200f"}'),
  sample('a __proto__ field', '{"__proto__": {"admin": true}, "constructor": 1, "toString": "x"}'),
  sample('2^53+1', '{"big": 9007199254740993, "negative": -9007199254740993}'),
  sample('dates as text', '{"date": "2024-02-29", "instant": "2024-02-29T23:59:59.999Z", "offset": "2024-02-29T23:59:59+05:30"}'),
  { name: 'a Date', value: { at: new Date('2024-02-29T23:59:59.999Z') }, json: '{"at": "2024-02-29T23:59:59.999Z"}' },
  sample('deep nesting', `${'{"down": ['.repeat(15)}1${']}'.repeat(15)}`),
  sample('numbers at their edges', '{"small": 5e-324, "large": 1.5e300, "tenth": 0.1, "negative": -1}'),
  sample('odd field names', '{"with space": 1, "it\'s": 2, "\\"quoted\\"": 3, "$set": 4, "semi;colon--": 5, "back\\\\slash": 6, "ünï": 7}'),
  sample('field names with dots', '{"a.b": 1, "c": {"d.e": 2}}'),
  sample('a very long field name', `{"${'long'.repeat(100)}": 1}`),
  sample('quotes, backslashes and line ends', '{"text": "\'\\"\\\\\\n\\r\\t\\u2028;--"}'),
  sample('a NUL character', '{"text": "a\\u0000b"}'),
  sample('a lone surrogate', '{"text": "\\ud800"}'),
];

function sample(name: string, json: string): Sample {
  return { name, value: parseExact(json), json };
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../../lib/core/errors.ts';
import { json } from '../../../lib/formats/json.ts';
import { jsonFault } from '../../../lib/formats/json-fault.ts';

const origin = { topic: 'quakes', partition: 2, offset: 17 };
const decoder = json.decoder({ envelope: 'none' });
const bytesOf = (text: string) => Buffer.from(text);

function decode(input: string | Uint8Array): unknown {
  const decoded = decoder(typeof input === 'string' ? bytesOf(input) : input, origin);
  if (decoded instanceof Promise) throw new Error('decoded asynchronously');
  expect(decoded.unwrapped).toBeUndefined();
  return decoded.value;
}
const encode = (value: unknown) => Buffer.from(json.encode!(value)).toString();

function errorOf(act: () => unknown): DataError {
  try {
    act();
  } catch (error) {
    if (error instanceof DataError) return error;
    throw error;
  }
  throw new Error('expected a DataError, got none');
}

describe('json decoder', () => {
  it.each([
    ['9007199254740993', 9_007_199_254_740_993n],
    ['-9007199254740993', -9_007_199_254_740_993n],
    ['9007199254740991', 9_007_199_254_740_991],
    ['9007199254740992', 9_007_199_254_740_992n],
    ['[1,12345678901234567890]', [1, 12_345_678_901_234_567_890n]],
    ['{"id": \n\t9007199254740993}', { id: 9_007_199_254_740_993n }],
    ['0.30000000000000004', 0.30000000000000004],
    ['12345678901234567.5', Number('12345678901234567.5')],
    ['1e20', 1e20],
    ['"9007199254740993"', '9007199254740993'],
    ['[" 9007199254740993"]', [' 9007199254740993']],
  ])('keeps the digits of integers that a double cannot hold, and leaves all else alone: %j', (text, expected) => {
    expect(decode(text)).toEqual(expected);
  });

  it('keeps an integer longer than any double as a bigint', () => {
    const digits = `1${'0'.repeat(400)}`;
    expect(decode(`{"n":${digits}}`)).toEqual({ n: BigInt(digits) });
  });

  it('keeps __proto__ as a field like any other', () => {
    for (const text of ['{"__proto__":{"admin":true}}', '{"__proto__":{"admin":true},"big":9007199254740993}']) {
      const value = decode(text) as object;
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
      expect(Object.hasOwn(value, '__proto__')).toBe(true);
      expect('admin' in value).toBe(false);
    }
    expect(encode(decode('{"__proto__":{"admin":true}}'))).toBe('{"__proto__":{"admin":true}}');
  });

  it('lets the last of repeated names count', () => {
    expect(decode('{"a":1,"a":2}')).toEqual({ a: 2 });
  });

  it('keeps an escaped lone surrogate, and writes it escaped again', () => {
    expect(decode('"\\ud800"')).toBe('\ud800');
    expect(encode('\ud800')).toBe('"\\ud800"');
  });

  it('keeps a replacement character that the producer wrote', () => {
    expect(decode('"\ufffd"')).toBe('\ufffd');
  });

  it('refuses an empty value, which is not a tombstone', () => {
    expect(errorOf(() => decode(''))).toMatchObject({ code: 'RECORD_UNDECODABLE', message: 'Expected JSON, found no bytes (quakes-2@17)' });
  });

  it('takes null of JSON as a null value', () => {
    expect(decode('null')).toBeNull();
  });

  it('refuses a byte order mark', () => {
    expect(errorOf(() => decode('\ufeff{}')).message).toBe('Expected JSON, found a byte order mark at position 0 (quakes-2@17)');
  });

  it.each([
    [[0x22, 0xff, 0x22], 1],
    [[0x22, 0xc3, 0xb6, 0xc3, 0x22], 3],
    [[0x22, 0xef, 0xbf, 0xbd, 0x80, 0x22], 4],
    [[0x22, 0xed, 0xa0, 0x80, 0x22], 1],
    [[0x22, 0xc0, 0x80, 0x22], 1],
    [[0x22, 0xf0, 0x9f, 0x98, 0x80, 0xf0, 0x9f, 0x98], 5],
  ])('refuses bytes that are not UTF-8 and says which byte: %j', (bytes, position) => {
    const error = errorOf(() => decode(Uint8Array.from(bytes)));
    expect(error).toMatchObject({
      code: 'RECORD_UNDECODABLE',
      message: `Expected UTF-8, found something else at byte ${position} (quakes-2@17)`,
    });
  });

  it.each([
    ['{"id": "nc1", oops}', 14],
    ['{"a":1', 6],
    ['[1,]', 3],
    ['{"a" 1}', 5],
    ['{"a":1,}', 7],
    ['"ab\u0001"', 3],
    ['"a\\x"', 2],
    ['01', 1],
    ['nul', 0],
    ['-', 0],
    ['{} {}', 3],
    ['[1}', 2],
    [' ', 1],
    ["{'a':1}", 1],
  ])('says where %j stops being JSON', (text, position) => {
    expect(errorOf(() => decode(text)).message).toContain(` at position ${position} (quakes-2@17)`);
  });

  it('says nothing of what a record holds, neither in messages nor in causes', () => {
    for (const text of ['sentinel', '{"sentinel": sentinel}', '["sentinel"', '"sentinel', '{"sentinel":1}x at position 99']) {
      const error = errorOf(() => decode(text));
      expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain('sentinel');
      expect(error.cause).toBeUndefined();
    }
  });

  it('agrees with the engine on what JSON is, for any damaged text', () => {
    const damaged = fc
      .tuple(
        fc.json(),
        fc.nat(),
        fc.nat({ max: 2 }),
        fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', ':', '0', '1', '-', '.', 'e', '+', ' ', '\n', '\u0000', 'true', 'u', 'é'),
      )
      .map(([text, at, cut, put]) => text.slice(0, at % (text.length + 1)) + put + text.slice((at % (text.length + 1)) + cut));
    fc.assert(
      fc.property(damaged, (text) => {
        const fault = jsonFault(text);
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        expect(fault === undefined).toBe(valid);
        if (fault !== undefined) expect(fault).toBeLessThanOrEqual(text.length);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['arrays', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['objects', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
    ['arrays with a big integer', `${'['.repeat(100_000)}9007199254740993${']'.repeat(100_000)}`],
    ['one level too many', `${'['.repeat(1_001)}${']'.repeat(1_001)}`],
  ])('refuses nesting that nobody could read: %s', (_, text) => {
    expect(errorOf(() => decode(text))).toMatchObject({ code: 'RECORD_UNDECODABLE', message: expect.stringContaining('1000 levels') });
  });

  it('takes a thousand levels, and any number of brackets side by side', () => {
    expect(encode(decode(`${'['.repeat(1_000)}${']'.repeat(1_000)}`))).toHaveLength(2_000);
    expect(decode(`[${'[],'.repeat(5_000)}"[[[["]`)).toHaveLength(5_001);
  });

  it('finds long integers wherever they stand', () => {
    for (let before = 0; before < 40; before++)
      for (const digits of ['9007199254740993', '12345678901234567', '12345678901234567890123456789012345'])
        expect(decode(`["${'x'.repeat(before)}",${digits}]`)).toEqual(['x'.repeat(before), BigInt(digits)]);
  });

  it('reads back whatever it writes', () => {
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        fc.constantFrom(null, true, false, '', '\ufeff', '\ud800'),
        fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Number.isInteger(number) || Number.isSafeInteger(number)),
        fc.bigInt().filter((number) => !Number.isSafeInteger(Number(number))),
        fc.string({ unit: 'binary' }),
        fc.array(tie('value')),
        fc.array(fc.tuple(fc.oneof(fc.string(), fc.constant('__proto__')), tie('value'))).map((entries) => Object.fromEntries(entries)),
      ),
    }));
    fc.assert(
      fc.property(value, (original) => {
        expect(decode(encode(original))).toEqual(withoutNegativeZero(original));
      }),
      { numRuns: 300 },
    );
  });
});

/** JSON.stringify writes -0 as 0. */
function withoutNegativeZero(value: unknown): unknown {
  if (Object.is(value, -0)) return 0;
  if (Array.isArray(value)) return value.map(withoutNegativeZero);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withoutNegativeZero(inner)]));
}

describe('json encoder', () => {
  it('writes bigints as digits and bytes as base64, wherever they are', () => {
    expect(encode({ big: 2n ** 64n, list: [1n, Uint8Array.of(1, 2, 255)], buffer: Buffer.from('hi'), none: new Uint8Array() })).toBe(
      '{"big":18446744073709551616,"list":[1,"AQL/"],"buffer":"aGk=","none":""}',
    );
    expect(encode(5n)).toBe('5');
    expect(encode({ only: [Uint8Array.of(1)] })).toBe('{"only":["AQ=="]}');
  });

  it('refuses what JSON cannot say instead of writing null', () => {
    const cyclic: Record<string, unknown> = { sentinel: 1 };
    cyclic['sentinel'] = cyclic;
    let deep: unknown = 1n;
    for (let level = 0; level < 100_000; level++) deep = [deep];
    for (const value of [
      undefined,
      Number.NaN,
      { a: Number.POSITIVE_INFINITY },
      { a: 1n, b: Number.NaN },
      () => 1,
      Symbol('sentinel'),
      cyclic,
      deep,
    ]) {
      const error = errorOf(() => encode(value));
      expect(error.code).toBe('VALUE_NOT_JSON');
      expect(`${error.message} ${error.cause}`).not.toContain('sentinel');
    }
  });
});

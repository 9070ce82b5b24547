import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../../../lib/core/errors.ts';
import { idReader, routingReader } from '../../../../lib/sinks/elasticsearch/identity.ts';
import { record } from '../../../support/records.ts';

describe('an id from the key', () => {
  const id = idReader('key');

  it.each<[string, unknown, string]>([
    ['text', 'order-1', 'order-1'],
    ['a number', 5, '5'],
    ['a big integer', 9_007_199_254_740_993n, '9007199254740993'],
    ['an object with one field', { id: 5 }, '5'],
    ['an object with several', { b: 2, a: 'x' }, '{"a":"x","b":2}'],
    ['nested objects', { a: { c: 1, b: [2n] } }, '{"a":{"b":["2"],"c":1}}'],
    ['bytes', new Uint8Array([1, 2, 255]), 'AQL_'],
  ])('is, for %s, readable', (_, key, expected) => {
    expect(id(record<unknown, unknown>(key, {}))).toBe(expected);
  });

  it('does not depend on the order of fields', () => {
    expect(id(record<unknown, unknown>({ a: 1, b: 2 }, {}))).toBe(id(record<unknown, unknown>({ b: 2, a: 1 }, {})));
  });

  it.each([
    ['none', null],
    ['empty', ''],
    ['513 bytes', `${'é'.repeat(256)}a`],
    ['half a character', '\ud800'],
  ])('refuses a key that is %s, which would make the server refuse the whole request', (_, key) => {
    expect(() => id(record(key, {}))).toThrow(DataError);
  });

  it('takes 512 bytes', () => {
    expect(id(record('é'.repeat(256), {}))).toHaveLength(256);
  });
});

describe('an id from fields', () => {
  it('keeps any two lists of texts apart', () => {
    const id = idReader({ fields: ['a', 'b'] });
    const text = fc.string({ unit: fc.constantFrom('a', ':', '\\'), maxLength: 4 });
    const property = fc.property(text, text, text, text, (a, b, c, d) => {
      const same = id(record('k', { a, b })) === id(record('k', { a: c, b: d }));
      expect(same).toBe(a === c && b === d);
    });
    fc.assert(property, { numRuns: 1_000 });
  });

  it('takes one field as it is, and a nested one by its dotted name', () => {
    expect(idReader({ fields: ['id'] })(record('k', { id: 'a:b' }))).toBe('a:b');
    expect(idReader({ fields: ['net', 'properties.code'] })(record('k', { net: 'nc', properties: { code: 7 } }))).toBe('nc:7');
  });

  it.each([[{}], [{ id: null }], [{ id: {} }]])('refuses %j', (value) => {
    expect(() => idReader({ fields: ['id'] })(record('k', value))).toThrow(DataError);
  });
});

describe('an id from the place in Kafka', () => {
  const id = idReader('record');

  it('is readable, and says part and epoch only where there are some', () => {
    expect(id(record('k', {}, { topic: 'a', partition: 3, offset: 9 }))).toBe('a+3+9');
    expect(id(record('k', {}, { topic: 'a', partition: 3, offset: 9, part: 2 }))).toBe('a+3+9+2');
    expect(id(record('k', {}, { topic: 'a', partition: 3, offset: 9, epoch: 1 }))).toBe('a+3+9+0+1');
  });

  it('comes from the version, so that a replayed dead letter is the same document', () => {
    const original = record('k', {}, { topic: 'a', offset: 9 });
    expect(id({ ...original, origin: { topic: 'a.dlq', partition: 0, offset: 1 } })).toBe(id(original));
  });
});

describe('a routing', () => {
  it('is the key or a field', () => {
    expect(routingReader('key')(record('k', {}))).toBe('k');
    expect(routingReader({ field: 'tenant.id' })(record('k', { tenant: { id: 4 } }))).toBe('4');
    expect(() => routingReader({ field: 'tenant' })(record('k', {}))).toThrow(DataError);
  });
});

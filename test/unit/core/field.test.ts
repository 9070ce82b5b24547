import { describe, expect, it } from 'vitest';
import { fieldReader, isObject } from '../../../lib/core/field.ts';

describe('fieldReader', () => {
  it('reads the key of exactly that name first, then step by step', () => {
    const read = fieldReader('a.b');
    expect(read({ 'a.b': 1, a: { b: 2 } })).toBe(1);
    expect(read({ a: { b: 2 } })).toBe(2);
    expect(read({ a: { b: null } })).toBeNull();
    expect(fieldReader('a.1.b')({ a: [0, { b: 3 }] })).toBe(3);
  });

  it('answers undefined for what is not there, in whatever it looks', () => {
    for (const value of [undefined, null, 'ab', 1, [], {}, { a: null }, { a: 'text' }, () => 1])
      expect(fieldReader('a.length')(value)).toBeUndefined();
  });

  it('never reads an inherited property, but an own __proto__', () => {
    for (const name of ['toString', '__proto__', 'a.toString', 'a.__proto__.x']) expect(fieldReader(name)({ a: {} })).toBeUndefined();
    expect(fieldReader('__proto__.x')(JSON.parse('{"__proto__":{"x":1}}'))).toBe(1);
  });
});

describe('isObject', () => {
  it('tells objects from lists, bytes, dates and null', () => {
    expect([{}, Object.create(null)].every(isObject)).toBe(true);
    expect([null, [], new Uint8Array(), new Date(), 'a', 1].some(isObject)).toBe(false);
  });
});

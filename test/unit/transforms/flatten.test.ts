import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../../lib/core/errors.ts';
import { flatten } from '../../../lib/transforms/flatten.ts';
import { record } from '../../support/records.ts';
import { readyTransform, valueThrough } from '../../support/transforms.ts';

const through = (value: unknown, options: unknown = {}) => valueThrough(readyTransform(flatten, options), value);

describe('flatten', () => {
  it('joins the names of nested fields and keeps their order', () => {
    const flat = through({ id: 1, properties: { mag: 4, place: { net: 'nc' } }, z: null });
    expect(JSON.stringify(flat)).toBe('{"id":1,"properties.mag":4,"properties.place.net":"nc","z":null}');
  });

  it('takes another delimiter', () => {
    expect(through({ a: { b: { c: 1 } } }, { delimiter: '_' })).toEqual({ a_b_c: 1 });
  });

  it('keeps lists unless told to count their entries', () => {
    const value = { tags: ['x', { y: [1, []] }] };
    expect(through(value)).toEqual(value);
    expect(through(value, { arrays: 'index' })).toEqual({ 'tags.0': 'x', 'tags.1.y.0': 1, 'tags.1.y.1': [] });
  });

  it('keeps what lies deeper than it may go', () => {
    expect(through({ a: { b: { c: { d: 1 } } } }, { maxDepth: 1 })).toEqual({ 'a.b': { c: { d: 1 } } });
  });

  it('keeps empty objects, bytes and dates as fields', () => {
    const value = { a: { none: {}, raw: Uint8Array.of(1), at: new Date(0) } };
    expect(through(value)).toEqual({ 'a.none': {}, 'a.raw': Uint8Array.of(1), 'a.at': new Date(0) });
  });

  it('refuses two fields of one name without naming what the record holds', () => {
    expect(() => through({ 'sentinel.b': 1, sentinel: { b: 2 } })).toThrow(DataError);
    expect(() => through({ 'sentinel.b': 1, sentinel: { b: 2 } })).toThrow(/\(quakes-2@17\)/);
    expect(() => through({ 'sentinel.b': 1, sentinel: { b: 2 } })).not.toThrow(/sentinel/);
  });

  it('takes __proto__ for a field like any other', () => {
    for (const text of ['{"__proto__":{"x":1}}', '{"a":{"__proto__":{"x":1}}}', '{"__proto__":1,"a":{"b":1}}']) {
      const flat = through(JSON.parse(text)) as object;
      expect(Object.getPrototypeOf(flat)).toBe(Object.prototype);
      expect('x' in flat).toBe(false);
    }
    expect(Object.entries(through(JSON.parse('{"__proto__":1,"a":{"b":1}}')) as object)).toEqual([
      ['__proto__', 1],
      ['a.b', 1],
    ]);
    expect('x' in {}).toBe(false);
  });

  it('answers the same record when there is nothing to flatten, and for a tombstone', () => {
    const flat = record('k', { a: 1, list: [{}] });
    const tombstone = record('k', null);
    expect(readyTransform(flatten, {})(flat)).toBe(flat);
    expect(readyTransform(flatten, {})(tombstone)).toBe(tombstone);
  });

  it('drops a schema that no longer fits', () => {
    const given = { ...record('k', { a: { b: 1 } }), schema: { fields: [{ name: 'a', type: 'json', optional: false }] } } as const;
    const made = readyTransform(flatten, {})(given)!;
    expect(made).toMatchObject({ origin: given.origin, version: given.version, key: 'k', value: { 'a.b': 1 } });
    expect('schema' in made).toBe(false);
  });

  it.each([[['a']], ['text'], [1], [true], [Uint8Array.of(1)]])('refuses %j, which has no fields', (value) => {
    expect(() => through(value)).toThrow(/Expected an object for flatten, found .* \(quakes-2@17\)/);
  });

  it('loses no scalar and leaves nothing nested, for any object', () => {
    const name = fc.string({ minLength: 1 }).filter((text) => !text.includes('.') && !/^\d/.test(text));
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 4 }, fc.integer(), fc.dictionary(name, tie('value'), { minKeys: 1, maxKeys: 4 })),
    }));
    const scalars = (of: unknown): unknown[] => (typeof of === 'object' && of !== null ? Object.values(of).flatMap(scalars) : [of]);
    fc.assert(
      fc.property(fc.dictionary(name, value), (nested) => {
        const flat = through(nested) as Record<string, unknown>;
        expect(Object.values(flat)).toEqual(scalars(nested));
        for (const [path, scalar] of Object.entries(flat)) {
          let found: unknown = nested;
          for (const step of path.split('.')) found = (found as Record<string, unknown>)[step];
          expect(found).toBe(scalar);
        }
      }),
    );
  });
});

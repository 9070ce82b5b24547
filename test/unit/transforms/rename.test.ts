import { describe, expect, it } from 'vitest';
import { rename } from '../../../lib/transforms/rename.ts';
import { record } from '../../support/records.ts';
import { readyTransform, valueThrough } from '../../support/transforms.ts';

const through = (value: unknown, fields: Record<string, string>) => valueThrough(readyTransform(rename, { fields }), value);

describe('rename', () => {
  it('renames in place and leaves all else alone', () => {
    expect(JSON.stringify(through({ a: 1, b: { c: 2 }, d: 3 }, { b: 'x', gone: 'y' }))).toBe('{"a":1,"x":{"c":2},"d":3}');
  });

  it('finds a dotted name as flatten leaves it first, then as a path', () => {
    expect(through({ 'p.mag': 1, p: { mag: 2 } }, { 'p.mag': 'mag' })).toEqual({ mag: 1, p: { mag: 2 } });
    expect(through({ id: 'x', p: { mag: 2, net: 'nc' } }, { 'p.mag': 'mag' })).toEqual({ id: 'x', p: { net: 'nc' }, mag: 2 });
  });

  it('moves a field found by its path to another path, and makes the objects on the way', () => {
    expect(through({ p: { mag: 2 } }, { 'p.mag': 'p.magnitude' })).toEqual({ p: { magnitude: 2 } });
    expect(through({ p: { mag: 2 } }, { 'p.mag': 'q.r.mag' })).toEqual({ p: {}, q: { r: { mag: 2 } } });
  });

  it('swaps two fields', () => {
    expect(through({ a: 1, b: 2 }, { a: 'b', b: 'a' })).toEqual({ b: 1, a: 2 });
    expect(through({ p: { a: 1, b: 2 } }, { 'p.a': 'p.b', 'p.b': 'p.a' })).toEqual({ p: { a: 2, b: 1 } });
  });

  it('renames an object and takes a field out of it at once', () => {
    expect(through({ p: { mag: 1, net: 'nc' } }, { p: 'q', 'p.mag': 'mag' })).toEqual({ q: { net: 'nc' }, mag: 1 });
  });

  it.each<[object, Record<string, string>, string]>([
    [{ a: 1, b: 2 }, { a: 'b' }, 'b'],
    [{ b: 2, a: 1 }, { a: 'b' }, 'b'],
    [{ a: 1, b: 2 }, { a: 'c', b: 'c' }, 'c'],
    [{ p: { mag: 1 }, mag: 2 }, { 'p.mag': 'mag' }, 'mag'],
    [{ p: { mag: 1 }, q: 'text' }, { 'p.mag': 'q.mag' }, 'q.mag'],
  ])('refuses to overwrite: %j with %j', (value, fields, name) => {
    expect(() => through(value, fields)).toThrow(`Expected no field "${name}" before rename, found one (quakes-2@17)`);
  });

  it('takes __proto__ for a field like any other', () => {
    const renamed = through(JSON.parse('{"a":{"x":1},"__proto__":{"y":1}}'), JSON.parse('{"__proto__":"proto","a":"__proto__"}')) as object;
    expect(Object.getPrototypeOf(renamed)).toBe(Object.prototype);
    expect(Object.entries(renamed)).toEqual([
      ['__proto__', { x: 1 }],
      ['proto', { y: 1 }],
    ]);
    const nested = through({ p: { a: { x: 1 } } }, { 'p.a': '__proto__.polluted' }) as object;
    expect(Object.getPrototypeOf(nested)).toBe(Object.prototype);
    expect('polluted' in {}).toBe(false);
  });

  it('never takes an inherited property for a field', () => {
    expect(through({ a: 1 }, { constructor: 'c', 'a.toString': 't', toString: 's' })).toEqual({ a: 1 });
  });

  it('renames in the schema too, and gives records of one schema the same one', () => {
    const schema = {
      fields: [
        { name: 'a', type: 'integer', optional: false },
        { name: 'b', type: 'string', optional: true },
      ],
    } as const;
    const transform = readyTransform(rename, { fields: { a: 'x' } });
    const [first, second] = [1, 2].map((a) => transform({ ...record('k', { a, b: 'b' }), schema })!);
    expect(first!.schema).toEqual({
      fields: [
        { name: 'x', type: 'integer', optional: false },
        { name: 'b', type: 'string', optional: true },
      ],
    });
    expect(second!.schema).toBe(first!.schema);
    expect('schema' in readyTransform(rename, { fields: { 'p.a': 'a' } })({ ...record('k', { p: { a: 1 } }), schema })!).toBe(false);
  });

  it('answers the same record when it has none of the fields, and for a tombstone', () => {
    const transform = readyTransform(rename, { fields: { a: 'b', 'c.d': 'e' } });
    for (const given of [record('k', { z: 1, c: 'text' }), record('k', null)]) expect(transform(given)).toBe(given);
  });

  it('refuses a value without fields', () => {
    expect(() => through([1], { a: 'b' })).toThrow('Expected an object for rename, found a list (quakes-2@17)');
  });
});

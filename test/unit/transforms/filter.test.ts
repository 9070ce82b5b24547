import { describe, expect, it } from 'vitest';
import { filter } from '../../../lib/transforms/filter.ts';
import { record } from '../../support/records.ts';
import { readyTransform, valueThrough } from '../../support/transforms.ts';

const quake = {
  mag: 5,
  big: 9_007_199_254_740_993n,
  place: 'Ridgecrest, CA',
  felt: false,
  none: null,
  p: { net: 'nc' },
  'q.net': 'us',
  at: '2026-03-04',
};
const keeps = (condition: object, value: unknown = quake) => readyTransform(filter, { where: [condition] })(record('k', value)) !== null;

describe('filter', () => {
  it.each<[object, boolean]>([
    [{ field: 'mag', equals: 5 }, true],
    [{ field: 'mag', equals: '5' }, false],
    [{ field: 'felt', equals: false }, true],
    [{ field: 'none', equals: null }, true],
    [{ field: 'missing', equals: null }, true],
    [{ field: 'mag', equals: null }, false],
    [{ field: 'p.net', equals: 'nc' }, true],
    [{ field: 'q.net', in: ['nc', 'us'] }, true],
    [{ field: 'q.net', in: ['nc'] }, false],
    [{ field: 'p', exists: true }, true],
    [{ field: 'none', exists: true }, false],
    [{ field: 'none', exists: false }, true],
    [{ field: 'missing.deeper', exists: false }, true],
    [{ field: 'toString', exists: true }, false],
    [{ field: '__proto__', exists: true }, false],
    [{ field: 'place', matches: ', CA$' }, true],
    [{ field: 'place', matches: '^CA' }, false],
    [{ field: 'mag', matches: '5' }, false],
    [{ field: 'mag', greaterThan: 5 }, false],
    [{ field: 'mag', atLeast: 5 }, true],
    [{ field: 'mag', lessThan: 5 }, false],
    [{ field: 'mag', atMost: 5 }, true],
    [{ field: 'mag', greaterThan: 4, lessThan: 6 }, true],
    [{ field: 'mag', greaterThan: 4, lessThan: 5 }, false],
    [{ field: 'big', greaterThan: 9_007_199_254_740_991 }, true],
    [{ field: 'at', atLeast: '2026-01-01', lessThan: '2027' }, true],
    [{ field: 'place', greaterThan: 5 }, false],
    [{ field: 'missing', atMost: 5 }, false],
    [{ field: 'none', lessThan: 5 }, false],
    [{ field: 'p', atLeast: 0 }, false],
  ])('finds that %j holds: %s', (condition, expected) => {
    expect(keeps(condition)).toBe(expected);
  });

  it('compares nothing with NaN', () => {
    for (const operator of ['equals', 'atLeast', 'atMost', 'lessThan', 'greaterThan'])
      expect(keeps({ field: 'n', [operator]: 1 }, { n: Number.NaN })).toBe(false);
  });

  it('asks for all conditions, or for any', () => {
    const where = [
      { field: 'mag', atLeast: 5 },
      { field: 'felt', equals: true },
    ];
    const outcome = (options: object) => readyTransform(filter, { where, ...options })(record('k', quake)) !== null;
    expect([outcome({}), outcome({ match: 'all' }), outcome({ match: 'any' })]).toEqual([false, false, true]);
  });

  it('drops what matches when told so', () => {
    const transform = readyTransform(filter, { where: [{ field: 'mag', lessThan: 3 }], keep: false });
    expect(valueThrough(transform, { mag: 2 })).toBeUndefined();
    expect(valueThrough(transform, { mag: 4 })).toEqual({ mag: 4 });
    expect(valueThrough(transform, {})).toEqual({});
  });

  it('keeps the very same record, and tombstones', () => {
    const transform = readyTransform(filter, { where: [{ field: 'mag', atLeast: 1 }] });
    for (const given of [record('k', quake), record('k', null)]) expect(transform(given)).toBe(given);
  });

  it('refuses a condition that asks nothing, a broken expression and no condition at all', () => {
    expect(() => readyTransform(filter, { where: [{ field: 'a', equals: 1 }, { field: 'a' }] })).toThrow(
      'Expected where[1] of filter to have equals',
    );
    expect(() => readyTransform(filter, { where: [{ field: 'a', matches: '(' }] })).toThrow('where[0].matches');
    expect(() => readyTransform(filter, { where: [] })).toThrow('a list of at least 1');
    expect(() => readyTransform(filter, { where: [{ field: 'a', equal: 1 }] })).toThrow('Did you mean "equals"?');
  });

  it('refuses a value without fields', () => {
    expect(() => keeps({ field: 'a', exists: false }, 'sentinel')).toThrow('Expected an object for filter, found a string');
  });
});

import { describe, expect, it } from 'vitest';
import { insertField } from '../../../lib/transforms/insertField.ts';
import { transforms } from '../../../lib/transforms/registry.ts';
import { record } from '../../support/records.ts';
import { readyTransform, valueThrough } from '../../support/transforms.ts';

const at = { topic: 'quakes', partition: 2, offset: 17, timestamp: Date.UTC(2026, 2, 4) };

describe('insertField', () => {
  it('adds what Kafka knows, headers and fixed values after the fields that are there', () => {
    const headers = [
      { key: 'trace', value: Buffer.from('old') },
      { key: 'trace', value: Buffer.from('new') },
    ];
    const fields = {
      topic: 'topic',
      partition: 'partition',
      offset: 'offset',
      at: 'timestamp',
      key: 'key',
      trace: { header: 'trace' },
      env: { value: 'prod' },
      zero: { value: 0 },
    };
    const made = readyTransform(insertField, { fields })(record({ id: 1 }, { a: 1 }, { ...at, headers }))!;
    expect(JSON.stringify(made.value)).toBe(
      '{"a":1,"topic":"quakes","partition":2,"offset":17,"at":"2026-03-04T00:00:00.000Z","key":{"id":1},"trace":"new","env":"prod","zero":0}',
    );
  });

  it('gives null for a key, header or timestamp that is not there', () => {
    const transform = readyTransform(insertField, {
      fields: { key: 'key', trace: { header: 'trace' }, at: 'timestamp', nothing: { value: null } },
    });
    expect(transform(record(null, {}, { ...at, timestamp: -1 }))!.value).toEqual({ key: null, trace: null, at: null, nothing: null });
  });

  it('refuses to overwrite unless told to', () => {
    const options = { fields: { a: { value: 2 } } };
    expect(() => valueThrough(readyTransform(insertField, options), { a: 'sentinel' })).toThrow(
      'Expected no field "a" before insertField, found one (quakes-2@17)',
    );
    expect(valueThrough(readyTransform(insertField, { ...options, overwrite: true }), { a: 1, b: 1 })).toEqual({ a: 2, b: 1 });
    expect(valueThrough(readyTransform(insertField, { fields: { toString: { value: 1 } } }), {})).toEqual({ toString: 1 });
  });

  it('refuses a header that is not text, without its bytes', () => {
    const transform = readyTransform(insertField, { fields: { h: { header: 'h' } } });
    expect(() => transform(record('k', {}, { ...at, headers: [{ key: 'h', value: Uint8Array.of(0xff) }] }))).toThrow(
      'Expected header "h" to be UTF-8, found something else (quakes-2@17)',
    );
  });

  it('takes __proto__ for a field like any other', () => {
    const transform = readyTransform(insertField, JSON.parse('{"fields":{"__proto__":"key"}}'));
    const value = transform(record({ x: 1 }, JSON.parse('{"a":1}')))!.value as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.entries(value)).toEqual([
      ['a', 1],
      ['__proto__', { x: 1 }],
    ]);
    const kept = valueThrough(readyTransform(insertField, { fields: { b: { value: 1 } } }), JSON.parse('{"__proto__":{"x":1}}')) as object;
    expect('x' in kept).toBe(false);
    expect(Object.hasOwn(kept, '__proto__')).toBe(true);
  });

  it('adds to the schema what it knows', () => {
    const schema = { fields: [{ name: 'a', type: 'string', optional: false }] } as const;
    const fields = { o: 'offset', at: 'timestamp', ratio: { value: 0.5 }, k: 'key', a: { value: true } };
    const made = readyTransform(insertField, { fields, overwrite: true })({ ...record('k', { a: 'x' }, at), schema })!;
    expect(made.schema!.fields).toEqual([
      { name: 'o', type: 'bigint', optional: true },
      { name: 'at', type: 'timestamp', optional: true },
      { name: 'ratio', type: 'double', optional: true },
      { name: 'a', type: 'boolean', optional: true },
    ]);
  });

  it('lets tombstones pass and refuses a value without fields', () => {
    const transform = readyTransform(insertField, { fields: { a: 'topic' } });
    const tombstone = record('k', null);
    expect(transform(tombstone)).toBe(tombstone);
    expect(() => valueThrough(transform, 1)).toThrow('Expected an object for insertField, found a number (quakes-2@17)');
  });

  it('refuses a source that it does not know', () => {
    expect(() => readyTransform(insertField, { fields: { a: 'topc' } })).toThrow('connector.transforms[0].fields.a');
  });
});

describe('transforms', () => {
  it('knows each ready-made transform by its name', () => {
    expect([...transforms].map(([name, { name: own }]) => [name, own])).toEqual(
      ['flatten', 'rename', 'filter', 'insertField'].map((name) => [name, name]),
    );
  });
});

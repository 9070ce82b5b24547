import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../../../lib/core/errors.ts';
import { createBody } from '../../../../lib/sinks/elasticsearch/body.ts';
import { readStamp, stampText, writeDocument } from '../../../../lib/sinks/elasticsearch/document.ts';
import { record } from '../../../support/records.ts';

const stamp = '"_sluice":{"offset":1}';

function lineOf(value: unknown, text?: string | Uint8Array, withStamp = stamp): string {
  const body = createBody(1);
  const bytes = text === undefined ? {} : { bytes: Buffer.from(text) };
  writeDocument(body, { ...record('a', value), ...bytes }, withStamp);
  return body.slice(0, body.length).toString();
}

const space = fc.string({ unit: fc.constantFrom(' ', '\n', '\r', '\t'), maxLength: 3 });
const object = fc.dictionary(fc.string(), fc.jsonValue({ depthSize: 'small' }), { maxKeys: 4 });

describe('writeDocument', () => {
  it('puts the stamp into any object on one line, whatever white space its bytes have', () => {
    const property = fc.property(object, space, space, fc.constantFrom(undefined, 1, '\t'), (value, before, after, indent) => {
      const line = lineOf(value, `${before}${JSON.stringify(value, null, indent)}${after}`);
      expect(line).not.toContain('\n');
      expect(JSON.parse(line)).toEqual({ ...JSON.parse(JSON.stringify(value)), _sluice: { offset: 1 } });
    });
    fc.assert(property, { numRuns: 500 });
  });

  it('says the same of a value without bytes', () => {
    fc.assert(
      fc.property(object, (value) => {
        expect(lineOf(value)).toBe(lineOf(value, JSON.stringify(value)));
      }),
    );
  });

  it.each([['{}'], ['{ }'], ['{\n}'], ['\n {}\r\n']])('puts the stamp into the empty object %j', (text) => {
    expect(JSON.parse(lineOf({}, text))).toEqual({ _sluice: { offset: 1 } });
  });

  it('passes bytes on as they are, apart from line ends', () => {
    expect(lineOf({ big: 0 }, '{"big":9007199254740993, "d": 1.10}', '')).toBe('{"big":9007199254740993, "d": 1.10}');
    expect(lineOf({ a: 0 }, '{"a":\n1,\n"b":"\\n"}\n', '')).toBe('{"a": 1, "b":"\\n"} ');
  });

  it('serialises the value where the bytes begin with a byte order mark', () => {
    expect(lineOf({ a: 1 }, Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('{"a":1}')]))).toBe(`{"a":1,${stamp}}`);
  });

  it('keeps every digit of a big integer', () => {
    expect(lineOf({ big: 9_007_199_254_740_993n })).toBe(`{"big":9007199254740993,${stamp}}`);
  });

  it('writes a field called __proto__ like any other', () => {
    expect(lineOf(JSON.parse('{"__proto__":{"admin":true}}'))).toBe(`{"__proto__":{"admin":true},${stamp}}`);
  });

  it.each([['text'], [7], [[1]], [true], [new Uint8Array(3)], [new Date()]])('refuses %s, which is not an object', (value) => {
    expect(() => lineOf(value)).toThrow(DataError);
  });

  it.each([['"text"'], ['7'], ['[1]'], [' [{}] '], ['null ']])('refuses the bytes %s, which are not an object', (text) => {
    expect(() => lineOf(JSON.parse(text), text)).toThrow(DataError);
  });

  it('refuses what JSON cannot say and names the record', () => {
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    expect(() => lineOf(cyclic)).toThrow(/orders-0@\d+/);
    expect(() => lineOf({ n: Number.NaN })).toThrow(DataError);
  });
});

describe('stampText', () => {
  it('writes what readStamp reads, for one partition after the other', () => {
    const stampOf = stampText('_sluice', () => 99);
    for (const options of [{ partition: 1 }, { partition: 2, epoch: 3 }, { topic: 'other', part: 4 }]) {
      const each = record('a', {}, options);
      const text = stampOf(each, {});
      const { topic, partition, offset, epoch } = each.version;
      expect(readStamp(JSON.parse(`{${text}}`)['_sluice'])).toEqual({
        ...{ topic, partition, offset, epoch },
        ...{ part: each.part, timestamp: each.timestamp, writtenAt: 99 },
      });
    }
    const marker = stampOf(record('a', null), { guard: '12', deleted: true });
    expect(readStamp(JSON.parse(`{${marker}}`)['_sluice'])).toMatchObject({ guard: '12', deleted: true });
  });

  it.each([[undefined], [null], ['text'], [{}], [{ topic: 'a', partition: '1' }]])(
    'reads %j as the document of somebody else',
    (stored) => {
      expect(readStamp(stored)).toBeUndefined();
    },
  );
});

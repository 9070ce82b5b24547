import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Content, contentReader } from '../../../../lib/sinks/webhook/body.ts';
import { joinArray, joinLines } from '../../../../lib/sinks/webhook/envelope.ts';
import { recordIds } from '../../../../lib/sinks/webhook/idempotency.ts';
import { record } from '../../../support/records.ts';

/** Any code units, lone surrogates and control characters included. */
const anyText = fc
  .array(fc.oneof(fc.nat(0xffff), fc.nat(0x7f)), { minLength: 1, maxLength: 12 })
  .map((units) => String.fromCharCode(...units));

const read = (body: unknown, contentType = 'application/json') => contentReader(body, contentType, recordIds('test'));
const text = (content: Content) => Buffer.from(content).toString();

describe('contentReader', () => {
  it('passes the bytes on that nothing touched', () => {
    const untouched = { ...record('a', { n: 1 }), bytes: Buffer.from('{"n": 1.0}') };
    expect(read(undefined)(untouched)).toBe(untouched.bytes);
    expect(text(read({ v: '{value}' })(untouched))).toBe('{"v":{"n": 1.0}}');
  });

  it('leaves out a byte order mark, which JSON does not begin with', () => {
    expect(text(read(undefined)({ ...record('a', 1), bytes: Buffer.from('\ufeff1') }))).toBe('1');
  });

  it('keeps the type of a placeholder that stands alone', () => {
    const body = {
      id: '{id}',
      n: '{value.n}',
      big: '{value.big}',
      none: '{value.none}',
      key: '{key}',
      at: '{offset}',
      ts: '{timestamp}',
      h: '{header:h}',
      fixed: [1, null],
    };
    const content = read(body)(record('k', { n: 1.5, big: 9007199254740993n }, { offset: 7, timestamp: 5 }));
    expect(text(content)).toBe(
      '{"id":"test:orders:0:0:7:0","n":1.5,"big":9007199254740993,"none":null,"key":"k","at":7,"ts":5,"h":null,"fixed":[1,null]}',
    );
  });

  it('reads a text as the shape it says', () => {
    expect(text(read('{"id":"{key}"}')(record('k', 1)))).toBe('{"id":"k"}');
    expect(text(read('{value.payload}')(record('k', { payload: [1] })))).toBe('[1]');
  });

  it('lets no record break out of its place in JSON', () => {
    fc.assert(
      fc.property(anyText, anyText, (key, name) => {
        const content = read({ text: 'about {key}: {value.name}!', alone: '{value.name}' })(record(key, { name }));
        expect(JSON.parse(content as string)).toEqual({ text: `about ${key}: ${name}!`, alone: name });
      }),
    );
  });

  it('lets no record break out of its place in a form or in XML', () => {
    fc.assert(
      fc.property(
        anyText.filter((name) => name.isWellFormed()),
        (name) => {
          const form = read('a=1&name={value.name}&b=2', 'application/x-www-form-urlencoded')(record('a', { name })) as string;
          expect([...new URLSearchParams(form)]).toEqual([
            ['a', '1'],
            ['name', name],
            ['b', '2'],
          ]);
          const xml = read('<n v="{value.name}">{value.name}</n>', 'application/xml')(record('a', { name })) as string;
          expect(xml.replace(/^<n v="|<\/n>$/g, '').replace('">', '')).not.toMatch(/[<>"]/);
        },
      ),
    );
  });

  it('sends text and bytes as they are where the content is not JSON', () => {
    expect(read(undefined, 'text/plain')(record('a', 'plain'))).toBe('plain');
    expect(text(read(undefined, 'application/octet-stream')(record('a', new Uint8Array([65]))))).toBe('A');
    expect(read(undefined)(record('a', 'plain'))).toBe('"plain"');
    expect(read('{key}={value.n}', 'text/plain')(record('a', { n: 1 }))).toBe('a=1');
  });

  it('refuses a value that JSON cannot say, naming the record', () => {
    expect(() => read(undefined)(record('a', { n: Number.NaN }, { offset: 9 }))).toThrow('orders-0@9');
  });

  it('refuses unknown placeholders and loose braces', () => {
    expect(() => read({ a: '{nonsense}' })).toThrow('connector.sink.body.a');
    expect(() => read({ a: ['{'] })).toThrow('connector.sink.body.a[0]');
  });
});

const contents = fc.array(
  fc.json().chain((json) => fc.constantFrom<Content>(json, Buffer.from(json), Buffer.from(`\n${json} \n`))),
  { minLength: 1 },
);
const values = (list: readonly Content[]) => list.map((content) => JSON.parse(text(content)));

describe('several contents in one body', () => {
  it('make one array of what they are, as text or bytes', () => {
    fc.assert(
      fc.property(contents, (list) => {
        expect(JSON.parse(text(joinArray(undefined)(list)))).toEqual(values(list));
      }),
    );
  });

  it('make one line each', () => {
    fc.assert(
      fc.property(contents, (list) => {
        const lines = text(joinLines(list)).split('\n');
        expect(lines.pop()).toBe('');
        expect(lines.map((line) => JSON.parse(line))).toEqual(values(list));
      }),
    );
  });

  it('stand in a wrapper that says how many they are', () => {
    const join = joinArray({ meta: { n: '{count}' }, records: '{items}', last: true });
    expect(text(join(['1', Buffer.from('{"é":2}')]))).toBe('{"meta":{"n":2},"records":[1,{"é":2}],"last":true}');
    expect(() => joinArray({ records: [] })).toThrow('{items}');
    expect(() => joinArray({ a: '{items}', b: '{items}' })).toThrow('{items}');
  });
});

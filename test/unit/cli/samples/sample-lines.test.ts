import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSamples, toSampleLine } from '../../../../lib/cli/samples/sample-lines.ts';
import type { SourceRecord } from '../../../../lib/core/record.ts';
import { decodeJson } from '../../../../lib/formats/json.ts';

const origin = { topic: 'quakes', partition: 1, offset: 88 };

function record(content: {
  key?: string | Uint8Array | null;
  value?: string | Uint8Array | null;
  headers?: SourceRecord['headers'];
}): SourceRecord {
  const bytes = (text: string | Uint8Array | null) => (typeof text === 'string' ? Buffer.from(text) : text);
  return {
    origin,
    timestamp: 1_515_553_353_000,
    timestampType: 'create',
    headers: content.headers ?? [],
    key: bytes(content.key ?? null),
    value: bytes(content.value ?? null),
  };
}

function readOne(line: string): SourceRecord {
  const [sample] = readSamples(line, 'test/samples/quakes.jsonl', 'quakes');
  return sample!.source;
}

const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());

describe('a line of samples', () => {
  it('says a record as people read it', () => {
    const headers = [
      { key: 'trace', value: Buffer.from('4bf9') },
      { key: 'trace', value: Uint8Array.of(0xff) },
    ];
    expect(toSampleLine(record({ key: 'ci1', value: '{"mag": 5.2, "id": 9007199254740993}', headers }))).toBe(
      '{"origin":{"topic":"quakes","partition":1,"offset":88},"timestamp":1515553353000,"headers":[{"key":"trace","value":"4bf9"},{"key":"trace","value":{"base64":"/w=="}}],"key":"ci1","value":{"mag":5.2,"id":9007199254740993}}',
    );
  });

  it.each([
    ['a tombstone', null],
    ['text that is no JSON', '{ broken'],
    ['a JSON text', '"quoted"'],
    ['an empty value', ''],
    ["JSON's own null", 'null'],
    ['a number in an unusual way', '1.50'],
    ['what looks like the mark of bytes', '{"base64":"AA=="}'],
    ['a long integer', '9007199254740993'],
    ['a byte order mark', '\ufeff{}'],
  ])('keeps %s as it was', (_, value) => {
    expect(text(readOne(toSampleLine(record({ value }))).value)).toBe(value);
  });

  it('keeps every key byte for byte, headers, and values but for the spaces of their JSON', () => {
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc.json().map((json) => Uint8Array.from(Buffer.from(json))),
      fc.constant(null),
    );
    const headers = fc.array(fc.record({ key: fc.string(), value: fc.uint8Array({ maxLength: 8 }) }), { maxLength: 3 });
    fc.assert(
      fc.property(content, content, headers, (key, value, list) => {
        const written = record({ key, value, headers: list });
        const read = readOne(toSampleLine(written));
        expect(read.key && Buffer.from(read.key)).toEqual(key && Buffer.from(key));
        expect(read.headers.map((header) => [header.key, [...header.value]])).toEqual(
          list.map((header) => [header.key, [...header.value]]),
        );
        const same = read.value === null ? value === null : value !== null && Buffer.from(value).equals(Buffer.from(read.value));
        if (!same) expect(decodeJson(read.value!, origin)).toEqual(decodeJson(value!, origin));
      }),
    );
  });

  it('is called by its origin, or by its line where it has none', () => {
    const samples = readSamples(
      `{"value":1}\n\n{"origin":{"topic":"t","partition":0,"offset":5},"value":2}\n`,
      'test/samples/quakes.jsonl',
      'quakes',
    );
    expect(samples.map(({ name, source }) => [name, source.origin.topic])).toEqual([
      ['quakes.jsonl:1', 'quakes'],
      ['t-0@5', 't'],
    ]);
  });

  it.each([
    ['{ broken', 'Expected a JSON object'],
    ['[1]', 'Expected a JSON object'],
    ['{"key":"a"}', 'Expected a value; write null for a tombstone'],
    ['{"valeu":1}', 'Unknown name valeu. Did you mean value?'],
    ['{"mag":5}', 'fields of the record go into value'],
    ['{"value":1,"origin":"quakes-0@1"}', 'Expected origin to be'],
    ['{"value":1,"timestamp":"now"}', 'Expected timestamp to be milliseconds'],
    ['{"value":1,"headers":{"a":"b"}}', 'Expected headers to be a list'],
  ])('%s is refused, with the line', (line, message) => {
    expect(() => readSamples(`{"value":1}\n${line}`, 'test/samples/q.jsonl', 'q')).toThrow(message);
    expect(() => readSamples(`{"value":1}\n${line}`, 'test/samples/q.jsonl', 'q')).toThrow('test/samples/q.jsonl:2  ');
  });
});

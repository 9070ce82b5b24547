import { describe, expect, it } from 'vitest';
import { changes, failsAsExpected, readExpected, toExpectedText } from '../../../../lib/cli/samples/expected.ts';
import { differences, type SampleResult } from '../../../../lib/cli/samples/result.ts';

const failed = (code: string): SampleResult => ({ failed: { code, message: 'no' } });
const one = (value: unknown): SampleResult => ({ records: [{ key: null, value }] });

describe('expected records', () => {
  it('are read as they were written, digits of any number too', () => {
    const results = new Map([
      ['q-0@1', one({ big: 9_007_199_254_740_993n, mag: 5.2 })],
      ['q-0@2', { records: [] }],
      ['q-0@3', failed('RECORD_UNDECODABLE')],
    ]);
    const expected = readExpected(toExpectedText(results), 'q.expected.jsonl');
    expect(changes(results, expected)).toEqual([]);
    expect(failsAsExpected('q-0@3', failed('RECORD_UNDECODABLE'), expected)).toBe(true);
    expect(failsAsExpected('q-0@3', failed('OTHER'), expected)).toBe(false);
  });

  it('never expect an error that nobody meant to throw', () => {
    const results = new Map([['q-0@1', failed('TRANSFORM_FAILED')]]);
    expect(toExpectedText(results)).toBe('');
    const expected = readExpected('{"sample":"q-0@1","failed":"TRANSFORM_FAILED"}', 'q.expected.jsonl');
    expect(failsAsExpected('q-0@1', failed('TRANSFORM_FAILED'), expected)).toBe(false);
  });

  it('tell other values, other counts, new samples and samples that are gone', () => {
    const expected = readExpected(
      [
        '{"sample":"a","records":[{"key":null,"value":{"mag":"5.20"}}]}',
        '{"sample":"b","records":[]}',
        '{"sample":"gone","failed":"X"}',
      ].join('\n'),
      'q.expected.jsonl',
    );
    const results = new Map([
      ['a', one({ mag: 5.2 })],
      ['b', one(1)],
      ['new', { records: [] }],
    ]);
    expect(changes(results, expected)).toEqual([
      { sample: 'a', differences: [{ path: 'value.mag', before: '"5.20"', after: '5.2' }] },
      { sample: 'b', differences: [{ path: '', before: 'dropped', after: '{"key":null,"value":1}' }] },
      { sample: 'new', differences: [{ path: '', before: undefined, after: 'dropped' }] },
      { sample: 'gone', differences: [{ path: '', before: 'failed X', after: 'there is no such sample' }] },
    ]);
  });

  it.each(['{', '{"sample":1,"records":[]}', '{"sample":"a"}', '{"sample":"a","records":[1]}'])('refuse %s with its line', (line) => {
    expect(() => readExpected(`{"sample":"a","records":[]}\n${line}`, 'q.expected.jsonl')).toThrow(
      'q.expected.jsonl:2  Expected { sample, records }',
    );
  });
});

describe('differences', () => {
  it('names the innermost place, whatever the order of names', () => {
    expect(differences({ a: 1, b: { c: [1, { d: 2 }] } }, { b: { c: [1, { d: 3 }] }, a: 1 })).toEqual([
      { path: 'b.c[1].d', before: '2', after: '3' },
    ]);
  });

  it('tells null from nothing', () => {
    expect(differences({ a: null }, {})).toEqual([{ path: 'a', before: 'null', after: undefined }]);
  });
});

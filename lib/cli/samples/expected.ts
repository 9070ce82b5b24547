import { ConfigError } from '../../core/errors.ts';
import { isObject } from '../../core/field.ts';
import { toJson } from '../../core/json.ts';
import { decodeJson } from '../../formats/json.ts';
import { type Difference, differences, type RecordShape, type SampleResult, unforeseen } from './result.ts';

/*
 * What is expected of samples, a line each, by the sample's name:
 *
 *   {"sample":"quakes-0@41","records":[{"key":"ci1","value":{"mag":5.2}}]}     no records: dropped
 *   {"sample":"quakes-1@88","failed":"RECORD_UNDECODABLE"}
 */

export type Expected = ReadonlyMap<string, Expectation>;
type Expectation = { readonly records: readonly RecordShape[] } | { readonly failed: string };

/** A sample whose result is not the expected one. */
export interface Change {
  readonly sample: string;
  readonly differences: readonly Difference[];
}

/** Throws a ConfigError with the line that expects nothing. */
export function readExpected(text: string, file: string): Expected {
  const expected = new Map<string, Expectation>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const [sample, expectation] = readLine(line) ?? [];
    if (sample === undefined || expectation === undefined)
      throw new ConfigError(
        'SAMPLES_INVALID',
        `${file}:${index + 1}  Expected { sample, records } or { sample, failed }. Say --update to write the file anew.`,
      );
    expected.set(sample, expectation);
  }
  return expected;
}

/** The file that expects what is there now. Failures that nobody meant are left out: they are never expected. */
export function toExpectedText(results: ReadonlyMap<string, SampleResult>): string {
  return [...results]
    .flatMap(([sample, result]) => {
      if ('records' in result) return [`${toJson({ sample, records: result.records })}\n`];
      return result.failed.code === unforeseen ? [] : [`${toJson({ sample, failed: result.failed.code })}\n`];
    })
    .join('');
}

/** Whether the sample fails as it is meant to. */
export function failsAsExpected(sample: string, result: SampleResult, expected: Expected | undefined): boolean {
  const expectation = expected?.get(sample);
  if (!('failed' in result) || result.failed.code === unforeseen) return false;
  return expectation !== undefined && 'failed' in expectation && expectation.failed === result.failed.code;
}

/** Everything that is not as expected: other results, new samples, and samples that are gone. Failures that nobody meant are told apart from these. */
export function changes(results: ReadonlyMap<string, SampleResult>, expected: Expected): Change[] {
  const changed = [...results].flatMap(([sample, result]): Change[] => {
    if ('failed' in result && result.failed.code === unforeseen) return [];
    const found = compare(expected.get(sample), result);
    return found.length === 0 ? [] : [{ sample, differences: found }];
  });
  const gone = [...expected]
    .filter(([sample]) => !results.has(sample))
    .map(([sample, expectation]) => ({
      sample,
      differences: [{ path: '', before: inWords(expectation), after: 'there is no such sample' }],
    }));
  return [...changed, ...gone];
}

function compare(expectation: Expectation | undefined, result: SampleResult): readonly Difference[] {
  const now = 'records' in result ? result : { failed: result.failed.code };
  if (expectation === undefined) return [{ path: '', before: undefined, after: inWords(now) }];
  if ('records' in expectation && 'records' in now && expectation.records.length === now.records.length) {
    const [before, after] = [expectation.records, now.records];
    return before.length === 1 ? differences(before[0], after[0]) : differences(before, after);
  }
  const [before, after] = [inWords(expectation), inWords(now)];
  return before === after ? [] : [{ path: '', before, after }];
}

function inWords(expectation: Expectation): string {
  if ('failed' in expectation) return `failed ${expectation.failed}`;
  const { records } = expectation;
  return records.length === 0 ? 'dropped' : toJson(records.length === 1 ? records[0] : records);
}

function readLine(line: string): [string, Expectation] | undefined {
  let read: unknown;
  try {
    read = decodeJson(Buffer.from(line), { topic: '', partition: 0, offset: 0 });
  } catch {
    return undefined;
  }
  if (!isObject(read) || typeof read['sample'] !== 'string') return undefined;
  const { sample, records, failed } = read;
  if (typeof failed === 'string') return [sample, { failed }];
  return Array.isArray(records) && records.every(isObject) ? [sample, { records }] : undefined;
}

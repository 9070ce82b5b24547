import { describe, expect, it } from 'vitest';
import { noAnswer, retryAfterMs } from '../../../../lib/clients/object-store/answer.ts';

const now = () => Date.parse('2026-11-22T00:00:00Z');

describe('how long a store asks to be left alone', () => {
  it.each([
    [{ 'retry-after': '3' }, 3_000],
    [{ 'retry-after': 'Sun, 22 Nov 2026 00:00:09 GMT' }, 9_000],
    [{ 'retry-after': 'Sat, 21 Nov 2026 23:00:00 GMT' }, 0],
    [{ 'x-oss-qos-delay-time': '137', 'retry-after': '3' }, 137],
    [{ 'retry-after': 'soon' }, undefined],
    [{}, undefined],
  ])('%o is %s ms', (headers, expected) => {
    expect(retryAfterMs(headers as Record<string, string>, now)).toBe(expected);
  });
});

describe('a request without an answer', () => {
  const failing = (name: string, message: string, code?: string) =>
    Object.assign(new Error(message), { name, ...(code === undefined ? {} : { code }) });

  it.each([
    [failing('Error', 'connect ECONNREFUSED 10.0.0.1:443', 'ECONNREFUSED'), 'retriable', 'SINK_UNREACHABLE'],
    [failing('TimeoutError', 'timed out'), 'retriable', 'SINK_TIMEOUT'],
    [failing('TimeoutError', 'read ECONNRESET', 'ECONNRESET'), 'retriable', 'SINK_UNREACHABLE'],
    [failing('Error', 'unable to verify', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'config', 'SINK_TLS'],
    [failing('CredentialsProviderError', 'Could not load credentials from any providers'), 'config', 'SINK_UNAUTHORIZED'],
    [failing('Error', 'Region is missing'), 'config', 'SINK_MISCONFIGURED'],
    [failing('TypeError', 'something else altogether'), 'retriable', 'SINK_UNREACHABLE'],
  ])('%o is %s', (error, expected, code) => {
    expect(noAnswer(error)).toMatchObject({ class: expected, code });
    expect(noAnswer(error).cause).toBeUndefined();
  });
});

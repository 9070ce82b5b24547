import { describe, expect, it } from 'vitest';
import { ServiceError } from '../../../../lib/clients/maxcompute/service-error.ts';
import { ConfigError, RetriableError } from '../../../../lib/core/errors.ts';
import { errorRules, ruleFor, rules, toConnectorError } from '../../../../lib/sinks/maxcompute/classification.ts';

const { signal } = new AbortController();

describe('an answer', () => {
  it.each([
    [500, 'FlowExceeded', 'retriable', 'SINK_THROTTLED'],
    [403, 'SlotExceeded', 'retriable', 'SINK_THROTTLED'],
    [429, undefined, 'retriable', 'SINK_THROTTLED'],
    [400, 'InternalServerError', 'retriable', 'SINK_UNAVAILABLE'],
    [503, undefined, 'retriable', 'SINK_UNAVAILABLE'],
    [408, undefined, 'retriable', 'SINK_UNAVAILABLE'],
    [308, undefined, 'retriable', 'SINK_SESSION_LOST'],
    [404, 'NoSuchUpload', 'retriable', 'SINK_SESSION_LOST'],
    [409, 'StatusConflict', 'retriable', 'SINK_SESSION_LOST'],
    [412, 'SchemaModified', 'retriable', 'SINK_TABLE_CHANGED'],
    [400, 'CorruptedDataStream', 'retriable', 'SINK_UNAVAILABLE'],
    [403, 'RequestTimeTooSkewed', 'retriable', 'SINK_CLOCK'],
    [401, undefined, 'config', 'SINK_UNAUTHORIZED'],
    [403, 'AccessDenied', 'config', 'SINK_UNAUTHORIZED'],
    [400, 'ODPS-0410042', 'config', 'SINK_UNAUTHORIZED'],
    [404, 'NoSuchTable', 'config', 'SINK_TARGET_MISSING'],
    [404, 'ODPS-0130131', 'config', 'SINK_TARGET_MISSING'],
    [404, 'NoSuchPartition', 'config', 'SINK_TARGET_MISSING'],
    [404, 'QuotaNotExist', 'config', 'SINK_MISCONFIGURED'],
    [404, undefined, 'config', 'SINK_MISCONFIGURED'],
    [400, 'InvalidArgument', 'config', 'SINK_MISCONFIGURED'],
    [400, 'DataStoreError', 'data', 'SINK_REJECTED_RECORD'],
    [413, undefined, 'data', 'SINK_RECORD_TOO_LARGE'],
    [200, 'SomethingNew', 'retriable', 'SINK_UNAVAILABLE'],
  ])('of %i %s is %s', (status, code, kind, name) => {
    const error = toConnectorError(new ServiceError(status, { code, requestId: 'REQ1', retryAfterMs: 5 }), signal);
    expect({ class: error.class, code: error.code }).toEqual({ class: kind, code: name });
    expect(error.message).toContain(`(${code ?? status}, request REQ1)`);
    if (error instanceof RetriableError) expect(error.retryAfterMs).toBe(5);
    if (error instanceof ConfigError) expect(error.unauthorized).toBe(name === 'SINK_UNAUTHORIZED');
  });

  it('that comes after the time is over is retriable', () => {
    const error = toConnectorError(new ServiceError(404, { code: 'NoSuchTable' }), AbortSignal.abort());
    expect(error).toMatchObject({ class: 'retriable', code: 'ABORTED' });
  });
});

it.each([
  ['ECONNREFUSED', 'retriable', 'SINK_UNREACHABLE'],
  ['ETIMEDOUT', 'retriable', 'SINK_TIMEOUT'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'config', 'SINK_TLS'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'config', 'SINK_TLS'],
])('a network that fails with %s is %s', (code, kind, name) => {
  expect(toConnectorError(Object.assign(new Error('secret'), { code }), signal)).toMatchObject({ class: kind, code: name });
});

it('names no code twice, and shows every rule on the reference page', () => {
  const codes = rules.flatMap(({ codes = [] }) => codes);
  expect(new Set(codes).size).toBe(codes.length);
  expect(errorRules).toHaveLength(rules.length);
  for (const rule of rules) for (const code of rule.codes ?? []) expect(ruleFor(400, code)).toBe(rule);
});

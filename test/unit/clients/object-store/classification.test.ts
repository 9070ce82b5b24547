import { describe, expect, it } from 'vitest';
import { classify, errorOf, storeErrors, storeRules } from '../../../../lib/clients/object-store/classification.ts';
import { ConfigError, RetriableError } from '../../../../lib/core/errors.ts';

describe('the classification of what a store answers', () => {
  it.each([
    ['create', 412, 'PreconditionFailed', 'exists'],
    ['create', 409, 'FileAlreadyExists', 'exists'],
    ['create', 409, 'ConditionalRequestConflict', 'retriable'],
    ['put', 412, 'PreconditionFailed', 'config'],
    ['put', 409, 'FileAlreadyExists', 'config'],
    ['head', 404, 'NotFound', 'absent'],
    ['create', 404, 'NoSuchBucket', 'config'],
    ['list', 404, 'NoSuchBucket', 'config'],
    ['create', 503, 'SlowDown', 'retriable'],
    ['create', 503, 'ServiceUnavailable', 'retriable'],
    ['create', 503, 'QpsLimitExceeded', 'retriable'],
    ['create', 500, 'InternalError', 'retriable'],
    ['create', 429, '', 'retriable'],
    ['create', 400, 'RequestTimeout', 'retriable'],
    ['create', 400, 'BadDigest', 'retriable'],
    ['create', 403, 'RequestTimeTooSkewed', 'retriable'],
    ['create', 403, 'QuotaExceeded', 'retriable'],
    ['create', 507, 'XMinioStorageFull', 'retriable'],
    ['create', 400, 'EntityTooLarge', 'data'],
    ['create', 400, 'KeyTooLongError', 'data'],
    ['create', 403, 'AccessDenied', 'config'],
    ['create', 400, 'ExpiredToken', 'config'],
    ['create', 404, 'XAdminUserNotFound', 'config'],
    ['create', 301, 'PermanentRedirect', 'config'],
    ['create', 307, 'TemporaryRedirect', 'retriable'],
    ['create', 400, 'AuthorizationHeaderMalformed', 'config'],
    ['create', 501, 'NotImplemented', 'config'],
    ['create', 400, 'InvalidStorageClass', 'config'],
    ['create', 400, 'KMS.NotFoundException', 'config'],
    ['create', 400, 'KMS.ThrottlingException', 'retriable'],
    ['create', 200, '', 'retriable'],
    ['create', 599, 'Nobody knows', 'retriable'],
  ] as const)('%s, %d %s: %s', (operation, status, code, means) => {
    expect(classify(operation, { status, code }).means).toBe(means);
  });

  it.each([401, 403])('%d asks for the secrets to be read again', (status) => {
    const error = errorOf('create', { status, code: 'SomethingNew' });
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ unauthorized: true });
  });

  it('carries how long the store asked to be left alone', () => {
    const error = errorOf('create', { status: 503, code: 'SlowDown', retryAfterMs: 1_500 });
    expect(error).toBeInstanceOf(RetriableError);
    expect(error).toMatchObject({ code: 'SINK_THROTTLED', retryAfterMs: 1_500 });
  });

  it('repeats a word of the store, and nothing that could be anything else', () => {
    expect(errorOf('create', { status: 400, code: 'InvalidStorageClass' }).message).toMatch(/400 InvalidStorageClass$/);
    expect(errorOf('create', { status: 400, code: '<b>AKIA secret</b>' }).message).toMatch(/ 400$/);
  });

  it('is what the reference page shows, each failure once', () => {
    const failures = storeRules.filter(({ means }) => means !== 'exists' && means !== 'absent');
    expect(storeErrors).toHaveLength(failures.length);
    expect(new Set(storeErrors.map(({ when }) => when)).size).toBe(storeErrors.length);
  });
});

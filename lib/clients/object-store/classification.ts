import { ConfigError, type ConnectorError, DataError, RetriableError } from '../../core/errors.ts';
import type { ErrorRule } from '../../core/sink.ts';

export type Operation = 'create' | 'put' | 'head' | 'list';

/** One line of the classification: the first line that fits decides. */
export interface StoreRule {
  readonly operations?: readonly Operation[];
  /** One status, or a first and a last. */
  readonly status?: number | readonly [number, number];
  /** The store's own words for it; those that end in * are beginnings. */
  readonly codes?: readonly string[];
  /** exists: there is an object by that name. absent: there is none. */
  readonly means: 'exists' | 'absent' | 'retriable' | 'data' | 'config';
  readonly code?: string;
  readonly message: string;
  readonly unauthorized?: true;
}

const refusedAccess = {
  means: 'config',
  code: 'SINK_UNAUTHORIZED',
  message: 'The store refused access. Check connector.sink.credentials, or what the role may do with the bucket',
  unauthorized: true,
} as const;

/** What each failure of a store means. */
export const storeRules: readonly StoreRule[] = [
  {
    operations: ['create'],
    status: 412,
    means: 'exists',
    message: 'there is an object by that name',
  },
  { operations: ['create'], status: 409, codes: ['FileAlreadyExists'], means: 'exists', message: 'there is an object by that name' },
  {
    codes: ['NoSuchBucket'],
    means: 'config',
    code: 'SINK_TARGET_MISSING',
    message: 'The bucket does not exist. Create it, or check connector.sink.bucket and region',
  },
  { operations: ['head'], status: 404, means: 'absent', message: 'there is no object by that name' },
  {
    status: 409,
    codes: ['ConditionalRequestConflict', 'OperationAborted'],
    means: 'retriable',
    code: 'SINK_CONFLICT',
    message: 'Another writer was at the same object',
  },
  {
    codes: [
      'SlowDown',
      'TooManyRequests',
      'Throttling*',
      'RequestLimitExceeded',
      'QpsLimitExceeded',
      '*RateLimitExceeded',
      'KMS.Throttling*',
    ],
    means: 'retriable',
    code: 'SINK_THROTTLED',
    message: 'The store is throttling requests',
  },
  { status: 429, means: 'retriable', code: 'SINK_THROTTLED', message: 'The store is throttling requests' },
  {
    codes: ['QuotaExceeded', 'XMinioAdminBucketQuotaExceeded', 'XMinioStorageFull', 'InsufficientStorage', 'StorageFull'],
    means: 'retriable',
    code: 'SINK_FULL',
    message: 'The store has no space left, or the bucket has used its quota up',
  },
  { status: 507, means: 'retriable', code: 'SINK_FULL', message: 'The store has no space left' },
  {
    codes: ['RequestTimeTooSkewed'],
    means: 'retriable',
    code: 'SINK_CLOCK',
    message: "The store's clock and the one of this machine are too far apart",
  },
  {
    codes: ['BadDigest', 'InvalidDigest', 'IncompleteBody', 'XAmzContentSHA256Mismatch', 'XAmzContentChecksumMismatch', 'RequestTimeout'],
    means: 'retriable',
    code: 'SINK_UNAVAILABLE',
    message: 'The object did not arrive whole',
  },
  {
    codes: ['EntityTooLarge', 'InvalidObjectSize'],
    means: 'data',
    code: 'SINK_TOO_LARGE',
    message: 'The object is larger than the store takes',
  },
  { status: 413, means: 'data', code: 'SINK_TOO_LARGE', message: 'The object is larger than the store takes' },
  {
    codes: [
      'KeyTooLongError',
      'KeyTooLong',
      'InvalidObjectName',
      'XMinioInvalidObjectName',
      'ParentIsObject',
      'ExistingObjectIsDirectory',
      'XMinioParentIsObject',
    ],
    means: 'data',
    code: 'SINK_REJECTED_RECORD',
    message: 'The store does not take an object of that name',
  },
  {
    codes: ['PermanentRedirect', 'AuthorizationHeaderMalformed', 'IllegalLocationConstraintException'],
    means: 'config',
    code: 'SINK_MISCONFIGURED',
    message: 'The bucket is in another region. Check connector.sink.region and endpoint',
  },
  {
    codes: ['SecondLevelDomainForbidden'],
    means: 'config',
    code: 'SINK_MISCONFIGURED',
    message: 'The store wants the bucket in the name of the host. Check connector.sink.endpoint',
  },
  {
    codes: ['ExpiredToken', 'InvalidToken', 'TokenRefreshRequired', 'XAdminUserNotFound', 'InvalidAccessKeyId', 'SecurityTokenExpired'],
    ...refusedAccess,
  },
  {
    codes: ['KMS.*', 'Kms*'],
    means: 'config',
    code: 'SINK_MISCONFIGURED',
    message: 'The key management service refused the key. Check connector.sink.encryption',
  },
  { status: 401, ...refusedAccess },
  { status: 403, ...refusedAccess },
  {
    status: 501,
    means: 'config',
    code: 'SINK_MISCONFIGURED',
    message: 'The store does not know a part of the request. Check connector.sink.store and checksum',
  },
  { status: 408, means: 'retriable', code: 'SINK_TIMEOUT', message: 'The store did not get the request in time' },
  { status: [500, 599], means: 'retriable', code: 'SINK_UNAVAILABLE', message: 'The store is not available' },
  { status: 307, means: 'retriable', code: 'SINK_UNAVAILABLE', message: 'The bucket is new, and not everywhere known where it is' },
  {
    status: [300, 399],
    means: 'config',
    code: 'SINK_MISCONFIGURED',
    message: 'The bucket is elsewhere. Check connector.sink.region and endpoint',
  },
  {
    status: [400, 499],
    means: 'config',
    code: 'SINK_MISCONFIGURED',
    message: 'The store refused the request. Check connector.sink.store, bucket, encryption, storageClass and tags',
  },
];

export interface StoreFailure {
  readonly status: number;
  readonly code: string;
  readonly retryAfterMs?: number | undefined;
}

/** The first rule that fits. What none fits is retriable. */
export function classify(operation: Operation, { status, code }: StoreFailure): StoreRule {
  return (
    storeRules.find((rule) => fits(rule, operation, status, code)) ?? {
      means: 'retriable',
      code: 'SINK_UNAVAILABLE',
      message: 'The store gave an answer nobody knows',
    }
  );
}

function fits({ operations, status, codes }: StoreRule, operation: Operation, actual: number, code: string): boolean {
  if (operations !== undefined && !operations.includes(operation)) return false;
  if (typeof status === 'number' && status !== actual) return false;
  if (typeof status === 'object' && (actual < status[0] || actual > status[1])) return false;
  return codes === undefined || codes.some((pattern) => matches(pattern, code));
}

function matches(pattern: string, code: string): boolean {
  if (pattern.endsWith('*')) return code.startsWith(pattern.slice(0, -1));
  return pattern.startsWith('*') ? code.endsWith(pattern.slice(1)) : code === pattern;
}

/** The error that a failure stands for. Only the store's word for it is repeated: its messages hold names and keys. */
export function errorOf(operation: Operation, failure: StoreFailure): ConnectorError {
  const { means, code = 'SINK_UNAVAILABLE', message, unauthorized = false } = classify(operation, failure);
  const text = `${message}: ${wordOf(failure)}`;
  if (means === 'config') return new ConfigError(code, text, { unauthorized });
  if (means === 'data') return new DataError(code, text);
  return new RetriableError(code, text, { retryAfterMs: failure.retryAfterMs });
}

function wordOf({ status, code }: StoreFailure): string {
  return /^[A-Za-z][A-Za-z0-9.]{2,60}$/.test(code) && !/^\d|^Unknown/.test(code) ? `${status} ${code}` : String(status);
}

/** The classification as a reference page shows it. */
export const storeErrors: readonly ErrorRule[] = storeRules.flatMap(({ operations, status, codes, means, message }) => {
  if (means === 'exists' || means === 'absent') return [];
  const statusText = status === undefined ? [] : [`HTTP ${typeof status === 'number' ? status : `${status[0]} to ${status[1]}`}`];
  const when = [...statusText, ...(codes === undefined ? [] : [codes.join(', ')]), ...(operations ?? [])].join(' ');
  return [{ when, class: means, meaning: message }];
});

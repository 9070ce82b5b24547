import { ConfigError, ConnectorError, RetriableError } from '../../core/errors.ts';
import type { StoreFailure } from './classification.ts';

type Headers = Readonly<Record<string, string>>;

/** What the store said about a failure; undefined when it said nothing, because there was no answer. */
export function failureOf(error: unknown, now: () => number): StoreFailure | undefined {
  if (!(error instanceof Error)) return undefined;
  const status = statusOf(error);
  if (status === undefined) return undefined;
  const said = '$fault' in error; // otherwise the name is of what could not be made of the answer
  return { status, code: said ? error.name : '', retryAfterMs: retryAfterMs(headersOf(error), now) };
}

function statusOf(error: Error): number | undefined {
  if ('$metadata' in error && isObject(error.$metadata) && typeof error.$metadata['httpStatusCode'] === 'number')
    return error.$metadata['httpStatusCode'];
  return '$response' in error && isObject(error.$response) && typeof error.$response['statusCode'] === 'number'
    ? error.$response['statusCode']
    : undefined;
}

function headersOf(error: Error): Headers {
  const response = '$response' in error ? error.$response : undefined;
  return isObject(response) && isObject(response['headers']) ? (response['headers'] as Headers) : {};
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** How long the store asks to be left alone: OSS says milliseconds in a header of its own, others seconds or a date. */
export function retryAfterMs(headers: Headers, now: () => number): number | undefined {
  const own = headers['x-oss-qos-delay-time'];
  if (own !== undefined && /^\d+$/.test(own)) return Number(own);
  const header = headers['retry-after'] ?? '';
  if (header === '') return undefined;
  const delayMs = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now();
  return Number.isNaN(delayMs) ? undefined : Math.max(0, delayMs);
}

/** The error for a request that got no answer. The client's own errors carry the request, so none of them is kept as a cause. */
export function noAnswer(error: unknown): ConnectorError {
  if (error instanceof ConnectorError) return error;
  const { name, message } = error instanceof Error ? error : { name: typeof error, message: '' };
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (name === 'CredentialsProviderError')
    return new ConfigError(
      'SINK_UNAUTHORIZED',
      'Found no credentials. Give the function a role that may write to the bucket, or set connector.sink.credentials.',
      { unauthorized: true },
    );
  if (/^Region is missing/.test(message))
    return new ConfigError('SINK_MISCONFIGURED', 'The region of the bucket is not known. Set connector.sink.region.');
  if (/CERT|SELF_SIGNED|UNABLE_TO_|ERR_SSL_|ERR_TLS_/.test(code))
    return new ConfigError('SINK_TLS', `The store cannot be trusted: ${code}. Check connector.sink.endpoint.`);
  // The client calls a connection that broke a timeout too.
  if (name === 'TimeoutError' && (code === '' || code === 'ETIMEDOUT'))
    return new RetriableError('SINK_TIMEOUT', 'The store did not answer in time');
  return new RetriableError('SINK_UNREACHABLE', `The store cannot be reached${/^[A-Z_]{3,40}$/.test(code) ? `: ${code}` : ''}`);
}

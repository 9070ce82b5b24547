interface ErrorOptions {
  readonly cause?: unknown;
}

/** What happens next is said by the class: see `RetriableError`, `DataError`, `ConfigError`. Messages never hold values of records or secrets. */
export abstract class ConnectorError extends Error {
  abstract override readonly name: string; // written out, as bundles shorten the names of classes
  abstract readonly class: 'retriable' | 'data' | 'config';
  /** A stable word for logs, metrics and dead letters, e.g. `SINK_THROTTLED`. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Throttled, timed out, unreachable: tried again while time is left, then redelivered by the platform. Never dead-lettered. */
export class RetriableError extends ConnectorError {
  override readonly name = 'RetriableError';
  readonly class = 'retriable';
  /** How long the target asked to be left alone. */
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, options?: ErrorOptions & { readonly retryAfterMs?: number | undefined }) {
    super(code, message, options);
    this.retryAfterMs = options?.retryAfterMs;
  }
}

/** This record cannot be delivered as it is: dead letter topic, its neighbours go on. Never retried. */
export class DataError extends ConnectorError {
  override readonly name = 'DataError';
  readonly class = 'data';
}

/** Nothing works until a person changes something: nothing more is acknowledged and nothing is dead-lettered. */
export class ConfigError extends ConnectorError {
  override readonly name = 'ConfigError';
  readonly class = 'config';
  /** The target refused the credentials: the sink is opened again once, with secrets read afresh. */
  readonly unauthorized: boolean;

  constructor(code: string, message: string, options?: ErrorOptions & { readonly unauthorized?: boolean }) {
    super(code, message, options);
    this.unauthorized = options?.unauthorized ?? false;
  }
}

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EADDRNOTAVAIL',
  'EMFILE',
  'ENFILE',
  'EPROTO',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_SOCKET_CLOSED',
  'ABORT_ERR',
]);
const networkCodeStarts = ['UND_ERR_', 'ERR_SSL_', 'ERR_TLS_', 'CERT_', 'DEPTH_ZERO_SELF_SIGNED', 'SELF_SIGNED_CERT', 'UNABLE_TO_'];
const transientNames = new Set(['AbortError', 'TimeoutError', 'ConnectionError', 'RequestAbortedError', 'ConnectTimeoutError']);

/** True for a network, abort or timeout failure, and for a service of AWS that cannot answer for now, however deep it sits in the causes. */
export function isTransient(error: unknown, depth = 0): boolean {
  if (!(error instanceof Error) || depth > 5) return false;
  if (error instanceof RetriableError || transientNames.has(error.name)) return true;
  const code = 'code' in error ? error.code : undefined;
  if (typeof code === 'string' && (networkCodes.has(code) || networkCodeStarts.some((start) => code.startsWith(start)))) return true;
  if (isFaultOfAws(error)) return true;
  if (error instanceof AggregateError && error.errors.some((inner) => isTransient(inner, depth + 1))) return true;
  return isTransient(error.cause, depth + 1);
}

/** The clients of AWS mark what may be tried again: throttling, and failures of the service itself. */
function isFaultOfAws(error: Error): boolean {
  return ('$fault' in error && error.$fault === 'server') || ('$retryable' in error && error.$retryable !== undefined);
}

/** The class name of anything thrown, which says something without repeating a message that may hold values. */
export function errorName(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

import { describe, expect, it } from 'vitest';
import { isTransient, RetriableError } from '../../../lib/core/errors.ts';

const failure = (properties: object) => Object.assign(new Error('x'), properties);

describe('a failure of the network, an abort or a timeout', () => {
  it.each<[string, unknown]>([
    ['a reset connection', failure({ code: 'ECONNRESET' })],
    ['a failed fetch', new TypeError('fetch failed', { cause: failure({ code: 'ECONNREFUSED' }) })],
    ['an attempt at several addresses', new AggregateError([failure({ code: 'EHOSTUNREACH' })])],
    ['an abort', new DOMException('x', 'AbortError')],
    ['a timeout', new DOMException('x', 'TimeoutError')],
    ['a TLS handshake that broke', failure({ code: 'EPROTO' })],
    ['an alert of TLS', failure({ code: 'ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR' })],
    ['a certificate that expired', new TypeError('fetch failed', { cause: failure({ code: 'CERT_HAS_EXPIRED' }) })],
    ['no free file descriptor', failure({ code: 'EMFILE' })],
    ['a throttled call of AWS', failure({ name: 'ProvisionedThroughputExceededException', $fault: 'client', $retryable: {} })],
    ['a failure of AWS itself', failure({ name: 'InternalServerError', $fault: 'server' })],
    ['what says so itself', new RetriableError('X', 'x')],
  ])('is told from %s', (_, error) => {
    expect(isTransient(error)).toBe(true);
  });

  it.each<[string, unknown]>([
    ['a mistake of the transform', new TypeError('x is not a function')],
    ['a file that is not there', failure({ code: 'ENOENT' })],
    ['a refusal of AWS', failure({ name: 'ValidationException', $fault: 'client' })],
    ['something that is no error', 'ECONNRESET'],
  ])('is not seen in %s', (_, error) => {
    expect(isTransient(error)).toBe(false);
  });
});

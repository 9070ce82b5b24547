import { describe, expect, it } from 'vitest';
import { toConnectorError } from '../../../../lib/clients/kafka/errors.ts';
import { ConfigError } from '../../../../lib/core/errors.ts';

// Shaped as kafkajs throws them: the reason sits inside of what kafkajs wraps around it.
function wrapped(inner: Error): Error {
  const outer = Object.assign(new Error(inner.message, { cause: inner }), { name: 'KafkaJSNumberOfRetriesExceeded', retriable: false });
  return Object.assign(new Error(inner.message, { cause: outer }), { name: 'KafkaJSNonRetriableError', retriable: false });
}
const protocol = (type: string): Error => Object.assign(new Error('text of kafkajs'), { name: 'KafkaJSProtocolError', type, code: 99 });
const connection = (code: string | undefined, message = 'Connection error'): Error =>
  Object.assign(new Error(message), { name: 'KafkaJSConnectionError', code });
const sasl = (message: string): Error => Object.assign(new Error(message), { name: 'KafkaJSSASLAuthenticationError' });

describe('failures of kafkajs', () => {
  const table: readonly (readonly [string, Error, object])[] = [
    [
      'a wrong password',
      sasl('SASL PLAIN authentication failed: Authentication failed'),
      { code: 'KAFKA_UNAUTHORIZED', class: 'config', unauthorized: true },
    ],
    [
      'an unknown mechanism',
      sasl('SASL PLAIN mechanism is not supported by the server'),
      { code: 'KAFKA_UNAUTHORIZED', class: 'config', unauthorized: true },
    ],
    [
      'a connection lost while logging in',
      sasl('SASL PLAIN authentication failed: Closed connection'),
      { code: 'KAFKA_UNAVAILABLE', class: 'retriable' },
    ],
    ['no right to a topic', protocol('TOPIC_AUTHORIZATION_FAILED'), { code: 'KAFKA_FORBIDDEN', class: 'config', unauthorized: true }],
    ['a missing topic', protocol('UNKNOWN_TOPIC_OR_PARTITION'), { code: 'KAFKA_TOPIC_MISSING', class: 'config', unauthorized: false }],
    ['a rebalance', protocol('ILLEGAL_GENERATION'), { code: 'KAFKA_REBALANCED', class: 'retriable' }],
    ['an election', protocol('NOT_LEADER_FOR_PARTITION'), { code: 'KAFKA_UNAVAILABLE', class: 'retriable' }],
    [
      'an unknown authority',
      connection('SELF_SIGNED_CERT_IN_CHAIN'),
      { code: 'KAFKA_TLS_UNTRUSTED', class: 'config', unauthorized: false },
    ],
    ['a certificate for another name', connection('ERR_TLS_CERT_ALTNAME_INVALID'), { code: 'KAFKA_TLS_UNTRUSTED', class: 'config' }],
    [
      'no client certificate, TLS 1.3',
      connection('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'),
      { code: 'KAFKA_CLIENT_CERTIFICATE', class: 'config', unauthorized: true },
    ],
    [
      'no client certificate, as Java says it',
      connection('ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE'),
      { code: 'KAFKA_CLIENT_CERTIFICATE', class: 'config' },
    ],
    ['a port without TLS', connection('ERR_SSL_WRONG_VERSION_NUMBER'), { code: 'KAFKA_TLS_MISMATCH', class: 'config' }],
    [
      'nobody listening',
      connection('ECONNREFUSED', 'Connection error: connect ECONNREFUSED 127.0.0.1:1'),
      { code: 'KAFKA_UNREACHABLE', class: 'retriable' },
    ],
    ['nobody answering', connection(undefined, 'Connection timeout'), { code: 'KAFKA_UNREACHABLE', class: 'retriable' }],
    ['anything else', new Error('whatever'), { code: 'KAFKA_UNAVAILABLE', class: 'retriable' }],
  ];
  for (const [name, inner, expected] of table)
    it(`name ${name}, however deep it sits`, () => {
      expect(toConnectorError(inner)).toMatchObject(expected);
      expect(toConnectorError(wrapped(inner))).toMatchObject(expected);
      expect(toConnectorError(new AggregateError([wrapped(inner)]))).toMatchObject(expected);
    });

  it('leave a failure that has its name alone', () => {
    const own = new ConfigError('SECRET_MISSING', 'There is no secret.');
    expect(toConnectorError(own)).toBe(own);
    expect(toConnectorError(wrapped(own))).toBe(own);
  });

  it('do not repeat what kafkajs says, which may hold records', () => {
    const failure = toConnectorError(wrapped(new TypeError('Invalid message without value: {"value":"sentinel"}')));
    expect(failure.message).not.toContain('sentinel');
  });
});

import { ConfigError, ConnectorError, RetriableError } from '../../core/errors.ts';

const untrusted = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_UNTRUSTED',
  'CERT_REVOKED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

const unknownMechanism = 'Kafka does not offer this mechanism on this listener. Set cluster.auth.type to one that it offers.';
const rebalancing = new Set(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID']);

/** What the broker's error means for whoever has to change something, by the name that Kafka gives it. */
const refusals: Readonly<Record<string, readonly [code: string, message: string, unauthorized?: true]>> = {
  SASL_AUTHENTICATION_FAILED: ['KAFKA_UNAUTHORIZED', 'Kafka refused the credentials. Check cluster.auth.', true],
  ILLEGAL_SASL_STATE: ['KAFKA_UNAUTHORIZED', 'Kafka wants SASL on this listener. Set cluster.auth.', true],
  UNSUPPORTED_SASL_MECHANISM: ['KAFKA_UNAUTHORIZED', unknownMechanism, true],
  TOPIC_AUTHORIZATION_FAILED: ['KAFKA_FORBIDDEN', 'Kafka does not let this user at the topic. Give its user the right by an ACL.', true],
  GROUP_AUTHORIZATION_FAILED: [
    'KAFKA_FORBIDDEN',
    'Kafka does not let this user at the consumer group. Give its user the right by an ACL.',
    true,
  ],
  CLUSTER_AUTHORIZATION_FAILED: ['KAFKA_FORBIDDEN', 'Kafka does not allow this to the user. Give it the right by an ACL.', true],
  UNKNOWN_TOPIC_OR_PARTITION: [
    'KAFKA_TOPIC_MISSING',
    'The topic does not exist, or the user may not see it. Create it, or correct its name.',
  ],
  INVALID_TOPIC_EXCEPTION: [
    'KAFKA_TOPIC_INVALID',
    "The topic's name is not one that Kafka takes: letters, digits, '.', '_' and '-', at most 249.",
  ],
  INVALID_SESSION_TIMEOUT: ['KAFKA_REFUSED', "The consumer group's session timeout is outside of what the broker allows."],
  INCONSISTENT_GROUP_PROTOCOL: ['KAFKA_GROUP_TAKEN', 'Consumers of another kind use this consumer group. Choose another group name.'],
  GROUP_MAX_SIZE_REACHED: ['KAFKA_GROUP_FULL', 'The consumer group has as many members as the broker allows.'],
  UNSUPPORTED_VERSION: ['KAFKA_TOO_OLD', 'The broker does not support a request that is needed. Kafka 1.0 or newer is.'],
  UNSUPPORTED_COMPRESSION_TYPE: ['KAFKA_REFUSED', 'The topic or broker does not take this compression. Choose another.'],
  INVALID_REQUIRED_ACKS: ['KAFKA_REFUSED', 'The broker does not take acknowledgement by all replicas.'],
  POLICY_VIOLATION: ['KAFKA_REFUSED', 'A policy of the cluster refuses this.'],
};

/** Any failure of kafkajs as one that says what happens next. What kafkajs wraps is looked into, as it hides the reason deep inside. */
export function toConnectorError(error: unknown): ConnectorError {
  const chain = causes(error);
  const own = chain.find((link) => link instanceof ConnectorError);
  if (own !== undefined) return own;
  for (const link of chain) {
    const named = nameFailure(link, error);
    if (named !== undefined) return named;
  }
  if (chain.some(({ message }) => message.includes('before secure TLS connection was established'))) {
    const message =
      'Kafka closed the connection instead of answering with TLS. If it always does, set cluster.tls to false or use the port with TLS';
    return new RetriableError('KAFKA_TLS_UNANSWERED', message, { cause: error });
  }
  if (chain.some(({ message }) => /Connection timeout|ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|No broker available/.test(message)))
    return new RetriableError('KAFKA_UNREACHABLE', 'No Kafka broker could be reached at cluster.bootstrapServers', { cause: error });
  return new RetriableError('KAFKA_UNAVAILABLE', `Kafka did not answer as expected: ${reason(chain)}`, { cause: error });
}

function nameFailure(link: Error, cause: unknown): ConnectorError | undefined {
  const { type, code } = link as Error & { readonly type?: unknown; readonly code?: unknown };
  if (typeof type === 'string' && Object.hasOwn(refusals, type)) return refusal(type, cause);
  if (typeof type === 'string' && rebalancing.has(type))
    return new RetriableError('KAFKA_REBALANCED', 'The consumer group has given out its partitions anew', { cause });
  if (link.name === 'KafkaJSSASLAuthenticationError') return saslFailure(link, cause);
  if (link.name === 'KafkaJSServerDoesNotSupportApiKey' || link.name === 'KafkaJSNotImplemented')
    return refusal('UNSUPPORTED_VERSION', cause);
  return typeof code === 'string' ? tlsFailure(code, cause) : undefined;
}

/** The ConfigError for a name of Kafka's error codes, if it is one that only a person can do something about. */
export function refusal(type: string, cause?: unknown): ConfigError | undefined {
  const known = refusals[type];
  if (known === undefined) return undefined;
  const [code, message, unauthorized = false] = known;
  return new ConfigError(code, message, { cause, unauthorized });
}

function saslFailure({ message }: Error, cause: unknown): ConnectorError {
  // kafkajs gives this name to whatever happens during the exchange, a lost connection too.
  if (/timed out|timeout|Closed connection|Connection error|Connection closed|Not connected/i.test(message))
    return new RetriableError('KAFKA_UNAVAILABLE', 'The connection to Kafka was lost while it checked the credentials', { cause });
  const advice = /mechanism is not supported/.test(message)
    ? unknownMechanism
    : 'Kafka refused the credentials. Check the secret of cluster.auth.';
  return new ConfigError('KAFKA_UNAUTHORIZED', advice, { cause, unauthorized: true });
}

function tlsFailure(code: string, cause: unknown): ConfigError | undefined {
  if (untrusted.has(code)) {
    const message = `Kafka's certificate is not trusted (${code}). Set cluster.tls.ca to the certificate of the authority that signed it.`;
    return new ConfigError('KAFKA_TLS_UNTRUSTED', message, { cause });
  }
  if (/^ERR_SSL_.*ALERT.*(CERTIFICATE|UNKNOWN_CA)/.test(code)) {
    const message = `Kafka refused the client's certificate, or got none (${code}). Set cluster.auth to { type: mtls, … } with one that it trusts.`;
    return new ConfigError('KAFKA_CLIENT_CERTIFICATE', message, { cause, unauthorized: true });
  }
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG')
    return new ConfigError(
      'KAFKA_TLS_MISMATCH',
      'This listener of Kafka does not speak TLS. Set cluster.tls to false, or use the port that does.',
      { cause },
    );
  if (/^ERR_SSL_|^ERR_OSSL_|^ERR_CRYPTO_/.test(code))
    return new ConfigError(
      'KAFKA_TLS_REFUSED',
      `TLS with Kafka failed (${code}). Check cluster.tls and the certificates of cluster.auth.`,
      { cause },
    );
  return undefined;
}

/** The error and everything that it was caused by, outermost first. */
function causes(error: unknown, depth = 0): Error[] {
  if (!(error instanceof Error) || depth > 8) return [];
  const inner: unknown[] = 'errors' in error && Array.isArray(error.errors) ? error.errors : [];
  return [error, ...[error.cause, ...inner].flatMap((cause) => causes(cause, depth + 1))];
}

/** kafkajs' names and Kafka's error types say enough; its messages may repeat records. */
function reason(chain: readonly Error[]): string {
  const last = chain.at(-1);
  if (last === undefined) return 'no error given';
  const { type, code } = last as Error & { readonly type?: unknown; readonly code?: unknown };
  return typeof type === 'string' ? type : typeof code === 'string' ? code : last.name;
}

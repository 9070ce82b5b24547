import { errors } from 'undici';
import { ConfigError, ConnectorError, RetriableError } from '../../core/errors.ts';

const untrustedCodes =
  /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_[A-Z_]+|CERT_[A-Z_]+|CRL_[A-Z_]+|ERROR_IN_CERT_[A-Z_]+|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH|ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_UNSUPPORTED_PROTOCOL|ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION|ERR_SSL_PACKET_LENGTH_TOO_LONG)$/;
const refusedClientCodes =
  /^ERR_SSL_.*(?:CERTIFICATE_REQUIRED|UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_(?:EXPIRED|REVOKED|UNKNOWN)|ACCESS_DENIED|HANDSHAKE_FAILURE)$/;
const timeoutCodes = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT']);

/** What a request that got no answer comes to: a ConfigError for a certificate that does not fit, a RetriableError for everything else. */
export function toFailure(error: unknown, path: string): ConnectorError {
  if (error instanceof ConnectorError) return error;
  const code = codeOf(error);
  if (code !== undefined && refusedClientCodes.test(code))
    return new ConfigError('HTTP_CLIENT_CERTIFICATE', `The server refused the client's certificate (${code}). Check ${path}.tls.`, {
      cause: error,
      unauthorized: true,
    });
  if (code !== undefined && untrustedCodes.test(code))
    return new ConfigError(
      'HTTP_TLS',
      `The server cannot be trusted: its certificate does not fit (${code}). Check the URL and ${path}.tls.`,
      {
        cause: error,
      },
    );
  if (code === 'UND_ERR_INVALID_ARG' || code === 'ERR_INVALID_CHAR')
    return new ConfigError('HTTP_REQUEST_INVALID', `The request cannot be sent as it is. Check method and headers in ${path}.`);
  if (code !== undefined && timeoutCodes.has(code))
    return new RetriableError('HTTP_TIMEOUT', `The server did not answer in time (${code})`, { cause: error });
  if (error instanceof errors.HTTPParserError)
    return new RetriableError('HTTP_UNREACHABLE', `The server answered something that is no HTTP (${error.code})`); // it quotes the answer
  return new RetriableError('HTTP_UNREACHABLE', `The server cannot be reached${code === undefined ? '' : ` (${code})`}`, { cause: error });
}

/** The code of an error, or of the first of its parts that has one. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof AggregateError) return error.errors.map(codeOf).find((code) => code !== undefined);
  return 'code' in error && typeof error.code === 'string' ? error.code : codeOf(error.cause);
}
